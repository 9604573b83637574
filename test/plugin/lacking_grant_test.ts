/** What a plugin is told that reaches for more than it was granted, from the sources and from an executable. */
import assert from "node:assert/strict";
import { sayLackingGrant } from "../../src/plugin/lacking_grant.ts";
import { toFault } from "../../src/plugin/load.ts";

const CANDIDATE = { name: "x", origin: "folder", file: "plugins/x.ts", url: "file:///plugins/x.ts" } as const;

Deno.test("what a plugin lacks is said with the line of the config that grants it", () => {
  const rows: readonly (readonly [kind: string, what: string, want: string])[] = [
    ["read", '"/a b/c"', "; grant it with plugin.x.allow read /a b/c"],
    ["write", '"list"', "; grant it with plugin.x.allow write list"],
    ["write", "<TMP>", "; grant it with plugin.x.allow write PATH"],
    ["net", '"example.org:443"', "; grant it with plugin.x.allow net example.org:443"],
    ["net", '"[::1]:80"', "; grant it with plugin.x.allow net [::1]:80"],
    ["env", '"PATH"', ", which no plugin is granted"],
    ["run", '"ls"', ", which no plugin is granted"],
  ];
  for (const [kind, what, want] of rows) {
    const denied = `Requires ${kind} access to ${what}`;
    for (
      const tail of [
        `run again with the --allow-${kind} flag`,
        `specify the required permissions during compilation using \`deno compile --allow-${kind}\``,
      ]
    ) {
      const { message } = toFault(CANDIDATE, new Error(`${denied}, ${tail}`), "start");
      assert.equal(message, `plugins/x.ts: start: ${denied}${want}`);
    }
  }
  assert.equal(
    sayLackingGrant("x", "boom, run again with the --allow-read flag"),
    "boom, run again with the --allow-read flag",
  );
});

Deno.test("the runtime of today says what a plugin lacks in words that are known", {
  permissions: { read: false, net: false },
}, async () => {
  const said = async (attempt: () => unknown) => {
    const error = await Promise.resolve().then(attempt).then(() => null, (error) => error);
    return sayLackingGrant("x", error.message);
  };
  assert.match(await said(() => Deno.readTextFile("/a")), /^Requires .*; grant it with plugin\.x\.allow read \/a$/);
  assert.match(
    await said(() => Deno.connect({ hostname: "127.0.0.1", port: 1 })),
    /plugin\.x\.allow net 127\.0\.0\.1:1$/,
  );
});
