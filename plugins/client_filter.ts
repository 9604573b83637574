/**
 * Refuses clients by the beginning of their peer id, which names the software: `-XL` is Xunlei. Copy this file to begin
 * a plugin of your own: a name, settings, `prepare` to make of them what the slots need, and a slot that is short.
 *
 *   plugin.client_filter.deny -XL
 *   plugin.client_filter.deny -SD
 */
import type { Plugin } from "waggle/plugin";

const REFUSAL = "Your client is not allowed on this tracker.";

let allowed: Uint8Array[] = [];
let denied: Uint8Array[] = [];

/** The plugin. */
export default {
  name: "client_filter",
  summary: "refuses clients by their peer id",
  settings: {
    allow: { kind: "texts", example: "-qB", explanation: "Beginning of a peer id; with any, no others are served." },
    deny: { kind: "texts", example: "-XL", explanation: "Beginning of a peer id that is refused." },
  },

  prepare({ settings }) {
    const encoder = new TextEncoder();
    allowed = settings.texts("allow").map((text) => encoder.encode(text));
    denied = settings.texts("deny").map((text) => encoder.encode(text));
  },

  admitAnnounce({ peerId }) {
    if (denied.some((beginning) => begins(peerId, beginning))) return REFUSAL;
    if (allowed.length > 0 && !allowed.some((beginning) => begins(peerId, beginning))) return REFUSAL;
    return undefined;
  },
} satisfies Plugin;

function begins(bytes: Uint8Array, beginning: Uint8Array): boolean {
  for (let i = 0; i < beginning.length; i++) if (bytes[i] !== beginning[i]) return false;
  return true;
}
