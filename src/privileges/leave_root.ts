/**
 * Gives root up for good, through libc: Deno can neither change its root directory nor leave the groups of a user. All
 * threads change together; what they have open they keep, and threads made later have no more than these. Nothing is
 * taken on trust: what is left afterwards is asked of the system, and the tracker does not serve with any of it.
 *
 *   capability header   0 version (4)   4 process, 0 = this one (4)                                8 bytes
 *   capability data     twice: 0 effective (4)   4 permitted (4)   8 inheritable (4)              24 bytes
 */
import * as nodeModule from "node:module";
import { constantFilter, ERROR_SYMBOLS, LIBC, systemError } from "../front/linux/libc.ts";
import { SystemFiles } from "../system_files.ts";
import { findUnreadable } from "./from_source.ts";
import type { LeavePlan } from "./plan.ts";
import type { User } from "./user.ts";

const SYMBOLS = {
  chroot: { parameters: ["buffer"], result: "i32" },
  mkdir: { parameters: ["buffer", "u32"], result: "i32" },
  chmod: { parameters: ["buffer", "u32"], result: "i32" },
  symlink: { parameters: ["buffer", "buffer"], result: "i32" },
  setgroups: { parameters: ["usize", "pointer"], result: "i32" },
  setgid: { parameters: ["u32"], result: "i32" },
  setuid: { parameters: ["u32"], result: "i32" },
  getresuid: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  getresgid: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  getgroups: { parameters: ["i32", "pointer"], result: "i32" },
  capget: { parameters: ["buffer", "buffer"], result: "i32" },
  prctl: { parameters: ["i32", "usize", "usize", "usize", "usize"], result: "i32" },
  syscall: { parameters: ["isize", "usize", "usize", "buffer"], result: "isize" },
  ...ERROR_SYMBOLS,
} as const;

type Calls = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

const PR_SET_NO_NEW_PRIVS = 38, PR_GET_NO_NEW_PRIVS = 39;
/** The version of the capability calls with two words of 32 capabilities. */
const CAPABILITY_VERSION = 0x20080522;
const SYS_SECCOMP = Deno.build.arch === "x86_64" ? 317n : 277n, SECCOMP_SET_MODE_FILTER = 1n;
/** The filter is for all threads, and costs them none of the processor's speculation. */
const SECCOMP_FILTER_FLAGS = 1n /* TSYNC */ | 4n /* SPEC_ALLOW */;
/** What a filter says of a call that may pass. */
const SECCOMP_RET_ALLOW = 0x7fff0000;

/** Lines for the operator, or the sentence that says why the tracker must not serve. */
type Left = { readonly lines: readonly string[] } | { readonly sentence: string };

/**
 * Becomes the user of `plan`, confined to its folder. Returns lines for the operator, or the sentence that says why the
 * tracker must not serve; how much of root is left is not known then, and the process is to end.
 */
export function leaveRoot(plan: LeavePlan): Left {
  let library: Deno.DynamicLibrary<typeof SYMBOLS>;
  try {
    library = Deno.dlopen(LIBC, SYMBOLS);
  } catch (error) {
    return cannot(`native calls are not available (${error instanceof Error ? error.message : error})`);
  }
  try {
    return leaveThrough(library.symbols, plan);
  } finally {
    library.close();
  }
}

function leaveThrough(calls: Calls, plan: LeavePlan): Left {
  const { user, confines, root } = plan, open = denyNewRights(calls);
  if (open !== null) return cannot(open);
  if (confines) {
    prepareRuntime();
    if (calls.chroot(text(".")) !== 0) return cannot(`chroot: ${systemError(calls)}`);
    // A root directory that one is not in confines nobody.
    Deno.chdir("/");
    putOwnName(calls);
  }
  const steps: readonly (readonly [name: string, call: () => number])[] = [
    ["setgroups", () => calls.setgroups(0n, null)],
    ["setgid", () => calls.setgid(user.gid)],
    ["setuid", () => calls.setuid(user.uid)],
  ];
  for (const [name, call] of steps) if (call() !== 0) return cannot(`${name}: ${systemError(calls)}`);
  const left = findLeft(calls, user);
  if (left !== null) return cannot(`${left} left`);
  const fault = findMissing(plan);
  if (fault !== null) return { sentence: `Cannot start: ${fault}` };
  const as = `running as ${user.name} (user ${user.uid}, group ${user.gid})`;
  return { lines: [confines ? `${as}, confined to ${root}: all paths are seen from inside it` : `${as} in ${root}`] };
}

