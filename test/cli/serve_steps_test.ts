import assert from "node:assert/strict";
import { readSteps, type Step } from "../../src/cli/serve_steps.ts";
import type { ConfigFile } from "../../src/config/read.ts";

const FILES: Record<string, ConfigFile> = {
  "listen.conf": { kind: "text", text: "listen.udp.workers 3\nlisten.tcp 192.0.2.9:90\ntracker.user file\n" },
  "bad.conf": { kind: "text", text: "no key\ntracker.workers many\n" },
  "huge.conf": { kind: "too_big" },
  "/dev/shm/t.conf": { kind: "forbidden" },
  "history.conf": { kind: "text", text: "tracker.history on\n" },
  "state.conf": { kind: "text", text: "tracker.state x\n" },
};

/** Reads options written as on a command line: letter and argument in one word. */
function read(line: string): ReturnType<typeof readSteps> {
  const steps: Step[] = line.split(" ").filter((word) => word !== "")
    .map((word) => ({ letter: word[1], text: word.slice(2) }));
  return readSteps(steps, (path) => FILES[path] ?? { kind: "unreadable" });
}

Deno.test("readSteps() takes options from left to right", () => {
  const rows: [line: string, want: string[]][] = [
    ["", []],
    ["-p7000 -P7001", ["tcp :: 7000 0", "udp :: 7001 0"]],
    ["-p1 -i127.0.0.1 -p2 -P3 -i::1 -P4", ["tcp :: 1 0", "tcp 127.0.0.1 2 0", "udp 127.0.0.1 3 0", "udp ::1 4 0"]],
    ["-p80 -p81 -p80", ["tcp :: 80 0", "tcp :: 81 0", "tcp :: 80 0"]],
    ["-p0", ["tcp :: 0 0"]],
    ["-i127.0.0.1", ["tcp 127.0.0.1 6969 0", "udp 127.0.0.1 6969 0"]],
    ["-i127.0.0.1 -i::1", ["tcp ::1 6969 0", "udp ::1 6969 0"]],
    ["-i127.0.0.1 -flisten.conf", ["tcp 192.0.2.9 90 3"]],
    ["-P1 -i127.0.0.1 -flisten.conf -P2", ["udp :: 1 0", "tcp 192.0.2.9 90 3", "udp 127.0.0.1 2 3"]],
    ["-flisten.conf -flisten.conf", ["tcp 192.0.2.9 90 3", "tcp 192.0.2.9 90 3"]],
  ];
  for (const [line, want] of rows) {
    const { outcome } = read(line);
    assert.ok(outcome.kind === "serve", line);
    const got = outcome.config.listeners.map(({ protocol, address, port, udpWorkers }) =>
      `${protocol} ${address} ${port} ${udpWorkers}`
    );
    assert.deepEqual(got, want, line);
  }
});

Deno.test("readSteps() lets the later of option and file win", () => {
  const rows: [line: string, want: string][] = [
    ["-ua", "a"],
    ["-ua -ub", "b"],
    ["-ua -flisten.conf", "file"],
    ["-flisten.conf -ua", "a"],
  ];
  for (const [line, want] of rows) {
    const { outcome } = read(line);
    assert.ok(outcome.kind === "serve", line);
    assert.equal(outcome.config.settings["tracker.user"], want, line);
  }
});

Deno.test("readSteps() stops at the first option that ends it", () => {
  const rows: [line: string, want: string][] = [
    ["-h -pbad", "help"],
    ["-p1 -v -h", "version"],
    ["-pbad -h", 'usage: -p must be a port from 0 to 65535, and is "bad"'],
    ["-p", 'usage: -p must be a port from 0 to 65535, and is ""'],
    ["-P65536", 'usage: -P must be a port from 0 to 65535, and is "65536"'],
    ["-s123456", 'usage: -s must be a port from 0 to 65535, and is "123456"'],
    ["-i1.2.3", 'usage: -i must be an IP address, and is "1.2.3"'],
    [
      "-A192.168/16",
      'usage: -A must be an address or a network such as 10.0.0.0/8 or 2001:db8::/32, and is "192.168/16"',
    ],
    ["-d", 'usage: -d must be a path of at most 2048 characters, and is ""'],
    ["-fbad.conf -h", 'refused: tracker.workers must be 0 to 64, and is "many" (bad.conf line 2)'],
    ["-fhistory.conf", "refused: tracker.history needs tracker.state, and that is not set"],
    ["-fhistory.conf -fstate.conf", "serve"],
    ["-fhuge.conf", "refused: a config file must be at most 1048576 bytes (huge.conf)"],
    [
      "-f/dev/shm/t.conf",
      'refused: -f must be a file outside of /dev, /proc and /sys, which this program may not touch, and is "/dev/shm/t.conf"',
    ],
  ];
  for (const [line, want] of rows) {
    const { outcome } = read(line);
    const sentence = "sentence" in outcome ? `: ${outcome.sentence.replace("Cannot start: ", "")}` : "";
    assert.equal(outcome.kind + sentence, want, line);
  }
});

Deno.test("readSteps() warns whatever the outcome", () => {
  const rows: [line: string, want: string[]][] = [
    ["-fno.conf", ["Warning: Can't open config file: no.conf."]],
    ["-fno.conf -v", ["Warning: Can't open config file: no.conf."]],
    ["-fbad.conf", ["Unhandled line in config file: no key (bad.conf line 1)"]],
    ["-bx -wx -lx -s1 -A::1", ["-s is not yet supported and has no effect"]],
  ];
  for (const [line, want] of rows) assert.deepEqual(read(line).warnings, want, line);
});

Deno.test("readSteps() joins -s to the address before it", () => {
  const { outcome } = read("-i192.0.2.1 -s9696");
  assert.ok(outcome.kind === "serve");
  assert.deepEqual(outcome.config.settings["livesync.cluster.listen"], { address: "192.0.2.1", port: 9696 });
});
