/** What the supervisor and the parts say to each other. Requests never travel this way. */
import type { FrontSocket, FrontStart } from "./front/front_start.ts";
import type { FrontRules } from "./front/rules.ts";
import type { OfficeStart } from "./office/office.ts";
import type { KeeperOrder, KeeperStart, KeeperState } from "./persist/keeper_start.ts";
import { type FromHost, type HostStart, isFromThread, type ToHost } from "./plugin/host_messages.ts";
import type { Reach } from "./reach.ts";

/** From the supervisor to a part. The first message is a start; its port is transferred with it. */
export type ToPart =
  /** Be no part yourself, but hold one: what it is told comes by the first port, the second it holds until its end. */
  | { readonly type: "openCell" }
  /** Let those that answer somebody go first, and so all threads you start. */
  | { readonly type: "giveWay" }
  /** Hold the port until your end. */
  | { readonly type: "holdUntilEnd" }
  | { readonly type: "startFront"; readonly kind: FrontKind; readonly start: FrontStart }
  | { readonly type: "startOffice"; readonly start: OfficeStart }
  | { readonly type: "startKeeper"; readonly start: KeeperStart }
  /** To the office: the port of the front of this number comes with it. */
  | { readonly type: "serveFront"; readonly front: number }
  /** To a front: a port to a new office comes with it. */
  | { readonly type: "linkOffice"; readonly oldFinishes: boolean }
  /** To a front: new lists, or new plugins. */
  | { readonly type: "setRules"; readonly rules: FrontRules }
  | { readonly type: "startHost"; readonly start: HostStart }
  | { readonly type: "toHost"; readonly message: ToHost }
  /** To the keeper, for a restart without a gap: keeper_start.ts says what each means. */
  | { readonly type: "keeper"; readonly order: KeeperOrder }
  /** To a front: take nothing new, and say when all is answered. */
  | { readonly type: "drain" }
  /** To a front: take what comes again, whether all was answered or not. */
  | { readonly type: "resume" }
  /** What can you reach? */
  | { readonly type: "reach" }
  /** `finishMs`: time to answer what was begun. */
  | { readonly type: "stop"; readonly finishMs: number };

/** From a part to the supervisor. */
export type FromPart =
  | { readonly type: "started"; readonly sockets: readonly FrontSocket[] }
  /** Could not start for a reason outside the program, in one sentence. */
  | { readonly type: "failed"; readonly reason: string }
  | { readonly type: "reaches"; readonly reach: Reach }
  /** A front's plugins are in force, or why they are not; it goes on with those of before. */
  | { readonly type: "rulesSet"; readonly fault: string | null }
  | { readonly type: "keeper"; readonly state: KeeperState }
  | { readonly type: "drained" }
  /** Something was thrown that nobody caught: the part is to be ended. */
  | { readonly type: "broken"; readonly why: string }
  /** A line for the operator. */
  | { readonly type: "said"; readonly line: string; readonly isError: boolean }
  /** The thread in a cell came to its end: its memory is full, or it ended itself. */
  | { readonly type: "cellEnded"; readonly why: string }
  | { readonly type: "fromHost"; readonly message: FromHost }
  | { readonly type: "stopped" };

/** Kinds of front. */
export type FrontKind = "linux" | "portable";

/** By type: whether the rest of a message is what it must be. */
const IS_WHOLE: Readonly<Record<FromPart["type"], (message: Readonly<Record<string, unknown>>) => boolean>> = {
  started: ({ sockets }) => Array.isArray(sockets),
  failed: ({ reason }) => typeof reason === "string",
  reaches: ({ reach }) => typeof reach === "object" && reach !== null,
  rulesSet: ({ fault }) => fault === null || typeof fault === "string",
  keeper: ({ state }) => typeof state === "string",
  drained: () => true,
  broken: ({ why }) => typeof why === "string",
  said: ({ line }) => typeof line === "string",
  cellEnded: ({ why }) => typeof why === "string",
  fromHost: ({ message }) => isFromThread(message) || isDeath(message),
  stopped: () => true,
};

/** Whether `message` is one that a part sends. Plugins share a realm with the part they run in, and may have its port. */
export function isFromPart(message: unknown): message is FromPart {
  if (typeof message !== "object" || message === null) return false;
  const { type } = message as { readonly type?: unknown };
  return typeof type === "string" && Object.hasOwn(IS_WHOLE, type) &&
    IS_WHOLE[type as FromPart["type"]](message as Record<string, unknown>);
}

// What the watcher of a plugin's thread says, and the thread itself may not.
function isDeath(message: unknown): boolean {
  if (typeof message !== "object" || message === null) return false;
  const { type, why } = message as Readonly<Record<string, unknown>>;
  return type === "died" && typeof why === "string";
}
