/** The lock beside a state file comes free when it is given up, whoever else has a copy of its descriptor. */
import assert from "node:assert/strict";
import { LIBC } from "../../src/front/linux/libc.ts";
import { StateLock } from "../../src/persist/state_lock.ts";
import { withStatePath } from "../support/state.ts";

const SYMBOLS = {
  dup: { parameters: ["i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

Deno.test(
  "StateLock.close() gives the lock up although a process that is being started has the file open",
  { ignore: Deno.build.os !== "linux" },
  withStatePath((path) => {
    const lock = StateLock.open(path, false), library = Deno.dlopen(LIBC, SYMBOLS);
    // What fork(2) does to it, for longer.
    const copy = library.symbols.dup(descriptorOf(`${path}.lock`));
    try {
      assert.ok(copy > 0);
      assert.throws(() => StateLock.open(path, false), /is kept by another tracker/);
      lock.close();
      StateLock.open(path, false).close();
    } finally {
      library.symbols.close(copy);
      library.close();
    }
  }),
);

function descriptorOf(path: string): number {
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      if (Deno.readLinkSync(`/proc/self/fd/${name}`) === path) return Number(name);
    } catch {
      // Closed meanwhile by another thread.
    }
  }
  throw new Error(`${path} is not open`);
}
