import assert from "node:assert/strict";
import { listContent } from "../../src/torrent/content_tree.ts";
import { type MakeOrder, makeTorrent, type MakeWatch } from "../../src/torrent/make_torrent.ts";
import { parseMetainfo } from "../../src/torrent/metainfo.ts";
import { readTorrent, TORRENT_BYTES_MAX } from "../../src/torrent/read_torrent.ts";
import { placeFault, replaceFile } from "../../src/torrent/replace_file.ts";
import { runProgram, testWith } from "../support/programs.ts";
import { put, withFolder } from "../support/tool_world.ts";

const namesOf = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("replaceFile() creates, replaces, keeps the mode, and leaves nothing beside", () =>
  withFolder((folder) => {
    const path = `${folder}/a.torrent`;
    assert.equal(replaceFile(path, new Uint8Array([1])), null);
    Deno.chmodSync(path, 0o640);
    assert.equal(replaceFile(path, new Uint8Array(100_000).fill(2)), null);
    assert.equal(Deno.readFileSync(path).length, 100_000);
    assert.equal(Deno.statSync(path).mode! & 0o7777, 0o640);
    assert.deepEqual(namesOf(folder), ["a.torrent"]);
  }));

Deno.test("replaceFile() goes through a link and leaves it one", () =>
  withFolder((folder) => {
    put(`${folder}/real/a`, "old");
    Deno.symlinkSync("real/a", `${folder}/link`);
    assert.equal(replaceFile(`${folder}/link`, new TextEncoder().encode("new")), null);
    assert.equal(Deno.readTextFileSync(`${folder}/real/a`), "new");
    assert(Deno.lstatSync(`${folder}/link`).isSymlink);
    assert.deepEqual(namesOf(`${folder}/real`), ["a"]);
  }));

Deno.test("replaceFile() says why not, and leaves the old file", () =>
  withFolder((folder) => {
    assert.equal(replaceFile(`${folder}/none/a`, new Uint8Array(1)), "no such file or directory");
    put(`${folder}/file`, "x");
    assert.equal(replaceFile(`${folder}/file/a`, new Uint8Array(1)), "not a directory");
    Deno.mkdirSync(`${folder}/dir`);
    assert.equal(replaceFile(`${folder}/dir`, new Uint8Array(1)), "is a directory");
    assert.equal(placeFault(`${folder}/none/a`), "no such file or directory");
    assert.equal(placeFault(`${folder}/file/a`), "not a directory");
    for (const name of ["file", "new"]) assert.equal(placeFault(`${folder}/${name}`), null);
    assert.deepEqual(namesOf(folder), ["dir", "file"]);
  }));

testWith(
  ["prlimit"],
  "replaceFile() loses nothing when the program dies while it writes",
  () =>
    withFolder(async (folder) => {
      const path = `${folder}/a.torrent`;
      put(path, "the old one");
      // Once it runs, the kernel ends the program at the byte where a file of it grows beyond 64 KiB.
      put(
        `${folder}/script/die.ts`,
        `import { placeFault, replaceFile } from ${
          JSON.stringify(new URL("../../src/torrent/replace_file.ts", import.meta.url).href)
        };
      new Deno.Command("prlimit", { args: ["--fsize=65536", "--pid", String(Deno.pid)] }).outputSync();
      console.log("writing");
      console.log("outcome", replaceFile(${JSON.stringify(path)}, new Uint8Array(1_000_000)));`,
      );
      const { text } = await runProgram(Deno.execPath(), [
        "run",
        "-A",
        "--no-lock",
        "--no-config",
        `${folder}/script/die.ts`,
      ]);
      assert.match(text, /writing/);
      assert.doesNotMatch(text, /outcome null/);
      assert.equal(Deno.readTextFileSync(path), "the old one");
    }),
);

Deno.test("listContent() lists files in the order of their bytes, without what is hidden", () =>
  withFolder((folder) => {
    for (const name of ["c/b/2", "c/a", "c/B", "c/.git/x", "c/.hidden", "c/b.x", "c/é", "c/out.torrent"]) {
      put(`${folder}/${name}`, name);
    }
    put(`${folder}/elsewhere/far`, "far");
    Deno.symlinkSync("../elsewhere", `${folder}/c/link`);
    const content = listContent(`${folder}/c/`, `${folder}/c/out.torrent`);
    assert(content.kind === "content");
    assert.equal(content.name, "c");
    assert.deepEqual(content.files.map(({ path }) => path.join("/")), ["B", "a", "b/2", "b.x", "link/far", "é"]);
    assert.equal(content.hiddenCount, 2);
    const single = listContent(`${folder}/c/a`, "");
    assert(single.kind === "content");
    assert.deepEqual(single.files.map(({ path, lengthBytes }) => ({ path, lengthBytes })), [{
      path: [],
      lengthBytes: 3,
    }]);
  }));

Deno.test("listContent() says why nothing can be made", () =>
  withFolder((folder) => {
    Deno.mkdirSync(`${folder}/empty/inner`, { recursive: true });
    put(`${folder}/zero`, "");
    put(`${folder}/around/x`, "x");
    Deno.symlinkSync("..", `${folder}/around/up`);
    put(`${folder}/links/x`, "x");
    Deno.symlinkSync("nowhere", `${folder}/links/broken`);
    const rows: { path: string; want: string }[] = [
      { path: "none", want: "no such file or directory" },
      { path: "empty", want: "there is no file with a byte in it" },
      { path: "zero", want: "it is empty" },
      { path: "links", want: "it is a link that leads nowhere" },
      { path: "around", want: "it is a link to a folder around it" },
    ];
    for (const { path, want } of rows) {
      const content = listContent(`${folder}/${path}`, "");
      assert(content.kind === "fault");
      assert.equal(content.reason, want, path);
    }
  }));

