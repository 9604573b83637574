/**
 * Takes from a thread's globals what its permissions do not already deny, before a plugin's code comes in: native and
 * hidden ways to modules, threads that would run without the resolve hook, the thread's own way to the supervisor, and
 * what acts on the whole process without asking for a permission. Of `Deno`, `process` and `navigator` a plugin has what
 * is listed here and nothing else, whatever a later runtime adds. Behind permissions this is the second wall, not the
 * first.
 */

/**
 * Globals that no plugin has: threads and ways to them, the thread's own channel, what the threads of cells and hosts have
 * of Node's, what is stored without a permission, and locks, by which threads can be ended (endable.ts).
 */
const TAKEN = ["Worker", "SharedWorker", "BroadcastChannel", "postMessage", "close", "require", "nodeBootstrap"]
  .concat([
    "caches",
    "Cache",
    "CacheStorage",
    "localStorage",
    "sessionStorage",
    "WorkerNavigator",
    "LockManager",
    "Lock",
  ]);
/** Ways out of threads that are granted nothing. A portable front itself needs the network, its plugins do not. */
const ONLY_HOSTS = ["fetch", "WebSocket", "WebSocketStream", "WebTransport", "EventSource"];

/** Of `process`: what tells something, or belongs to this thread alone. */
const PROCESS_KEPT = ["arch", "platform", "pid", "release", "version", "versions", "features", "nextTick", "hrtime"]
  .concat(["uptime", "memoryUsage", "emitWarning"]);
/** Of `navigator`. */
const NAVIGATOR_KEPT = ["hardwareConcurrency", "language", "languages", "platform", "userAgent"];
/** Of the runtime, what fronts and the office go on using. */
const DENO_KEPT = ["errors", "build", "version", "inspect"];
/** And what hosts have besides: files and the network, where each call asks for a permission. */
const DENO_KEPT_HOST = [
  ...["open", "create", "readFile", "readTextFile", "writeFile", "writeTextFile", "readDir", "readLink", "realPath"],
  ...[
    "stat",
    "lstat",
    "mkdir",
    "remove",
    "rename",
    "copyFile",
    "truncate",
    "link",
    "symlink",
    "utime",
    "chmod",
    "chown",
  ],
  ...["makeTempDir", "makeTempFile"],
].flatMap((name) => [name, `${name}Sync`])
  .concat(["FsFile", "SeekMode", "watchFs", "permissions", "PermissionStatus", "refTimer", "unrefTimer", "memoryUsage"])
  .concat(["connect", "connectTls", "startTls", "listen", "listenTls", "listenDatagram", "resolveDns"])
  .concat(["serve", "upgradeWebSocket", "createHttpClient", "HttpClient"]);

/**
 * Globals that stay what they are, with what all of their objects share: by changing them a plugin would come by what our
 * own code in its thread holds, which is shared memory and ports.
 */
const FIXED = ["Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array"]
  .concat([
    "BigInt64Array",
    "BigUint64Array",
    "Float16Array",
    "Float32Array",
    "Float64Array",
    "DataView",
    "ArrayBuffer",
  ])
  .concat(["SharedArrayBuffer", "Atomics"]);
/** Prototypes of ports and of what comes by them, whose events lead back to the port. */
const PORTS = [MessagePort, EventTarget, Event, MessageEvent];

/** Narrows the globals of this thread, for good. `isHost`: it may be granted something. */
export function confine(isHost: boolean): void {
  for (const name of FIXED) fix(name);
  Object.freeze(Object.getPrototypeOf(Int32Array.prototype));
  for (const { prototype } of PORTS) {
    for (const name of Object.getOwnPropertyNames(prototype)) fixMember(prototype, name);
    Object.preventExtensions(prototype);
  }
  // Nor is anything put below them, where the making of an event would come by.
  Object.preventExtensions(Object.prototype);
  for (const name of isHost ? TAKEN : [...TAKEN, ...ONLY_HOSTS]) put(name, undefined);
  keep("Deno", isHost ? [...DENO_KEPT, ...DENO_KEPT_HOST] : DENO_KEPT, {});
  // What reads them without need finds them empty; those of the process are not a plugin's to see.
  keep("process", PROCESS_KEPT, { env: Object.freeze({}), argv: Object.freeze([]) });
  keep("navigator", NAVIGATOR_KEPT, {});
}

// Puts in the place of a global what is `kept` of it. The object itself stays with the runtime, whose modules use it.
function keep(name: string, kept: readonly string[], more: Readonly<Record<string, unknown>>): void {
  const whole = (globalThis as unknown as Record<string, Record<string, unknown> | undefined>)[name] ?? {};
  const members = kept.filter((member) => whole[member] !== undefined).map((member) =>
    [member, whole[member]] as const
  );
  put(name, Object.freeze({ ...Object.fromEntries(members), ...more }));
}

function fix(name: string): void {
  const found = (globalThis as unknown as Record<string, { readonly prototype?: object } | undefined>)[name];
  // Runtimes before 2.9 lack some.
  if (found === undefined) return;
  Object.freeze(found);
  if (found.prototype !== undefined) Object.freeze(found.prototype);
  put(name, found);
}

// A single port may have its own, as the runtime gives to some; what all of them share stays.
function fixMember(of: object, name: string): void {
  const { get, value } = Object.getOwnPropertyDescriptor(of, name)!;
  if (get !== undefined) return void Object.defineProperty(of, name, { configurable: false });
  const set = function (this: object, own: unknown) {
    if (this === of) throw new TypeError(`${name} stays what it is`);
    Object.defineProperty(this, name, { value: own, writable: true, configurable: true, enumerable: true });
  };
  Object.defineProperty(of, name, { get: () => value, set, configurable: false });
}

// Its own, or hiding that of the prototype.
function put(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, writable: false, configurable: false });
}
