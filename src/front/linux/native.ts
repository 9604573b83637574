/**
 * Everything native of a Linux front: its calls and the structures handed to the kernel, built here once, before the
 * permission for native calls is given back. Addresses are taken from buffers of our own and only here; later code
 * writes lengths and picks among these addresses, bounds checked, and never makes one from what the network sent.
 *
 *   struct iovec    0 base (8)   8 length (8)                                                             16 bytes
 *   struct msghdr   0 name (8)   8 name length (4)   16 iovec (8)   24 iovecs (8)   32 control (8)
 *                   40 control length (8)   48 flags (4)                                                  56 bytes
 *   struct mmsghdr  0 msghdr (56)   56 length received (4)                                                64 bytes
 *   epoll_event     x86-64, packed: 0 events (4)   4 data (8)                                             12 bytes
 *                   arm64: 0 events (4)   8 data (8)                                                      16 bytes
 *   sockaddr_in     0 family (2)   2 port (2, network order)   4 address (4)                              16 bytes
 *   sockaddr_in6    0 family (2)   2 port (2)   4 flow (4)   8 address (16)   24 scope (4)                28 bytes
 *   cmsghdr         0 length (8)   8 level (4)   12 type (4)   16 data
 */
import { HttpReplyWriter } from "../../wire/http_reply.ts";
import { PacketBuffer } from "../../wire/udp.ts";
import { LIBC, LOOP_SYMBOLS, type LoopCalls, PR_SET_TIMERSLACK, THREAD_SYMBOLS } from "./libc.ts";

/** Datagrams of one receive or send call: more gains nothing measurable, and delays the first of them. */
export const BATCH = 64;
/** Longest datagram looked at; longer ones are cut by the kernel and dropped. */
export const PACKET_BYTES_MAX = 2048;
/** Room for an answer: UDP_REPLY_BYTES_MAX and a little, a multiple of 64. */
export const ANSWER_BYTES_MAX = 1280;
/** Stride of source addresses: a sockaddr_in6. */
export const NAME_BYTES = 28;
/** Stride of control messages: room for one pktinfo of either family. */
export const CONTROL_BYTES = 64;
/** Words of a struct mmsghdr. */
export const HEADER_WORDS = 16;
/** Events of one epoll call. */
export const EVENTS_MAX = 256;
/** Bytes of an epoll_event on this machine. */
export const EVENT_BYTES = Deno.build.arch === "x86_64" ? 12 : 16;
/** Bytes received at once on a connection. */
export const SCRATCH_BYTES = 65536;
/** What is kept of a connection's unfinished request: HTTP_REQUEST_BYTES_MAX. */
export const PARTIAL_BYTES = 8192;

/** An address of our own memory in two words, so that no 64-bit number is made per packet. */
class Base {
  readonly low: number;
  readonly high: number;

  constructor(buffer: Uint8Array) {
    const address = BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer as Uint8Array<ArrayBuffer>)));
    this.low = Number(address & 0xffffffffn);
    this.high = Number(address >> 32n);
  }

  /** Writes the address `offset` bytes on into words `at` and `at + 1`. */
  write(words: Int32Array, at: number, offset: number): void {
    const low = this.low + offset;
    words[at] = low;
    words[at + 1] = low > 0xffffffff ? this.high + 1 : this.high;
  }
}

/** Structures for receiving and answering up to BATCH datagrams. */
export class UdpBatch {
  readonly input = new PacketBuffer(new Uint8Array(BATCH * PACKET_BYTES_MAX));
  readonly output = new PacketBuffer(new Uint8Array(BATCH * ANSWER_BYTES_MAX));
  readonly names = new Uint8Array(BATCH * NAME_BYTES);
  readonly nameWords = new Int32Array(this.names.buffer);
  readonly control = new Uint8Array(BATCH * CONTROL_BYTES);
  readonly controlWords = new Int32Array(this.control.buffer);
  readonly received = new Uint8Array(BATCH * HEADER_WORDS * 4);
  readonly receivedWords = new Int32Array(this.received.buffer);
  readonly sent = new Uint8Array(BATCH * HEADER_WORDS * 4);
  readonly sentWords = new Int32Array(this.sent.buffer);
  readonly #receivedVectors = new Uint8Array(BATCH * 16);
  readonly #sentVectors = new Uint8Array(BATCH * 16);
  readonly #sentVectorWords = new Int32Array(this.#sentVectors.buffer);
  readonly #namesBase = new Base(this.names);
  readonly #controlBase = new Base(this.control);

