/**
 * Serves only those who know a key: `/announce/KEY`, `/announce?passkey=KEY`, and over UDP the same in the URL data of
 * BEP 41. Each key is a line `plugin.passkey.key KEY`. A scrape needs one too: `/scrape/KEY`.
 */
import type { ClientQuestion, Plugin } from "waggle/plugin";

let keys = new Set<string>();

/** The plugin. */
export default {
  name: "passkey",
  summary: "serves only those who know a key",
  settings: {
    key: {
      kind: "texts",
      example: "2f7c1e0b9d",
      explanation: "A key that is served: letters, digits, - and _. Clients announce to /announce/KEY.",
    },
  },

  prepare({ settings }) {
    keys = new Set(settings.texts("key"));
    const isBad = [...keys].some((key) => !/^[\w-]+$/.test(key));
    // A key is a secret: it is not shown.
    if (isBad) throw new Error("plugin.passkey.key: a key has letters, digits, - and _ only");
  },

  admitAnnounce: (announce) => hasKey(announce) ? undefined : "unknown passkey",
  admitScrape: (scrape) => hasKey(scrape) ? undefined : "unknown passkey",
} satisfies Plugin;

function hasKey(question: ClientQuestion): boolean {
  const { path } = question;
  return keys.has(path.slice(path.lastIndexOf("/") + 1)) || keys.has(question.parameter("passkey") ?? "");
}
