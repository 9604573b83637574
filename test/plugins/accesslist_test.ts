/** Whitelist and blacklist in a whole tracker: files, folders, FIFOs, SIGHUP. */
import assert from "node:assert/strict";
import accesslist from "../../plugins/accesslist.ts";
import { makeFifo } from "../../src/fifo.ts";
import { announceRequest, exchange, KINDS } from "../support/app.ts";
import { PluginUnderTest } from "../support/plugin_host.ts";
import { type PluginApp, startWithPlugins } from "../support/plugin_folder.ts";

/** Parts keep timers and workers until they are stopped; the tests stop them. */
const OPTIONS = { sanitizeOps: false, sanitizeResources: false };

/** The line of the hash that announceRequest() makes of `letter`. */
const hex = (letter: string) => letter.charCodeAt(0).toString(16).repeat(20);

/** The letters of `letters` that are served. */
async function served(tracker: PluginApp, letters: string): Promise<string> {
  let found = "";
  for (const letter of letters) {
    const reply = await exchange(tracker.tcpPort, announceRequest(letter, 1001));
    if (!reply.includes("not authorized for use with this tracker")) found += letter;
  }
  return found;
}

for (const kind of KINDS) {
  Deno.test(`a whitelist and a blacklist with ${kind} fronts: the blacklist wins`, OPTIONS, async () => {
    await using tracker = await startWithPlugins(
      kind,
      { "white.txt": `${hex("a")} comment\n# ${hex("b")}\nnonsense\n\n${hex("c")}`, "black.txt": `${hex("c")}\n` },
      (folder) => `access.whitelist ${folder}/white.txt\naccess.blacklist ${folder}/black.txt\n`,
    );
    assert.equal(await served(tracker, "abcd"), "a");
    await tracker.untilLogged(/whitelist: 2 info hashes, 1 bad lines in .*white\.txt/);
    tracker.write("white.txt", `${hex("b")}\n`);
    await tracker.app.reload();
    assert.equal(await served(tracker, "abcd"), "b");
    Deno.removeSync(`${tracker.folder}/white.txt`);
    await tracker.app.reload();
    await tracker.untilLogged(/Warning: the whitelist of before stays: /);
    assert.equal(await served(tracker, "abcd"), "b");
  });
}

Deno.test("a reload brings whitelist and blacklist into force together", OPTIONS, async () => {
  // Long enough that much is asked between the end of one list and the end of the other.
  const long = Array.from({ length: 100_000 }, (_, i) => `${i.toString(16).padStart(40, "0")}\n`).join("");
  const none = { "white.txt": hex("a"), "black.txt": long };
  const both = { "white.txt": `${hex("a")}\n${hex("b")}\n`, "black.txt": `${long}${hex("b")}\n` };
  await using tracker = await startWithPlugins(
    KINDS[0]!,
    none,
    (folder) => `access.whitelist ${folder}/white.txt\naccess.blacklist ${folder}/black.txt\n`,
  );
  for (const files of [both, none, both]) {
    for (const [path, text] of Object.entries(files)) tracker.write(path, text);
    let isReloaded = false;
    const reloaded = tracker.app.reload().then(() => isReloaded = true);
    // "b" is in neither list or in both: never is it one that the whitelist has and the blacklist has not.
    do assert.equal(await served(tracker, "ab"), "a"); while (!isReloaded);
    await reloaded;
  }
});

Deno.test("a client that stops is answered, whatever the list says", OPTIONS, async () => {
  await using tracker = await startWithPlugins(
    KINDS[0]!,
    { "white.txt": "" },
    (f) => `access.whitelist ${f}/white.txt\n`,
  );
  assert.match(await exchange(tracker.tcpPort, announceRequest("a", 1, "&event=stopped")), /8:intervali/);
});

Deno.test("a whitelist that is not there refuses everything, a blacklist nothing", OPTIONS, async () => {
  for (const [list, want] of [["white", ""], ["black", "ab"]]) {
    await using tracker = await startWithPlugins(KINDS[0]!, {}, (folder) => `access.${list}list ${folder}/none.txt\n`);
    assert.equal(await served(tracker, "ab"), want);
    await tracker.untilLogged(new RegExp(`Warning: the ${list}list is empty: `));
  }
});

Deno.test("a file of no bytes leaves the list of before, and a line that is no hash empties it", OPTIONS, async () => {
  for (const [list, before, emptied] of [["white", "a", ""], ["black", "b", "ab"]] as const) {
    await using tracker = await startWithPlugins(
      KINDS[0]!,
      { "list.txt": hex("a") },
      (folder) => `access.${list}list ${folder}/list.txt\n`,
    );
    tracker.write("list.txt", "");
    await tracker.app.reload();
    await tracker.untilLogged(
      new RegExp(`Warning: the ${list}list of before stays: .*list\\.txt is empty; a line such`),
    );
    assert.equal(await served(tracker, "ab"), before);
    tracker.write("list.txt", "# none\n");
    await tracker.app.reload();
    assert.equal(await served(tracker, "ab"), emptied);
  }
});

Deno.test("a file of no bytes is an empty list at the start, with a warning", OPTIONS, async () => {
  await using tracker = await startWithPlugins(
    KINDS[0]!,
    { "white.txt": "" },
    (folder) => `access.whitelist ${folder}/white.txt\n`,
  );
  await tracker.untilLogged(/Warning: the whitelist is empty: .*white\.txt is empty; a line such/);
  assert.equal(await served(tracker, "a"), "");
});

