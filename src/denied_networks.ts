/** The networks of access.deny_networks: read at the start and at a reload, and kept in shared memory for the fronts. */
import { type NetworkLines, readNetworkSlices } from "./access/network_lines.ts";

/** Longest file that is read: some two million IPv6 networks. */
export const FILE_BYTES_MAX = 64 * 1024 * 1024;
/** Bytes read at a time: between two reads the clock goes on. */
const CHUNK_BYTES = 1024 * 1024;

/** The file's networks. */
export class DeniedNetworks {
  readonly #path: string | null;
  #memory: SharedArrayBuffer | null = null;

  /** `path`: null = none are denied. */
  constructor(path: string | null) {
    this.#path = path;
  }

  /** For NetworkRanges; null = none. */
  get memory(): SharedArrayBuffer | null {
    return this.#memory;
  }

  /** Reads the file and says what it holds. Returns null, or the sentence that says why the tracker cannot start. */
  async load(): Promise<string | null> {
    const why = await this.#read();
    if (why === null) return null;
    return `Cannot start: access.deny_networks must be a file of networks that can be read, and is "${this.#path}" (${why})`;
  }

  /** Reads the file anew. True: there are new networks. What cannot be read leaves the old ones, and is said. */
  async reload(): Promise<boolean> {
    const why = await this.#read();
    if (why !== null) {
      console.error(`access.deny_networks: the old networks stay: ${this.#path} cannot be read (${why})`);
    }
    return this.#path !== null && why === null;
  }

  // Returns null, or why the file cannot be read.
  async #read(): Promise<string | null> {
    const path = this.#path;
    if (path === null) return null;
    try {
      const read = await readNetworks(path);
      this.#memory = read.memory;
      for (const line of describeNetworks(path, read)) console.log(line);
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

async function readNetworks(path: string): Promise<NetworkLines> {
  // In between the clock goes on, and systemd hears from us.
  for (const reading = readNetworkSlices(await readText(path));;) {
    const { done, value } = reading.next();
    if (done) return value;
    await new Promise((resolve) => setTimeout(resolve));
  }
}

async function readText(path: string): Promise<string> {
  // A FIFO or a device may have no end, and opening one may take for ever.
  if (!(await Deno.stat(path)).isFile) throw new Error("it is not a regular file");
  using file = await Deno.open(path);
  const decoder = new TextDecoder(), chunk = new Uint8Array(CHUNK_BYTES);
  let text = "", bytesTotal = 0;
  for (;;) {
    const bytes = await file.read(chunk);
    if (bytes === null) return text + decoder.decode();
    bytesTotal += bytes;
    // Counted, because a file may grow meanwhile, or say that it is empty.
    if (bytesTotal > FILE_BYTES_MAX) throw new Error(`it has more than ${FILE_BYTES_MAX} bytes`);
    text += decoder.decode(chunk.subarray(0, bytes), { stream: true });
  }
}

function describeNetworks(path: string, { networks, badLines, firstBadLine }: NetworkLines): string[] {
  const denied = networks === 1 ? "1 network is" : `${networks} networks are`;
  const said = [`access.deny_networks ${path}: ${denied} not served`];
  if (badLines > 0) {
    const bad = badLines === 1 ? "1 line is no network:" : `${badLines} lines are no networks, the first is`;
    said.push(`access.deny_networks ${path}: ${bad} line ${firstBadLine}`);
  }
  return said;
}
