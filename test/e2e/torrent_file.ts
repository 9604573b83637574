/** Makes a small private torrent the shortest way, for clients to share. */

/** Bytes of the shared file: a few pieces, the last one shorter. */
const FILE_BYTES = 1_000_000;
const PIECE_BYTES = 65_536;

/** A file to share and the torrent that describes it. */
export interface SharedFile {
  readonly name: string;
  readonly content: Uint8Array;
  readonly metainfo: Uint8Array;
  readonly infoHash: Uint8Array;
}

/** Random content described by a torrent that knows one tracker, and no other way to find peers. */
export async function makeSharedFile(announce: string): Promise<SharedFile> {
  const content = new Uint8Array(FILE_BYTES), name = "shared.bin";
  for (let at = 0; at < FILE_BYTES; at += 65_536) crypto.getRandomValues(content.subarray(at, at + 65_536));
  const pieces: number[] = [];
  for (let at = 0; at < FILE_BYTES; at += PIECE_BYTES) {
    pieces.push(...await sha1(content.subarray(at, at + PIECE_BYTES)));
  }
  const info = Uint8Array.of(
    ...text(`d6:lengthi${FILE_BYTES}e4:name${name.length}:${name}12:piece lengthi${PIECE_BYTES}e`),
    ...text(`6:pieces${pieces.length}:`),
    ...pieces,
    ...text("7:privatei1ee"),
  );
  const metainfo = Uint8Array.of(...text(`d8:announce${announce.length}:${announce}4:info`), ...info, ...text("e"));
  return { name, content, metainfo, infoHash: await sha1(info) };
}

function text(words: string): Uint8Array {
  return new TextEncoder().encode(words);
}

async function sha1(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-1", bytes.slice()));
}