Deno.test("readTorrent() reads no more than a torrent can have", () =>
  withFolder((folder) => {
    put(`${folder}/huge`, "d");
    Deno.truncateSync(`${folder}/huge`, TORRENT_BYTES_MAX + 1);
    const huge = readTorrent(`${folder}/huge`);
    assert("kind" in huge);
    assert.match(huge.reason, /^it is not a torrent: it has 67108865 bytes/);
    const notFile = readTorrent(folder);
    assert("kind" in notFile);
    assert.equal(notFile.reason, "it is not a file");
  }));

function order(contentPath: string, targetPath: string): MakeOrder {
  const choice = {
    announce: "http://a/announce",
    tiers: undefined,
    version: "v1",
    pieceLengthBytes: 16384,
    isPrivate: false,
    webSeeds: [],
    comment: undefined,
    createdBy: "test",
    creationDateSeconds: 0,
  } as const;
  return { contentPath, targetPath, choice };
}

function watch(parts: Partial<MakeWatch> = {}): MakeWatch {
  return { workers: 2, onListed: () => {}, onHashed: () => {}, signal: new AbortController().signal, ...parts };
}

Deno.test("makeTorrent() makes the same torrent with one worker and with several", () =>
  withFolder(async (folder) => {
    const bytes = new Uint8Array(20_000_000);
    for (let i = 0; i < bytes.length; i += 1000) bytes[i] = i / 1000;
    put(`${folder}/c/big`, bytes);
    put(`${folder}/c/small`, "small");
    const hashes: string[] = [];
    for (const workers of [1, 3]) {
      let hashed = 0;
      const made = await makeTorrent(
        order(`${folder}/c`, `${folder}/${workers}.torrent`),
        watch({ workers, onHashed: (bytes) => hashed += bytes }),
      );
      assert(made.kind === "made");
      assert.equal(hashed, bytes.length + 5);
      hashes.push(made.torrent.infoHashV1!.join());
    }
    assert.equal(hashes[0], hashes[1]);
  }));

Deno.test("makeTorrent() leaves nothing when it is stopped", () =>
  withFolder(async (folder) => {
    put(`${folder}/big`, "");
    Deno.truncateSync(`${folder}/big`, 200_000_000);
    const stop = new AbortController();
    const made = await makeTorrent(
      order(`${folder}/big`, `${folder}/big.torrent`),
      watch({ signal: stop.signal, onHashed: () => stop.abort() }),
    );
    assert.equal(made.kind, "stopped");
    assert.deepEqual(namesOf(folder), ["big"]);
  }));

Deno.test("makeTorrent() notices content that changes under it", () =>
  withFolder(async (folder) => {
    for (const change of ["shorter", "longer"]) {
      put(`${folder}/c/a`, "a".repeat(40_000));
      const onListed = () => put(`${folder}/c/a`, "b".repeat(change === "shorter" ? 10 : 50_000));
      const made = await makeTorrent(order(`${folder}/c`, `${folder}/c.torrent`), watch({ onListed }));
      assert(made.kind === "fault");
      assert.equal(made.path, `${folder}/c/a`);
      assert.match(made.reason, /^it (became shorter while it was read|changed while it was hashed)$/);
    }
    assert.deepEqual(namesOf(folder), ["c"]);
  }));

Deno.test("makeTorrent() finds that it cannot write before it has hashed, not after", () =>
  withFolder(async (folder) => {
    put(`${folder}/a`, "content");
    let listed = false;
    const onListed = () => listed = true;
    const made = await makeTorrent(order(`${folder}/a`, `${folder}/none/a.torrent`), watch({ onListed }));
    assert(made.kind === "fault");
    assert.deepEqual([made.reason, listed], ["no such file or directory", false]);
  }));

Deno.test("makeTorrent() replaces torrents and nothing else", () =>
  withFolder(async (folder) => {
    put(`${folder}/a`, "content");
    put(`${folder}/precious.mkv`, "not a torrent");
    const refused = await makeTorrent(order(`${folder}/a`, `${folder}/precious.mkv`), watch());
    assert(refused.kind === "fault");
    assert.match(refused.reason, /^it is in the way of the new torrent: it is not a torrent/);
    assert.equal(Deno.readTextFileSync(`${folder}/precious.mkv`), "not a torrent");
    for (let time = 0; time < 2; time++) {
      assert.equal((await makeTorrent(order(`${folder}/a`, `${folder}/a.torrent`), watch())).kind, "made");
    }
    assert(!("kind" in parseMetainfo(Deno.readFileSync(`${folder}/a.torrent`))));
  }));

Deno.test("makeTorrent() refuses pieces so small that no program would read the torrent", () =>
  withFolder(async (folder) => {
    put(`${folder}/big`, "");
    Deno.truncateSync(`${folder}/big`, 60_000_000_000);
    const made = await makeTorrent(order(`${folder}/big`, `${folder}/big.torrent`), watch());
    assert(made.kind === "fault");
    assert.match(made.reason, /choose larger pieces$/);
  }));