// What a tracker needs of the place it is in now, as the user it is now; null when all is there.
function findMissing({ user: { name }, confines, root }: LeavePlan): string | null {
  const place = JSON.stringify(root);
  if (!canEnter()) return `tracker.rootdir must be a directory that tracker.user ${name} can enter, and is ${place}`;
  if (!Deno.build.standalone) {
    const fault = findUnreadable();
    if (fault !== null) return `from its sources, tracker.user ${name} must be able to read ${fault}`;
  }
  using files = new SystemFiles();
  if (!confines || files.link(OWN_NAME) !== null) return null;
  const link = OWN_NAME.slice(1);
  return `tracker.rootdir must have a symbolic link ${link} to /tracker inside, which the runtime reads: in ${place} ` +
    `tracker.user ${name} finds none`;
}

/**
 * Where the runtime looks for its own name whenever it makes a thread that has modules of Node; it ends the process when
 * there is none. What stands there plays no part.
 */
const OWN_NAME = "/proc/self/exe";

// From inside the new root, so that no link can lead out of it. If it cannot be made, that shows later.
function putOwnName(calls: Calls): void {
  for (const folder of ["/proc", "/proc/self"]) {
    if (calls.mkdir(text(folder), 0o755) === 0) calls.chmod(text(folder), 0o755);
  }
  calls.symlink(text("/tracker"), text(OWN_NAME));
}

// The runtime asks /proc for the bounds of the first thread's stack when it first meets a statement with others inside,
// in the text of a module that it takes types off there, and ends the process when it gets no answer.
function prepareRuntime(): void {
  const { stripTypeScriptTypes } = nodeModule;
  stripTypeScriptTypes?.("if (0);");
}

function text(words: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${words}\0`);
}

function cannot(why: string): { sentence: string } {
  return { sentence: `Cannot start: started as root, and that could not be given up: ${why}` };
}

// What should be gone and is not; null when nothing is.
function findLeft(calls: Calls, { uid, gid }: User): string | null {
  const users = new Uint32Array(3), groups = new Uint32Array(3);
  const words = (ids: Uint32Array<ArrayBuffer>) => [0, 4, 8].map((at) => new Uint8Array(ids.buffer, at, 4));
  const [realUser, user, savedUser] = words(users), [realGroup, group, savedGroup] = words(groups);
  calls.getresuid(realUser!, user!, savedUser!);
  calls.getresgid(realGroup!, group!, savedGroup!);
  if (users.some((id) => id !== uid || id === 0)) return `users ${users.join(", ")} are`;
  if (groups.some((id) => id !== gid || id === 0)) return `groups ${groups.join(", ")} are`;
  if (calls.getgroups(0, null) !== 0) return "further groups are";
  const capabilities = new Uint32Array(6), header = Uint32Array.of(CAPABILITY_VERSION, 0);
  const failed = calls.capget(new Uint8Array(header.buffer), new Uint8Array(capabilities.buffer)) !== 0;
  const [effective, permitted, , effectiveHigh, permittedHigh] = capabilities;
  if (failed || (effective! | permitted! | effectiveHigh! | permittedHigh!) !== 0) return "capabilities are";
  return calls.prctl(PR_GET_NO_NEW_PRIVS, 0n, 0n, 0n, 0n) === 1 ? null : "the right to gain new rights is";
}

// Whether this user may look for files here.
function canEnter(): boolean {
  try {
    Deno.statSync("tracker.state");
    return true;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}

/**
 * Takes from all threads the right to gain rights through other programs. PR_SET_NO_NEW_PRIVS is for one thread and those
 * it makes; those that the runtime had before get it from the system when they are given a filter of their calls together,
 * and this one lets everything pass. Every thread is asked, while there is a /proc. Returns why it cannot be relied on.
 */
function denyNewRights(calls: Calls): string | null {
  if (calls.prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) !== 0) return `prctl: ${systemError(calls)}`;
  const program = constantFilter(SECCOMP_RET_ALLOW);
  const result = Number(calls.syscall(SYS_SECCOMP, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAGS, program));
  // Above 0 it is a thread that has another filter.
  const why = result === 0 ? null : `seccomp: ${result < 0 ? systemError(calls) : `thread ${result} has its own`}`;
  const left = countWithRights();
  if (left === 0 || left === null && why === null) return null;
  return `${left ?? "some"} threads may still gain rights through other programs${why === null ? "" : ` (${why})`}`;
}

// Threads of this process that may gain rights; null = the system does not say.
function countWithRights(): number | null {
  using files = new SystemFiles();
  const threads = files.names("/proc/self/task") ?? [];
  // One that has ended meanwhile has no status.
  const said = threads.map((thread) =>
    /^NoNewPrivs:\s*(\d)$/m.exec(files.text(`/proc/self/task/${thread}/status`) ?? "")
  );
  const known = said.filter((match) => match !== null);
  return known.length === 0 ? null : known.filter(([, isSet]) => isSet !== "1").length;
}
