/** Takes what a thread prints by `console` and hands it on as lines, so that printing never waits and has a limit. */
import { format } from "node:util";
import { LineLimit, type Say } from "./line_limit.ts";

/** How often the number of lines left out is said. */
const LEFT_OUT_MS = 10_000;
/** So many times a thread's own limit passes who watches it: more, and the thread has lost it. */
export const WATCHED_TIMES = 2;
/** Taken now: a plugin may put a clock of its own in its place. */
const now = performance.now.bind(performance);
/** Methods of the console that print what they are given, and whether they speak of something wrong. */
const METHODS = {
  debug: false,
  info: false,
  log: false,
  dir: false,
  table: false,
  warn: true,
  error: true,
  trace: true,
};

/** From now on what this thread prints goes to `say`. Other methods of the console, which print beside it, do nothing. */
export function takeConsole(say: Say): void {
  for (const name of Object.getOwnPropertyNames(console)) {
    if (Object.hasOwn(METHODS, name)) continue;
    const isMethod = typeof console[name as "log"] === "function";
    Object.defineProperty(console, name, {
      value: isMethod ? () => {} : undefined,
      writable: true,
      configurable: true,
    });
  }
  for (const [name, isError] of Object.entries(METHODS)) {
    Object.defineProperty(console, name, {
      value: (...words: unknown[]) => say(format(...words), isError),
      writable: true,
      configurable: true,
    });
  }
}

/** A thread's way to say something: `say`, held to the limit of a thread, or to `times` that. */
export function limitLines(say: Say, times = 1): Say {
  const limit = new LineLimit(say, now, times);
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
