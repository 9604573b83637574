/**
 * HTTP on Deno's own TCP sockets: an accept loop that survives running out of descriptors, and a task a connection. For
 * systems without the Linux calls.
 */
import { NetworkSet } from "../../access/networks.ts";
import { formatAddress, setAddressText } from "../../bittorrent/address.ts";
import { COUNTER } from "../../stats/counters.ts";
import { HTTP_OFFICE, HTTP_WAIT, type HttpDoor } from "../../tracker/http_door.ts";
import type { Tracker } from "../../tracker/tracker.ts";
import type { FromOffice } from "../../office/messages.ts";
import { HTTP_REQUEST_BYTES_MAX } from "../../wire/http_request.ts";
import { decodeProxyHeader, PROXY_INCOMPLETE, PROXY_INVALID } from "../../wire/proxy_protocol.ts";
import type { FrontStart, HttpLimits } from "../front_start.ts";
import type { OfficeLink } from "../office_link.ts";
import { OverLimit } from "../over_limit.ts";

/** Rest after an accept that failed: the descriptor of the connection given up for it comes back within it. */
const ACCEPT_PAUSE_MS = 10;
/** How often connections are looked at for their limits. */
const LIMITS_TICK_MS = 1000;

/** One client's connection. */
class Connection {
  readonly input = new Uint8Array(HTTP_REQUEST_BYTES_MAX + 1);
  used = 0;
  scanned = 0;
  /** Second at which it is closed unless something happens. */
  deadline = 0;
  /** Waiting for the first byte of a request: such a one makes room for others. */
  isIdle = true;

  /** The client's, which with a proxy is not the socket's. */
  address: string;
  /** Ends the wait for the office, if it waits: nothing else would end with the socket. */
  giveUp: (error: Error) => void = () => {};

  /**
   * `awaitsProxy`: a header of the PROXY protocol is to come first. `isOver`: its address has too many, and it ends unless
   * its request has begun.
   */
  constructor(readonly socket: Deno.TcpConn, public awaitsProxy: boolean, public isOver: boolean) {
    this.address = socket.remoteAddr.hostname;
  }

  close(): void {
    this.giveUp(new Deno.errors.Interrupted("the connection was closed"));
    try {
      this.socket.close();
    } catch {
      // Closed already, by its peer or by a limit.
    }
  }
}

