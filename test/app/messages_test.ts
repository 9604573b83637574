/** What a part says is looked at before it is believed: a plugin may have got at the part's way. */
import assert from "node:assert/strict";
import { type FromPart, isFromPart } from "../../src/messages.ts";

const GOOD: readonly FromPart[] = [
  { type: "started", sockets: [] },
  { type: "failed", reason: "it is not there" },
  { type: "rulesSet", fault: null },
  { type: "rulesSet", fault: "plugins/a.js: b" },
  { type: "keeper", state: "claimed" },
  { type: "drained" },
  { type: "broken", why: "Error" },
  { type: "said", line: "a line", isError: true },
  { type: "cellEnded", why: "memory" },
  { type: "fromHost", message: { type: "started" } },
  { type: "fromHost", message: { type: "died", why: "it ended by itself" } },
  { type: "stopped" },
];

const BAD: readonly unknown[] = [
  null,
  undefined,
  1,
  "started",
  {},
  { type: 1 },
  { type: "constructor" },
  { type: "started" },
  { type: "failed", reason: null },
  { type: "reaches", reach: null },
  { type: "rulesSet" },
  { type: "keeper" },
  { type: "broken", why: {} },
  { type: "said", line: 1 },
  { type: "cellEnded" },
  { type: "fromHost", message: null },
  { type: "fromHost", message: { type: "log" } },
  { type: "fromHost", message: { type: "died" } },
];

Deno.test("isFromPart() takes what parts say, and nothing else", () => {
  for (const message of GOOD) assert.ok(isFromPart(message), JSON.stringify(message));
  for (const message of BAD) assert.ok(!isFromPart(message), JSON.stringify(message));
});
