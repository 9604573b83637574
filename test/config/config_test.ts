import assert from "node:assert/strict";
import { type Config, ConfigDraft, LISTENERS_MAX, REPEATS_MAX } from "../../src/config/config.ts";
import type { Network } from "../../src/config/address.ts";
import { SETTING_KEYS, SETTINGS, type Settings } from "../../src/config/schema.ts";

function configOf(fileText: string): Config {
  const draft = new ConfigDraft();
  assert.equal(draft.applyFile("t.conf", fileText), null);
  return draft.finish();
}

function listenersOf(config: Config): string[] {
  return config.listeners.map(({ protocol, address, port, udpWorkers }) =>
    `${protocol} ${address} ${port} workers ${udpWorkers}`
  );
}

Deno.test("ConfigDraft starts from the defaults of the schema", () => {
  const { listeners, settings, warnings } = configOf("");
  assert.deepEqual(listeners, []);
  assert.deepEqual(warnings, []);
  const keys = SETTING_KEYS.filter((key) => SETTINGS[key].kind !== "listen");
  assert.deepEqual(Object.keys(settings), keys);
  for (const [key, value] of Object.entries(settings)) {
    assert.deepEqual(value, SETTINGS[key as keyof Settings].default, key);
  }
});

Deno.test("Settings have the types of their kinds", () => {
  const { settings } = configOf("tracker.front linux\naccess.proxy 10.0.0.0/8\naccess.proxy ::1\n");
  const interval: number = settings["tracker.interval"];
  const front: "auto" | "linux" | "portable" = settings["tracker.front"];
  const redirect: string | null = settings["tracker.redirect_url"];
  const rootdir: string = settings["tracker.rootdir"];
  const shield: boolean = settings["tracker.shield"];
  const proxies: readonly Network[] = settings["access.proxy"];
  assert.deepEqual([interval, front, redirect, rootdir, shield], [1800, "linux", null, ".", true]);
  assert.deepEqual(proxies, [{ address: "10.0.0.0", bits: 8 }, { address: "::1", bits: 128 }]);
  // @ts-expect-error: lines that open listeners are no settings
  assert.equal(settings["listen.tcp"], undefined);
});

Deno.test("ConfigDraft.applyFile() opens listeners in order, with the workers in force", () => {
  const config = configOf(`
    listen.tcp_udp 0.0.0.0
    listen.udp.workers 4
    listen.udp [::1]:80
    listen.tcp ::1.81
    listen.udp.workers 0
    listen.udp 192.0.2.1:0
  `);
  assert.deepEqual(listenersOf(config), [
    "tcp 0.0.0.0 6969 workers 0",
    "udp 0.0.0.0 6969 workers 0",
    "udp ::1 80 workers 4",
    "tcp ::1 81 workers 4",
    "udp 192.0.2.1 0 workers 0",
  ]);
});

Deno.test("ConfigDraft.applyFile() lets the last value win", () => {
  const { settings } = configOf("tracker.user joe\ntracker.interval 600\ntracker.user jim\n");
  assert.equal(settings["tracker.user"], "jim");
  assert.equal(settings["tracker.interval"], 600);
});

Deno.test("ConfigDraft.applyFile() warns and goes on", () => {
  const rows: { name: string; text: string; want: string[] }[] = [
    {
      name: "an unknown line",
      text: "\nno.such key\ntracker.interval 1800",
      want: [
        "Unhandled line in config file: no.such key (t.conf line 2)",
      ],
    },
    {
      name: "a key without a value",
      text: "tracker.user",
      want: [
        "Unhandled line in config file: tracker.user (t.conf line 1)",
      ],
    },
    {
      name: "a key of our own without a value, and one misspelt",
      text: "tracker.shield\ntracker.memroy 64",
      want: [
        "Unhandled line in config file: tracker.shield (t.conf line 1)",
        "Unhandled line in config file: tracker.memroy 64 (t.conf line 2)",
      ],
    },
    {
      name: "a setting that has no effect yet",
      text: "livesync.cluster.listen 10.0.0.1",
      want: [
        "livesync.cluster.listen is not yet supported and has no effect (t.conf line 1)",
      ],
    },
    {
      name: "peers that expire too early",
      text: "tracker.interval 3600",
      want: [
        "tracker.peer_timeout is 45 minutes and tracker.interval 3600 seconds: peers are forgotten before they " +
        "announce again",
      ],
    },
    { name: "peers that just return", text: "tracker.interval 3600\ntracker.peer_timeout 66", want: [] },
  ];
  for (const { name, text, want } of rows) assert.deepEqual(configOf(text).warnings, want, name);
});

