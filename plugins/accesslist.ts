/**
 * Whitelist and blacklist, as opentracker has them: files of info hashes or folders of .torrent files, read at the start
 * and on SIGHUP, and FIFOs that add and remove hashes in between. Both lists may be set; the blacklist wins.
 *
 * A line of a list is 40 hex digits at its start; the rest says nothing. A list that cannot be read, or a file of no
 * bytes, leaves the old one in its place, and at the start is empty: a whitelist then refuses everything, a blacklist
 * nothing. What came through the FIFOs is forgotten at the next SIGHUP, in one step with the new lists: the file is to
 * be kept up as well.
 */
import type { AccessLists, HostContext, Plugin } from "waggle/plugin";

type Kind = "allow" | "deny";

/** Bytes read at a time: between two reads the thread answers others. */
const CHUNK_BYTES = 1 << 20;
/** Bytes of a line with its end, for guessing how many a file has. */
const LINE_BYTES = 41;
/** Largest .torrent file that is looked at. */
const TORRENT_BYTES_MAX = 32 * 1024 * 1024;
const HASH_LINE = /^[0-9a-fA-F]{40}(?![0-9a-fA-F])/;

const published = new Set<Kind>();
/** Paths of those that are read. */
const fifos: string[] = [];
type FifoKey = "fifo_add" | "fifo_delete";
let isStopping = false;

/** The plugin. */
export default {
  name: "accesslist",
  summary: "serves the info hashes of a whitelist, refuses those of a blacklist",
  settings: {
    whitelist: {
      kind: "path",
      default: null,
      from: "access.whitelist",
      explanation: "File of info hashes, or folder of .torrent files, that are served; all others are not.",
    },
    blacklist: {
      kind: "path",
      default: null,
      from: "access.blacklist",
      explanation: "File of info hashes, or folder of .torrent files, that are refused.",
    },
    fifo_add: {
      kind: "path",
      default: null,
      fifo: true,
      from: "access.fifo_add",
      explanation: "FIFO of hashes to add to the whitelist, or to the blacklist where there is no whitelist.",
    },
    fifo_delete: {
      kind: "path",
      default: null,
      fifo: true,
      from: "access.fifo_delete",
      explanation: "FIFO of hashes to remove from it.",
    },
  },

  async accessList(lists, context) {
    for (const [kind, key] of [["allow", "whitelist"], ["deny", "blacklist"]] as const) {
      const path = context.settings.text(key);
      if (path !== null) await load(kind, key, path, lists, context);
    }
  },

  async start(context) {
    for (const key of ["fifo_add", "fifo_delete"] as const) {
      const path = context.settings.text(key);
      if (path === null) continue;
      const say = (error: Error) => context.log(`${key}: ${error.message}`);
      // Open when this is done: what a FIFO holds is lost when nobody has it open.
      const fifo = await openFifo(key, path, context).catch(say);
      // Not awaited: a FIFO is read as long as the tracker runs.
      if (fifo !== undefined) void readFifo(key, fifo, context).catch(say);
    }
  },

  async stop() {
    isStopping = true;
    // Whoever waits for a line gets one, and sees that it is over. The file it reads from would wait for it.
    for (const path of fifos) await Deno.writeTextFile(path, "\n", { append: true, create: false });
  },
} satisfies Plugin;

/** The lists as last handed over, for the FIFOs. */
let current: AccessLists | undefined;

async function load(kind: Kind, key: string, path: string, lists: AccessLists, context: HostContext): Promise<void> {
  current = lists;
  let seen: string;
  try {
    const { isDirectory, size } = await Deno.stat(path);
    seen = isDirectory ? await loadFolder(kind, path, lists) : await loadFile(kind, path, size, lists);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (published.has(kind)) return context.log(`Warning: the ${key} of before stays: ${reason}`);
    context.log(`Warning: the ${key} is empty: ${reason}`);
    lists.begin(kind, 0).publish();
    published.add(kind);
    return;
  }
  published.add(kind);
  context.log(`${key}: ${seen} in ${path}`);
}

async function loadFile(kind: Kind, path: string, bytes: number, lists: AccessLists): Promise<string> {
  const list = lists.begin(kind, bytes / LINE_BYTES), chunk = new Uint8Array(CHUNK_BYTES);
  using file = await Deno.open(path);
  let isEmpty = true;
  for (;;) {
    const read = await file.read(chunk);
    if (read === null) break;
    isEmpty = false;
    list.addLines(chunk.subarray(0, read));
  }
  // As opentracker has it: more often a disk that was full, or a file just being written, than a list nobody is on.
  if (isEmpty) throw new Error(`${path} is empty; a line such as "# none" in it says that no hash is meant`);
  list.publish();
  return `${list.size} info hashes, ${list.badLines} bad lines`;
}

