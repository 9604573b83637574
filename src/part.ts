/**
 * What every worker thread runs first. It waits for the supervisor's start message, loads the part that is meant, and
 * from then on passes on only stop and reach. A message it does not know is a fault and ends the part.
 */
import { BindFault, type Front } from "./front/front_start.ts";
import type { FromPart, ToPart } from "./messages.ts";
import type { Office } from "./office/office.ts";
import type { Keeper } from "./persist/keeper.ts";
import type { KeeperStart } from "./persist/keeper_start.ts";

const self = globalThis as unknown as {
  onmessage: (event: MessageEvent<ToPart>) => void;
  postMessage(message: FromPart): void;
  close(): void;
};

let front: Front | undefined;
let office: Office | undefined;
let keeper: Keeper | undefined;

// One message after the other: a start that still loads its part is not overtaken by what is meant for the part.
let turn: Promise<void> = Promise.resolve();
self.onmessage = (event) => {
  turn = turn.then(() => obey(event));
};

async function obey({ data, ports }: MessageEvent<ToPart>): Promise<void> {
  switch (data.type) {
    case "startFront":
      return await startFront(data, ports[0]!);
    case "startOffice": {
      const { Office } = await import("./office/office.ts");
      office = new Office(data.start);
      return self.postMessage({ type: "started", sockets: [] });
    }
    case "startKeeper":
      return await startKeeper(data.start);
    case "serveFront":
      return office!.serve(ports[0]!);
    case "linkOffice":
      return front!.linkOffice(ports[0]!);
    case "reach":
      return self.postMessage({ type: "reaches", permissions: permissionStates() });
    case "stop":
      await front?.stop();
      keeper?.stop();
      self.postMessage({ type: "stopped" });
      return self.close();
    default:
      throw new Error(`part: unknown message ${JSON.stringify(data)}`);
  }
}

async function startFront(message: ToPart & { type: "startFront" }, officePort: MessagePort): Promise<void> {
  try {
    front = message.kind === "linux"
      ? await startLinux(message.start, officePort)
      : (await import("./front/portable/portable_front.ts")).startPortableFront(message.start, officePort);
  } catch (error) {
    if (!(error instanceof BindFault)) throw error;
    return self.postMessage({ type: "failed", reason: error.message });
  }
  // Not awaited: if it ever rejects, nobody catches it, and so the part ends.
  void front.running;
  self.postMessage({ type: "started", sockets: front.sockets });
}

async function startKeeper(start: KeeperStart): Promise<void> {
  const { Keeper } = await import("./persist/keeper.ts"), { StateFault } = await import("./persist/state_fault.ts");
  try {
    keeper = Keeper.start(start);
  } catch (error) {
    if (!(error instanceof StateFault)) throw error;
    return self.postMessage({ type: "failed", reason: `Cannot start: ${error.message}` });
  }
  self.postMessage({ type: "started", sockets: [] });
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
