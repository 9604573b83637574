/**
 * The connections of a Linux front: the same bytes at once, and in pieces to a client that reads in pieces, must come to
 * the same replies. Sockets, epoll and the office are ours, and so is what an announce comes to: it says which it was.
 */
import assert from "node:assert/strict";
import { Connections, SLOT_FREE } from "../../../src/front/linux/connections.ts";
import { LinuxHttp } from "../../../src/front/linux/http_server.ts";
import { EAGAIN, EPOLLIN, EPOLLOUT } from "../../../src/front/linux/libc.ts";
import { type Native, PARTIAL_BYTES, SCRATCH_BYTES } from "../../../src/front/linux/native.ts";
import type { OfficeLink, OnPiece } from "../../../src/front/office_link.ts";
import { HttpDoor } from "../../../src/tracker/http_door.ts";
import type { Tracker } from "../../../src/tracker/tracker.ts";
import { HttpReplyWriter } from "../../../src/wire/http_reply.ts";
import type { HttpRequest } from "../../../src/wire/http_request.ts";
import type { Check, FuzzTarget } from "../../support/fuzz.ts";
import type { Random } from "../../support/random.ts";
import { latin1, latin1Text } from "../../support/vectors.ts";
import { httpRequest } from "./http.ts";
import { fuzzTracker } from "./world.ts";

const NUMWANT_MAX = 200, DESCRIPTOR = 7, TURNS_MAX = 200_000;
const LIMITS = { idleSeconds: 30, requestSeconds: 30, connectionsMax: 1 };
const PROXY = latin1("PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n");
const TOO_LARGE = "HTTP/1.0 500 Internal Server Error\r\n";

/** A connection from its first byte to its last. */
export const httpConnection: FuzzTarget = {
  name: "http_connection",
  summary: "connections of a Linux front: pieces, pipelines, clients that read late, the PROXY header, the office",
  bytesMax: 20_000,
  words: [
    ...httpRequest.words,
    "PROXY TCP4 ",
    "GET /stats HTTP/1.1\r\n\r\n",
    "GET /scrape?info_hash=aaaaaaaaaaaaaaaaaaaa\n\n",
  ],
  seeds: httpRequest.seeds!,
  open: openHttpConnection,
};

function openHttpConnection(): Check {
  const tracker = fuzzTracker(),
    { request } = tracker,
    buffers: Buffers = {
      input: new Uint8Array(SCRATCH_BYTES + PARTIAL_BYTES),
      output: new Uint8Array(HttpReplyWriter.bufferBytes(NUMWANT_MAX)),
    };
  tracker.announce = (reply) => void Object.assign(reply, { seeders: 1, leechers: 2, peers4: 0, peers6: 0 });
  tracker.policy.nextInterval = () => 1000 + (request.infoHash[0]! & 0xff) + request.portWord;
  return (bytes, chance) => {
    const isProxied = chance.oneIn(3), input = isProxied && chance.oneIn(2) ? Uint8Array.of(...PROXY, ...bytes) : bytes;
    const whole = new Wire(tracker, buffers, input).run(isProxied, null);
    const pieces = new Wire(tracker, buffers, input).run(isProxied, chance);
    // Whole, it may be seen to be too large before its end has come; in pieces, when it has.
    if (whole.startsWith(pieces)) assert.ok(["", TOO_LARGE].some((end) => whole.slice(pieces.length).startsWith(end)));
    if (whole !== pieces) assert.equal(whole.slice(0, whole.lastIndexOf(TOO_LARGE)), pieces);
    return `${isProxied} ${whole.split("HTTP/1.").length} ${whole.slice(9, 40)}`;
  };
}

/** What a front receives into and sends from: kept from one input to the next, with what was left in them. */
interface Buffers {
  readonly input: Uint8Array;
  readonly output: Uint8Array;
}

/** One connection, both of its ends. */
class Wire {
  readonly #input: Uint8Array;
  /** Where the client is in its input, how far it may be read now, and how much of a reply fits the socket. */
  #at = 0;
  #sent = 0;
  #room = Infinity;
  #output = "";
  #events = 0;
  #isClosed = false;
  #aim = { receive: [0, 0], send: [0, 0] };
  /** What the office has, and the second half of its answer. */
  #asked: { onPiece: OnPiece; pieces: string[]; keepAlive: boolean } | undefined;
  readonly #native: Native;
  readonly #connections = new Connections(new Int32Array(1), 1);
  readonly #http: LinuxHttp;

