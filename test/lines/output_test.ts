/** Streams that take all, some, nothing, or fail: a line never waits for them, and what is lost is said. */
import assert from "node:assert/strict";
import { LineStream, WAITING_BYTES_MAX, WRITE_BYTES_MAX } from "../../src/lines/output.ts";

/** Takes at most `room` bytes at a time; -1 = it fails. */
class Sink {
  room = Infinity;
  text = "";
  longest = 0;
  readonly #decoder = new TextDecoder();

  write(bytes: Uint8Array<ArrayBuffer>): number {
    this.longest = Math.max(this.longest, bytes.length);
    if (this.room <= 0) return this.room;
    const taken = bytes.subarray(0, this.room);
    this.text += this.#decoder.decode(taken, { stream: true });
    return taken.length;
  }
}

Deno.test("LineStream prints lines whole and in order, whatever the stream takes at a time", () => {
  const sink = new Sink(), stream = new LineStream(sink), lines = ["one", "zwölf 🐝", "x".repeat(3 * WRITE_BYTES_MAX)];
  sink.room = 7;
  for (const line of lines) stream.print(line);
  assert.equal(sink.text, lines.map((line) => `${line}\n`).join(""));
  assert.ok(sink.longest <= WRITE_BYTES_MAX, "more than a pipe takes whole");
});

Deno.test("LineStream keeps what a stream does not take now, up to its limit, and says what it lost", async () => {
  const sink = new Sink(), stream = new LineStream(sink), line = "x".repeat(1023);
  sink.room = 0;
  const lines = WAITING_BYTES_MAX / 1024, lost = 10;
  for (let i = 0; i < lines + lost; i++) stream.print(line);
  assert.equal(sink.text, "");
  sink.room = Infinity;
  await stream.flush();
  assert.equal(sink.text.split(`${line}\n`).length - 1, lines);
  assert.match(sink.text, new RegExp(`^${lost} lines were lost here: nothing took them$`, "m"));
});

Deno.test("LineStream passes over a stream that fails, and goes on when it is well", () => {
  const sink = new Sink(), stream = new LineStream(sink);
  sink.room = -1;
  for (let i = 0; i < 5; i++) stream.print("lost");
  sink.room = Infinity;
  stream.print("back");
  stream.print("again");
  assert.equal(sink.text, "back\n5 lines were lost here: nothing took them\nagain\n");
});

Deno.test("LineStream's flush gives up on a stream that takes nothing", async () => {
  const sink = new Sink(), stream = new LineStream(sink);
  sink.room = 0;
  stream.print("waits");
  await stream.flush();
  assert.equal(sink.text, "");
});
