/**
 * Takes from a thread's globals what its permissions do not already deny, before a plugin's code comes in: native and
 * hidden ways to modules, threads that would run without the resolve hook, and, where nothing is granted, the network
 * of the thread's own. Behind permissions this is the second wall, not the first.
 */

/** Ways out that no plugin has: threads, and what the threads of cells and hosts have of Node's. */
const NEVER = ["Worker", "SharedWorker", "require", "nodeBootstrap"];
/** Members of `process` that no plugin has. Deno lets anybody send signals with `kill`, to the tracker as well. */
const NEVER_OF_PROCESS = ["getBuiltinModule", "binding", "dlopen", "_linkedBinding", "mainModule", "kill", "_kill"]
  .concat(["_debugProcess", "reallyExit", "loadEnvFile"]);
/** Ways out of threads that are granted nothing. A portable front itself needs the network, its plugins do not. */
const ONLY_HOSTS = [
  "fetch",
  "WebSocket",
  "WebSocketStream",
  "WebTransport",
  "EventSource",
  "caches",
  "BroadcastChannel",
];
/** Of the runtime, what fronts and the office go on using. */
const DENO_KEPT = ["errors", "build", "version", "inspect"] as const;

/** Narrows the globals of this thread, for good. */
export function confine(isHost: boolean): void {
  const globals = globalThis as unknown as Record<string, unknown>;
  for (const name of isHost ? NEVER : [...NEVER, ...ONLY_HOSTS, "postMessage", "close"]) take(globals, name);
  const { process } = globals as { process?: Record<string, unknown> };
  for (const name of NEVER_OF_PROCESS) if (process) take(process, name);
  if (isHost) return;
  const deno = globals.Deno as Record<string, unknown>;
  Object.defineProperty(globals, "Deno", {
    value: Object.freeze(Object.fromEntries(DENO_KEPT.map((name) => [name, deno[name]]))),
    writable: false,
    configurable: false,
  });
}

// Removed, or hidden where the prototype has it too.
function take(from: Record<string, unknown>, name: string): void {
  Object.defineProperty(from, name, { value: undefined, writable: false, configurable: true });
}
