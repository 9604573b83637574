/** What the plugin for access lists reads by itself: folders of torrent files, and lines through a FIFO. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import accesslist from "../../../plugins/accesslist.ts";
import type { AccessLists, HostContext } from "../../../src/plugin/api.ts";
import { parseMetainfo } from "../../../src/torrent/metainfo.ts";
import { readCorpus } from "../../support/corpus.ts";
import type { Check, FuzzTarget } from "../../support/fuzz.ts";
import { latin1Text } from "../../support/vectors.ts";
import { torrent } from "./torrents.ts";

const HASH = /^[0-9a-f]{40}(?![0-9a-f])/i;
/** The line after the last of an input. */
const END = createHash("sha1").update("the end").digest("hex");

/** A folder with one torrent file. */
export const accessTorrents: FuzzTarget = {
  name: "access_torrents",
  summary: "torrent files of an access list's folder, against the reader of the torrent commands",
  bytesMax: torrent.bytesMax,
  words: torrent.words,
  seeds: () => readCorpus(torrent.name).map(({ bytes }) => bytes),
  open: openAccessTorrents,
};

function openAccessTorrents(): Check {
  return async (bytes) => {
    const folder = Deno.makeTempDirSync({ prefix: "tracker_fuzz_" }), listed = new Listed({ whitelist: folder });
    try {
      Deno.writeFileSync(`${folder}/a.torrent`, bytes);
      await accesslist.accessList(listed.lists, listed.context);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
    assert.ok(listed.hashes.length <= 2 && listed.hashes.every((hash) => hash.length === 40));
    const parsed = parseMetainfo(bytes);
    if (!("infoHashV1" in parsed || "infoHashV2" in parsed)) return `${listed.hashes.length}`;
    const wanted = [parsed.infoHashV1, parsed.infoHashV2].filter((hash) => hash !== undefined);
    assert.deepEqual(listed.hashes, wanted.map((hash) => hash.subarray(0, 20).toHex()));
    return `torrent ${wanted.length}`;
  };
}

/** Lines of a FIFO. */
export const accessFifo: FuzzTarget = {
  name: "access_fifo",
  summary: "lines through the FIFO of an access list",
  bytesMax: 4000,
  words: ["0123456789abcdef0123456789ABCDEF01234567", "\n", "\r\n", "#", " a name", "0", "g"],
  seeds: () => [new TextEncoder().encode(`# remark\n${"ab".repeat(20)}\n${"cd".repeat(20)} named\r\n`)],
  open: openAccessFifo,
};

function openAccessFifo(): Check {
  let opened: Promise<{ listed: Listed; fifo: Deno.FsFile }> | undefined;
  return async (bytes) => {
    const { listed, fifo } = await (opened ??= openFifo());
    // Lines go to the lists that were handed over last, and others may have been since.
    await accesslist.accessList(listed.lists, listed.context);
    listed.hashes.length = 0;
    const ended = new Promise<void>((resolve) => listed.onEnd = resolve), end = new TextEncoder().encode(`\n${END}\n`);
    // A pipe takes what is shorter than a page whole.
    await fifo.write(Uint8Array.of(...bytes, ...end));
    await ended;
    const wanted = latin1Text(bytes).split("\n").map((line) => HASH.exec(line)?.[0].toLowerCase());
    assert.deepEqual(listed.hashes, wanted.filter((hash) => hash !== undefined && hash !== END));
    return Math.min(20, listed.hashes.length) * 100 + Math.min(20, wanted.length);
  };
}

async function openFifo(): Promise<{ listed: Listed; fifo: Deno.FsFile }> {
  const folder = Deno.makeTempDirSync({ prefix: "tracker_fuzz_" }), path = `${folder}/add`;
  const { success } = await new Deno.Command("mkfifo", { args: [path] }).output();
  assert.ok(success, "mkfifo");
  const listed = new Listed({ whitelist: folder, fifo_add: path });
  await accesslist.accessList(listed.lists, listed.context);
  await accesslist.start(listed.context);
  const fifo = await Deno.open(path, { read: true, write: true });
  // The plugin has it open once it has taken a line.
  const ended = new Promise<void>((resolve) => listed.onEnd = resolve);
  await fifo.write(new TextEncoder().encode(`${END}\n`));
  await ended;
  Deno.removeSync(folder, { recursive: true });
  return { listed, fifo };
}

/** Lists that only note what they are told. */
class Listed {
  readonly hashes: string[] = [];
  onEnd: () => void = () => {};
  readonly lists: AccessLists;
  readonly context: HostContext;

  constructor(settings: Readonly<Record<string, string>>) {
    const add = (hash: Uint8Array) => {
      if (hash.toHex() === END) this.onEnd();
      else this.hashes.push(hash.toHex());
    };
    const list = { add, addLines: () => {}, size: 0, badLines: 0, publish: () => {} };
    this.lists = { begin: () => list, add: (_: unknown, hash: Uint8Array) => add(hash), remove: () => {} } as never;
    this.context = { settings: { text: (key: string) => settings[key] ?? null }, log: () => {} } as never;
  }
}
