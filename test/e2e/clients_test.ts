/**
 * Real clients move a file by way of our tracker: for each protocol, each client seeds to all of them at once. Peers
 * have only their ports to tell them apart, since all are on one machine.
 */
import assert from "node:assert/strict";
import { HttpTalk } from "../contract/http_talk.ts";
import { testWith } from "../support/programs.ts";
import { type RunningTracker, startTracker, writeConfig } from "../support/tracker_process.ts";
import { type ClientKind, CLIENTS, type RunningClient } from "./bittorrent_clients.ts";
import { makeSharedFile, type SharedFile } from "./torrent_file.ts";

/** How often the tracker is asked whether someone has come or gone: nothing else tells. */
const POLL_MS = 50;
const POLL_MS_MAX = 30_000;

const PROTOCOLS = ["http", "udp"] as const;
/** Transmission takes no peers on the loopback's own addresses; the machine's go through the loopback all the same. */
const ADDRESS = Deno.networkInterfaces()
  .find(({ family, address }) => family === "IPv4" && !address.startsWith("127."))?.address;
const PROGRAMS = CLIENTS.map(({ program }) => program);

for (const protocol of PROTOCOLS) {
  const name = `libtorrent, transmission and aria2 move a file over ${protocol}`;
  if (ADDRESS !== undefined || Deno.env.get("CI") === "true") testWith(PROGRAMS, name, () => testSharing(protocol));
  else Deno.test.ignore(`${name} (needs an address that is not the loopback's)`, () => {});
}

async function testSharing(protocol: "http" | "udp"): Promise<void> {
  assert.ok(
    ADDRESS !== undefined,
    "the machine has no address but the loopback's, and transmission takes no peers there",
  );
  const folder = Deno.makeTempDirSync();
  const config = writeConfig(folder, { "tracker.memory": 32, "http.idle_seconds": 600 });
  await using tracker = await startTracker(["-i", ADDRESS, "-p", "0", "-P", "0", "-f", config]);
  // At once, because clients spend most of their time waiting for their own timers.
  const shared = await Promise.allSettled(
    CLIENTS.map((seeder) => share(tracker, protocol, seeder, `${folder}/${seeder.name}`)),
  );
  const faults = shared.flatMap((result, i) =>
    result.status === "fulfilled" ? [] : [`${CLIENTS[i]!.name} seeds: ${result.reason.stack}`]
  );
  assert.deepEqual(faults, []);
  assert.doesNotMatch(tracker.errors(), /fail|fault|error/i);
  Deno.removeSync(folder, { recursive: true });
}

async function share(tracker: RunningTracker, protocol: "http" | "udp", seeding: ClientKind, folder: string) {
  const socket = tracker.sockets.find((socket) =>
    socket.hostname === ADDRESS && socket.protocol === (protocol === "http" ? "tcp" : "udp")
  )!;
  const file = await makeSharedFile(`${protocol}://${ADDRESS}:${socket.port}/announce`),
    torrent = `${folder}/a.torrent`;
  Deno.mkdirSync(folder);
  Deno.writeFileSync(torrent, file.metainfo);
  const clients: RunningClient[] = [];
  const start = (kind: ClientKind, role: string) => {
    const home = `${folder}/${kind.name}-${role}`, shared = `${home}/shared`;
    Deno.mkdirSync(shared, { recursive: true });
    if (role === "seeder") Deno.writeFileSync(`${shared}/${file.name}`, file.content);
    clients.push(kind.start({ torrent, folder: shared, home, address: ADDRESS! }));
    return `${shared}/${file.name}`;
  };
  try {
    using talk = await HttpTalk.connect("127.0.0.1", tracker.httpPort);
    start(seeding, "seeder");
    await until(talk, file, (counts) => counts.seeders === 1, clients);
    const paths = CLIENTS.map((kind) => start(kind, "leecher"));
    await Promise.all(clients.slice(1).map((client) => client.complete()));
    for (const path of paths) assert.deepEqual(Deno.readFileSync(path), file.content, path);
    await until(talk, file, ({ completed }) => completed === CLIENTS.length, clients);
    await Promise.all(clients.map((client) => client.stop()));
    const silent = [seeding, ...CLIENTS].filter(({ goodbyes }) => !goodbyes.includes(protocol)).length;
    await until(talk, file, ({ seeders, leechers }) => seeders + leechers <= silent, clients);
  } finally {
    await Promise.all(clients.map((client) => client.stop()));
  }
}

type Counts = Awaited<ReturnType<HttpTalk["scrape"]>>[number];

// Waits until the tracker's counts are as wanted.
async function until(talk: HttpTalk, file: SharedFile, isSo: (counts: Counts) => boolean, clients: RunningClient[]) {
  const endMs = performance.now() + POLL_MS_MAX;
  for (;;) {
    const [counts] = await talk.scrape([file.infoHash]);
    if (isSo(counts!)) return;
    const printed = clients.map(({ name, printed }) => `--- ${name}\n${printed().slice(-3000)}`).join("\n");
    assert.ok(performance.now() < endMs, `still ${JSON.stringify(counts)}, not ${isSo}:\n${printed}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
