/**
 * HTTP of a Linux front, on connections that acceptor.ts accepts: receives, answers and sends without ever blocking. A
 * whole request is answered from where it was received; only an unfinished one is kept. A reply that does not fit the
 * socket waits for EPOLLOUT, and its connection is not read meanwhile, so that what waits is one reply a connection at
 * most.
 */
import { formatAddress } from "../../bittorrent/address.ts";
import type { FromOffice } from "../../office/messages.ts";
import { COUNTER } from "../../stats/counters.ts";
import { HTTP_REPLY, HTTP_WAIT, type HttpDoor } from "../../tracker/http_door.ts";
import type { Tracker } from "../../tracker/tracker.ts";
import { decodeProxyHeader, PROXY_INCOMPLETE, PROXY_INVALID } from "../../wire/proxy_protocol.ts";
import type { HttpLimits } from "../front_start.ts";
import type { OfficeLink } from "../office_link.ts";
import { Connections, SLOT_DRAINING, SLOT_FREE, SLOT_OFFICE, SLOT_READING, SLOT_WRITING } from "./connections.ts";
import { EAGAIN, EPOLLIN, EPOLLOUT, MSG_DONTWAIT, MSG_NOSIGNAL, SHUT_WR } from "./libc.ts";
import { type Native, PARTIAL_BYTES, SCRATCH_BYTES } from "./native.ts";
import type { Poller } from "./poller.ts";

const SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL;
/** Overdue connections closed at a time, a few milliseconds; the others a little later. */
const CLOSES_MAX = 256;

/** HTTP of one front. Slots of the poller from `firstSlot` on are its connections. */
export class LinuxHttp {
  readonly #native: Native;
  readonly #poller: Poller;
  readonly #tracker: Tracker;
  readonly #door: HttpDoor;
  readonly #office: OfficeLink;
  readonly #limits: HttpLimits;
  readonly #connections: Connections;
  readonly #firstSlot: number;

  constructor(
    native: Native,
    poller: Poller,
    tracker: Tracker,
    door: HttpDoor,
    office: OfficeLink,
    limits: HttpLimits,
    connections: Connections,
    firstSlot: number,
  ) {
    this.#native = native;
    this.#poller = poller;
    this.#tracker = tracker;
    this.#door = door;
    this.#office = office;
    this.#limits = limits;
    this.#connections = connections;
    this.#firstSlot = firstSlot;
  }

  /** Something happened on the connection in `slot`. */
  serve(slot: number, generation: number, events: number): void {
    const connections = this.#connections;
    // News of a connection that was closed earlier in the same batch.
    if (connections.generation[slot] !== generation || connections.state[slot] === SLOT_FREE) return;
    switch (connections.state[slot]) {
      case SLOT_READING:
        return this.receive(slot);
      case SLOT_WRITING:
        return this.#sendUnsent(slot);
      case SLOT_DRAINING:
        return this.#drain(slot);
      default:
        // The office's answer is awaited: only an error or the client's leaving is news.
        if (events & ~(EPOLLIN | EPOLLOUT)) this.#close(slot);
    }
  }

  /** Ends each connection with its next answer, and calls `onDrained` when none is left. */
  drain(onDrained: () => void): void {
    this.#door.isClosing = true;
    this.#onDrained = onDrained;
  }

  /** Keeps connections again. */
  resume(): void {
    this.#door.isClosing = false;
    this.#onDrained = undefined;
  }

  #onDrained: (() => void) | undefined;