  constructor() {
    const input = new Base(this.input.bytes), output = new Base(this.output.bytes);
    const receivedVectors = new Base(this.#receivedVectors), sentVectors = new Base(this.#sentVectors);
    const receivedVectorWords = new Int32Array(this.#receivedVectors.buffer);
    for (let i = 0; i < BATCH; i++) {
      const header = i * HEADER_WORDS, vector = i * 4;
      input.write(receivedVectorWords, vector, i * PACKET_BYTES_MAX);
      receivedVectorWords[vector + 2] = PACKET_BYTES_MAX;
      this.#namesBase.write(this.receivedWords, header, i * NAME_BYTES);
      receivedVectors.write(this.receivedWords, header + 4, i * 16);
      this.receivedWords[header + 6] = 1;
      this.#controlBase.write(this.receivedWords, header + 8, i * CONTROL_BYTES);
      output.write(this.#sentVectorWords, vector, i * ANSWER_BYTES_MAX);
      sentVectors.write(this.sentWords, header + 4, i * 16);
      this.sentWords[header + 6] = 1;
    }
    this.resetReceived(BATCH);
  }

  /** Makes the first `count` receive headers ready again: the kernel has written lengths into them. */
  resetReceived(count: number): void {
    for (let i = 0; i < count; i++) {
      const header = i * HEADER_WORDS;
      this.receivedWords[header + 2] = NAME_BYTES;
      this.receivedWords[header + 10] = CONTROL_BYTES;
      this.receivedWords[header + 12] = 0;
    }
  }

  /** Has answer `slot` sent with `length` bytes to where datagram `from` came from, with `controlBytes` of control. */
  address(slot: number, from: number, length: number, controlBytes: number): void {
    const header = slot * HEADER_WORDS, words = this.sentWords;
    if (slot >= BATCH || from >= BATCH || length > ANSWER_BYTES_MAX) throw new RangeError("udp batch: out of bounds");
    this.#namesBase.write(words, header, from * NAME_BYTES);
    words[header + 2] = this.receivedWords[from * HEADER_WORDS + 2];
    this.#controlBase.write(words, header + 8, from * CONTROL_BYTES);
    words[header + 10] = controlBytes;
    this.#sentVectorWords[slot * 4 + 2] = length;
  }
}

/** One message header over a part of one buffer: what connections receive into or send from. */
export class StreamMessage {
  readonly header = new Uint8Array(56);
  readonly #headerWords = new Int32Array(this.header.buffer);
  readonly #vector = new Uint8Array(16);
  readonly #vectorWords = new Int32Array(this.#vector.buffer);
  readonly #base: Base;
  readonly #bytesMax: number;

  constructor(buffer: Uint8Array) {
    this.#base = new Base(buffer);
    this.#bytesMax = buffer.length;
    new Base(this.#vector).write(this.#headerWords, 4, 0);
    this.#headerWords[6] = 1;
  }

  /** Points the message at `length` bytes from `start`. */
  aim(start: number, length: number): void {
    if (start < 0 || length < 0 || start + length > this.#bytesMax) {
      throw new RangeError("stream message: out of bounds");
    }
    this.#base.write(this.#vectorWords, 0, start);
    this.#vectorWords[2] = length;
  }
}

/** All of it. */
export interface Native {
  readonly calls: LoopCalls;
  readonly udp: UdpBatch;
  /** Where connections receive: SCRATCH_BYTES for anyone, then PARTIAL_BYTES for each connection. */
  readonly streamInput: Uint8Array;
  readonly receive: StreamMessage;
  /** Where replies are written before they are sent, and the message over it. */
  readonly streamOutput: Uint8Array;
  readonly send: StreamMessage;
  /** The error of the last call that failed. For rare cases: it costs a microsecond. */
  readonly errno: () => number;
}

/** Binds the calls and builds the structures. Needs the `ffi` permission; nothing later does. */
export function bindNative(connectionsMax: number, peersMax: number): Native {
  const calls = Deno.dlopen(LIBC, LOOP_SYMBOLS).symbols;
  sleepExactly();
  const streamInput = new Uint8Array(SCRATCH_BYTES + connectionsMax * PARTIAL_BYTES);
  const streamOutput = new Uint8Array(HttpReplyWriter.bufferBytes(peersMax));
  const error = new Int32Array(1), errorBytes = new Uint8Array(error.buffer);
  return {
    calls,
    udp: new UdpBatch(),
    streamInput,
    receive: new StreamMessage(streamInput),
    streamOutput,
    send: new StreamMessage(streamOutput),
    errno: () => {
      calls.memcpy(errorBytes, calls.__errno_location(), 4n);
      return error[0]!;
    },
  };
}

// Short sleeps of this thread, which waits for requests to gather, take as long as asked for. Where this is refused they
// take a little longer.
function sleepExactly(): void {
  const library = Deno.dlopen(LIBC, THREAD_SYMBOLS);
  library.symbols.prctl(PR_SET_TIMERSLACK, 1n);
  library.close();
}
