/**
 * Accepts the connections that wait on a front's TCP listeners: makes room when all places are taken, rests when the
 * system is short, and closes at once what comes to a proxies' listener from elsewhere or from a denied network. What is
 * said on a connection is http_server.ts's.
 */
import { NetworkSet } from "../../access/networks.ts";
import { setAddress4, setAddress6 } from "../../bittorrent/address.ts";
import { COUNTER } from "../../stats/counters.ts";
import type { Tracker } from "../../tracker/tracker.ts";
import type { FrontStart } from "../front_start.ts";
import { OverLimit } from "../over_limit.ts";
import { type Connections, SLOT_READING } from "./connections.ts";
import { AF_INET, EAGAIN, EINTR, EMFILE, EPOLLIN, SHORTAGES, SOCK_CLOEXEC, SOCK_NONBLOCK } from "./libc.ts";
import { NAME_BYTES, type Native } from "./native.ts";
import type { Poller } from "./poller.ts";

/** Connections accepted at a time, before others get their turn. */
const ACCEPTS_MAX = 64;
/** Rest after an accept that failed for want of memory, or of a descriptor with no connection to give up for it. */
const ACCEPT_PAUSE_MS = 100;

/** What the acceptor needs of the server it accepts for. */
export interface Accepting {
  /** The connection in `slot` is new, its peer's address noted. */
  readonly onOpened: (slot: number) => void;
  /** Closes the connection in `slot` unless a reply is on its way: its address has too many. */
  readonly dismiss: (slot: number) => void;
  /** Gives up the connection that is missed least. False: there is none. */
  readonly evict: () => boolean;
}

/** A listener: its slot of the poller, and whether proxies connect to it. */
interface Listener {
  readonly slot: number;
  readonly isForProxies: boolean;
}

/** The listeners of one front. */
export class Acceptor {
  readonly #native: Native;
  readonly #poller: Poller;
  readonly #tracker: Tracker;
  readonly #connections: Connections;
  readonly #server: Accepting;
  readonly #listeners = new Map<number, Listener>();
  readonly #proxies: NetworkSet;
  /** By generation and slot in one number: both are needed to tell one from another that has its place now. */
  readonly #over = new OverLimit<number>();
  readonly #peer = new Uint8Array(NAME_BYTES);
  readonly #peerWords = new Int32Array(this.#peer.buffer);
  readonly #peerLength = Int32Array.of(NAME_BYTES);
  readonly #peerLengthBytes = new Uint8Array(this.#peerLength.buffer);
  #isClosed = false;

  /** `start`: whose sockets these are; a listener's slot of the poller is its place among them. */
  constructor(
    start: FrontStart,
    native: Native,
    poller: Poller,
    tracker: Tracker,
    connections: Connections,
    server: Accepting,
  ) {
    this.#native = native;
    this.#poller = poller;
    this.#tracker = tracker;
    this.#connections = connections;
    this.#server = server;
    this.#proxies = new NetworkSet(start.proxyNetworks);
    for (const [slot, { descriptor, proxyProtocol }] of start.sockets.entries()) {
      this.#listeners.set(descriptor, { slot, isForProxies: proxyProtocol === true });
    }
  }

  /** Accepts what waits on `listener`. Connections come with their first bytes, so each can be read at once. */
  accept(listener: number): void {
    const { calls } = this.#native, connections = this.#connections;
    const isForProxies = this.#listeners.get(listener)!.isForProxies;
    for (let i = 0; i < ACCEPTS_MAX; i++) {
      this.#peerLength[0] = NAME_BYTES;
      const descriptor = calls.accept4(listener, this.#peer, this.#peerLengthBytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (descriptor < 0) {
        if (this.#hasMadeRoom(listener)) continue;
        return;
      }
      this.#tracker.counters[COUNTER.tcpAccepts]++;
      this.#takePeer();
      if (isForProxies && !this.#isProxy()) {
        this.#tracker.counters[COUNTER.proxyRefused]++;
        calls.close(descriptor);
        continue;
      }
      // Who connects through a proxy is known when its header has come.
      if (!isForProxies && this.#tracker.isDenied) {
        this.#tracker.counters[COUNTER.deniedRequests]++;
        calls.close(descriptor);
        continue;
      }
      if (connections.count === connections.slots) this.#server.evict();
      const slot = connections.open(descriptor, this.#tracker.second);
      connections.noteAddress(slot, this.#tracker.request);
      if (isForProxies) connections.awaitsProxy[slot] = 1;
      const isOver = !isForProxies && !this.#tracker.takesConnection();
      this.#server.onOpened(slot);
      if (isOver) this.#limit(slot);
    }
  }

  // The connection in `slot` is one more than its address may have: it goes, unless its request has begun.
  #limit(slot: number): void {
    const { generation, slots, state, used } = this.#connections, isUnanswered = state[slot] === SLOT_READING;
    if (isUnanswered && used[slot] === 0) return this.#server.dismiss(slot);
    if (!isUnanswered) return;
    const oldest = this.#over.add(generation[slot] * slots + slot) ?? -1, from = oldest % slots;
    if (oldest >= 0 && generation[from] === Math.floor(oldest / slots)) this.#server.dismiss(from);
  }

  /** Accepts nothing more. */
  close(): void {
    this.#isClosed = true;
  }

  /** Accepts again. */
  reopen(): void {
    this.#isClosed = false;
  }

  // After an accept that failed: whether another may follow at once.
  #hasMadeRoom(listener: number): boolean {
    const errno = this.#native.errno();
    // Anything else (a connection gone before it was accepted) is that connection's alone.
    if (errno === EAGAIN || errno === EINTR || !SHORTAGES.includes(errno)) return false;
    this.#tracker.counters[COUNTER.acceptPauses]++;
    // A descriptor given up is there at once; memory is not.
    if (this.#server.evict() && errno === EMFILE) return true;
    // It stays where it is, watched for nothing: to be put there anew could fail for want of memory too.
    this.#watch(listener, 0);
    setTimeout(() => this.#isClosed || this.#watch(listener, EPOLLIN), ACCEPT_PAUSE_MS);
    return false;
  }

  // A front that does not hear of a listener is of no use, and ends.
  #watch(listener: number, events: number): void {
    if (this.#poller.change(listener, events, this.#listeners.get(listener)!.slot, 0)) return;
    throw new Error(`epoll: a listener cannot be watched (error ${this.#native.errno()})`);
  }

  #takePeer(): void {
    const words = this.#peerWords, { request } = this.#tracker;
    if ((words[0] & 0xffff) === AF_INET) setAddress4(request, words[1]);
    else setAddress6(request, words, 2);
  }

  #isProxy(): boolean {
    return this.#proxies.size === 0 || this.#proxies.holds(this.#tracker.request);
  }
}
