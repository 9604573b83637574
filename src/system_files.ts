/**
 * Reads what the kernel tells in /proc and /sys, which the runtime shows only to programs that may do everything: with
 * native calls where there are any, else as files. What cannot be read is null. Other folders may stand for the root.
 */

const LIBC = "libc.so.6";
const SYMBOLS = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
  readlink: { parameters: ["buffer", "buffer", "usize"], result: "isize" },
  getdents64: { parameters: ["i32", "buffer", "usize"], result: "isize" },
} as const;

const O_RDONLY = 0, O_CLOEXEC = 0o2000000, O_NONBLOCK = 0o4000;
const CHUNK_BYTES = 65_536;
/** Bytes that are read of one file: the table of 100,000 sockets. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;
/** Where an entry of getdents64 has its length and its name. */
const ENTRY_LENGTH_AT = 16, ENTRY_NAME_AT = 19;

type Library = Deno.DynamicLibrary<typeof SYMBOLS>;
type Calls = Library["symbols"];

/** The files below `root`, which is empty for the system's own. Holds the C library until it is disposed of. */
export class SystemFiles implements Disposable {
  readonly #library: Library | null = openLibrary();
  readonly #calls: Calls | null = this.#library?.symbols ?? null;

  constructor(readonly root: string = "") {}

  [Symbol.dispose](): void {
    this.#library?.close();
  }

  /** The text of a file. */
  text(path: string): string | null {
    const calls = this.#calls;
    if (calls === null) return readAsFile(this.root + path);
    const descriptor = calls.open(cString(this.root + path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return null;
    const text = readToEnd(calls, descriptor);
    calls.close(descriptor);
    return text;
  }

  /** The first word of a file as a number. */
  number(path: string): number | null {
    const word = this.text(path)?.trim().split(/\s+/, 1)[0];
    return word !== undefined && /^\d+$/.test(word) ? Number(word) : null;
  }

  /** The names in a folder, without `.` and `..`. */
  names(path: string): readonly string[] | null {
    const calls = this.#calls;
    if (calls === null) return null;
    const descriptor = calls.open(cString(this.root + path), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return null;
    const names: string[] = [], entries = new Uint8Array(CHUNK_BYTES);
    for (;;) {
      const bytes = Number(calls.getdents64(descriptor, entries, BigInt(entries.length)));
      if (bytes <= 0) break;
      names.push(...readNames(entries.subarray(0, bytes)));
    }
    calls.close(descriptor);
    return names.filter((name) => name !== "." && name !== "..");
  }

  /** What a symbolic link says. */
  link(path: string): string | null {
    const target = new Uint8Array(4096);
    const bytes = Number(this.#calls?.readlink(cString(this.root + path), target, BigInt(target.length)) ?? -1);
    return bytes < 0 ? null : new TextDecoder().decode(target.subarray(0, bytes));
  }
}

function openLibrary(): Library | null {
  try {
    return Deno.dlopen(LIBC, SYMBOLS);
  } catch {
    // No glibc, or no right to native calls.
    return null;
  }
}

function readAsFile(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return null;
  }
}

function readToEnd(calls: Calls, descriptor: number): string | null {
  const chunk = new Uint8Array(CHUNK_BYTES), decoder = new TextDecoder();
  let text = "";
  for (let total = 0; total < FILE_BYTES_MAX;) {
    const bytes = Number(calls.read(descriptor, chunk, BigInt(chunk.length)));
    if (bytes < 0) return null;
    if (bytes === 0) break;
    text += decoder.decode(chunk.subarray(0, bytes), { stream: true });
    total += bytes;
  }
  return text + decoder.decode();
}

function readNames(entries: Uint8Array): string[] {
  const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength), names: string[] = [];
  for (let at = 0; at < entries.length;) {
    const length = view.getUint16(at + ENTRY_LENGTH_AT, true), nameAt = at + ENTRY_NAME_AT;
    names.push(new TextDecoder().decode(entries.subarray(nameAt, entries.indexOf(0, nameAt))));
    at += length;
  }
  return names;
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
