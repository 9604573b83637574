/** Whether a text that a client or a proxy sent is an IP address, for plugins that pass it on as the client's own. */

const IPV4 = /^(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;
/** Longest text of an IPv6 address, with IPv4 at its end. */
const IPV6_CHARS_MAX = 45;

/** True for `192.0.2.1` and `2001:db8::1`; no port, no brackets, no zone. Takes the same time whatever is sent. */
export function isIpText(text: string): boolean {
  if (text.length > IPV6_CHARS_MAX) return false;
  if (!text.includes(":")) return IPV4.test(text);
  return /^[0-9a-fA-F:.]+$/.test(text) && URL.canParse(`http://[${text}]`);
}
