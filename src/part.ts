/**
 * What every worker thread runs first. It waits for the supervisor's start message, loads the part that is meant, and
 * from then on passes on only stop and reach. A message it does not know is a fault and ends the part.
 */
import { BindFault, type Front } from "./front/front_start.ts";
import type { FromPart, ToPart } from "./messages.ts";
import type { Office } from "./office/office.ts";

const self = globalThis as unknown as {
  onmessage: (event: MessageEvent<ToPart>) => void;
  postMessage(message: FromPart): void;
  close(): void;
};

let front: Front | undefined;
let office: Office | undefined;

self.onmessage = async ({ data, ports }) => {
  switch (data.type) {
    case "startFront":
      return await startFront(data, ports[0]!);
    case "startOffice": {
      const { Office } = await import("./office/office.ts");
      office = new Office(data.start);
      return self.postMessage({ type: "started", sockets: [] });
    }
    case "serveFront":
      return office!.serve(ports[0]!);
    case "linkOffice":
      return front!.linkOffice(ports[0]!);
    case "reach":
      return self.postMessage({ type: "reaches", permissions: permissionStates() });
    case "stop":
      await front?.stop();
      self.postMessage({ type: "stopped" });
      return self.close();
    default:
      throw new Error(`part: unknown message ${JSON.stringify(data)}`);
  }
};

async function startFront(message: ToPart & { type: "startFront" }, officePort: MessagePort): Promise<void> {
  try {
    front = message.kind === "linux"
      ? await startLinux(message.start, officePort)
      : (await import("./front/portable/portable_front.ts")).startPortableFront(message.start, officePort);
  } catch (error) {
    if (!(error instanceof BindFault)) throw error;
    return self.postMessage({ type: "failed", reason: error.message });
  }
  self.postMessage({ type: "started", sockets: front.sockets });
  await front.running;
}

/** Native calls are bound first and the right to bind more is given back; only then is anything else loaded. */
async function startLinux(start: (ToPart & { type: "startFront" })["start"], officePort: MessagePort): Promise<Front> {
  const { bindNative } = await import("./front/linux/native.ts");
  const native = bindNative(start.http.connectionsMax, start.policy.numwantMax);
  Deno.permissions.revokeSync({ name: "ffi" });
  assertNoNative();
  const { startLinuxFront } = await import("./front/linux/linux_front.ts");
  return startLinuxFront(start, native, officePort);
}

function assertNoNative(): void {
  try {
    Deno.dlopen("libc.so.6", {}).close();
  } catch {
    return;
  }
  throw new Error("part: native calls can still be bound after their permission was given back");
}

function permissionStates(): Record<string, string> {
  const names = ["read", "write", "net", "env", "sys", "run", "ffi", "import"] as const;
  return Object.fromEntries(names.map((name) => [name, Deno.permissions.querySync({ name }).state]));
}
