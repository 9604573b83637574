/** Torrent files between this program and others: made here and read there, made there and edited here, and followed. */
import assert from "node:assert/strict";
import { askScrape } from "../../src/client/ask_tracker.ts";
import { type Metainfo } from "../../src/torrent/metainfo.ts";
import { readTorrent } from "../../src/torrent/read_torrent.ts";
import { LIBTORRENT_PYTHON, runProgram, testWith } from "../support/programs.ts";
import { RefusingPort } from "../support/refusing_port.ts";
import { put, runTool, withFolder } from "../support/tool_world.ts";
import { startTracker } from "../support/tracker_process.ts";

const A = "http://a.example:6969/announce", B = "http://b.example/announce", C = "udp://c.example:1/announce";
const LIST = `${A}|${B},${C}`;

/** Files that fall on, before and after the ends of pieces, empty ones, folders, and a name beyond ASCII. */
function putContent(folder: string): void {
  const bytes = (length: number, step: number) => Uint8Array.from({ length }, (_, i) => (i * step) >> 4);
  put(`${folder}/content/big`, bytes(600_000, 7));
  put(`${folder}/content/same/one`, bytes(262_144, 3));
  put(`${folder}/content/same/two`, bytes(262_144, 3));
  put(`${folder}/content/small`, "small");
  put(`${folder}/content/empty`, "");
  put(`${folder}/content/zz\u00e9/\u{1f41d}`, bytes(70_001, 11));
}

function read(path: string): Metainfo {
  const torrent = readTorrent(path);
  assert(!("kind" in torrent), "kind" in torrent ? torrent.reason : "");
  return torrent;
}

async function makeHere(path: string, target: string, ...options: string[]): Promise<Metainfo> {
  const args = ["torrent", "make", path, A, "--target", target, "--announce-list", LIST, "-q", ...options];
  assert.equal((await runTool(args)).exitCode, 0);
  return read(target);
}

/** Prints both info hashes, trackers as tier and URL, and whether the files on disk match every piece. */
const LIBTORRENT_SHOW = `
import libtorrent as lt, sys, time
info = lt.torrent_info(sys.argv[1])
hashes = info.info_hashes()
print("v1", hashes.v1, "v2", hashes.v2)
for tracker in info.trackers(): print("tracker", tracker.tier, tracker.url)
if len(sys.argv) > 2:
    session = lt.session({"enable_dht": False, "enable_lsd": False, "listen_interfaces": "127.0.0.1:0"})
    handle = session.add_torrent({"ti": info, "save_path": sys.argv[2], "flags": lt.torrent_flags.upload_mode})
    end = time.monotonic() + 60
    # Not wait_for_alert(), which crashes once in some hundred times.
    while handle.status().progress < 1.0 and time.monotonic() < end: time.sleep(0.02)
    print("complete", handle.status().progress == 1.0)
`;

async function libtorrent(...args: string[]): Promise<string> {
  const { code, text } = await runProgram(LIBTORRENT_PYTHON, ["-c", LIBTORRENT_SHOW, ...args]);
  assert.equal(code, 0, text);
  return text;
}

function hashesLine({ infoHashV1, infoHashV2 }: Metainfo): string {
  return `v1 ${(infoHashV1 ?? new Uint8Array(20)).toHex()} v2 ${(infoHashV2 ?? new Uint8Array(32)).toHex()}`;
}

const TRACKER_LINES = [`tracker 0 ${A}`, `tracker 1 ${B}`, `tracker 1 ${C}`];

testWith(
  ["python3-libtorrent"],
  "libtorrent reads every version made here, and finds every piece right",
  () =>
    withFolder(async (folder) => {
      putContent(folder);
      for (const path of [`${folder}/content`, `${folder}/content/big`, `${folder}/content/small`]) {
        for (const version of ["--v1", "--v2", "--hybrid"]) {
          const target = `${folder}/made.torrent`;
          const torrent = await makeHere(path, target, version, "--piece-size-pow2", "16");
          const lines = (await libtorrent(target, path.slice(0, path.lastIndexOf("/")))).trim().split("\n");
          assert.deepEqual([lines[0], lines.slice(1, 4).sort(), lines.at(-1)], [
            hashesLine(torrent),
            TRACKER_LINES,
            "complete True",
          ], `${path} ${version}`);
        }
      }
    }),
);

testWith(
  ["transmission-show", "aria2c"],
  "transmission and aria2 read what is made here",
  () =>
    withFolder(async (folder) => {
      putContent(folder);
      for (const path of [`${folder}/content`, `${folder}/content/big`]) {
        const torrent = await makeHere(path, `${folder}/made.torrent`);
        await expectRead(`${folder}/made.torrent`, torrent.infoHashV1!.toHex());
      }
    }),
);

