/** How an author tests a plugin: with requests, and the replies that clients get. Copy this file beside your own. */
import assert from "node:assert/strict";
import type { Plugin } from "waggle/plugin";
import clientFilter from "../../plugins/client_filter.ts";
import { PluginUnderTest } from "../support/plugin_host.ts";

/** A whole plugin. */
const noOnes = {
  name: "no_ones",
  stats: { ones: (snapshot) => `${snapshot.torrents} torrents\n` },
  admitAnnounce: (announce) => announce.infoHash[0] === 0x31 ? "no ones" : undefined,
} satisfies Plugin;

Deno.test("no_ones refuses hashes that begin with a one", () => {
  const host = new PluginUnderTest(noOnes);
  assert.match(host.announce("1"), /14:failure reason7:no ones/);
  assert.match(host.announce("2"), /8:intervali/);
  assert.equal(host.count("refused"), 1);
});

Deno.test("client_filter refuses by peer id", () => {
  const rows: [config: string, peerId: string, isServed: boolean][] = [
    ["plugin.client_filter.deny -XL", "-XL0012-abcdefghijkl", false],
    ["plugin.client_filter.deny -XL", "-qB4600-abcdefghijkl", true],
    ["plugin.client_filter.allow -qB\nplugin.client_filter.allow -TR", "-TR4000-abcdefghijkl", true],
    ["plugin.client_filter.allow -qB", "-XL0012-abcdefghijkl", false],
    ["plugin.client_filter.allow -", "", false],
  ];
  for (const [config, peerId, isServed] of rows) {
    const reply = new PluginUnderTest(clientFilter, config).announce("a", peerId === "" ? "" : `&peer_id=${peerId}`);
    assert.equal(!reply.includes("failure reason"), isServed, `${config} ${peerId}`);
  }
});
