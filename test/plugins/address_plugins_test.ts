/** ip_from_proxy, ip_from_query and passkey: tables of requests and whose they are. */
import assert from "node:assert/strict";
import ipFromProxy from "../../plugins/ip_from_proxy.ts";
import ipFromQuery from "../../plugins/ip_from_query.ts";
import passkey from "../../plugins/passkey.ts";
import { formatAddress } from "../../src/bittorrent/address.ts";
import { PluginUnderTest } from "../support/plugin_host.ts";

/** The address the client is told it has. */
function externalIp(reply: string): string {
  const [, length, rest] = /external ip(\d+):(.*)/s.exec(reply) ?? [];
  return formatAddress(Uint8Array.from(rest!.slice(0, Number(length)), (c) => c.charCodeAt(0)));
}

Deno.test("ip_from_proxy takes the rightmost address that is no proxy's, from proxies only", () => {
  const proxied = "access.proxy 10.0.0.0/8\naccess.proxy 2001:db8::/32\n";
  const rows: [address: string, header: string, want: string, config?: string][] = [
    ["10.0.0.1", "X-Forwarded-For: 1.2.3.4", "1.2.3.4"],
    ["192.0.2.1", "X-Forwarded-For: 1.2.3.4", "192.0.2.1"],
    ["10.0.0.1", "X-Forwarded-For: 6.6.6.6, 1.2.3.4", "1.2.3.4"],
    ["10.0.0.1", "X-Forwarded-For: 6.6.6.6, 1.2.3.4, 10.9.9.9", "1.2.3.4"],
    ["10.0.0.1", "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 1.2.3.4", "1.2.3.4"],
    ["10.0.0.1", "X-Forwarded-For: 10.1.1.1, 10.2.2.2", "10.1.1.1"],
    ["10.0.0.1", "X-Forwarded-For: 6.6.6.6, unknown", "10.0.0.1"],
    ["10.0.0.1", "X-Forwarded-For: 6.6.6.6, unknown, 10.2.2.2", "10.2.2.2"],
    ["10.0.0.1", "X-Forwarded-For: 999.1.1.1, 10.2.2.2", "10.2.2.2"],
    ["10.0.0.1", "X-Forwarded-For: 6.6.6.6, 1.2.3.400", "10.0.0.1"],
    ["10.0.0.1", "X-Forwarded-For: [2], 10.2.2.2", "10.2.2.2"],
    ["10.0.0.1", "X-Forwarded-For: 2001:4860:::1", "10.0.0.1"],
    ["10.0.0.1", "X-Forwarded-For: 1.2.3.4:5678", "1.2.3.4"],
    ["10.0.0.1", "X-Forwarded-For: [2001:4860::1]:80", "2001:4860::1"],
    ["2001:db8::1", "X-Forwarded-For: 2001:4860::2", "2001:4860::2"],
    ["10.0.0.1", "X-Forwarded-For:", "10.0.0.1"],
    ["10.0.0.1", "Accept: */*", "10.0.0.1"],
    ["10.0.0.1", "X-Forwarded-For: 1.2.3.4", "10.0.0.1", "plugin.ip_from_proxy.header forwarded\n"],
    [
      "10.0.0.1",
      "Forwarded: for=6.6.6.6, for=1.2.3.4;proto=http",
      "1.2.3.4",
      "plugin.ip_from_proxy.header forwarded\n",
    ],
    [
      "10.0.0.1",
      'Forwarded: by=10.0.0.1; For="[2001:4860::3]:4711"',
      "2001:4860::3",
      "plugin.ip_from_proxy.header forwarded\n",
    ],
    ["10.0.0.1", "Forwarded: for=_hidden", "10.0.0.1", "plugin.ip_from_proxy.header forwarded\n"],
    ["10.0.0.1", "CF-Connecting-IP: 1.2.3.4", "1.2.3.4", "plugin.ip_from_proxy.header cf-connecting-ip\n"],
  ];
  for (const [address, header, want, config = ""] of rows) {
    const host = new PluginUnderTest(ipFromProxy, proxied + config);
    assert.equal(externalIp(host.announce("a", "", { address, headers: `${header}\r\n` })), want, header);
    assert.equal(host.count("faults"), 0, header);
  }
});

