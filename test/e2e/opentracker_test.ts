/**
 * Debian's opentracker and this tracker side by side: both are sent the same requests, and what differs in their
 * replies must be in the table of intended differences, which is the table of docs/opentracker.md.
 */
import assert from "node:assert/strict";
import { testWith } from "../support/programs.ts";
import { askHttp, type Fields, httpFields, UdpAsker } from "../support/raw_client.ts";
import { type RunningTracker, startOpentracker, startTracker } from "../support/tracker_process.ts";
import { DIFFERENCES } from "./opentracker_differences.ts";
import {
  CONVERSATION,
  FIGURES,
  LISTED,
  type Probe,
  READY_ANNOUNCE,
  RULED,
  STATS_HIDDEN,
} from "./opentracker_probes.ts";

const DOCS = new URL("../../docs/opentracker.md", import.meta.url);
/** Heading of the table in the docs. */
const HEADING = "## What a client or a script sees";

/** A field in which the two differ. */
interface Finding {
  readonly probe: string;
  readonly field: string;
  readonly theirs: string;
  readonly ours: string;
}

testWith(["opentracker"], "replies differ from opentracker's only where they are meant to", async () => {
  // Pairs of their own: what the odd requests leave behind must not be in the figures.
  const findings = [
    ...await compare(CONVERSATION, ["-A", "127.0.0.1"]),
    ...await compare(FIGURES, ["-A", "127.0.0.1"]),
    ...await compare(STATS_HIDDEN, ["-A", "127.0.0.1"], "access.stats_path figures\n"),
    ...await compare(RULED, ["-r", "https://example.org/tracker"], "access.stats 192.0.2.1\n"),
  ];
  const used = new Set<string>();
  const unexplained = findings.filter((finding) => {
    const reasons = DIFFERENCES.filter((difference) => explains(difference.seen, finding));
    for (const { topic } of reasons) used.add(topic);
    return reasons.length === 0;
  });
  const lines = unexplained.map(({ probe, field, theirs, ours }) =>
    `${probe}: ${field}\n    opentracker ${JSON.stringify(theirs)}\n    ours        ${JSON.stringify(ours)}`
  );
  assert.ok(lines.length === 0, `differences that no row of the table explains:\n  ${lines.join("\n  ")}`);
  const stale = DIFFERENCES.filter(({ topic, seen }) => seen.length > 0 && !used.has(topic));
  assert.deepEqual(stale.map(({ topic }) => topic), [], "rows of the table that are seen nowhere");
});

Deno.test("docs/opentracker.md has the table of differences", () => {
  const want = DIFFERENCES.map(({ topic, opentracker, waggle, because }) => [topic, opentracker, waggle, because]);
  assert.deepEqual(readTable(Deno.readTextFileSync(DOCS), HEADING), want);
});

/** What opentracker has, as its documentation and source name it. */
const OPENTRACKER = {
  options: ["-f", "-i", "-p", "-P", "-A", "-r", "-d", "-u", "-l", "-s", "-b", "-w", "-h", "-v"],
  keys: [
    ...["listen.tcp_udp", "listen.tcp", "listen.udp", "listen.udp.workers", "access.whitelist", "access.blacklist"],
    ...["access.fifo_add", "access.fifo_delete", "access.stats", "access.stats_path", "access.proxy"],
    ...["tracker.rootdir", "tracker.user", "tracker.redirect_url", "livesync.cluster.listen"],
    ...["livesync.cluster.node_ip", "batchsync.cluster.admin_ip"],
  ],
  modes: [
    ...["peer", "conn", "scrp", "udp4", "tcp4", "busy", "torr", "fscr", "s24s", "tpbs", "herr", "completed", "top10"],
    ...["top100", "renew", "syncs", "version", "everything", "statedump", "fulllog", "woodpeckers", "numwants"],
  ],
};