  /** Closes what has taken too long. */
  closeOverdue(): void {
    if (this.#connections.count === 0) this.#onDrained?.();
    const connections = this.#connections, { idleSeconds, requestSeconds } = this.#limits;
    for (let closed = 0; closed < CLOSES_MAX; closed++) {
      const slot = connections.overdue(this.#tracker.clock.second, idleSeconds, requestSeconds);
      if (slot < 0) return;
      this.#tracker.counters[COUNTER.tcpTimeouts]++;
      this.#close(slot);
    }
  }

  /** Closes everything. */
  stop(): void {
    for (let slot = 0; slot < this.#connections.slots; slot++) {
      if (this.#connections.state[slot] !== SLOT_FREE) this.#close(slot);
    }
  }

  /** Reads what has come on the connection in `slot`, and answers it. */
  receive(slot: number): void {
    const { calls, receive, errno } = this.#native, connections = this.#connections, used = connections.used[slot];
    // A fresh request comes into the common scratch; the rest of one goes behind what is kept of it. No more is taken
    // than could be kept, should the client not read its replies.
    const start = used === 0 ? 0 : SCRATCH_BYTES + slot * PARTIAL_BYTES;
    receive.aim(start + used, PARTIAL_BYTES - used);
    const received = calls.recvmsg(connections.descriptor[slot], receive.header, MSG_DONTWAIT);
    if (received > 0) {
      this.#answerAll(slot, start, start + used + received);
    } else if (received < 0 && errno() === EAGAIN) this.#watch(slot, EPOLLIN);
    else this.#close(slot);
  }

  // Answers every whole request in the input from `at` to `end`; keeps the rest.
  #answerAll(slot: number, at: number, end: number): void {
    const connections = this.#connections, door = this.#door, { http } = door;
    const input = this.#native.streamInput;
    // A full buffer: there may be more that has not been read.
    const isFull = end - at === PARTIAL_BYTES;
    http.scanned = connections.used[slot] === 0 ? 0 : at + connections.scanned[slot];
    if (connections.awaitsProxy[slot] !== 0) {
      const length = this.#takeProxy(slot, at, end);
      if (length === PROXY_INVALID) return this.#close(slot);
      at += length;
      http.scanned = 0;
      if (length === PROXY_INCOMPLETE) {
        this.#keep(slot, at, end, 0);
        return this.#watch(slot, EPOLLIN);
      }
    }
    const first = at;
    while (at < end) {
      this.#connections.takeAddress(slot, this.#tracker.request);
      const outcome = door.answer(input, at, end);
      if (outcome === HTTP_WAIT) break;
      at = http.end;
      http.scanned = 0;
      const isReply = outcome === HTTP_REPLY;
      // The office reads the request before anything is moved.
      const goesOn = isReply ? this.#reply(slot, isFull || at < end) : this.#askOffice(slot);
      if (goesOn) continue;
      if (connections.state[slot] !== SLOT_FREE) this.#keep(slot, at, end, 0);
      return;
    }
    this.#keep(slot, at, end, at < end ? http.scanned - at : 0);
    if (at === end) connections.setIdle(slot, this.#tracker.second);
    // Bytes that trickle in do not lengthen a request's time; requests answered do.
    else if (at > first) connections.restartTime(slot, this.#tracker.second);
    else connections.setBusy(slot, this.#tracker.second);
    this.#watch(slot, EPOLLIN);
  }

  // Whose connection it is, in the proxy's words.
  #takeProxy(slot: number, at: number, end: number): number {
    this.#connections.takeAddress(slot, this.#tracker.request);
    const length = decodeProxyHeader(this.#native.streamInput, at, end, this.#tracker.request);
    if (length <= 0) return length;
    if (this.#tracker.isDenied) {
      this.#tracker.counters[COUNTER.deniedRequests]++;
      return PROXY_INVALID;
    }
    this.#connections.noteAddress(slot, this.#tracker.request);
    this.#connections.awaitsProxy[slot] = 0;
    return length;
  }

  // Keeps the bytes from `at` to `end` for when more has come.
  #keep(slot: number, at: number, end: number, scanned: number): void {
    const connections = this.#connections, input = this.#native.streamInput, to = SCRATCH_BYTES + slot * PARTIAL_BYTES;
    if (end > at && at !== to) input.copyWithin(to, at, end);
    connections.used[slot] = end - at;
    connections.scanned[slot] = scanned;
  }

  // Sends the reply in the output. True when the next request may be answered.
  #reply(slot: number, isMoreInput: boolean): boolean {
    const { calls, send } = this.#native, { writer, http, output } = this.#door, connections = this.#connections;
    const length = writer.end - writer.start;
    send.aim(writer.start, length);
    let sent = calls.sendmsg(connections.descriptor[slot], send.header, SEND_FLAGS);
    if (sent < 0 && this.#native.errno() === EAGAIN) sent = 0;
    if (sent < 0) {
      this.#close(slot);
      return false;
    }
    connections.endsAfter[slot] = http.keepAlive ? 0 : 1;
    if (sent < length) {
      this.#waitToSend(slot, output.slice(writer.start + sent, writer.end));
      return false;
    }
    if (http.keepAlive) return true;
    this.#end(slot, isMoreInput);
    return false;
  }

  #waitToSend(slot: number, unsent: Uint8Array): void {
    this.#connections.state[slot] = SLOT_WRITING;
    this.#connections.unsent[slot] = unsent;
    this.#connections.setBusy(slot, this.#tracker.second);
    this.#watch(slot, EPOLLOUT);
  }

  #sendUnsent(slot: number): void {
    const connections = this.#connections, unsent = connections.unsent[slot] ?? new Uint8Array(0);
    const sent = this.#sendBytes(slot, unsent);
    if (sent < 0) return this.#close(slot);
    if (sent > 0) connections.restartTime(slot, this.#tracker.second);
    if (sent < unsent.length) {
      connections.unsent[slot] = unsent.subarray(sent);
      return;
    }
    connections.unsent[slot] = undefined;
    this.#afterSending(slot);
  }

  // Returns bytes sent, 0 when the socket is full, less when it is broken.
  #sendBytes(slot: number, bytes: Uint8Array): number {
    if (bytes.length === 0) return 0;
    const { calls, errno } = this.#native, descriptor = this.#connections.descriptor[slot];
    const sent = Number(calls.send(descriptor, bytes as Uint8Array<ArrayBuffer>, bytes.length as never, SEND_FLAGS));
    return sent < 0 && errno() === EAGAIN ? 0 : sent;
  }

  // All is sent: the office's next piece, the end, or the next request.
  #afterSending(slot: number): void {
    const connections = this.#connections;
    if (connections.officeId[slot] !== 0) {
      connections.state[slot] = SLOT_OFFICE;
      this.#watch(slot, 0);
      this.#office.next(connections.officeId[slot]);
      return;
    }
    if (connections.endsAfter[slot] !== 0) return this.#end(slot, connections.used[slot] > 0);
    connections.state[slot] = SLOT_READING;
    const used = connections.used[slot], start = SCRATCH_BYTES + slot * PARTIAL_BYTES;
    connections.used[slot] = 0;
    this.#answerAll(slot, start, start + used);
  }

  // Hands the request at hand to the office. Never goes on: its answer comes as a message.
  #askOffice(slot: number): false {
    const connections = this.#connections, { request, counters } = this.#tracker;
    const generation = connections.generation[slot];
    counters[COUNTER.officeRequests]++;
    const address = formatAddress(request.addressBytes.subarray(0, request.family === 4 ? 4 : 16));
    const id = this.#office.send(this.#native.streamInput, this.#door.http, address, (piece) => {
      if (connections.generation[slot] === generation && connections.state[slot] !== SLOT_FREE) {
        this.#sendPiece(slot, piece);
      }
    });
    if (id === 0) {
      counters[COUNTER.officeRefused]++;
      this.#close(slot);
      return false;
    }
    connections.state[slot] = SLOT_OFFICE;
    connections.officeId[slot] = id;
    connections.setBusy(slot, this.#tracker.second);
    this.#watch(slot, 0);
    return false;
  }

  #sendPiece(slot: number, { bytes, last, keepAlive }: FromOffice): void {
    const connections = this.#connections;
    this.#tracker.beginBatch();
    if (last) {
      connections.officeId[slot] = 0;
      connections.endsAfter[slot] = keepAlive ? 0 : 1;
    }
    const sent = this.#sendBytes(slot, bytes);
    if (sent < 0) return this.#close(slot);
    connections.restartTime(slot, this.#tracker.second);
    if (sent < bytes.length) this.#waitToSend(slot, bytes.subarray(sent));
    else this.#afterSending(slot);
  }

  // Ends a connection after its last reply. If the client has sent more than was read, closing at once would reset the
  // connection and take the reply with it.
  #end(slot: number, isMoreInput: boolean): void {
    if (!isMoreInput) return this.#close(slot);
    const connections = this.#connections;
    this.#native.calls.shutdown(connections.descriptor[slot], SHUT_WR);
    connections.state[slot] = SLOT_DRAINING;
    connections.used[slot] = 0;
    this.#watch(slot, EPOLLIN);
  }

  #drain(slot: number): void {
    const { calls, receive, errno } = this.#native;
    receive.aim(0, SCRATCH_BYTES);
    const received = calls.recvmsg(this.#connections.descriptor[slot], receive.header, MSG_DONTWAIT);
    if (received === 0 || received < 0 && errno() !== EAGAIN) this.#close(slot);
  }

  #watch(slot: number, events: number): void {
    const connections = this.#connections, descriptor = connections.descriptor[slot];
    if (connections.isRegistered[slot] !== 0 && connections.events[slot] === events) return;
    const generation = connections.generation[slot];
    const done = connections.isRegistered[slot] === 0
      ? this.#poller.add(descriptor, events, this.#firstSlot + slot, generation)
      : this.#poller.change(descriptor, events, this.#firstSlot + slot, generation);
    connections.isRegistered[slot] = 1;
    connections.events[slot] = events;
    if (!done) this.#close(slot);
  }

  /** Closes the connection in `slot` unless a reply is on its way. */
  dismiss(slot: number): void {
    if (this.#connections.state[slot] === SLOT_READING) this.#close(slot);
  }

  /** Gives up the connection that is missed least. False: there is none. */
  evict(): boolean {
    const slot = this.#connections.leastMissed();
    if (slot < 0) return false;
    this.#tracker.counters[COUNTER.tcpEvictions]++;
    this.#close(slot);
    return true;
  }

  #close(slot: number): void {
    const connections = this.#connections, descriptor = connections.descriptor[slot];
    if (connections.state[slot] === SLOT_FREE) return;
    if (connections.officeId[slot] !== 0) this.#office.abort(connections.officeId[slot]);
    connections.close(slot);
    // Closing takes it out of epoll as well.
    this.#native.calls.close(descriptor);
  }
}
