/**
 * The client's address from the `ip` parameter of its announce: for seeders that share the tracker's own network and
 * know their address outside. Believed from the listed networks only; anyone else could put anyone into a swarm.
 */
import type { Networks, Plugin } from "waggle/plugin";
import { isIpText } from "./addresses/ip_text.ts";

/** What the tracker takes for an announce: opentracker's rule, by which the letter may be percent-encoded. */
const ANNOUNCE_PATH = /^\/+(a|%61)/;

let trusted: Networks;

/** The plugin. */
export default {
  name: "ip_from_query",
  summary: "takes the client's address from ip= in its announce, from listed networks",
  settings: {
    from: {
      kind: "networks",
      example: "10.0.0.0/8",
      explanation: "Networks whose clients may name their address, with ip= in an announce.",
    },
  },

  prepare({ settings }) {
    trusted = settings.networks("from");
  },

  clientAddress(request) {
    // Other pages are shown by address, and who may see them is nobody's own to say.
    if (!trusted.has(request.address) || !ANNOUNCE_PATH.test(request.path)) return undefined;
    const ip = request.parameter("ip");
    return ip !== undefined && isIpText(ip) ? ip : undefined;
  },
} satisfies Plugin;
