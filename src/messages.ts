/** What the supervisor and the parts say to each other. Requests never travel this way. */
import type { FrontSocket, FrontStart } from "./front/front_start.ts";
import type { OfficeStart } from "./office/office.ts";

/** From the supervisor to a part. The first message is a start; its port is transferred with it. */
export type ToPart =
  | { readonly type: "startFront"; readonly kind: FrontKind; readonly start: FrontStart }
  | { readonly type: "startOffice"; readonly start: OfficeStart }
  /** To the office: a front's port comes with it. */
  | { readonly type: "serveFront" }
  /** To a front: a port to a new office comes with it. */
  | { readonly type: "linkOffice" }
  /** What can you reach? */
  | { readonly type: "reach" }
  | { readonly type: "stop" };

/** From a part to the supervisor. */
export type FromPart =
  | { readonly type: "started"; readonly sockets: readonly FrontSocket[] }
  /** Could not start for a reason outside the program, in one sentence. */
  | { readonly type: "failed"; readonly reason: string }
  | { readonly type: "reaches"; readonly permissions: Readonly<Record<string, string>> }
  | { readonly type: "stopped" };

/** Kinds of front. */
export type FrontKind = "linux" | "portable";
