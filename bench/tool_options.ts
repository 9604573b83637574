/** The command lines of the programs for developers: bench, soak and fuzz. */
import { parseArgs, type ParseArgsConfig } from "node:util";

/** Something that was asked for wrongly, or that is missing: a sentence, shown without a stack. */
export class Mistake extends Error {}

/** The values of `options` among `args`. Throws Mistake on what it does not know. */
export function parseOptions<Options extends NonNullable<ParseArgsConfig["options"]>>(
  args: readonly string[],
  options: Options,
): ReturnType<typeof parseArgs<{ args: string[]; options: Options }>>["values"] {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new Mistake(`${error instanceof Error ? error.message : error}; see --help`);
  }
}

/** A whole number from `min` up, or undefined when the option was not given. Throws Mistake on anything else. */
export function readWhole(name: string, text: string | undefined, min = 1): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= min) return number;
  throw new Mistake(`--${name} must be a whole number from ${min}, and is "${text}"`);
}
