import assert from "node:assert/strict";
import { Command, CommanderError } from "commander";
import { registerServe } from "../../src/cli/serve.ts";
import type { Config } from "../../src/config/config.ts";

/** Runs `serve` in a world of its own. Returns what came of it. */
async function serve(args: string[]): Promise<{ exitCode: number; printed: string[]; config: Config | null }> {
  const printed: string[] = [];
  let config: Config | null = null;
  let exitCode = -1;
  const command = new Command("tracker").exitOverride();
  const register = registerServe({
    readFile: () => ({ kind: "text", text: "what is this\n" }),
    printError: (text) => printed.push(...text.split("\n")),
    start: (given) => {
      config = given;
      return Promise.resolve(111);
    },
  });
  register(command, (code) => exitCode = code);
  try {
    await command.parseAsync(args, { from: "user" });
  } catch (error) {
    assert.ok(error instanceof CommanderError);
    exitCode = error.exitCode;
  }
  return { exitCode, printed, config };
}

Deno.test("serve starts with the config and returns what that returns", async () => {
  const { exitCode, printed, config } = await serve(["-f", "t.conf", "-i", "127.0.0.1", "-p7000", "-P", "7001"]);
  assert.equal(exitCode, 111);
  assert.deepEqual(printed, ["Unhandled line in config file: what is this (t.conf line 1)"]);
  assert.deepEqual(config?.listeners.map(({ protocol, port }) => `${protocol} ${port}`), ["tcp 7000", "udp 7001"]);
});

Deno.test("serve takes every form getopt takes", async () => {
  const rows: [args: string[], want: string][] = [
    [["-p7000"], ":: 7000"],
    [["-p", "7000"], ":: 7000"],
    [["-i127.0.0.1", "-p7000"], "127.0.0.1 7000"],
    [["-i", "::1", "-p7000"], "::1 7000"],
    [["-u", "-p", "-p7000"], ":: 7000"],
    [["-p7000", "--"], ":: 7000"],
  ];
  for (const [args, want] of rows) {
    const { config } = await serve(args);
    assert.deepEqual(config?.listeners.map(({ address, port }) => `${address} ${port}`), [want], args.join(" "));
  }
});

Deno.test("serve answers a command line it does not understand with the usage line and 1", async () => {
  const rows: [args: string[], want: RegExp][] = [
    [["-x"], /unknown option '-x'/],
    [["-p7000", "-x"], /unknown option '-x'/],
    [["--port", "7000"], /unknown option '--port'/],
    [["-p"], /'-p <port>' argument missing/],
    [["-p", "x"], /^Cannot start: -p must be a port from 0 to 65535, and is "x"$/],
    [["-p7000", "more"], /too many arguments/],
  ];
  for (const [args, want] of rows) {
    const { exitCode, printed, config } = await serve(args);
    assert.equal(exitCode, 1, args.join(" "));
    assert.equal(printed.length, 2, args.join(" "));
    assert.match(printed[0], want);
    assert.match(printed[1], /^Usage: tracker \[-i ip\] \[-p port\]/);
    assert.equal(config, null);
  }
});
