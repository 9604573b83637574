/** Compresses streams as `Accept-Encoding` asks: zstd where the client takes it, else gzip (RFC 9110 §12.5.3). */
import { createGzip, createZstdCompress } from "node:zlib";

/** Encodings we have, the preferred first. */
const ENCODINGS = ["zstd", "gzip"] as const;
/** Effort: about as quick as the tracker makes the bytes. Most of them are hashes, which no effort makes smaller. */
const GZIP_LEVEL = 1;

/** What to encode a reply with: the first of ours that the header allows; null = as it is. */
export function chooseEncoding(acceptEncoding: string | null): typeof ENCODINGS[number] | null {
  if (acceptEncoding === null) return null;
  const allowed = new Set<string>();
  for (const part of acceptEncoding.toLowerCase().split(",")) {
    const [name, ...parameters] = part.split(";").map((text) => text.trim());
    if (!parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) allowed.add(name!);
  }
  return ENCODINGS.find((encoding) => allowed.has(encoding)) ?? null;
}

/**
 * The bytes of `stream`, compressed as they are asked for. Each piece is used before the next is asked for. When it is
 * cancelled while `stream` is waited for, so is that.
 */
export function compress(
  stream: ReadableStream<Uint8Array>,
  encoding: typeof ENCODINGS[number],
): ReadableStream<Uint8Array> {
  const reader = stream.getReader(), pieces = compressed(reader, encoding);
  return new ReadableStream<Uint8Array>({
    pull: async (out) => {
      const { value, done } = await pieces.next();
      if (done) out.close();
      else out.enqueue(value);
    },
    cancel: async (reason) => {
      // First: a piece that is being made would be waited for.
      await reader.cancel(reason);
      await pieces.return();
    },
  }, { highWaterMark: 0 });
}

async function* compressed(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  encoding: typeof ENCODINGS[number],
): AsyncGenerator<Uint8Array, void> {
  const compressor = encoding === "zstd" ? createZstdCompress() : createGzip({ level: GZIP_LEVEL });
  const feed = async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      await new Promise<void>((resolve, reject) => {
        compressor.write(value, (error) => error ? reject(error) : resolve());
      });
    }
    compressor.end();
  };
  const feeding = feed().catch((error) => void compressor.destroy(error));
  try {
    for await (const bytes of compressor) yield bytes;
    await feeding;
  } finally {
    compressor.destroy();
    await reader.cancel();
  }
}
