/** Takes what a thread prints by `console` and hands it on as lines, so that printing never waits and has a limit. */
import { format } from "node:util";
import { LineLimit, type Say } from "./line_limit.ts";

/** How often the number of lines left out is said. */
const LEFT_OUT_MS = 10_000;
/** Methods of the console, and whether they speak of something wrong. */
const METHODS = { debug: false, info: false, log: false, warn: true, error: true } as const;

/** From now on what this thread prints goes to `say`. */
export function takeConsole(say: Say): void {
  for (const [name, isError] of Object.entries(METHODS)) {
    Object.defineProperty(console, name, {
      value: (...words: unknown[]) => say(format(...words), isError),
      writable: true,
      configurable: true,
    });
  }
}

/** A thread's way to say something: `say`, held to the limit of a thread. */
export function limitLines(say: Say): Say {
  const limit = new LineLimit(say, () => performance.now());
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (line, isError) => {
    limit.say(line, isError);
    if (limit.leftOut === 0 || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      limit.sayLeftOut();
    }, LEFT_OUT_MS);
  };
}
