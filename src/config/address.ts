/**
 * Addresses and networks as opentracker's files and options write them: text in, parts out. Resolves no name, opens
 * nothing. Accepted forms of an address with a port:
 *
 *   1.2.3.4   1.2.3.4:80   ::1   [::1]   [::1   [::1]:80   ::1.80   (the last: IPv6 without brackets, port after a dot)
 */
import ipaddr from "ipaddr.js";

/** An IP address and a port. */
export interface Address {
  /** Textual IP in its shortest form, no brackets; an IPv4-mapped IPv6 address is written as IPv4. */
  readonly address: string;
  /** 0 to 65535; 0 = chosen by the kernel. */
  readonly port: number;
}

/** A range of IP addresses. */
export interface Network {
  /** Textual IP as in `Address`. Bits past the prefix may be set and mean nothing. */
  readonly address: string;
  /** Length of the prefix: 0 to 32 for IPv4, 0 to 128 for IPv6. */
  readonly bits: number;
}

/** Highest TCP and UDP port. */
export const PORT_MAX = 65535;

/** `::1.2.3.4`, which RFC 4291 gave up: some read it as 1.2.3.4, others as ::102:304, and a rule must not be both. */
const IPV4_COMPATIBLE = /^::\d+(?:\.\d+){3}$/;

/** A host and a port, as permissions name them. */
const HOST_PORT = /^(?:\[(?<ipv6>[^\]]+)\]|(?<host>[^:]+))(?::(?<port>\d+))?$/;

/** A domain name, or `*.` and one: the last label is no number, which an address has there. Source: RFC 1123 section 2.1. */
const NAME = /^(?:\*\.)?(?:[\w-]{1,63}\.)*(?!\d+\.?$)[\w-]{1,63}\.?$/;
/** Most characters of a domain name. Source: RFC 1035 section 2.3.4. */
const NAME_CHARS_MAX = 253;

const IPV4_BITS = 32;
const IPV6_BITS = 128;

/** Parses an IP address without port. Returns its shortest form, or null when it is none. */
export function parseIp(text: string): string | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return text;
  // A zone (fe80::1%eth0) names an interface, which no setting of ours can use.
  if (text.includes("%") || IPV4_COMPATIBLE.test(text) || !ipaddr.IPv6.isValid(text)) return null;
  // The library takes octal and hex in an IPv4 end, which nobody else does.
  if (text.includes(".") && !ipaddr.IPv4.isValidFourPartDecimal(text.slice(text.lastIndexOf(":") + 1))) return null;
  const ip = ipaddr.IPv6.parse(text);
  return ip.isIPv4MappedAddress() ? ip.toIPv4Address().toString() : ip.toString();
}

/** Parses a port: decimal digits, 0 to 65535. Returns null for anything else. */
export function parsePort(text: string): number | null {
  if (!/^\d{1,5}$/.test(text)) return null;
  const port = Number(text);
  return port <= PORT_MAX ? port : null;
}

/** Parses an address with an optional port, which is `portDefault` when left out. Returns null on any other form. */
export function parseAddress(text: string, portDefault: number): Address | null {
  const { ip, port } = splitPort(text);
  const address = ip === null ? null : parseIp(ip);
  const number = port === null ? portDefault : parsePort(port);
  return address === null || number === null ? null : { address, port: number };
}

/** Parses `ip` or `ip/bits`; without bits it is that one address. Returns null on any other form. */
export function parseNetwork(text: string): Network | null {
  const slash = text.indexOf("/");
  const ip = slash < 0 ? text : text.slice(0, slash);
  const address = parseIp(ip);
  if (address === null) return null;
  const bitsMax = address.includes(":") ? IPV6_BITS : IPV4_BITS;
  if (slash < 0) return { address, bits: bitsMax };
  const bitsText = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(bitsText)) return null;
  // The bits of an IPv4-mapped network count from the start of the 128.
  const bits = Number(bitsText) - (bitsMax === IPV4_BITS && ip.includes(":") ? IPV6_BITS - IPV4_BITS : 0);
  return bits >= 0 && bits <= bitsMax ? { address, bits } : null;
}

/**
 * Whether a permission may name `text`: `example.org`, `*.example.org`, `1.2.3.4`, `1.2.3.0/24`, `[::1]`, and each with
 * a port. The runtime fails to start a thread that has any other.
 */
export function isHostPort(text: string): boolean {
  const { ipv6, host, port } = HOST_PORT.exec(text)?.groups ?? {};
  if (port !== undefined && parsePort(port) === null) return false;
  if (ipv6 !== undefined) return ipv6.includes(":") && parseIp(ipv6) !== null;
  return host !== undefined && (parseNetwork(host) !== null || host.length <= NAME_CHARS_MAX && NAME.test(host));
}

/** Writes an address so that `parseAddress` reads it back: `1.2.3.4:80`, `[::1]:80`. */
export function formatAddress({ address, port }: Address): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Cuts the port off. `ip` null: no known form. `port` null: none given. */
function splitPort(text: string): { ip: string | null; port: string | null } {
  if (text.startsWith("[")) {
    const close = text.indexOf("]");
    if (close < 0) return { ip: text.slice(1), port: null };
    const rest = text.slice(close + 1);
    if (rest === "") return { ip: text.slice(1, close), port: null };
    return { ip: rest.startsWith(":") ? text.slice(1, close) : null, port: rest.slice(1) };
  }
  if (ipaddr.IPv6.isValid(text)) return { ip: text, port: null };
  const mark = text.indexOf(":") === text.lastIndexOf(":") ? text.indexOf(":") : text.lastIndexOf(".");
  return mark < 0 ? { ip: text, port: null } : { ip: text.slice(0, mark), port: text.slice(mark + 1) };
}
