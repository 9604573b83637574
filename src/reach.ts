/**
 * What the thread it runs in can reach: each permission as the runtime states it, and tried. Nothing is changed by the
 * tries, and no more comes out of them than whether the runtime stood in the way: what is asked for is not there, or has
 * nobody who answers. What they need is taken now: a thread that runs plugins loses it.
 */
const { Command, connect, dlopen, env, errors, hostname, openSync, permissions } = Deno;

/** Permissions, in the runtime's words. */
export const PERMISSIONS = ["read", "write", "net", "env", "sys", "run", "ffi", "import"] as const;

/** One of them. */
export type Permission = typeof PERMISSIONS[number];

/** What a thread can reach. */
export interface Reach {
  /** granted: all of its kind. prompt, denied, granted-partial: not all. */
  readonly states: Readonly<Record<Permission, string>>;
  /** By name of a try: whether the runtime stood in the way. */
  readonly denied: Readonly<Record<Permission, boolean>>;
}

/** A folder that is nowhere. */
const NOWHERE = "/nowhere/at/all";
/** An address where nobody answers. */
const NOBODY = { hostname: "127.0.0.1", port: 1 };

const TRIES: Readonly<Record<Permission, () => unknown>> = {
  read: () => openSync("/etc/passwd").close(),
  write: () => openSync(`${NOWHERE}/file`, { write: true, create: true }).close(),
  net: async () => (await connect(NOBODY)).close(),
  env: () => env.get("PATH"),
  sys: () => hostname(),
  run: () => new Command(`${NOWHERE}/program`).outputSync(),
  ffi: () => dlopen("libc.so.6", {}).close(),
  import: importModule,
};

/** Asks and tries. */
export async function findReach(): Promise<Reach> {
  const states = PERMISSIONS.map((name) => [name, permissions.querySync({ name }).state] as const);
  const denied = await Promise.all(PERMISSIONS.map(async (name) => [name, await isDenied(TRIES[name])] as const));
  return {
    states: Object.fromEntries(states) as Record<Permission, string>,
    denied: Object.fromEntries(denied) as Record<Permission, boolean>,
  };
}

async function isDenied(attempt: () => unknown): Promise<boolean> {
  try {
    await attempt();
    return false;
  } catch (error) {
    return error instanceof errors.NotCapable;
  }
}

// An import is refused in words alone, by the runtime or by the hook of a thread that runs plugins; one that is allowed
// finds nobody who answers.
async function importModule(): Promise<void> {
  try {
    await import(`http://${NOBODY.hostname}:${NOBODY.port}/module.js`);
  } catch (error) {
    const { message } = error as Error;
    if (!message.includes("error sending request")) throw new errors.NotCapable(message);
  }
}
