/** Lines of text that may be very long: one of a state file's export is a whole swarm. */

/** Longest line that is kept: a swarm of 2.5 million peers. V8 has no strings of twice that. */
export const LINE_CHARS_MAX = 2 ** 28;

/**
 * The lines of a stream of UTF-8, without their ends. Of one that is longer than `charsMax`, what came of it first: it is
 * cut somewhere. Throws what the stream throws.
 */
export async function* textLines(
  bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
  charsMax = LINE_CHARS_MAX,
): AsyncGenerator<string> {
  let parts: string[] = [], chars = 0;
  for await (const text of bytes.pipeThrough(new TextDecoderStream())) {
    // A piece is looked at once, however long its line gets.
    for (let from = 0; from <= text.length;) {
      const at = text.indexOf("\n", from), end = at < 0 ? text.length : at;
      chars += end - from;
      if (chars <= charsMax || parts.length === 0) parts.push(text.slice(from, Math.min(end, from + charsMax)));
      else parts.length = 1;
      from = end + 1;
      if (at < 0) break;
      yield parts.join("");
      parts = [];
      chars = 0;
    }
  }
  yield parts.join("");
}