async function loadFolder(kind: Kind, path: string, lists: AccessLists): Promise<string> {
  const list = lists.begin(kind, 0), long: string[] = [];
  let bad = 0, unread = 0;
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    if (isDirectory || !name.endsWith(".torrent")) continue;
    // Removed since the folder was listed, a link to nowhere, not ours to read: the other files are a list all the same.
    const hashes = await hashesOf(`${path}/${name}`).catch(() => null);
    if (hashes === "long") long.push(name);
    else if (hashes === null) unread++;
    else if (hashes.length === 0) bad++;
    else for (const hash of hashes) list.add(hash);
  }
  list.publish();
  const seen = [`${list.size} info hashes`, `${bad} files that are no torrents`];
  if (unread > 0) seen.push(`${unread} that could not be read`);
  const mebibytes = TORRENT_BYTES_MAX / 1024 / 1024;
  if (long.length > 0) seen.push(`${long.length} left out as longer than ${mebibytes} MiB (the first is ${long[0]})`);
  return seen.join(", ");
}

// The hashes a tracker is asked with: SHA-1 of the info dictionary, and of a v2 torrent SHA-256 cut to 20 bytes. A hybrid
// has both (BEP 52).
async function hashesOf(path: string): Promise<Uint8Array[] | "long"> {
  const { isFile, size } = await Deno.stat(path);
  // A FIFO or a device by such a name may have no end.
  if (!isFile) throw new Error("no regular file");
  if (size > TORRENT_BYTES_MAX) return "long";
  const info = entriesOf(await Deno.readFile(path)).get("info");
  if (info === undefined) return [];
  const keys = entriesOf(info), hashes: Uint8Array[] = [];
  const digest = async (name: string) => new Uint8Array(await crypto.subtle.digest(name, info)).slice(0, 20);
  if (keys.has("pieces")) hashes.push(await digest("SHA-1"));
  // "i2e": another version hashes in a way of its own (BEP 52).
  if (new TextDecoder().decode(keys.get("meta version")) === "i2e") hashes.push(await digest("SHA-256"));
  return hashes;
}

// The values of a bencoded dictionary as they stand; none when the bytes are something else.
function entriesOf(bytes: Uint8Array<ArrayBuffer>): Map<string, Uint8Array<ArrayBuffer>> {
  const entries = new Map<string, Uint8Array<ArrayBuffer>>(), decoder = new TextDecoder("latin1");
  try {
    if (bytes[0] !== 0x64) return entries;
    for (let at = 1; bytes[at] !== 0x65;) {
      const key = skip(bytes, at), value = skip(bytes, key), name = decoder.decode(bytes.subarray(at, key));
      entries.set(name.slice(name.indexOf(":") + 1), bytes.subarray(key, value));
      at = value;
    }
  } catch {
    // Cut off or no bencode at all.
    entries.clear();
  }
  return entries;
}

// Where the value at `at` ends. Throws when there is none.
function skip(bytes: Uint8Array, at: number, depth = 0): number {
  const type = bytes[at];
  if (type === undefined || depth > 64) throw new Error("no bencode");
  if (type === 0x69) return bytes.indexOf(0x65, at) + 1 || raise();
  if (type === 0x64 || type === 0x6c) {
    let next = at + 1;
    while (bytes[next] !== 0x65) next = skip(bytes, next, depth + 1);
    return next + 1;
  }
  const colon = bytes.indexOf(0x3a, at), digits = new TextDecoder().decode(bytes.subarray(at, colon));
  const end = colon + 1 + Number(digits);
  // No colon, or a length below 0, would lead back, for ever.
  return colon > at && colon - at < 10 && /^\d+$/.test(digits) && end <= bytes.length ? end : raise();
}

function raise(): never {
  throw new Error("no bencode");
}

async function openFifo(key: FifoKey, path: string, context: HostContext): Promise<Deno.FsFile | undefined> {
  if (!(await Deno.stat(path)).isFifo) return void context.log(`${key}: ${path} is not a FIFO and is not read`);
  // Open for writing too, so that it neither waits for a first writer nor ends with the last.
  const fifo = await Deno.open(path, { read: true, write: true });
  fifos.push(path);
  return fifo;
}

async function readFifo(key: FifoKey, fifo: Deno.FsFile, context: HostContext): Promise<void> {
  const kind = context.settings.text("whitelist") === null ? "deny" : "allow";
  const chunk = new Uint8Array(65536), decoder = new TextDecoder("latin1");
  let rest = "";
  while (!isStopping) {
    const read = await fifo.read(chunk);
    const lines = (rest + decoder.decode(chunk.subarray(0, read ?? 0))).split("\n");
    // A line that never ends is none.
    rest = (lines.pop() ?? "").slice(0, 4096);
    for (const line of lines) {
      if (!HASH_LINE.test(line)) continue;
      const hash = Uint8Array.from({ length: 20 }, (_, i) => parseInt(line.slice(i * 2, i * 2 + 2), 16));
      try {
        if (key === "fifo_add") current?.add(kind, hash);
        else current?.remove(kind, hash);
      } catch (error) {
        // The list is as long as it may be.
        context.log(`${key}: ${error instanceof Error ? error.message : error}`);
      }
    }
  }
  fifo.close();
}
