/** A tracker without sockets: doors over a store of their own, with a clock that only the test moves. */
import { setAddressText } from "../../src/bittorrent/address.ts";
import { Clock, createClock } from "../../src/stats/clock.ts";
import { counterRow, createCounters } from "../../src/stats/counters.ts";
import { HttpDoor } from "../../src/tracker/http_door.ts";
import { Policy, type PolicySettings } from "../../src/tracker/policy.ts";
import { Tracker } from "../../src/tracker/tracker.ts";
import { UdpDoor } from "../../src/tracker/udp_door.ts";
import { ConnectionIds } from "../../src/wire/connection_id.ts";
import { HttpReplyWriter } from "../../src/wire/http_reply.ts";
import { PacketBuffer } from "../../src/wire/udp.ts";
import { newStore } from "./store.ts";

/** How long connection ids of a test tracker are good. */
export const CONNECTION_ID_SECONDS = 3600;

const POLICY: PolicySettings = { intervalSeconds: 1800, numwantDefault: 50, numwantMax: 200 };

/** The tracker behind the doors. */
export function newTracker(settings: Partial<PolicySettings> = {}, mebibytes = 16): Tracker {
  const clock = new Clock(createClock()), policy = new Policy({ ...POLICY, ...settings }, 1);
  return new Tracker(newStore(mebibytes), policy, counterRow(createCounters(1), 0), clock);
}

/** A UDP door and its buffers. */
export class UdpCounter {
  readonly input = new PacketBuffer(new Uint8Array(4096));
  readonly output = new PacketBuffer(new Uint8Array(4096));
  readonly door: UdpDoor;

  constructor(readonly tracker: Tracker) {
    const ids = new ConnectionIds(crypto.getRandomValues(new Int32Array(4)), CONNECTION_ID_SECONDS);
    this.door = new UdpDoor(tracker, ids, this.input, this.output);
  }

  /** The answer to `packet` from `address`, a copy; empty when there is none. */
  ask(packet: Uint8Array, address: string): Uint8Array {
    setAddressText(this.tracker.request, address);
    this.tracker.beginBatch();
    this.input.bytes.fill(0xa5);
    this.input.bytes.set(packet, 64);
    return this.output.bytes.slice(128, 128 + this.door.answer(64, packet.length, 128));
  }

  /** A connection id for `address`. */
  connect(address: string): Uint8Array {
    return this.ask(Uint8Array.of(0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0, 1, 2, 3, 4), address).slice(8, 16);
  }
}

/** An HTTP door and its buffer. */
export class HttpCounter {
  readonly door: HttpDoor;

  constructor(readonly tracker: Tracker) {
    this.door = new HttpDoor(tracker, new Uint8Array(HttpReplyWriter.bufferBytes(tracker.policy.numwantMax)));
  }

  /** What the door makes of the bytes from `address`, and its reply's bytes, a copy. */
  ask(bytes: Uint8Array, address: string, start = 0): { action: number; reply: Uint8Array } {
    setAddressText(this.tracker.request, address);
    this.tracker.beginBatch();
    this.door.http.scanned = 0;
    const action = this.door.answer(bytes, start, bytes.length), { writer, output } = this.door;
    return { action, reply: output.slice(writer.start, writer.end) };
  }
}
