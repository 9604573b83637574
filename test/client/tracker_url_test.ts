import assert from "node:assert/strict";
import fc from "fast-check";
import { parseTrackerUrl, scrapeTarget } from "../../src/client/tracker_url.ts";

Deno.test("parseTrackerUrl() takes URLs apart", () => {
  const rows: { url: string; want: unknown[] }[] = [
    { url: "http://a/announce", want: ["http", "a", 80, "/announce", undefined] },
    { url: "https://A.example/x/announce?key=1", want: ["https", "a.example", 443, "/x/announce?key=1", undefined] },
    { url: "http://u:p%40@a:6969", want: ["http", "a", 6969, "/", "u:p@"] },
    { url: "udp://a:6969", want: ["udp", "a", 6969, "", undefined] },
    { url: "udp://a:6969/announce?x=1#y", want: ["udp", "a", 6969, "/announce?x=1", undefined] },
    { url: "udp://[2001:db8::1]:80/announce", want: ["udp", "2001:db8::1", 80, "/announce", undefined] },
    { url: "http://[::1]/announce", want: ["http", "::1", 80, "/announce", undefined] },
    { url: "http://a/%zz?info=%00%FF", want: ["http", "a", 80, "/%zz?info=%00%FF", undefined] },
  ];
  for (const { url, want } of rows) {
    const parsed = parseTrackerUrl(url);
    assert(parsed.kind !== "fault", url);
    assert.deepEqual([parsed.kind, parsed.host, parsed.port, parsed.target, parsed.auth], want, url);
  }
});

Deno.test("parseTrackerUrl() says why a tracker cannot be asked", () => {
  const rows: { url: string; want: RegExp }[] = [
    { url: "", want: /^it is not a URL/ },
    { url: "tracker.example", want: /^it is not a URL/ },
    { url: "udp://a/announce", want: /^it names no port$/ },
    { url: "http://a:0/announce", want: /^it names no port$/ },
    { url: "wss://a/announce", want: /^trackers over WebSocket cannot be asked/ },
    { url: "ftp://a/announce", want: /^only http, https and udp can be asked, and this is ftp$/ },
    { url: "http://a:99999/", want: /^it is not a URL/ },
  ];
  for (const { url, want } of rows) {
    const parsed = parseTrackerUrl(url);
    assert(parsed.kind === "fault", url);
    assert.match(parsed.reason, want, url);
  }
});

Deno.test("parseTrackerUrl() never throws", () => {
  const urlLike = fc.tuple(fc.constantFrom("http://", "udp://", "https://"), fc.string({ unit: "binary" }));
  fc.assert(fc.property(urlLike, ([scheme, rest]) => void parseTrackerUrl(scheme + rest)));
});

Deno.test("scrapeTarget() follows BEP 48", () => {
  const rows: { target: string; want: string | null }[] = [
    { target: "/announce", want: "/scrape" },
    { target: "/x/announce", want: "/x/scrape" },
    { target: "/announce.php", want: "/scrape.php" },
    { target: "/announce?x2%0644", want: "/scrape?x2%0644" },
    { target: "/announce?x=2/4", want: "/scrape?x=2/4" },
    { target: "/x%064announce", want: null },
    { target: "/a", want: null },
    { target: "/announce/x", want: null },
    { target: "/", want: null },
    { target: "", want: null },
    { target: "/scrape?key=1", want: "/scrape?key=1" },
  ];
  for (const { target, want } of rows) assert.equal(scrapeTarget(target), want, target);
});
