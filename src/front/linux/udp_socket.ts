/** One UDP socket of a Linux front: a batch of datagrams in, their answers out, two system calls. */
import { setAddress4, setAddress6 } from "../../bittorrent/address.ts";
import { COUNTER } from "../../stats/counters.ts";
import type { Tracker } from "../../tracker/tracker.ts";
import type { UdpDoor } from "../../tracker/udp_door.ts";
import {
  AF_INET,
  AF_INET6,
  EAGAIN,
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_PKTINFO,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_TRUNC,
} from "./libc.ts";
import {
  ANSWER_BYTES_MAX,
  BATCH,
  CONTROL_BYTES,
  HEADER_WORDS,
  NAME_BYTES,
  type Native,
  PACKET_BYTES_MAX,
} from "./native.ts";

const NAME_WORDS = NAME_BYTES / 4;
const CONTROL_WORDS = CONTROL_BYTES / 4;
/** Control bytes to send: a cmsghdr with an in6_pktinfo (20 bytes) or an in_pktinfo (12), rounded to 8. */
const PKTINFO6_BYTES = 40, PKTINFO4_BYTES = 32;

/** Answers datagrams for all UDP sockets of one front. */
export class LinuxUdp {
  readonly #native: Native;
  readonly #tracker: Tracker;
  readonly #door: UdpDoor;

  constructor(native: Native, tracker: Tracker, door: UdpDoor) {
    this.#native = native;
    this.#tracker = tracker;
    this.#door = door;
  }

  /**
   * One batch on `descriptor`. Returns how many datagrams came; BATCH means that more may wait. Throws what the last one
   * that failed threw, when all others are answered.
   */
  serve(descriptor: number): number {
    const { calls, udp } = this.#native;
    const count = calls.recvmmsg(descriptor, udp.received, BATCH, MSG_DONTWAIT, null);
    if (count <= 0) return 0;
    let answers = 0, faults = 0, fault: unknown;
    for (let i = 0; i < count;) {
      // Entered once a batch: a datagram that fails takes no other with it, and costs those that do not nothing.
      try {
        while (i < count) answers = this.#answer(i++, answers);
      } catch (error) {
        faults++;
        fault = error;
      }
    }
    udp.resetReceived(count);
    if (answers > 0) this.#send(descriptor, answers);
    if (faults === 0) return count;
    // The one that is thrown is counted by who catches it.
    this.#tracker.counters[COUNTER.faults] += faults - 1;
    throw fault;
  }

  // Answers datagram `i` into slot `slot`. Returns the next free slot.
  #answer(i: number, slot: number): number {
    const { udp } = this.#native, header = i * HEADER_WORDS, flags = udp.receivedWords[header + 12];
    if (flags & MSG_TRUNC || !this.#takeSource(i)) {
      this.#tracker.counters[COUNTER.udpPackets]++;
      this.#tracker.counters[COUNTER.udpDrops]++;
      return slot;
    }
    const length = this.#door.answer(i * PACKET_BYTES_MAX, udp.receivedWords[header + 14], slot * ANSWER_BYTES_MAX);
    if (length === 0) return slot;
    udp.address(slot, i, length, flags & MSG_CTRUNC ? 0 : this.#controlBytes(i));
    return slot + 1;
  }

  #takeSource(i: number): boolean {
    const words = this.#native.udp.nameWords, at = i * NAME_WORDS, family = words[at] & 0xffff;
    if (family === AF_INET6) setAddress6(this.#tracker.request, words, at + 2);
    else if (family === AF_INET) setAddress4(this.#tracker.request, words[at + 1]);
    else return false;
    return true;
  }

  // Turns what the kernel said of datagram `i` (sent to which address) into what it shall do (send from it).
  #controlBytes(i: number): number {
    const { udp } = this.#native, words = udp.controlWords, at = i * CONTROL_WORDS;
    if (udp.receivedWords[i * HEADER_WORDS + 10] === 0) return 0;
    const level = words[at + 2], type = words[at + 3];
    if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO) {
      // The interface is left to routing, except where the address is only good on one (fe80::/10).
      if ((words[at + 4] & 0xc0ff) !== 0x80fe) words[at + 8] = 0;
      return PKTINFO6_BYTES;
    }
    if (level !== IPPROTO_IP || type !== IP_PKTINFO) return 0;
    words[at + 4] = 0;
    return PKTINFO4_BYTES;
  }

  #send(descriptor: number, answers: number): void {
    const { calls, udp, errno } = this.#native;
    let sent = calls.sendmmsg(descriptor, udp.sent, answers, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < answers) {
      // The first unsent one failed. A full queue stops the batch; anything else is about that client alone.
      if (sent < 0) sent = 0;
      const rest = udp.sent.subarray(sent * HEADER_WORDS * 4);
      const more = calls.sendmmsg(descriptor, rest, answers - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (more > 0) {
        sent += more;
        continue;
      }
      const isFull = errno() === EAGAIN;
      this.#tracker.counters[COUNTER.udpSendErrors] += isFull ? answers - sent : 1;
      sent = isFull ? answers : sent + 1;
    }
  }
}
