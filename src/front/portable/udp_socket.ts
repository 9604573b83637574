/** UDP on Deno's own datagram socket: one packet at a time, for systems without the Linux calls. */
import { setAddressText } from "../../bittorrent/address.ts";
import { COUNTER } from "../../stats/counters.ts";
import type { Tracker } from "../../tracker/tracker.ts";
import { UdpDoor } from "../../tracker/udp_door.ts";
import type { ConnectionIds } from "../../wire/connection_id.ts";
import { PacketBuffer, UDP_REPLY_BYTES_MAX } from "../../wire/udp.ts";

/** Longest datagram looked at: no request is longer, whatever options it carries. */
const PACKET_BYTES_MAX = 2048;

/** Answers on `socket` until it is closed. Resolves then; a fault in one packet is counted and logged, no more. */
export async function serveUdp(socket: Deno.DatagramConn, tracker: Tracker, ids: ConnectionIds): Promise<void> {
  const input = new PacketBuffer(new Uint8Array(PACKET_BYTES_MAX + 4));
  const output = new PacketBuffer(new Uint8Array(UDP_REPLY_BYTES_MAX + 4));
  const door = new UdpDoor(tracker, ids, input, output);
  for (;;) {
    try {
      const [packet, source] = await socket.receive(input.bytes);
      // A buffer filled to the brim was too short: the rest is gone, and with it the packet's sense.
      if (source.transport !== "udp" || packet.length > PACKET_BYTES_MAX) continue;
      if (!setAddressText(tracker.request, source.hostname)) continue;
      tracker.beginBatch();
      const begunMs = performance.now(), length = door.answer(0, packet.length, 0);
      tracker.countTurn((performance.now() - begunMs) * 1000);
      if (length > 0) await socket.send(output.bytes.subarray(0, length), source);
    } catch (error) {
      if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) return;
      // An unreachable client is its own affair; anything else of ours is a fault.
      if (isNetworkError(error)) tracker.counters[COUNTER.udpSendErrors]!++;
      else {
        tracker.counters[COUNTER.faults]!++;
        console.error("front: a UDP packet failed", error);
        if (tracker.store.releaseOwnLocks() > 0) throw error;
      }
    }
  }
}

// What the system says of a socket has a code; our own mistakes have none.
function isNetworkError(error: unknown): boolean {
  return error instanceof Error && ("code" in error || Object.hasOwn(Deno.errors, error.name));
}
