/** A front's end of its port to the office: hands requests over and brings the pieces of the answers back. */
import {
  type FromOffice,
  OFFICE_LOGS_MAX,
  OFFICE_REQUESTS_MAX,
  STREAM_PIECE_BYTES,
  type ToOffice,
} from "../office/messages.ts";
import type { HttpRequest } from "../wire/http_request.ts";

/** Called with each piece of an answer. The next comes when `next` is called. */
export type OnPiece = (piece: FromOffice) => void;

/** Bytes as one character each: requests are not always text. */
const latin1 = new TextDecoder("latin1");

/** A request that the office has. */
interface Waiting {
  /** To the office that has it. */
  readonly port: MessagePort;
  readonly onPiece: OnPiece;
  /** Buffer of the piece that is being sent, to be given back. */
  buffer: ArrayBuffer | null;
}

/** The link of one front. */
export class OfficeLink {
  #port: MessagePort;
  /** What the office has. A request whose client has gone stays until the office has let go of it. */
  readonly #waiting = new Map<number, Waiting>();
  /** Requests handed over to be looked at, and not yet taken. */
  readonly #logs = new Set<number>();
  #lastId = 0;

  constructor(port: MessagePort) {
    this.#port = port;
    this.#listen();
  }

  /**
   * Goes on with a new office. `oldFinishes`: the old one still answers what it has begun. What nobody answers any more
   * ends here, with its connections.
   */
  relink(port: MessagePort, oldFinishes = false): void {
    const old = this.#port;
    this.#port = port;
    this.#listen();
    this.#logs.clear();
    const abandoned = [...this.#waiting].filter(([, waiting]) => !oldFinishes || waiting.port !== old);
    for (const [id] of abandoned) this.#waiting.delete(id);
    for (const [id, { onPiece }] of abandoned) onPiece({ id, bytes: new Uint8Array(0), last: true, keepAlive: false });
    this.#closeIfDone(old);
  }

  #listen(): void {
    const port = this.#port;
    port.onmessage = ({ data }: MessageEvent<FromOffice>) => {
      const waiting = this.#waiting.get(data.id);
      if (waiting === undefined) {
        this.#logs.delete(data.id);
        return;
      }
      if (data.last) this.#waiting.delete(data.id);
      waiting.buffer = data.bytes.buffer.byteLength > STREAM_PIECE_BYTES ? data.bytes.buffer : null;
      waiting.onPiece(data);
      if (data.last) this.#closeIfDone(port);
    };
  }

  // The port to an office that has been left.
  #closeIfDone(port: MessagePort): void {
    if (port !== this.#port && ![...this.#waiting.values()].some((waiting) => waiting.port === port)) port.close();
  }

  /** Whether a page is being made for somebody. */
  get isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  /** Hands over the request that `http` describes in `bytes`. Returns its id, or 0 when too many wait already. */
  send(bytes: Uint8Array, http: HttpRequest, address: string, onPiece: OnPiece): number {
    if (this.#waiting.size >= OFFICE_REQUESTS_MAX) return 0;
    const id = ++this.#lastId;
    this.#waiting.set(id, { port: this.#port, onPiece, buffer: null });
    this.#post({
      type: "request",
      id,
      target: latin1.decode(bytes.slice(http.targetStart, http.targetEnd)),
      headers: latin1.decode(bytes.slice(http.headersStart, http.headersEnd)),
      address,
      keepAlive: http.keepAlive,
      oldVersion: http.oldVersion,
    });
    return id;
  }

  /** Asks for the next piece. The one before has been sent: its bytes are gone. */
  next(id: number): void {
    const waiting = this.#waiting.get(id), spent = waiting?.buffer ?? null;
    if (waiting === undefined) return;
    waiting.buffer = null;
    waiting.port.postMessage({ type: "next", id, spent } satisfies ToOffice, spent === null ? [] : [spent]);
  }

  /** Hands over a request that is answered here, to be looked at. False when too many wait already. */
  log(address: string, text: string): boolean {
    if (this.#logs.size >= OFFICE_LOGS_MAX) return false;
    const id = ++this.#lastId;
    this.#logs.add(id);
    this.#post({ type: "log", id, address, text });
    return true;
  }

  /** Says that the client has gone. */
  abort(id: number): void {
    const port = this.#waiting.get(id)?.port;
    if (port === undefined) return;
    this.#waiting.set(id, { port, onPiece: () => {}, buffer: null });
    port.postMessage({ type: "abort", id } satisfies ToOffice);
  }

  /** Closes its ports. */
  close(): void {
    for (const { port } of this.#waiting.values()) port.close();
    this.#port.close();
  }

  #post(message: ToOffice): void {
    this.#port.postMessage(message);
  }
}