Deno.test("docs/opentracker.md has a row for every option, key and mode of opentracker", () => {
  const text = Deno.readTextFileSync(DOCS);
  const sections: [heading: string, names: readonly string[]][] = [
    ["## Options", OPENTRACKER.options],
    ["## Keys of the config file", OPENTRACKER.keys],
    ["## Statistics and full scrape", OPENTRACKER.modes],
  ];
  for (const [heading, names] of sections) {
    const rows = readTable(text, heading), first = rows.map(([what]) => what).join(" ");
    const missing = names.filter((name) => !new RegExp(`\x60${name.replaceAll(".", "\\.")}[\x60 ]`).test(first));
    assert.deepEqual(missing, [], heading);
    for (const [what, verdict] of rows) {
      assert.match(verdict!, /^(same|better because|not kept because|not yet|new)$/, what);
    }
  }
});

function explains(seen: typeof DIFFERENCES[number]["seen"], { probe, field, theirs, ours }: Finding): boolean {
  return seen.some((sight) =>
    sight.probes.test(probe) && sight.fields.test(field) &&
    (sight.theirs?.test(theirs) ?? true) && (sight.ours?.test(ours) ?? true) && (sight.agree?.(theirs, ours) ?? true)
  );
}

// Starts both with `more` options and a config file of `lines`, and asks both.
async function compare(probes: readonly Probe[], more: readonly string[], lines = ""): Promise<Finding[]> {
  const folder = Deno.makeTempDirSync({ prefix: "opentracker" });
  // It gives up its rights before it reads the list.
  Deno.chmodSync(folder, 0o755);
  const hashes = LISTED.map((byte) => `${byte.toString(16).padStart(2, "0").repeat(20)}\n`);
  Deno.writeTextFileSync(`${folder}/whitelist.txt`, hashes.join(""));
  Deno.writeTextFileSync(`${folder}/tracker.conf`, lines);
  const options = ["-f", `${folder}/tracker.conf`, "-w", "whitelist.txt", ...more];
  const running: RunningTracker[] = [];
  try {
    const [theirs, ours] = await Promise.all([
      startOpentracker(options, folder, servesAlready),
      startTracker(options, folder),
    ]);
    running.push(theirs, ours);
    // As often as opentracker was asked before the first request: what is counted must be alike.
    await servesAlready(ours.httpPort);
    return await compareReplies(probes, theirs, ours);
  } finally {
    for (const tracker of running) await tracker.stop();
    Deno.removeSync(folder, { recursive: true });
  }
}

async function compareReplies(
  probes: readonly Probe[],
  theirs: RunningTracker,
  ours: RunningTracker,
): Promise<Finding[]> {
  const askers = [new UdpAsker(theirs.udpPort), new UdpAsker(ours.udpPort)] as const;
  const ids = [await askers[0].connect(), await askers[1].connect()] as const;
  const findings: Finding[] = [];
  for (const probe of probes) {
    const [a, b] = "http" in probe
      ? [await httpFields(theirs.httpPort, probe.http), await httpFields(ours.httpPort, probe.http)]
      : [await askers[0].fields(probe.udp(ids[0])), await askers[1].fields(probe.udp(ids[1]))];
    findings.push(...differingFields(probe.name, a, b));
  }
  for (const asker of askers) asker.close();
  return findings;
}

function differingFields(probe: string, theirs: Fields, ours: Fields): Finding[] {
  return [...new Set([...Object.keys(theirs), ...Object.keys(ours)])]
    .map((field) => ({ probe, field, theirs: theirs[field] ?? "(none)", ours: ours[field] ?? "(none)" }))
    .filter((finding) => finding.theirs !== finding.ours);
}

// A stop is answered before the list is read, which takes opentracker less long than ours takes to start.
async function servesAlready(httpPort: number): Promise<boolean> {
  const { bytes } = await askHttp(httpPort, READY_ANNOUNCE);
  return new TextDecoder().decode(bytes).includes("8:complete");
}

/** The cells of the first table below `heading`, without its head. */
function readTable(text: string, heading: string): string[][] {
  const lines = text.slice(text.indexOf(heading)).split("\n"), start = lines.findIndex((line) => line.startsWith("|"));
  const rows = lines.slice(start + 2);
  return rows.slice(0, rows.findIndex((line) => !line.startsWith("|")))
    .map((line) => line.slice(1, -1).split("|").map((cell) => cell.trim()));
}