  constructor(tracker: Tracker, buffers: Buffers, input: Uint8Array) {
    this.#input = input;
    this.#native = this.#fakeNative(buffers.input, buffers.output);
    const watch = (_descriptor: number, events: number) => {
      this.#events = events;
      return true;
    };
    const poller = { add: watch, change: watch } as never, office = this.#fakeOffice();
    const door = new HttpDoor(tracker, buffers.output), connections = this.#connections;
    tracker.beginBatch();
    this.#http = new LinuxHttp(this.#native, poller, tracker, door, office, LIMITS, connections, 0);
  }

  /** All that came back until the connection was closed. `chance`: null = everything at once. */
  run(isProxied: boolean, chance: Random | null): string {
    const connections = this.#connections, slot = connections.open(DESCRIPTOR, 0);
    connections.noteAddress(slot, { family: 4, address: Int32Array.of(0x04030201, 0, 0, 0) });
    if (isProxied) connections.awaitsProxy[slot] = 1;
    const { length } = this.#input, some = (most: number) => chance === null ? most : 1 + chance.below(most);
    this.#sent = chance === null ? length : Math.min(length, some(length + 1));
    this.#http.receive(slot);
    for (let turn = 0; !this.#isClosed; turn++) {
      assert.ok(turn < TURNS_MAX, "it never ends");
      this.#room = chance === null ? Infinity : chance.below(2) * some(4000);
      if (this.#asked !== undefined && this.#events === 0) this.#answerOffice(chance);
      else if (this.#events === EPOLLOUT) this.#http.serve(slot, connections.generation[slot]!, EPOLLOUT);
      else {
        assert.equal(this.#events, EPOLLIN, "a connection that waits for nothing");
        this.#sent = Math.min(length, this.#sent + some(chance?.oneIn(4) ? 3 : 3000));
        this.#http.serve(slot, connections.generation[slot]!, EPOLLIN);
      }
    }
    assert.equal(connections.state[slot], SLOT_FREE);
    assert.equal(connections.count, 0);
    return this.#output;
  }

  #answerOffice(chance: Random | null): void {
    const { onPiece, pieces, keepAlive } = this.#asked!, piece = pieces.shift()!, last = pieces.length === 0;
    // The whole answer comes at once, or in two pieces: the second when it is asked for.
    const text = chance === null || chance.oneIn(2) ? piece + pieces.splice(0).join("") : piece;
    if (last || pieces.length === 0) this.#asked = undefined;
    onPiece({ id: 1, bytes: latin1(text) as Uint8Array<ArrayBuffer>, last: pieces.length === 0, keepAlive });
  }

  #fakeOffice(): OfficeLink {
    return {
      send: (bytes: Uint8Array, http: HttpRequest, address: string, onPiece: OnPiece) => {
        const target = latin1Text(bytes.subarray(http.targetStart, http.targetEnd)), { keepAlive } = http;
        this.#asked = { onPiece, pieces: [`HTTP/1.1 200 OK ${address}`, ` ${target}\r\n`], keepAlive };
        return 1;
      },
      next: () => {},
      abort: () => this.#asked = undefined,
    } as unknown as OfficeLink;
  }

  #fakeNative(streamInput: Uint8Array, streamOutput: Uint8Array): Native {
    const aim = this.#aim,
      aimed = (name: "receive" | "send") => ({
        header: name,
        aim: (start: number, length: number) => void (aim[name] = [start, length]),
      });
    const take = (bytes: Uint8Array) => {
      const count = Math.min(bytes.length, this.#room);
      this.#output += latin1Text(bytes.subarray(0, count));
      this.#room -= count;
      return count === 0 ? -1 : count;
    };
    return {
      streamInput,
      streamOutput,
      receive: aimed("receive"),
      send: aimed("send"),
      errno: () => EAGAIN,
      calls: {
        recvmsg: () => {
          const [start, length] = aim.receive as [number, number], end = Math.min(this.#sent, this.#at + length);
          // The client ends when it has sent all.
          if (end === this.#at) return this.#at === this.#input.length ? 0 : -1;
          streamInput.set(this.#input.subarray(this.#at, end), start);
          const count = end - this.#at;
          this.#at = end;
          return count;
        },
        sendmsg: () => {
          const [start, length] = aim.send as [number, number];
          return take(streamOutput.subarray(start, start + length));
        },
        send: (_: number, bytes: Uint8Array, length: number) => take(bytes.subarray(0, length)),
        shutdown: () => 0,
        close: () => {
          this.#isClosed = true;
          return 0;
        },
      },
    } as unknown as Native;
  }
}
