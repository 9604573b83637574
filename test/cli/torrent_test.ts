import assert from "node:assert/strict";
import { wordsOfOldName } from "../../src/cli/old_names.ts";
import type { ToolRim } from "../../src/cli/tool_rim.ts";
import type { AnnounceAnswer, Asked } from "../../src/client/question.ts";
import { type Metainfo } from "../../src/torrent/metainfo.ts";
import { readTorrent } from "../../src/torrent/read_torrent.ts";
import { runProgram, testWith } from "../support/programs.ts";
import { put, runTool, type ToolRun, withFolder } from "../support/tool_world.ts";

const A = "http://a.example:6969/announce", B = "http://b.example/announce", C = "udp://c.example:1";

function read(path: string): Metainfo {
  const torrent = readTorrent(path);
  assert(!("kind" in torrent), "kind" in torrent ? torrent.reason : "");
  return torrent;
}

const namesOf = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

/** Runs a command that must end well and without a word on stderr. */
async function runWell(...args: string[]): Promise<readonly string[]> {
  const { exitCode, out, err } = await runTool(args);
  assert.deepEqual([exitCode, err], [0, []]);
  return out;
}

Deno.test("torrent make writes a torrent beside the file, with every option", () =>
  withFolder(async (folder) => {
    put(`${folder}/film/a.mkv`, "x".repeat(100_000));
    put(`${folder}/film/.nfo`, "hidden");
    const { exitCode, out, err } = await runTool([
      ..."torrent make".split(" "),
      `${folder}/film/`,
      A,
      "--announce-list",
      `${A}|${B},${C}`,
      "--piece-size-pow2",
      "14",
      "--comment",
      "hello",
      "--web-seed",
      "https://w/1",
      "--web_seed",
      "https://w/2",
      "--private",
      "--hybrid",
    ]);
    assert.equal(exitCode, 0);
    assert.deepEqual(err, [
      "Warning: this choice of trackers: tier 2 holds 2 trackers, asked at random: right only if they share peers",
    ]);
    const torrent = read(`${folder}/film.torrent`);
    const hex = (bytes: Uint8Array) => bytes.toHex();
    assert.deepEqual(out, [
      `${folder}/film.torrent: 1 file, 97.7 KiB, 7 pieces of 16 KiB; info hash ${hex(torrent.infoHashV1!)} and ${
        hex(torrent.infoHashV2!)
      }`,
      "  left out: 1 hidden",
    ]);
    assert.deepEqual([torrent.name, torrent.announce, torrent.tiers], ["film", A, [[A], [B, C]]]);
    assert.deepEqual([torrent.pieceLengthBytes, torrent.comment, torrent.isPrivate], [16384, "hello", true]);
    assert.deepEqual(torrent.webSeeds, ["https://w/1", "https://w/2"]);
    assert.deepEqual([torrent.createdBy, torrent.creationDateSeconds], ["waggle 0.1.0", 1_795_219_200]);
  }));

Deno.test("torrent make takes BitTornado's spellings and its other order", () =>
  withFolder(async (folder) => {
    put(`${folder}/a`, "a");
    put(`${folder}/b`, "b");
    await runWell(
      "torrent",
      "make",
      A,
      `${folder}/a`,
      "--announce_list",
      A,
      "--piece_size_pow2",
      "15",
      "--comment",
      "",
    );
    assert.equal(read(`${folder}/a.torrent`).pieceLengthBytes, 1 << 15);
    assert.deepEqual(read(`${folder}/a.torrent`).tiers, [[A]]);
    assert.equal(read(`${folder}/a.torrent`).comment, undefined);
    await runWell("torrent", "make", A, `${folder}/a`, `${folder}/b`, "--announce_list", "");
    assert.equal(read(`${folder}/a.torrent`).pieceLengthBytes, 1 << 18);
    assert.equal(read(`${folder}/b.torrent`).tiers, undefined);
  }));

