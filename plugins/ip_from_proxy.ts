/**
 * The client's address behind a proxy: taken from the header the proxy sets, and only when the request comes from one of
 * the networks in access.proxy. Of a list, the rightmost address that is not itself such a proxy counts: what stands to
 * its left can be made up by the client.
 */
import type { AddressQuestion, Networks, Plugin } from "waggle/plugin";
import { forwardedFor } from "./addresses/forwarded.ts";
import { isIpText } from "./addresses/ip_text.ts";

/** Around an address, as proxies write it: 192.0.2.1:80, [2001:db8::1], [2001:db8::1]:80. */
const WITH_PORT = /^([\d.]+):\d+$/, IN_BRACKETS = /^\[([^\]]*)\](?::\d+)?$/;
/** Longest text of an address with all that. */
const HOP_CHARS_MAX = 64;

let proxies: Networks;
let header = "x-forwarded-for";

/** The plugin. */
export default {
  name: "ip_from_proxy",
  summary: "takes the client's address from the header of a trusted proxy",
  settings: {
    proxy: { kind: "networks", from: "access.proxy", explanation: "Proxies whose word is taken." },
    header: {
      kind: "choice",
      choices: ["x-forwarded-for", "forwarded", "cf-connecting-ip", "x-real-ip"],
      default: "x-forwarded-for",
      explanation:
        "The header that the proxy sets: X-Forwarded-For, Forwarded (RFC 7239), CF-Connecting-IP or X-Real-IP.",
    },
  },

  prepare({ settings }) {
    proxies = settings.networks("proxy");
    header = settings.text("header") ?? header;
  },

  clientAddress(request: AddressQuestion) {
    if (!proxies.has(request.address)) return undefined;
    const text = request.header(header) ?? "", hops = header === "forwarded" ? forwardedFor(text) : text.split(",");
    let found: string | undefined;
    for (let i = hops.length - 1; i >= 0; i--) {
      const address = parseHop(hops[i]?.trim() ?? "");
      // Not an address ("unknown", "_hidden"): what stands left of it is nobody's word.
      if (address === undefined) break;
      found = address;
      if (!proxies.hasText(address)) break;
    }
    return found;
  },
} satisfies Plugin;

function parseHop(text: string): string | undefined {
  if (text.length > HOP_CHARS_MAX) return undefined;
  const address = IN_BRACKETS.exec(text)?.[1] ?? WITH_PORT.exec(text)?.[1] ?? text;
  return isIpText(address) ? address : undefined;
}