Deno.test("ip_from_proxy takes nothing for an address that a quoted string of Forwarded contains", () => {
  const rows: [header: string, want: string][] = [
    ['proto=http;host="x;for=6.6.6.6";for=1.2.3.4', "1.2.3.4"],
    ['host="a,for=6.6.6.6";for=1.2.3.4', "1.2.3.4"],
    ['for=1.2.3.4;host="a,for=6.6.6.6"', "1.2.3.4"],
    ['for=1.2.3.4;host="a,for=6.6.6.6,b";proto=http', "1.2.3.4"],
    ['for=1.2.3.4;host="\\",for=6.6.6.6,x=\\""', "1.2.3.4"],
    ['for=1.2.3.4;host="\\\\";proto=http', "1.2.3.4"],
    ['for="1\\.2.3.4"', "1.2.3.4"],
    ['for = "1.2.3.4" ; proto=http', "1.2.3.4"],
    ["for=6.6.6.6, , for=1.2.3.4;proto=http,", "1.2.3.4"],
    // A client opens a string that the proxy's own element, behind it, would close.
    ['host="x, for=1.2.3.4;host="a,for=6.6.6.6"', "10.0.0.1"],
    ['x=", for=1.2.3.4;host="\\",for=6.6.6.6"', "10.0.0.1"],
    ['for=6.6.6.6;x="', "10.0.0.1"],
    ['for=6.6.6.6;x="\\', "10.0.0.1"],
    // No elements, or not one address.
    ["for=1.2.3.4;for=6.6.6.6", "10.0.0.1"],
    ['for="1.2.3.4"x', "10.0.0.1"],
    ['for=6."6.6.6"', "10.0.0.1"],
    ["6.6.6.6;for=1.2.3.4", "10.0.0.1"],
    ["for=6.6.6.6, proto=http", "10.0.0.1"],
    // What a client made up does not spoil what the proxy says.
    ["nonsense, for=1.2.3.4", "1.2.3.4"],
  ];
  for (const [header, want] of rows) {
    const host = new PluginUnderTest(ipFromProxy, "access.proxy 10.0.0.0/8\nplugin.ip_from_proxy.header forwarded\n");
    const reply = host.announce("a", "", { address: "10.0.0.1", headers: `Forwarded: ${header}\r\n` });
    assert.equal(externalIp(reply), want, header);
    assert.equal(host.count("faults"), 0, header);
  }
});

Deno.test("ip_from_query believes listed networks only", () => {
  const rows: [address: string, ip: string, want: string][] = [
    ["10.0.0.1", "9.8.7.6", "9.8.7.6"],
    ["10.0.0.1", "2001:db8::5", "2001:db8::5"],
    ["10.0.0.1", "2001%3adb8%3A%3A5", "2001:db8::5"],
    ["10.0.0.1", "example.org", "10.0.0.1"],
    ["10.0.0.1", "999.1.1.1", "10.0.0.1"],
    ["10.0.0.1", "1:2", "10.0.0.1"],
    ["192.0.2.1", "9.8.7.6", "192.0.2.1"],
  ];
  for (const [address, ip, want] of rows) {
    const host = new PluginUnderTest(ipFromQuery, "plugin.ip_from_query.from 10.0.0.0/8");
    assert.equal(externalIp(host.announce("a", `&ip=${ip}`, { address })), want, ip);
    assert.equal(host.count("faults"), 0, ip);
  }
});

Deno.test("ip_from_query believes announces only: who sees a page is decided by the socket's address", () => {
  const rows: [target: string, want: string][] = [
    ["/stats?mode=everything&ip=127.0.0.1", "10.0.0.1"],
    ["/scrape?ip=127.0.0.1", "10.0.0.1"],
    ["/metrics?ip=127.0.0.1", "10.0.0.1"],
    ["/stats/announce?ip=127.0.0.1", "10.0.0.1"],
    ["/?ip=127.0.0.1&x=/announce", "10.0.0.1"],
    ["//announce?ip=127.0.0.1", "127.0.0.1"],
    ["/%61nnounce?ip=127.0.0.1", "127.0.0.1"],
    ["/a?ip=127.0.0.1", "127.0.0.1"],
  ];
  const host = new PluginUnderTest(ipFromQuery, "plugin.ip_from_query.from 10.0.0.0/8");
  for (const [target, want] of rows) {
    host.get(target, { address: "10.0.0.1" });
    assert.equal(host.gate.question.addressText, want, target);
  }
});

Deno.test("passkey serves those who know a key, over HTTP and UDP", () => {
  const host = new PluginUnderTest(passkey, "plugin.passkey.key abc\nplugin.passkey.key d-e_f");
  const isServed = (reply: string) => !reply.includes("unknown passkey");
  assert.ok(isServed(host.announce("a", "", { path: "/announce/abc" })));
  assert.ok(isServed(host.announce("a", "&passkey=d-e_f")));
  assert.ok(!isServed(host.announce("a")));
  assert.ok(!isServed(host.announce("a", "&passkey=ab")));
  assert.ok(isServed(host.get(`/scrape/abc?info_hash=${"a".repeat(20)}`)));
  assert.ok(!isServed(host.get(`/scrape?info_hash=${"a".repeat(20)}`)));
  assert.equal(host.announceUdp("a", "/announce/abc")[3], 1);
  assert.equal(host.announceUdp("a", "/announce?passkey=abc")[3], 1);
  assert.equal(host.announceUdp("a", "")[3], 3);
  assert.throws(() => new PluginUnderTest(passkey, "plugin.passkey.key a/b"), /letters, digits/);
});
