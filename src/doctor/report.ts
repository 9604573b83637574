/** The findings as lines for a terminal, and as JSON. Pure. */
import type { Finding, State } from "./finding.ts";

/** Every state, as the last line counts them. */
const STATES: readonly { readonly state: State; readonly many: string }[] = [
  { state: "problem", many: "problems" },
  { state: "warning", many: "warnings" },
  { state: "cannot tell", many: "cannot be told" },
  { state: "ok", many: "ok" },
];

/** One line each, what to type below it, and how many of what at the end. */
export function formatReport(findings: readonly Finding[]): readonly string[] {
  const stateChars = widest(STATES.map(({ state }) => state)), checkChars = widest(findings.map(({ check }) => check));
  const lines = findings.flatMap(({ check, state, says, commands }) => [
    `${state.padEnd(stateChars)}  ${check.padEnd(checkChars)}  ${printable(says)}`,
    ...commands.map((command) => `${" ".repeat(stateChars + 2)}  ${printable(command)}`),
  ]);
  const counts = STATES.map(({ state, many }) => {
    const count = findings.filter((finding) => finding.state === state).length;
    return `${count} ${count === 1 && state !== "cannot tell" ? state : many}`;
  });
  return [...lines, counts.join(", ")];
}

/** The same for a program. */
export function jsonOfReport(findings: readonly Finding[]): unknown {
  const counts = Object.fromEntries(STATES.map(({ state }) => [
    state,
    findings.filter((finding) => finding.state === state).length,
  ]));
  return { counts, findings };
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map(({ length }) => length));
}

// Names of files and programs may hold anything; a terminal is not to obey it.
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, "?");
}