/** HTTP of one front. */
export class PortableHttpServer {
  readonly #tracker: Tracker;
  readonly #door: HttpDoor;
  readonly #office: OfficeLink;
  readonly #limits: HttpLimits;
  readonly #proxies: NetworkSet;
  readonly #over = new OverLimit<Connection>();
  /** In the order of their last activity. */
  readonly #connections = new Set<Connection>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(tracker: Tracker, door: HttpDoor, office: OfficeLink, { http, proxyNetworks }: FrontStart) {
    this.#tracker = tracker;
    this.#door = door;
    this.#office = office;
    this.#limits = http;
    this.#proxies = new NetworkSet(proxyNetworks);
    this.#timer = setInterval(() => this.#closeOverdue(), LIMITS_TICK_MS);
  }

  /** Accepts on `listener` until it is closed. */
  async accept(listener: Deno.TcpListener, isForProxies: boolean): Promise<void> {
    for (;;) {
      try {
        const socket = await listener.accept();
        this.#tracker.counters[COUNTER.tcpAccepts]!++;
        if (isForProxies && this.#proxies.size > 0 && !this.#proxies.hasText(socket.remoteAddr.hostname)) {
          this.#tracker.counters[COUNTER.proxyRefused]!++;
          socket.close();
          continue;
        }
        this.#tracker.beginBatch();
        setAddressText(this.#tracker.request, socket.remoteAddr.hostname);
        // Who connects through a proxy is known when its header has come.
        if (!isForProxies && this.#tracker.isDenied) {
          this.#tracker.counters[COUNTER.deniedRequests]!++;
          socket.close();
          continue;
        }
        const isOver = !isForProxies && !this.#tracker.takesConnection();
        if (this.#connections.size >= this.#limits.connectionsMax) this.#makeRoom();
        void this.#serve(new Connection(socket, isForProxies, isOver));
      } catch (error) {
        if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) return;
        this.#tracker.counters[COUNTER.acceptPauses]!++;
        this.#makeRoom();
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
      }
    }
  }

  /** Closes every connection. */
  stop(): void {
    clearInterval(this.#timer);
    for (const connection of this.#connections) connection.close();
  }

  async #serve(connection: Connection): Promise<void> {
    this.#touch(connection, true);
    try {
      for (;;) {
        const read = await connection.socket.read(connection.input.subarray(connection.used));
        if (read === null) return;
        if (connection.isIdle) this.#touch(connection, false);
        connection.used += read;
        if (!await this.#answerAll(connection)) return;
        if (!connection.isOver) continue;
        if (connection.used === 0) return;
        connection.isOver = false;
        this.#over.add(connection)?.close();
      }
    } catch (error) {
      // A connection that breaks is its client's affair. Our own mistakes are not.
      if (!(error instanceof Error) || !Object.hasOwn(Deno.errors, error.name)) {
        this.#tracker.counters[COUNTER.faults]!++;
        console.error("front: an HTTP connection failed", error);
        // Left half changed, the store is no place to go on: the front ends.
        if (this.#tracker.store.releaseOwnLocks() > 0) throw error;
      }
    } finally {
      this.#connections.delete(connection);
      connection.close();
    }
  }

  // Answers every whole request in the buffer. False when the connection is to be closed.
  async #answerAll(connection: Connection): Promise<boolean> {
    const { input, socket } = connection, door = this.#door, { http, writer } = door;
    let at = 0;
    for (;;) {
      // Others use the door while this one waits: everything of this connection is set anew.
      this.#tracker.beginBatch();
      setAddressText(this.#tracker.request, connection.address);
      if (connection.awaitsProxy) {
        const length = this.#takeProxy(connection);
        if (length === PROXY_INVALID) return false;
        if (length === PROXY_INCOMPLETE) break;
        at += length;
        connection.scanned = 0;
      }
      http.scanned = at + connection.scanned;
      const begunMs = performance.now(), outcome = door.answer(input, at, connection.used);
      this.#tracker.countTurn((performance.now() - begunMs) * 1000);
      if (outcome === HTTP_WAIT) {
        connection.scanned = http.scanned - at;
        break;
      }
      connection.scanned = 0;
      at = http.end;
      let keepAlive = http.keepAlive;
      if (outcome === HTTP_OFFICE) keepAlive = await this.#askOffice(connection);
      else await writeAll(socket, door.output.slice(writer.start, writer.end));
      if (!keepAlive) return false;
    }
    input.copyWithin(0, at, connection.used);
    connection.used -= at;
    // Bytes that trickle in do not lengthen a request's time; requests answered do.
    if (at > 0) this.#touch(connection, connection.used === 0);
    return true;
  }

  // Whose connection it is, in the proxy's words.
  #takeProxy(connection: Connection): number {
    const { request } = this.#tracker;
    const length = decodeProxyHeader(connection.input, 0, connection.used, request);
    if (length <= 0) return length;
    if (this.#tracker.isDenied) {
      this.#tracker.counters[COUNTER.deniedRequests]!++;
      return PROXY_INVALID;
    }
    connection.address = formatAddress(request.addressBytes.subarray(0, request.family === 4 ? 4 : 16));
    connection.awaitsProxy = false;
    return length;
  }

  // Has the office answer the request at hand. Resolves to whether the connection stays open.
  async #askOffice(connection: Connection): Promise<boolean> {
    const { request, counters } = this.#tracker, office = this.#office;
    counters[COUNTER.officeRequests]!++;
    const address = formatAddress(request.addressBytes.subarray(0, request.family === 4 ? 4 : 16));
    let arrived: (piece: FromOffice) => void = () => {};
    const id = office.send(connection.input, this.#door.http, address, (next) => arrived(next));
    if (id === 0) {
      counters[COUNTER.officeRefused]!++;
      return false;
    }
    try {
      for (;;) {
        const { bytes, last, keepAlive } = await new Promise<FromOffice>((resolve, reject) => {
          arrived = resolve;
          connection.giveUp = reject;
        });
        await writeAll(connection.socket, bytes);
        if (last) return keepAlive;
        this.#touch(connection, false);
        office.next(id);
      }
    } catch (error) {
      office.abort(id);
      throw error;
    }
  }

  // Puts a connection at the end of the order and gives it time anew.
  #touch(connection: Connection, isIdle: boolean): void {
    connection.isIdle = isIdle;
    connection.deadline = this.#tracker.clock.second +
      (isIdle ? this.#limits.idleSeconds : this.#limits.requestSeconds);
    this.#connections.delete(connection);
    this.#connections.add(connection);
  }

  #closeOverdue(): void {
    for (const connection of this.#connections) {
      if (connection.deadline > this.#tracker.clock.second) continue;
      this.#tracker.counters[COUNTER.tcpTimeouts]!++;
      this.#connections.delete(connection);
      connection.close();
    }
  }

  // Closes the oldest idle connection, or the oldest of all.
  #makeRoom(): void {
    let oldest: Connection | undefined;
    for (const connection of this.#connections) {
      oldest ??= connection;
      if (!connection.isIdle) continue;
      oldest = connection;
      break;
    }
    if (oldest === undefined) return;
    this.#tracker.counters[COUNTER.tcpEvictions]!++;
    this.#connections.delete(oldest);
    oldest.close();
  }
}

async function writeAll(socket: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await socket.write(bytes.subarray(at));
}
