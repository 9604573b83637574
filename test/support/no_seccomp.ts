/**
 * A process on whose first thread the system refuses filters of calls (ENOSYS), as one does that has none, and which then
 * tries to give root up. Prints what comes of it.
 *
 *   load the call's number; if it is seccomp: errno 38; else: allow
 */
import { ConfigDraft } from "../../src/config/config.ts";
import { ERROR_SYMBOLS, LIBC } from "../../src/front/linux/libc.ts";
import { leaveRoot } from "../../src/privileges/leave_root.ts";

const SYMBOLS = {
  prctl: { parameters: ["i32", "usize", "buffer", "usize", "usize"], result: "i32" },
  ...ERROR_SYMBOLS,
} as const;
const PR_SET_NO_NEW_PRIVS = 38, PR_SET_SECCOMP = 22, SECCOMP_MODE_FILTER = 2n;
const SECCOMP = Deno.build.arch === "x86_64" ? 317 : 277, ENOSYS = 38;

const { prctl } = Deno.dlopen(LIBC, SYMBOLS).symbols, none = new Uint8Array(0);
const instructions: [code: number, ifTrue: number, ifFalse: number, value: number][] = [
  [0x20, 0, 0, 0],
  [0x15, 0, 1, SECCOMP],
  [0x06, 0, 0, 0x00050000 | ENOSYS],
  [0x06, 0, 0, 0x7fff0000],
];
const program = new Uint8Array(16 + instructions.length * 8), view = new DataView(program.buffer);
for (const [i, [code, ifTrue, ifFalse, value]] of instructions.entries()) {
  view.setUint16(16 + i * 8, code, true);
  view.setUint8(18 + i * 8, ifTrue);
  view.setUint8(19 + i * 8, ifFalse);
  view.setUint32(20 + i * 8, value, true);
}
view.setUint16(0, instructions.length, true);
view.setBigUint64(8, BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(program))) + 16n, true);
if (prctl(PR_SET_NO_NEW_PRIVS, 1n, none, 0n, 0n) !== 0) throw new Error("no_new_privs cannot be set");
if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0n, 0n) !== 0) throw new Error("no filter can be set");
// Stays root: what comes after the threads fails in any case.
const user = { name: "root", uid: 0, gid: 0 };
const config = new ConfigDraft().finish();
console.log(JSON.stringify(leaveRoot({ kind: "leave", user, root: "/", confines: false, config, lines: [] })));
