/**
 * The kinds of value a setting can have: how each is read from text, what an operator is told when it cannot be, and
 * how it is written back. Knows no setting by name.
 */
import { type Address, formatAddress, type Network, parseAddress, parseNetwork } from "./address.ts";

/** A whole number, in decimal digits. */
export interface IntegerKind {
  readonly kind: "integer";
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** Spelled out, plural: "seconds". Absent for plain counts. */
  readonly unit?: string;
  /** What 0 stands for. Allowed even when `min` is above it. */
  readonly zero?: string;
}

/** One word out of a list. */
export interface ChoiceKind {
  readonly kind: "choice";
  readonly choices: readonly string[];
  readonly default: string;
}

/** `on` or `off`. */
export interface BooleanKind {
  readonly kind: "boolean";
  readonly default: boolean;
}

/** Text of one line, taken whole: a `#` in it is part of it. */
export interface TextKind {
  /**
   * text: anything printable. path: of a file or directory. url: printable ASCII without spaces, fit for a header. page:
   * path of a page of ours, without its first slash.
   */
  readonly kind: "text" | "path" | "url" | "page";
  /** null: not set. */
  readonly default: string | null;
}

/** Ranges of addresses; each line adds one. */
export interface NetworkKind {
  readonly kind: "network";
  readonly default: readonly [];
  readonly repeatable: true;
}

/** An address with an optional port. */
export interface AddressKind {
  readonly kind: "address";
  readonly default: null;
  readonly portDefault: number;
}

/** Opens listeners; each line adds. Its values are `Config.listeners`, not settings. */
export interface ListenKind {
  readonly kind: "listen";
  readonly default: null;
  readonly portDefault: number;
  readonly protocols: readonly ("tcp" | "udp")[];
  /** Each connection begins with a header of the PROXY protocol. */
  readonly proxyProtocol?: true;
  readonly repeatable: true;
}

/** Any kind, with its limits. */
export type Kind = IntegerKind | ChoiceKind | BooleanKind | TextKind | NetworkKind | AddressKind | ListenKind;

/** One value, as read from one line or option. */
export type Value = number | string | boolean | Address | Network;

/** A value, or what the operator should have written, to follow "must be". */
export type Reading = { readonly value: Value } | { readonly wish: string };

/** Most characters of a path, a URL or a text: more than any file system or browser takes. */
export const TEXT_CHARS_MAX = 2048;

/** Letters that mean themselves in a URL, and to what finds a page by its path. */
const PAGE_LETTERS = /^[A-Za-z0-9._~/-]+$/;
/** Not for pages: the first slash is ours, `a` begins an announce and `sc` a scrape. */
const NO_PAGE_BEGINS = /^(\/|a|sc)/;
/** Names that lead elsewhere in a URL. */
const DOT_NAMES = [".", ".."];

/** Reads one value. `text` is trimmed. Never throws. */
export function readValue(kind: Kind, text: string): Reading {
  const value = parseValue(kind, text);
  return value === null ? { wish: wishOf(kind) } : { value };
}

/** What a value of this kind has to be, to follow "must be". */
export function wishOf(kind: Kind): string {
  switch (kind.kind) {
    case "integer":
      return formatRange(kind);
    case "choice":
      return `${kind.choices.slice(0, -1).join(", ")} or ${kind.choices.at(-1)}`;
    case "boolean":
      return "on or off";
    case "text":
      return `1 to ${TEXT_CHARS_MAX} printable characters`;
    case "path":
      return `a path of at most ${TEXT_CHARS_MAX} characters`;
    case "url":
      return `a URL of at most ${TEXT_CHARS_MAX} ASCII characters without spaces`;
    case "page":
      return `a path of at most ${TEXT_CHARS_MAX} letters, digits and - . _ ~ /, no name in it . or .., that begins ` +
        "neither with / nor with a or sc, which are for announces and scrapes";
    case "network":
      return "an address or a network such as 10.0.0.0/8 or 2001:db8::/32";
    case "address":
    case "listen":
      return `an address such as 127.0.0.1, 0.0.0.0:${kind.portDefault} or [::1]:${kind.portDefault}`;
  }
}

/** Writes a value so that `readValue` reads it back. */
export function formatValue(value: Value): string {
  if (typeof value === "boolean") return value ? "on" : "off";
  if (typeof value !== "object") return String(value);
  return "port" in value ? formatAddress(value) : `${value.address}/${value.bits}`;
}

/** The range of an integer: `0 to 64`, `60 to 86400 seconds`, `0 or 16 to 8192 MiB`. */
export function formatRange({ min, max, unit, zero }: IntegerKind): string {
  const zeroApart = zero !== undefined && min > 1;
  const from = zero !== undefined && !zeroApart ? 0 : min;
  return `${zeroApart ? "0 or " : ""}${from} to ${max}${unit === undefined ? "" : ` ${unit}`}`;
}

function parseValue(kind: Kind, text: string): Value | null {
  // As in opentracker, what follows the first word of a number or an address is ignored, and texts are taken whole.
  const word = text.split(/\s/, 1)[0];
  switch (kind.kind) {
    case "integer":
      return parseInteger(kind, word);
    case "choice":
      return kind.choices.includes(word) ? word : null;
    case "boolean":
      return word === "on" ? true : word === "off" ? false : null;
    case "text":
    case "path":
    case "url":
    case "page":
      return isText(kind.kind, text) ? text : null;
    case "network":
      return parseNetwork(word);
    case "address":
    case "listen":
      return parseAddress(word, kind.portDefault);
  }
}

function parseInteger({ min, max, zero }: IntegerKind, text: string): number | null {
  // Fifteen digits always fit a double exactly.
  if (!/^\d{1,15}$/.test(text)) return null;
  const value = Number(text);
  return (value >= min && value <= max) || (value === 0 && zero !== undefined) ? value : null;
}

function isText(kind: TextKind["kind"], text: string): boolean {
  if (text.length === 0 || text.length > TEXT_CHARS_MAX) return false;
  // A control character would split a header or hide in a log.
  if (kind === "page") return isPage(text);
  return kind === "url" ? /^[\x21-\x7e]+$/.test(text) : !/\p{Cc}/u.test(text);
}

function isPage(path: string): boolean {
  return PAGE_LETTERS.test(path) && !NO_PAGE_BEGINS.test(path) &&
    !path.split("/").some((name) => DOT_NAMES.includes(name));
}
