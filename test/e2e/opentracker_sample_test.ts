/** opentracker's own sample config, every line of it, in a tracker that runs. */
import assert from "node:assert/strict";
import { announceRequest, exchange } from "../support/app.ts";
import { testWith } from "../support/programs.ts";
import { makeOpenFolder, NOT_ROOT, OpenSources } from "../support/root.ts";
import { commandFromSource, startTracker } from "../support/tracker_process.ts";

const SAMPLE = "/etc/opentracker/opentracker.conf";
/** A line that is shown in a comment. */
const SHOWN = /^#[ \t]*(?=(listen|access|tracker|livesync|batchsync)\.[a-z_.]+[ \t]+\S+$)/gm;
const hex = (letter: string) => letter.charCodeAt(0).toString(16).repeat(20);

testWith(["opentracker"], "every line of opentracker's sample config is understood and followed", async () => {
  // What an operator would change: addresses this machine has, and where the files are. As root those are seen inside.
  const folder = makeOpenFolder("sample_"), inside = NOT_ROOT === null ? "" : folder;
  const text = Deno.readTextFileSync(SAMPLE).replace(SHOWN, "")
    .replace(/^(listen\.(?:tcp_udp|tcp|udp)) .*$/gm, "$1 127.0.0.1:0")
    .replace(/^(access\.whitelist) .*$/m, `$1 ${inside}/whitelist.txt`)
    .replace(/^(tracker\.rootdir) .*$/m, `$1 ${folder}`);
  const keys = text.match(/^[a-z]\S+/gm)!;
  assert.ok(keys.length >= 18, `${keys}`);
  const files = { "tracker.conf": text, "whitelist.txt": `${hex("a")}\n${hex("b")}\n`, blacklist: `${hex("b")}\n` };
  for (const [name, lines] of Object.entries(files)) Deno.writeTextFileSync(`${folder}/${name}`, lines);
  using sources = NOT_ROOT === null ? await OpenSources.copy() : null;
  await sources?.putInto(folder);
  try {
    const args = ["-f", `${folder}/tracker.conf`];
    await using tracker = await startTracker(args, folder, sources?.command ?? commandFromSource(), sources?.env);
    assert.doesNotMatch(tracker.printed(), /Unhandled line|Parse error/);
    const listeners = keys.filter((key) => key.startsWith("listen.") && key !== "listen.udp.workers");
    const asked = listeners.reduce((count, key) => count + (key === "listen.tcp_udp" ? 2 : 1), 0);
    // Two are the test's own.
    assert.equal(tracker.sockets.length, asked + 2, tracker.printed());
    const last = tracker.sockets.findLast(({ protocol }) => protocol === "tcp")!.port;
    const ask = (path: string) => exchange(last, `GET ${path} HTTP/1.1\r\nConnection: close\r\n\r\n`);
    assert.match(await exchange(last, announceRequest("a", 1001)), /8:intervali/);
    for (const letter of ["b", "c"]) {
      assert.match(await exchange(last, announceRequest(letter, 1001)), /not authorized/);
    }
    assert.match(await ask("/"), /^HTTP\/1\.0 302 Found\r\n[^]*Location: https:\/\/your\.tracker\.local\/\r\n/);
    assert.match(await ask("/stats"), /^HTTP\/1\.0 403 /);
    if (NOT_ROOT === null) assert.match(tracker.printed(), /^running as _opentracker /m);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
