/** The thread of a test: it enters a slot, is let out of it, and says how far it is. */
import { Life } from "../../src/plugin/life.ts";

const thread = self as unknown as { onmessage: (event: MessageEvent) => void };
thread.onmessage = ({ data: { memory, steps } }: MessageEvent<{ memory: SharedArrayBuffer; steps: Int32Array }>) => {
  const life = new Life(memory);
  life.enter(5);
  Atomics.store(steps, 0, 1);
  while (Atomics.load(steps, 1) === 0);
  Atomics.store(steps, 0, 2);
  life.leave(5);
  Atomics.store(steps, 0, 3);
};
