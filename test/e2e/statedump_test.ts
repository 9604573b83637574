/** State dumps carried from opentracker to this tracker and back. */
import assert from "node:assert/strict";
import { testWith } from "../support/programs.ts";
import { askHttp, httpBody } from "../support/raw_client.ts";
import { startOpentracker, startTracker } from "../support/tracker_process.ts";
import { latin1, latin1Text } from "../support/vectors.ts";

const END = " HTTP/1.1\r\nConnection: close\r\n\r\n";
const DUMP = `GET /stats?mode=statedump${END}`;
/** Starts in which opentracker once loads its dump after its list. */
const STARTS_MAX = 40;
/** Asked for until the list is there: a stop would be answered before. */
const READY = 0x43;
const LISTED = [0x41, 0x42, READY];
/** Lines that take opentracker longer to read than its list. */
const UNLISTED = Array.from({ length: 200_000 }, (_, i) => `${i.toString(16).toUpperCase().padStart(40, "0")}:1:1\n`)
  .join("");

function announce(byte: number, port: number): string {
  const hash = `%${byte.toString(16)}`.repeat(20);
  return `GET /announce?info_hash=${hash}&port=${port}&left=0&event=completed${END}`;
}

/** Hash and completed count of each line but that of the torrent that is asked for until a tracker is ready. */
function countsOf(dump: string): string[] {
  const counts = dump.split("\n").filter((line) => line !== "").map((line) => {
    const [, hash, completed] = /^([0-9A-F]{40}):\d+:(\d+)$/.exec(line) ?? assert.fail(`no line of a dump: ${line}`);
    return `${hash!.slice(0, 2)} ${completed}`;
  });
  return counts.filter((count) => !count.startsWith(READY.toString(16)));
}

testWith(
  ["opentracker"],
  "a state dump keeps its figures from opentracker to here, and opentracker loads ours",
  async () => {
    const folder = Deno.makeTempDirSync({ prefix: "statedump" }), options = ["-w", "whitelist.txt", "-A", "127.0.0.1"];
    Deno.chmodSync(folder, 0o755);
    const list = LISTED.map((byte) => `${byte.toString(16).repeat(20)}\n`).join("");
    Deno.writeTextFileSync(`${folder}/whitelist.txt`, list);
    const startTheirs = (more: readonly string[]) =>
      startOpentracker(
        [...options, ...more],
        folder,
        async (port) => latin1Text((await askHttp(port, announce(READY, 1))).bytes).includes("8:complete"),
      );
    try {
      const first = await startTheirs([]);
      for (const [byte, port] of [[0x41, 1], [0x41, 2], [0x41, 3], [0x42, 1]] as const) {
        const reply = await httpBody(first.httpPort, announce(byte, port));
        assert.match(reply, /^d8:complete/);
      }
      const theirDump = await httpBody(first.httpPort, DUMP), theirs = countsOf(theirDump);
      await first.stop();
      assert.deepEqual(theirs, ["41 3", "42 1"]);

      Deno.writeFileSync(`${folder}/theirs.txt`, latin1(theirDump));
      const ours = await startTracker([...options, "-l", `${folder}/theirs.txt`], folder);
      const ourDump = await httpBody(ours.httpPort, DUMP);
      await ours.stop();
      assert.match(ours.printed(), /theirs\.txt: 3 torrents loaded$/m);
      assert.deepEqual(countsOf(ourDump), theirs);

      Deno.writeFileSync(`${folder}/ours.txt`, latin1(UNLISTED + ourDump));
      let reloaded: string[] = [];
      // It reads list and dump at the same time, and drops what it finds no list for yet: ours is at the end.
      for (let tries = 0; tries < STARTS_MAX && reloaded.length === 0; tries++) {
        const second = await startTheirs(["-l", "ours.txt"]);
        reloaded = countsOf(await httpBody(second.httpPort, DUMP));
        await second.stop();
      }
      // Whether it doubles the figures depends on its version.
      assert.deepEqual(reloaded.map((row) => row.split(" ")[0]), ["41", "42"]);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
);