/** Transmission and aria2 must read a torrent with this info hash and the trackers of `LIST`. */
async function expectRead(path: string, infoHash: string): Promise<void> {
  const transmission = await runProgram("transmission-show", [path]);
  const aria2 = await runProgram("aria2c", ["--no-conf", "--show-files", path]);
  for (const [name, { code, text }] of Object.entries({ transmission, aria2 })) {
    assert.equal(code, 0, `${name}: ${text}`);
    assert(text.includes(infoHash), `${name}: ${text}`);
    for (const url of [A, B, C]) assert(text.includes(url), `${name}: ${text}`);
  }
}

testWith(
  ["mktorrent", "transmission-create", "transmission-show", "aria2c", "python3-libtorrent"],
  "torrents of mktorrent and transmission-create are edited here, and everyone still reads them",
  () =>
    withFolder(async (folder) => {
      putContent(folder);
      const programs: { command: string; args: string[] }[] = [
        { command: "mktorrent", args: ["-a", "http://old/announce", "-a", "http://older/announce", "-o"] },
        { command: "transmission-create", args: ["-t", "http://old/announce", "-c", "hi", "-o"] },
      ];
      for (const { command, args } of programs) {
        const target = `${folder}/${command}.torrent`;
        const made = await runProgram(command, [...args, target, `${folder}/content`]);
        assert.equal(made.code, 0, made.text);
        const before = read(target);
        const { exitCode, err } = await runTool(["torrent", "reannounce", A, "--announce-list", LIST, target]);
        assert.equal(exitCode, 0, err.join("\n"));
        assert.deepEqual(read(target).infoHashV1, before.infoHashV1);
        assert.deepEqual([read(target).comment, read(target).createdBy], [before.comment, before.createdBy]);
        await expectRead(target, before.infoHashV1!.toHex());
        const lines = (await libtorrent(target, folder)).trim().split("\n");
        assert.deepEqual([lines[0], lines.slice(1, 4).sort(), lines.at(-1)], [
          hashesLine(before),
          TRACKER_LINES,
          "complete True",
        ], command);
      }
    }),
);

/** Seeds a torrent, prints how each tracker answered, and ends with the first that did well. */
const LIBTORRENT_SEED = `
import libtorrent as lt, sys, time
session = lt.session({"enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
  "listen_interfaces": "127.0.0.1:0", "alert_mask": lt.alert.category_t.all_categories,
  "announce_to_all_tiers": False, "announce_to_all_trackers": False})
session.add_torrent({"ti": lt.torrent_info(sys.argv[1]), "save_path": sys.argv[2]})
end = time.monotonic() + 60
while time.monotonic() < end:
    # As above.
    time.sleep(0.02)
    for alert in session.pop_alerts():
        if isinstance(alert, lt.tracker_error_alert): print("error", alert.url, flush=True)
        if isinstance(alert, lt.tracker_reply_alert):
            print("reply", alert.url, flush=True)
            # Gone without a word, so that the tracker still knows this peer.
            import os; os._exit(0)
sys.exit("no tracker answered")
`;

testWith(
  ["python3-libtorrent"],
  "a client follows the tiers written here to the next tracker that is up",
  () =>
    withFolder(async (folder) => {
      put(`${folder}/content`, "content");
      await using first = await startTracker();
      await using second = await startTracker();
      const urls = [first, second].map(({ httpPort }) => `http://127.0.0.1:${httpPort}/announce`);
      using refusing = new RefusingPort();
      const down = `http://127.0.0.1:${refusing.port}/announce`;
      const rows: { list: string; reached: string }[] = [
        { list: `${urls[0]}|${urls[1]}`, reached: urls[0] },
        { list: `${down}|${urls[1]}`, reached: urls[1] },
        { list: `${down},${urls[0]}|${urls[1]}`, reached: urls[0] },
        { list: `${down}|${down.replace("announce", "x/announce")},${urls[1]}|${urls[0]}`, reached: urls[1] },
      ];
      for (const [index, { list, reached }] of rows.entries()) {
        // Another comment makes no other torrent, another name does: each row has a swarm of its own.
        const content = `${folder}/content${index}`;
        Deno.copyFileSync(`${folder}/content`, content);
        const made = await runTool(["torrent", "make", content, down, "--announce-list", list, "-q"]);
        assert.equal(made.exitCode, 0);
        const { infoHashV1 } = read(`${content}.torrent`);
        const seeded = await runProgram(LIBTORRENT_PYTHON, ["-c", LIBTORRENT_SEED, `${content}.torrent`, folder]);
        assert.equal(seeded.code, 0, seeded.text);
        const lines = seeded.text.trim().split("\n");
        assert.equal(lines.at(-1), `reply ${reached}`, list);
        if (list.startsWith(`${down}|`)) assert.equal(lines[0], `error ${down}`, list);
        for (const url of urls) {
          const options = { timeoutSeconds: 10, family: undefined, userAgent: "Test/1" };
          const { outcome } = await askScrape(url, [infoHashV1!], options);
          assert(outcome.kind === "answer");
          assert.equal(outcome.swarms[0].counts?.complete, url === reached ? 1 : 0, `${list} at ${url}`);
        }
      }
    }),
);
