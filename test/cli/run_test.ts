import assert from "node:assert/strict";
import type { CommandEntry, Register } from "../../src/cli/commands.ts";
import { run } from "../../src/cli/run.ts";

/** Runs `args` on a program of two commands. Returns the exit code and what the commands were called with. */
async function runTwo(args: string[]): Promise<{ exitCode: number; seen: string[]; loaded: string[] }> {
  const seen: string[] = [];
  const loaded: string[] = [];
  const entry = (name: string, register: Register): CommandEntry => ({
    summary: name,
    load: () => {
      loaded.push(name);
      return Promise.resolve({ register });
    },
  });
  const exitCode = await run(args, {
    serve: entry("serve", (command, exitWith) => {
      command.configureOutput({ writeErr: () => {} }).option("-p <port>").action(({ p }) => {
        seen.push(`serve ${p}`);
        exitWith(111);
      });
    }),
    torrent: entry("torrent", (command, exitWith) => {
      command.configureOutput({ writeErr: () => {}, writeOut: (text) => seen.push(text.split("\n")[0]) });
      command.command("make").argument("<file>").action(async (file) => {
        seen.push(`make ${file}`);
        await Promise.resolve();
        exitWith(3);
      });
      command.command("break").action(() => {
        throw new TypeError("ours");
      });
    }),
  });
  return { exitCode, seen, loaded };
}

Deno.test("run() finds the command, loads it alone, and returns its exit code", async () => {
  const rows: { args: string[]; exitCode: number; loaded: string; seen: string[] }[] = [
    { args: [], exitCode: 111, loaded: "serve", seen: ["serve undefined"] },
    { args: ["-p", "1"], exitCode: 111, loaded: "serve", seen: ["serve 1"] },
    { args: ["serve", "-p", "1"], exitCode: 111, loaded: "serve", seen: ["serve 1"] },
    { args: ["-p", "torrent"], exitCode: 111, loaded: "serve", seen: ["serve torrent"] },
    { args: ["-x"], exitCode: 1, loaded: "serve", seen: [] },
    { args: ["torrent", "make", "a"], exitCode: 3, loaded: "torrent", seen: ["make a"] },
    { args: ["torrent", "make"], exitCode: 1, loaded: "torrent", seen: [] },
    { args: ["torrent", "make", "-x"], exitCode: 1, loaded: "torrent", seen: [] },
    {
      args: ["torrent", "--help"],
      exitCode: 0,
      loaded: "torrent",
      seen: [
        "Usage: tracker torrent [options] [command]",
      ],
    },
  ];
  for (const { args, exitCode, loaded, seen } of rows) {
    assert.deepEqual(await runTwo(args), { exitCode, seen, loaded: [loaded] }, args.join(" "));
  }
});

Deno.test("run() lets a fault of ours through", async () => {
  await assert.rejects(() => runTwo(["torrent", "break"]), TypeError);
});
