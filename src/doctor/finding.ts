/** What a check of the doctor finds, and what to type about it. Pure. */

/** From best to worst, but for `cannot tell`, which is neither. */
export type State = "ok" | "cannot tell" | "warning" | "problem";

/** One thing looked at. */
export interface Finding {
  /** Name of the check: `CHECKS` of checks.ts, and the table of docs/operating.md. */
  readonly check: string;
  /** problem: clients are or will be lost, or the tracker will not start. warning: it can come to that. */
  readonly state: State;
  /** One line: what was found, with its figure, and what it means. */
  readonly says: string;
  /** Lines to type, or to write where they say; `#` begins what is said about one. */
  readonly commands: readonly string[];
}

/** The findings of one check, before they are given its name. */
export type Found = Omit<Finding, "check">;

/** All is well. */
export function ok(says: string): Found {
  return { state: "ok", says, commands: [] };
}

/** It can become a problem. */
export function warning(says: string, ...commands: readonly string[]): Found {
  return { state: "warning", says, commands };
}

/** It is one. */
export function problem(says: string, ...commands: readonly string[]): Found {
  return { state: "problem", says, commands };
}

/** The system does not say. */
export function cannotTell(says: string): Found {
  return { state: "cannot tell", says, commands: [] };
}

/** `count` and its noun: "1 socket", "2 sockets". */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
