/**
 * Reads a config file from disk, and nothing else of it: what the text means is parse.ts and config.ts. A file is read
 * to its end or to the limit, so a pipe will do and an endless device does no harm.
 */

/** Most bytes of a config file: about two hundred times opentracker's own sample. */
export const CONFIG_FILE_BYTES_MAX = 1024 * 1024;

/** The text of a config file, or why there is none. */
export type ConfigFile =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "too_big" }
  /** By the runtime, which lets a program that may not do everything touch nothing in /dev, /proc and /sys. */
  | { readonly kind: "forbidden" }
  | { readonly kind: "unreadable" };

const CHUNK_BYTES = 64 * 1024;

/** Reads the file at `path` as UTF-8; bytes that are not are replaced by U+FFFD. Never throws. */
export function readConfigFile(path: string): ConfigFile {
  try {
    using file = Deno.openSync(path);
    return readToEnd(file);
  } catch (error) {
    return { kind: error instanceof Deno.errors.NotCapable ? "forbidden" : "unreadable" };
  }
}

function readToEnd(file: Deno.FsFile): ConfigFile {
  const decoder = new TextDecoder();
  const chunk = new Uint8Array(CHUNK_BYTES);
  let text = "";
  let bytesTotal = 0;
  for (;;) {
    const bytes = file.readSync(chunk);
    if (bytes === null) return { kind: "text", text: text + decoder.decode() };
    bytesTotal += bytes;
    if (bytesTotal > CONFIG_FILE_BYTES_MAX) return { kind: "too_big" };
    text += decoder.decode(chunk.subarray(0, bytes), { stream: true });
  }
}
