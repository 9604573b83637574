/** Requests through shipped plugins: the headers of proxies, the `ip` parameter, passkeys, peer ids. */
import assert from "node:assert/strict";
import clientFilter from "../../../plugins/client_filter.ts";
import ipFromProxy from "../../../plugins/ip_from_proxy.ts";
import ipFromQuery from "../../../plugins/ip_from_query.ts";
import passkey from "../../../plugins/passkey.ts";
import { formatAddress, parseAddress } from "../../../src/bittorrent/address.ts";
import { HTTP_REPLY } from "../../../src/tracker/http_door.ts";
import type { Check, FuzzTarget } from "../../support/fuzz.ts";
import { PluginUnderTest } from "../../support/plugin_host.ts";
import { latin1, latin1Text, readVectors } from "../../support/vectors.ts";

const PROXY = "10.0.0.1", STRANGER = "192.0.2.1";
const ADDRESSES = [
  "192.0.2.7",
  "198.51.100.3:80",
  "2001:4860::1",
  "[2001:4860::2]:4711",
  "10.0.0.9",
  "999.1.1.1",
  "::",
];
const HEADERS = ["X-Forwarded-For", "Forwarded"];

/** The value of a header that says who the client is. The first byte chooses which header, and who sends it. */
export const forwarded: FuzzTarget = {
  name: "forwarded",
  summary: "X-Forwarded-For, Forwarded and their like, from a trusted proxy and from a stranger",
  bytesMax: 8000,
  words: [
    ...ADDRESSES,
    ", ",
    ",",
    "for=",
    ';for="',
    ';host="x',
    "\\",
    '"',
    "unknown",
    "%eth0",
    ":",
    ".",
    "\r\nX-Forwarded-For: ",
  ],
  open: openForwarded,
};

function openForwarded(): Check {
  const own = new Uint8Array(16),
    hosts = HEADERS.map((header) => {
      const config = `access.proxy 10.0.0.0/8\nplugin.ip_from_proxy.header ${header.toLowerCase()}\n`;
      return new PluginUnderTest(ipFromProxy, config);
    });
  return (bytes) => {
    const which = (bytes[0] ?? 0) % 2, isProxy = ((bytes[0] ?? 0) & 2) === 0, host = hosts[which]!;
    // The module keeps its settings in variables: they are those of the last that was prepared.
    ipFromProxy.prepare(host.context);
    const request = requestWith(HEADERS[which]!, bytes.subarray(1));
    const { action, reply } = host.http.ask(request, isProxy ? PROXY : STRANGER);
    assert.equal(host.count("faults"), 0, "the plugin fails");
    if (action !== HTTP_REPLY || !latin1Text(reply.subarray(0, 12)).endsWith("200")) return action;
    const address = externalIp(reply);
    assert.ok(parseAddress(address, own));
    if (!isProxy) assert.equal(address, STRANGER, "a stranger is believed");
    return `${which} ${isProxy} ${address.includes(":")} ${address.slice(0, 4)}`;
  };
}

function requestWith(header: string, value: Uint8Array): Uint8Array {
  const target = "/announce?info_hash=aaaaaaaaaaaaaaaaaaaa&port=6881";
  const head = latin1(`GET ${target} HTTP/1.1\r\n${header}: `), end = latin1("\r\n\r\n");
  const request = new Uint8Array(head.length + value.length + end.length);
  request.set(head);
  request.set(value, head.length);
  request.set(end, head.length + value.length);
  return request;
}

/** The address the client is told it has. */
function externalIp(reply: Uint8Array): string {
  const text = latin1Text(reply), mark = text.indexOf("external ip"), colon = text.indexOf(":", mark);
  return formatAddress(reply.subarray(colon + 1, colon + 1 + Number(text.slice(mark + 11, colon))));
}

/** Whole requests through a rule; the first byte chooses which, and HTTP or UDP. */
export const rules: FuzzTarget = {
  name: "rules",
  summary: "requests over HTTP and UDP through ip_from_query, passkey and client_filter",
  bytesMax: 8192,
  words: [
    "?passkey=abc",
    "/announce/abc",
    "&ip=2001:4860::1",
    "&ip=999.1.1.1",
    "&passkey=",
    "%41",
    "%",
    "-XL",
    "&peer_id=",
    "\x02\x08/abc?a=b",
  ],
  seeds: function* () {
    for (let rule = 0; rule < 3; rule++) {
      for (const packet of readVectors("udp_requests.hex").values()) yield Uint8Array.of(1 | rule << 1, ...packet);
      for (const request of readVectors("http_requests.hex").values()) yield Uint8Array.of(rule << 1, ...request);
    }
  },
  open: openRules,
};

function openRules(): Check {
  const hosts = [
    new PluginUnderTest(ipFromQuery, "plugin.ip_from_query.from 10.0.0.0/8\n"),
    new PluginUnderTest(passkey, "plugin.passkey.key abc\n"),
    new PluginUnderTest(clientFilter, "plugin.client_filter.deny -XL\n"),
  ];
  const ids = hosts.map(({ udp }) => udp.connect(PROXY));
  return (input) => {
    const first = input[0] ?? 0, rule = (first >> 1) % hosts.length, host = hosts[rule]!, bytes = input.slice(1);
    let outcome: string;
    if ((first & 1) === 1) {
      const packet = bytes.subarray(0, 2048);
      if (packet.length >= 8) packet.set(ids[rule]!);
      const reply = host.udp.ask(packet, PROXY);
      outcome = `udp ${reply[3]} ${latin1Text(reply.subarray(8, 20)).startsWith("unknown")}`;
    } else {
      const { action, reply } = host.http.ask(bytes, PROXY), text = latin1Text(reply);
      outcome = `${action} ${text.slice(9, 12)} ${/failure reason\d+:[ -~]*(?=8:)/.exec(text)?.[0]}`;
    }
    assert.equal(host.count("faults"), 0, "the plugin fails");
    return `${rule} ${outcome}`;
  };
}