Deno.test("access.unknown empty answers unknown hashes with nobody, and stores nothing", OPTIONS, async () => {
  await using tracker = await startWithPlugins(
    KINDS[0]!,
    { "white.txt": hex("a"), "black.txt": hex("c") },
    (folder) => `access.whitelist ${folder}/white.txt\naccess.blacklist ${folder}/black.txt\naccess.unknown empty\n`,
  );
  await exchange(tracker.tcpPort, announceRequest("b", 1001));
  assert.match(
    await exchange(tracker.tcpPort, announceRequest("b", 1002)),
    /8:completei0e.*10:incompletei0e.*5:peers0:/s,
  );
  assert.match(await exchange(tracker.tcpPort, announceRequest("c", 1002)), /not authorized/);
});

Deno.test(
  "FIFOs add and remove, and SIGHUP goes back to the file",
  { ...OPTIONS, ignore: Deno.build.os !== "linux" },
  async () => {
    for (const [list, before, added, removed] of [["white", "a", "ab", "b"], ["black", "bcd", "cd", "acd"]] as const) {
      await using tracker = await startWithPlugins(
        KINDS[0]!,
        { "list.txt": hex("a") },
        (folder) =>
          `access.${list}list ${folder}/list.txt\naccess.fifo_add ${folder}/add\naccess.fifo_delete ${folder}/delete\n`,
      );
      const tell = (fifo: string, letter: string) => tracker.write(fifo, `nonsense\n${hex(letter)}\n`);
      assert.equal(await served(tracker, "abcd"), before);
      tell("add", "b");
      await until(async () => await served(tracker, "abcd") === added);
      tell("delete", "a");
      await until(async () => await served(tracker, "abcd") === removed);
      await tracker.app.reload();
      assert.equal(await served(tracker, "abcd"), before);
    }
  },
);

Deno.test("a folder of .torrent files is a list", OPTIONS, async () => {
  const info = "d6:lengthi1e4:name1:x12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaae";
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-1", new TextEncoder().encode(info)));
  await using tracker = await startWithPlugins(
    KINDS[0]!,
    {
      "plugins/x.torrent": `d8:announce3:abc4:info${info}e`,
      "plugins/bad.torrent": "d4:info",
      "plugins/other.txt": "",
    },
    (folder) => `access.whitelist ${folder}/plugins\n`,
  );
  await tracker.untilLogged(/whitelist: 1 info hashes, 1 files that are no torrents/);
  const escaped = [...hash].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  const request = announceRequest("a", 1).replace("a".repeat(20), escaped);
  assert.match(await exchange(tracker.tcpPort, request), /8:intervali/);
  assert.equal(await served(tracker, "a"), "");
});

Deno.test("a folder of .torrent files may have v1, v2 and hybrid ones, and some that cannot be read", async () => {
  const v1 = "d6:lengthi1e4:name1:x12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaae";
  const tree = "9:file treed1:xd0:d6:lengthi1e11:pieces root32:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbeee";
  const v2 = `d${tree}12:meta versioni2e4:name8:6:pieces12:piece lengthi16384ee`;
  const hybrid = `d${tree}6:lengthi1e12:meta versioni2e4:name1:x12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaae`;
  const folder = Deno.makeTempDirSync({ prefix: "torrents" });
  try {
    for (const [name, info] of Object.entries({ v1, v2, hybrid })) {
      Deno.writeTextFileSync(`${folder}/${name}.torrent`, `d8:announce3:abc4:info${info}e`);
    }
    Deno.writeTextFileSync(`${folder}/bad.torrent`, "d4:info");
    Deno.writeTextFileSync(`${folder}/cut.torrent`, `d4:info${v1.slice(0, -5)}`);
    Deno.writeTextFileSync(`${folder}/other.txt`, "");
    Deno.symlinkSync(`${folder}/nowhere`, `${folder}/dangling.torrent`);
    Deno.mkdirSync(`${folder}/folder.torrent`);
    // Nobody writes to it.
    if (Deno.build.os === "linux") makeFifo({ path: `${folder}/fifo.torrent`, setting: "a test" });
    const unread = Deno.build.os === "linux" ? 2 : 1;
    Deno.writeTextFileSync(`${folder}/long.torrent`, `d8:announce3:abc4:info${v1}e`);
    Deno.truncateSync(`${folder}/long.torrent`, 32 * 1024 * 1024 + 1);
    const host = new PluginUnderTest(accesslist, `access.whitelist ${folder}\n`);
    await host.loadLists();
    const long = "1 left out as longer than 32 MiB (the first is long.torrent)";
    const seen = `4 info hashes, 2 files that are no torrents, ${unread} that could not be read, ${long}`;
    assert.deepEqual(host.logged, [`whitelist: ${seen} in ${folder}`]);
    const rows = [["SHA-1", v1, true], ["SHA-256", v1, false], ["SHA-1", v2, false], ["SHA-256", v2, true]] as const;
    for (const [digest, info, want] of [...rows, ["SHA-1", hybrid, true], ["SHA-256", hybrid, true]] as const) {
      const hash = new Uint8Array(await crypto.subtle.digest(digest, new TextEncoder().encode(info))).slice(0, 20);
      const misses = host.access.misses(new Int32Array(hash.buffer));
      assert.equal(misses, !want, `${digest} ${info}`);
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

// Asks until it holds: each time the tracker is asked anew, which lets time pass.
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 2000; i++) if (await holds()) return;
  assert.fail("it never came to hold");
}