Deno.test("torrent make is silent with --quiet, and names the target itself", () =>
  withFolder(async (folder) => {
    put(`${folder}/a`, "a");
    assert.deepEqual(await runWell("torrent", "make", `${folder}/a`, A, "--quiet", "--target", `${folder}/t`), []);
    assert.deepEqual(namesOf(folder), ["a", "t"]);
  }));

Deno.test("torrent make refuses what it cannot do, in one sentence", () =>
  withFolder(async (folder) => {
    put(`${folder}/a`, "a");
    put(`${folder}/b`, "b");
    put(`${folder}/zero`, "");
    const a = `${folder}/a`;
    const rows: { args: string[]; want: RegExp }[] = [
      { args: [a], want: /^Cannot start: missing required argument 'announce-url'$/ },
      { args: [a, "nonsense"], want: /^Cannot start: "nonsense" is not the URL of a tracker/ },
      {
        args: [a, A, "--announce-list", `${A}||${B}`],
        want: /^Cannot start: in --announce-list tier 2 has an empty place/,
      },
      {
        args: [a, A, "--piece-size-pow2", "13"],
        want: /^Cannot start: --piece-size-pow2 must be 14 to 24, and is "13"$/,
      },
      {
        args: [a, A, "--piece_size_pow2", "x"],
        want: /^Cannot start: --piece-size-pow2 must be 14 to 24, and is "x"$/,
      },
      { args: [a, A, "--v1", "--hybrid"], want: /^Cannot start: of --v1, --v2 and --hybrid only one/ },
      {
        args: [a, A, "--web-seed", "x"],
        want: /^Cannot start: --web-seed must be an http, https or ftp URL, and is "x"$/,
      },
      { args: [a, A, `${folder}/b`, "--target", "t"], want: /^Cannot start: --target names one file/ },
      { args: [`${folder}/none`, A], want: /^Cannot make a torrent of ".*none": no such file or directory$/ },
      { args: [`${folder}/zero`, A], want: /^Cannot make a torrent of ".*zero": it is empty$/ },
      { args: [a, A, "--target", `${folder}/no/t`], want: /^Cannot make a torrent of ".*a": ".*no\/t": no such file/ },
      { args: [a, A, "--frob"], want: /^Cannot start: unknown option '--frob'$/ },
    ];
    for (const { args, want } of rows) {
      const { exitCode, out, err } = await runTool(["torrent", "make", ...args]);
      assert.equal(exitCode, 1, args.join(" "));
      assert.match(err[0], want);
      assert.deepEqual([err.length, out], [1, []], args.join(" "));
    }
    assert.deepEqual(namesOf(folder), ["a", "b", "zero"]);
  }));

Deno.test("torrent make ends with the signal's code when it is stopped", () =>
  withFolder(async (folder) => {
    put(`${folder}/a`, "a");
    const { exitCode, err } = await runTool(["torrent", "make", `${folder}/a`, A], {
      catchStop: () => ({ signal: AbortSignal.abort(), exitCode: () => 130, release: () => {} }),
    });
    assert.equal(exitCode, 130);
    assert.deepEqual(err, [`Stopped: "${folder}/a.torrent" is not written`]);
    assert.deepEqual(namesOf(folder), ["a"]);
  }));

