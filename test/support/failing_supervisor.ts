/**
 * A tracker whose supervisor fails: the program of main.ts with one thing more, a promise that nobody keeps, rejected
 * when the process gets SIGUSR1.
 */
import { run } from "../../src/cli/run.ts";

Deno.addSignalListener("SIGUSR1", () => void Promise.reject(new Error("the supervisor's own mistake")));
Deno.exit(await run(Deno.args));
