import assert from "node:assert/strict";
import fc from "fast-check";
import { ConfigDraft } from "../../src/config/config.ts";
import { LINE_CHARS_MAX, parseConfigText } from "../../src/config/parse.ts";
import { SETTING_KEYS } from "../../src/config/schema.ts";

Deno.test("parseConfigText() follows opentracker's rules for lines", () => {
  const rows: { name: string; text: string; want: string[] }[] = [
    { name: "empty file", text: "", want: [] },
    { name: "blank lines and comments", text: "\n \t\n# a\n  # b\n#tracker.user x\n", want: [] },
    { name: "key and value", text: "tracker.user joe", want: ["1 tracker.user=joe"] },
    { name: "blanks around", text: " \ttracker.user \t joe \t\r\n", want: ["1 tracker.user=joe"] },
    {
      name: "lines are counted",
      text: "#\n\ntracker.user joe\r\n\ntracker.user jim",
      want: [
        "3 tracker.user=joe",
        "5 tracker.user=jim",
      ],
    },
    { name: "no comment behind a value", text: "tracker.user joe # me", want: ["1 tracker.user=joe # me"] },
    {
      name: "a key without a value",
      text: "tracker.user\ntracker.user  ",
      want: ["1 ?tracker.user", "2 ?tracker.user"],
    },
    { name: "case matters", text: "Tracker.user joe", want: ["1 ?Tracker.user joe"] },
    { name: "a key is exact", text: "tracker.users joe", want: ["1 ?tracker.users joe"] },
    { name: "no equals sign", text: "tracker.user=joe", want: ["1 ?tracker.user=joe"] },
    { name: "no key of an object", text: "constructor x\n__proto__ x", want: ["1 ?constructor x", "2 ?__proto__ x"] },
    { name: "control characters are not printed", text: "a\x1b[2J\x00b", want: ["1 ?a [2J b"] },
    { name: "other spaces belong to the text", text: "tracker.user\u00a0joe", want: ["1 ?tracker.user\u00a0joe"] },
    { name: "a long comment", text: `#${"x".repeat(LINE_CHARS_MAX)}`, want: [] },
    {
      name: "the longest line",
      text: `tracker.user ${"x".repeat(LINE_CHARS_MAX - 13)}`,
      want: [
        `1 tracker.user=${"x".repeat(LINE_CHARS_MAX - 13)}`,
      ],
    },
    {
      name: "lines of plugins",
      text: "plugin.client_filter.deny -XL\nplugin.x on\nplugin.X.y z\nplugin.x.y",
      want: ["1 plugin client_filter deny=-XL", "2 plugin x =on", "3 ?plugin.X.y z", "4 ?plugin.x.y"],
    },
    { name: "one longer", text: `tracker.user ${"x".repeat(LINE_CHARS_MAX - 12)}`, want: ["1 too long: 4097"] },
  ];
  for (const { name, text, want } of rows) {
    const got = [...parseConfigText(text)].map((line) => {
      switch (line.kind) {
        case "setting":
          return `${line.lineNumber} ${line.key}=${line.text}`;
        case "plugin":
          return `${line.lineNumber} plugin ${line.plugin} ${line.key}=${line.text}`;
        case "unhandled":
          return `${line.lineNumber} ?${line.text}`;
        case "too_long":
          return `${line.lineNumber} too long: ${line.chars}`;
      }
    });
    assert.deepEqual(got, want, name);
  }
});

Deno.test("ConfigDraft.applyFile() throws on no text", () => {
  const seed = Date.now() & 0x7fffffff;
  console.log(`seed ${seed}`);
  const word = fc.oneof(
    fc.constantFrom(...SETTING_KEYS),
    fc.constantFrom(" ", "\t", "\n", "\r\n", "#", "[", "]", ":", "/", ".", "::1", "1.2.3.4", "80", "on", "auto"),
    fc.string({ unit: "binary", maxLength: 12 }),
  );
  const text = fc.oneof(
    fc.array(word, { maxLength: 40 }).map((words) => words.join("")),
    fc.string({ unit: "binary" }),
  );
  fc.assert(
    fc.property(text, (fileText) => {
      const draft = new ConfigDraft();
      const problem = draft.applyFile("fuzz.conf", fileText);
      if (problem !== null) assert.match(problem.sentence, /^Cannot start: [^\n]* \(fuzz\.conf line \d+\)$/s);
      for (const warning of draft.warnings) assert.doesNotMatch(warning, /\p{Cc}/u);
      draft.finish();
    }),
    { seed, numRuns: 1000 },
  );
});
