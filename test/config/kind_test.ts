import assert from "node:assert/strict";
import { type Kind, readValue, TEXT_CHARS_MAX } from "../../src/config/kind.ts";

const WORKERS: Kind = { kind: "integer", default: 0, min: 1, max: 64, zero: "one per core" };
const SECONDS: Kind = { kind: "integer", default: 1800, min: 60, max: 86400, unit: "seconds" };
const MEMORY: Kind = { kind: "integer", default: 0, min: 16, max: 14336, unit: "MiB", zero: "half" };
const CHOICE: Kind = { kind: "choice", choices: ["auto", "linux", "portable"], default: "auto" };
const BOOLEAN: Kind = { kind: "boolean", default: true };
const TEXT: Kind = { kind: "text", default: null };
const PATH: Kind = { kind: "path", default: null };
const URL: Kind = { kind: "url", default: null };
const PAGE: Kind = { kind: "page", default: "stats" };
const NETWORK: Kind = { kind: "network", default: [], repeatable: true };
const ADDRESS: Kind = { kind: "address", default: null, portDefault: 9696 };

Deno.test("readValue() reads each kind", () => {
  const rows: [kind: Kind, text: string, want: unknown][] = [
    [WORKERS, "0", 0],
    [WORKERS, "64", 64],
    [WORKERS, "007", 7],
    [WORKERS, "4 # four", 4],
    [SECONDS, "60", 60],
    [SECONDS, "86400", 86400],
    [MEMORY, "0", 0],
    [MEMORY, "16", 16],
    [CHOICE, "linux", "linux"],
    [BOOLEAN, "on", true],
    [BOOLEAN, "off", false],
    [TEXT, "a b # c", "a b # c"],
    [TEXT, "x".repeat(TEXT_CHARS_MAX), "x".repeat(TEXT_CHARS_MAX)],
    [PATH, "/var/lib/träcker", "/var/lib/träcker"],
    [URL, "https://example.org/?a=b#c", "https://example.org/?a=b#c"],
    ...["stats", "secret/figures", "S-t_a~t.s", "s", "Admin", "sCrape", "stats/", "...", ".x/y.."].map((
      path,
    ): [Kind, string, string] => [PAGE, path, path]),
    [NETWORK, "10.0.0.0/8", { address: "10.0.0.0", bits: 8 }],
    [NETWORK, "10.0.0.0/8 # ours", { address: "10.0.0.0", bits: 8 }],
    [ADDRESS, "192.0.2.1", { address: "192.0.2.1", port: 9696 }],
  ];
  for (const [kind, text, want] of rows) assert.deepEqual(readValue(kind, text), { value: want }, text);
});

Deno.test("readValue() says what a bad value should have been", () => {
  const rows: [kind: Kind, text: string, want: string][] = [
    [WORKERS, "many", "0 to 64"],
    [WORKERS, "65", "0 to 64"],
    [WORKERS, "-1", "0 to 64"],
    [WORKERS, "4x", "0 to 64"],
    [WORKERS, "0x4", "0 to 64"],
    [WORKERS, "4.0", "0 to 64"],
    [WORKERS, "", "0 to 64"],
    [WORKERS, "99999999999999999999", "0 to 64"],
    [SECONDS, "0", "60 to 86400 seconds"],
    [SECONDS, "59", "60 to 86400 seconds"],
    [MEMORY, "15", "0 or 16 to 14336 MiB"],
    [CHOICE, "Linux", "auto, linux or portable"],
    [BOOLEAN, "yes", "on or off"],
    [TEXT, "a\x1bb", "1 to 2048 printable characters"],
    [TEXT, "", "1 to 2048 printable characters"],
    [PATH, "x".repeat(TEXT_CHARS_MAX + 1), "a path of at most 2048 characters"],
    [URL, "http://a/\rSet-Cookie: b", "a URL of at most 2048 ASCII characters without spaces"],
    [URL, "http://a b", "a URL of at most 2048 ASCII characters without spaces"],
    [NETWORK, "192.168/16", "an address or a network such as 10.0.0.0/8 or 2001:db8::/32"],
    [ADDRESS, "eth0", "an address such as 127.0.0.1, 0.0.0.0:9696 or [::1]:9696"],
  ];
  for (const [kind, text, want] of rows) assert.deepEqual(readValue(kind, text), { wish: want }, text);
});

Deno.test("readValue() takes the path of a page only where it means itself and is no announce's or scrape's", () => {
  const begins = ["/stats", "admin-stats", "a", "scores", "sc/stats"];
  const patterns = [":x", "x/:y", "*", "stats?", "s{t}", "stats#x", "st%61ts", "a b", "st ats", "st\\ats", "stäts"];
  const dots = [".", "..", "x/../y", "./stats", "stats/."];
  for (const path of [...begins, ...patterns, ...dots, "", "s".repeat(TEXT_CHARS_MAX + 1)]) {
    const reading = readValue(PAGE, path);
    assert.ok("wish" in reading, path);
    assert.match(reading.wish, /^a path of at most 2048 letters.* neither with \/ nor with a or sc, /);
  }
});