Deno.test("torrent make shows how far it is: a bar on a terminal, lines elsewhere, nothing with --quiet", () =>
  withFolder(async (folder) => {
    put(`${folder}/big`, "");
    Deno.truncateSync(`${folder}/big`, 64 * 1024 * 1024);
    for (const where of ["terminal", "lines", "quiet"]) {
      let seconds = 0;
      const drawn: string[] = [];
      const { err } = await runTool(["torrent", "make", `${folder}/big`, A, ...(where === "quiet" ? ["-q"] : [])], {
        // Each look at the clock finds it 6 seconds on.
        now: () => 1000 * (seconds += 6),
        redraw: where === "lines" ? null : (text) => drawn.push(text),
      });
      if (where === "terminal") {
        assert.match(drawn[0], /^\[#{3} {21}\] {2}12 % of 64 MiB, \d.* KiB\/s, \d.* left {2}big$/);
        assert.equal(drawn.at(-1), "");
      } else assert.deepEqual(drawn, []);
      if (where === "lines") assert.match(err[0], /^big: {2}25 % of 64 MiB, .*\/s, .* left$/);
      else assert.deepEqual(err, []);
    }
  }));

Deno.test("torrent make-dir makes what is missing, and goes on after what fails", () =>
  withFolder(async (folder) => {
    for (const name of ["a", "done", "done.torrent", ".hidden", "folder/x"]) put(`${folder}/${name}`, name);
    Deno.mkdirSync(`${folder}/empty`);
    const { exitCode, out, err } = await runTool(["torrent", "make-dir", folder, A]);
    assert.equal(exitCode, 1);
    assert.deepEqual(err, [`Cannot make a torrent of "${folder}/empty": there is no file with a byte in it`]);
    assert.deepEqual(out.map((line) => line.split(":")[0]), [`${folder}/a.torrent`, `${folder}/folder.torrent`]);
    Deno.removeSync(`${folder}/empty`);
    assert.deepEqual(await runWell("torrent", "make-dir", A, folder), [
      `${folder}: has a torrent for every entry already`,
    ]);
    assert.equal(Deno.readTextFileSync(`${folder}/done.torrent`), "done.torrent");
    Deno.mkdirSync(`${folder}/out`);
    await runTool(["torrent", "make-dir", folder, A, "--target", `${folder}/out`]);
    assert.deepEqual(namesOf(`${folder}/out`), ["a.torrent", "done.torrent", "folder.torrent"], "not one of itself");
    assert.deepEqual((await runTool(["torrent", "make-dir", `${folder}/no`, A])).err, [
      `Cannot read the folder "${folder}/no": no such file or directory`,
    ]);
  }));

Deno.test("torrent show prints what a torrent says, for people and as JSON", () =>
  withFolder(async (folder) => {
    put(`${folder}/c/dir/one`, "x".repeat(5000));
    put(`${folder}/c/two\u001b[31m`, "y");
    await runTool(["torrent", "make", `${folder}/c`, A, "--announce-list", `${B}|${C},${B}`]);
    const { exitCode, out, err } = await runTool(["torrent", "show", `${folder}/c.torrent`]);
    assert.equal(exitCode, 0);
    const hash = read(`${folder}/c.torrent`).infoHashV1!.toHex();
    assert.deepEqual(out, [
      `${folder}/c.torrent`,
      "  name          c",
      "  size          4.9 KiB (5001 bytes) in 2 files",
      "  pieces        1 of 256 KiB",
      `  info hash v1  ${hash}`,
      `  announce      ${A}`,
      `  tier 1        ${B}`,
      `  tier 2        ${C}`,
      `                ${B}`,
      "  made by       waggle 0.1.0",
      "  made on       2026-11-21 00:00:00 UTC",
      "  files",
      "               dir/",
      "      4.9 KiB    one",
      "       1 byte  two\\u{1b}[31m",
    ]);
    assert.deepEqual(err.map((line) => line.replace(`Warning: "${folder}/c.torrent": `, "")), [
      `the standard announce ${A} is in no tier: programs that read tiers will never ask it`,
      "tier 2 holds 2 trackers, asked at random: right only if they share peers",
      `${B} is in the list 2 times`,
    ]);

    const [line] = await runWell("torrent", "show", "--json", `${folder}/c.torrent`);
    const json = JSON.parse(line);
    assert.deepEqual([json.name, json.infoHashV1, json.announce, json.tiers], ["c", hash, A, [[B], [C, B]]]);
    assert.deepEqual(json.files, [{ path: "dir/one", lengthBytes: 5000 }, { path: "two\u001b[31m", lengthBytes: 1 }]);
    assert.equal(json.warnings.length, 3);
  }));

Deno.test("torrent show goes on after what it cannot read", () =>
  withFolder(async (folder) => {
    put(`${folder}/a`, "a");
    await runWell("torrent", "make", `${folder}/a`, A);
    put(`${folder}/text`, "hello");
    put(`${folder}/bomb`, "l".repeat(3_000_000));
    const { exitCode, out, err } = await runTool(
      ["torrent", "show", ...["text", "none", "bomb", "a.torrent"].map((name) => `${folder}/${name}`)],
    );
    assert.equal(exitCode, 1);
    assert.deepEqual(err.map((line) => line.replaceAll(`${folder}/`, "")), [
      'Cannot show "text": it is not a torrent: at byte 0 no value begins with this byte',
      'Cannot show "none": no such file or directory',
      'Cannot show "bomb": it is not a torrent: at byte 256 values nest deeper than 256',
    ]);
    assert.equal(out[1], "  name          a");
  }));

Deno.test("torrent reannounce sets trackers, removes a list, and leaves the rest", () =>
  withFolder(async (folder) => {
    put(`${folder}/a`, "a");
    await runWell("torrent", "make", `${folder}/a`, A, "--announce-list", `${A}|${B}`, "--comment", "kept");
    const path = `${folder}/a.torrent`;
    Deno.chmodSync(path, 0o600);
    const before = read(path);
    put(`${folder}/bad`, "de");

    const dry = await runWell("torrent", "reannounce", B, path, "--dry_run");
    assert.deepEqual(dry, [
      `${path}: would change`,
      `- announce      ${A}`,
      `- tier 1        ${A}`,
      `- tier 2        ${B}`,
      `+ announce      ${B}`,
    ]);
    assert.deepEqual(read(path).source, before.source);

    const { exitCode, out, err } = await runTool(["torrent", "reannounce", B, `${folder}/bad`, path]);
    assert.equal(exitCode, 1);
    assert.deepEqual(err, [`Cannot change "${folder}/bad": it is not a torrent: it has no info dictionary`]);
    assert.deepEqual(out, [`${path}: changed; info hash as before, ${before.infoHashV1!.toHex()}`]);
    const after = read(path);
    assert.deepEqual([after.announce, after.tiers, after.comment], [B, undefined, "kept"]);
    assert.deepEqual(after.infoHashV1, before.infoHashV1);
    assert.equal(Deno.statSync(path).mode! & 0o7777, 0o600);

    assert.deepEqual(await runWell("torrent", "reannounce", B, path), [`${path}: has these trackers already`]);
    await runWell("torrent", "reannounce", A, "--announce_list", `${A}|${B}`, path);
    assert.deepEqual(read(path).source, before.source);
  }));

Deno.test("torrent copy-announce copies announce and tiers from a template", () =>
  withFolder(async (folder) => {
    for (const name of ["a", "b", "c"]) put(`${folder}/${name}`, name);
    await runWell("torrent", "make", `${folder}/a`, A, "--announce-list", `${A}|${C}`);
    await runWell("torrent", "make", `${folder}/b`, B, "--announce-list", `${B}`);
    await runWell("torrent", "make", `${folder}/c`, B);
    const [a, b, c] = ["a", "b", "c"].map((name) => `${folder}/${name}.torrent`);
    await runWell("torrent", "copy-announce", a, b, c, "-q");
    for (const path of [b, c]) assert.deepEqual([read(path).announce, read(path).tiers], [A, [[A], [C]]]);

    put(`${folder}/only_tiers.torrent`, "d13:announce-listll7:udp://xee" + infoOf(a) + "e");
    await runTool(["torrent", "copy-announce", `${folder}/only_tiers.torrent`, b]);
    assert.deepEqual([read(b).announce, read(b).tiers], ["udp://x", [["udp://x"]]]);
    put(`${folder}/bare.torrent`, `d${infoOf(a)}e`);
    const { exitCode, err } = await runTool(["torrent", "copy-announce", `${folder}/bare.torrent`, b]);
    assert.deepEqual([exitCode, err], [1, [`Cannot copy from "${folder}/bare.torrent": it has no trackers`]]);
  }));

/** Key and value of info, for a torrent whose pieces are ASCII enough: any byte above 127 is replaced. */
function infoOf(path: string): string {
  const text = Array.from(Deno.readFileSync(path), (byte) => String.fromCharCode(byte & 127)).join("");
  return text.slice(text.indexOf("4:info"), -1);
}

Deno.test("--check says how each tracker of the list answers", () =>
  withFolder(async (folder) => {
    put(`${folder}/a`, "a");
    const asked: string[] = [];
    const outcomes: Record<string, Asked<AnnounceAnswer>["outcome"]> = {
      [A]: {
        kind: "answer",
        interval: 1800,
        minInterval: undefined,
        complete: 1,
        incomplete: 2,
        downloaded: undefined,
        peers: [],
        warning: undefined,
        trackerId: undefined,
        externalIp: undefined,
      },
      [B]: { kind: "refusal", reason: "unregistered\u0007", retryIn: 30 },
      [C]: { kind: "noAnswer", reason: "it did not answer within 10 s" },
    };
    const world: Partial<ToolRim> = {
      askAnnounce: (url, { event, numwant, infoHash }) => {
        asked.push(`${url} ${event} ${numwant} ${infoHash.length}`);
        return Promise.resolve({ outcome: outcomes[url], milliseconds: 12.3, answeredBy: "192.0.2.1:6969" });
      },
    };
    const want = [
      `  check         ${A} answers in 12 ms (192.0.2.1:6969): 1 seeder, 2 leechers, interval 1800 s`,
      `  check         ${B} refuses: "unregistered\\u{7}", again in 30 min`,
      `  check         ${C} no answer: it did not answer within 10 s`,
    ];
    const list = ["--announce-list", `${A}|${B}|${C}`];
    const runs: ToolRun[] = [
      await runTool(["torrent", "make", `${folder}/a`, A, ...list, "--check"], world),
      await runTool(["torrent", "show", `${folder}/a.torrent`, "--check"], world),
      await runTool(["torrent", "reannounce", A, ...list, `${folder}/a.torrent`, "--check"], world),
      await runTool(["torrent", "copy-announce", `${folder}/a.torrent`, `${folder}/a.torrent`, "--check"], world),
    ];
    for (const { exitCode, out } of runs) {
      assert.equal(exitCode, 0);
      assert.deepEqual(out.slice(-3), want);
    }
    assert.deepEqual(asked.slice(0, 3), [A, B, C].map((url) => `${url} stopped 0 20`));
    const { out: [json] } = await runTool(["torrent", "show", `${folder}/a.torrent`, "--check", "--json"], world);
    assert.deepEqual(JSON.parse(json).checks.map(({ outcome }: { outcome: string }) => outcome), [
      "answer",
      "refusal",
      "noAnswer",
    ]);
  }));

Deno.test("wordsOfOldName() knows BitTornado's programs by any path and ending", () => {
  const rows: { name: string; want: string }[] = [
    { name: "btreannounce", want: "torrent reannounce" },
    { name: "btreannounce.py", want: "torrent reannounce" },
    { name: "/usr/bin/btmakemetafile.py", want: "torrent make" },
    { name: "./btcompletedir", want: "torrent make-dir" },
    { name: "btshowmetainfo.bittornado", want: "torrent show" },
    { name: "C:\\bin\\btcopyannounce.exe", want: "torrent copy-announce" },
    { name: "tracker", want: "" },
    { name: "deno", want: "" },
    { name: "toString", want: "" },
    { name: "btreannounce/tracker", want: "" },
  ];
  for (const { name, want } of rows) assert.equal(wordsOfOldName(name).join(" "), want, name);
});

testWith(["bash"], "the program called by an old name acts as that tool", () =>
  withFolder(async (folder) => {
    put(`${folder}/a`, "a");
    await runWell("torrent", "make", `${folder}/a`, A);
    const main = new URL("../../main.ts", import.meta.url).pathname;
    const call = ["-c", 'exec -a /old/bin/btshowmetainfo.py "$0" "$@"', Deno.execPath()];
    const { code, text } = await runProgram("bash", [...call, "run", "-A", main, `${folder}/a.torrent`]);
    assert.equal(code, 0, text);
    assert.match(text, /^ {2}name {10}a$/m);
  }));
