/** The program: command line in, exit code out. */
import process from "node:process";
import { wordsOfOldName } from "./src/cli/old_names.ts";
import { run } from "./src/cli/run.ts";

Deno.exit(await run([...wordsOfOldName(process.argv0), ...Deno.args]));
