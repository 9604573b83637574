/** A thread that takes turns at a lock: word 0 is the lock, word 1 a plain sum. */
import { lock, unlock } from "../../src/swarm/lock.ts";
import { threadBody } from "../support/threads.ts";

threadBody<{ memory: SharedArrayBuffer; owner: number; turns: number }, null>(({ memory, owner, turns }) => {
  const words = new Int32Array(memory);
  for (let turn = 0; turn < turns; turn++) {
    lock(words, 0, owner);
    words[1]!++;
    unlock(words, 0);
  }
  return null;
});