Deno.test("ConfigDraft.applyFile() stops at a bad value with one sentence", () => {
  const rows: [text: string, want: string][] = [
    ["\n\ntracker.workers many", 'tracker.workers must be 0 to 64, and is "many" (t.conf line 3)'],
    ["tracker.workers 2\ntracker.workers 65", 'tracker.workers must be 0 to 64, and is "65" (t.conf line 2)'],
    ["tracker.memory 8", 'tracker.memory must be 0 or 16 to 8192 MiB, and is "8" (t.conf line 1)'],
    ["tracker.front fast", 'tracker.front must be auto, linux or portable, and is "fast" (t.conf line 1)'],
    [
      "listen.tcp localhost:80",
      "listen.tcp must be an address such as 127.0.0.1, 0.0.0.0:6969 or [::1]:6969, " +
      'and is "localhost:80" (t.conf line 1)',
    ],
    [
      "access.stats 192.168/16",
      "access.stats must be an address or a network such as 10.0.0.0/8 or 2001:db8::/32, " +
      'and is "192.168/16" (t.conf line 1)',
    ],
    ...["plugin.passkey.key", "plugin.passkey.key=x", "plugin.passkey", "plugin.Passkey.key x", "plugin."].map((
      line,
    ): [string, string] => [
      `\n${line} `,
      `a line for a plugin must be plugin.NAME.KEY VALUE, or plugin.NAME on or off, and is "${line}" (t.conf line 2)`,
    ]),
    [
      "\naccess.stats_path admin-stats",
      "access.stats_path must be a path of at most 2048 letters, digits and - . _ ~ /, no name in it . or .., that begins " +
      'neither with / nor with a or sc, which are for announces and scrapes, and is "admin-stats" (t.conf line 2)',
    ],
    [
      `tracker.workers ${"9".repeat(150)}`,
      `tracker.workers must be 0 to 64, and is "${"9".repeat(100)}…" (t.conf line 1)`,
    ],
    [`tracker.user ${"x".repeat(5000)}`, "a line must be at most 4096 characters, and is 5013 (t.conf line 1)"],
    [
      "listen.tcp ::\n".repeat(LISTENERS_MAX + 1),
      `there must be at most ${LISTENERS_MAX} listeners, and there are more (t.conf line ${LISTENERS_MAX + 1})`,
    ],
    [
      "access.proxy ::1\n".repeat(REPEATS_MAX + 1),
      `access.proxy must be given at most ${REPEATS_MAX} times, and is "::1" (t.conf line ${REPEATS_MAX + 1})`,
    ],
  ];
  for (const [text, want] of rows) {
    assert.deepEqual(new ConfigDraft().applyFile("t.conf", text), { sentence: `Cannot start: ${want}` });
  }
});

Deno.test("ConfigDraft.applyOption() sets what names the option", () => {
  const draft = new ConfigDraft();
  for (const [letter, text] of [["d", "/srv"], ["u", "joe"], ["r", "http://a/"], ["A", "10.0.0.0/8"], ["A", "::1"]]) {
    assert.equal(draft.applyOption(letter, text), null);
  }
  const { settings, warnings } = draft.finish();
  assert.equal(settings["tracker.rootdir"], "/srv");
  assert.equal(settings["tracker.user"], "joe");
  assert.equal(settings["tracker.redirect_url"], "http://a/");
  const admins = [{ address: "10.0.0.0", bits: 8 }, { address: "::1", bits: 128 }];
  assert.deepEqual(settings["access.stats"], admins);
  assert.deepEqual(settings["livesync.cluster.node_ip"], admins);
  assert.deepEqual(settings["access.proxy"], [], "an admin is no proxy");
  assert.deepEqual(warnings.filter((line) => line.startsWith("-A")), []);
});

Deno.test("ConfigDraft.finish() keeps numwant below its maximum", () => {
  assert.equal(configOf("tracker.numwant_max 20").settings["tracker.numwant"], 20);
  assert.equal(configOf("tracker.numwant 60\ntracker.numwant_max 60").settings["tracker.numwant"], 60);
});

Deno.test("ConfigDraft notes which settings were named, on the command line or in a file, and where", () => {
  const draft = new ConfigDraft();
  assert.equal(draft.applyOption("u", "nobody"), null);
  assert.equal(draft.applyFile("t.conf", "#tracker.rootdir .\ntracker.interval 1800\n"), null);
  assert.notEqual(draft.applyOption("d", ""), null);
  assert.deepEqual([...draft.finish().given], [["tracker.user", undefined], ["tracker.interval", "t.conf line 2"]]);
});

Deno.test("ConfigDraft.finish() opens the default listeners on the address it was given", () => {
  const draft = new ConfigDraft();
  draft.setDefaultAddress("127.0.0.1");
  draft.applyFile("t.conf", "listen.udp.workers 2");
  assert.deepEqual(listenersOf(draft.finish()), ["tcp 127.0.0.1 6969 workers 2", "udp 127.0.0.1 6969 workers 2"]);
});
