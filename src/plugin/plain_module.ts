/**
 * A plugin for runtimes that cannot hook imports (Deno before 2.8, and executables made with it): one file of JavaScript
 * without imports, loaded from its text. There nothing keeps a plugin from importing what the runtime has by code made
 * of text; the thread's permissions hold as everywhere.
 */

/** What imports something, at the start of a statement or anywhere. */
const STATIC_IMPORT = /^\s*(?:import\b(?!\s*[(.])|export\b[^;'"]*\bfrom\s*['"])/, DYNAMIC_IMPORT = /\bimport\s*\(/;
/** A line of a comment. */
const COMMENT_LINE = /^\s*(?:\/\/|\/\*|\*)/;

/** How the addresses of such modules begin; stack traces have them, shortened. */
const PLAIN_ADDRESS = "data:application/javascript;base64,";
/** One of them with the line behind it. */
const PLACE = new RegExp(`${PLAIN_ADDRESS}[^:\\s]*:(\\d+):\\d+`);

/** The line of a plain module that an error's message or stack names; undefined when it names none. */
export function plainLine(stack: string): string | undefined {
  return PLACE.exec(stack)?.[1];
}

/** A module as it was offered. */
export interface PlainModule {
  readonly url: string;
  readonly text: string;
  /** Another one makes another module of the same text. */
  readonly version: number;
  /** The runtime's name and version, for messages. */
  readonly runtime: string;
}

/** The address under which a module can be imported. Throws an Error when it imports anything itself. */
export function plainAddress({ url, text, version, runtime }: PlainModule): string {
  for (const [i, line] of text.split("\n").entries()) {
    if (COMMENT_LINE.test(line) || !(STATIC_IMPORT.test(line) || DYNAMIC_IMPORT.test(line))) continue;
    const error = new Error(
      `with ${runtime} a plugin can import nothing: use Deno 2.8.2 or newer, or make it one file`,
    );
    error.stack = `${error.message}\n    at ${url}:${i + 1}:1`;
    throw error;
  }
  return PLAIN_ADDRESS + new TextEncoder().encode(`${text}\n// ${version}`).toBase64();
}
