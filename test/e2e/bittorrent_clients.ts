/** Other people's BitTorrent clients, each started with the same few words. Peers are found by tracker alone. */
import { LIBTORRENT_PYTHON } from "../support/programs.ts";
import { freePort, Program } from "../support/tracker_process.ts";

/** Time a client may take to have the whole file. */
const COMPLETE_MS_MAX = 40_000;

/** A client at work. */
export interface RunningClient {
  readonly name: string;
  /** Resolves when it has the whole file. */
  complete(): Promise<void>;
  /** Ends it, politely. */
  stop(): Promise<void>;
  readonly printed: () => string;
}

/** What a client is started with. */
export interface ClientTask {
  /** The .torrent file. */
  readonly torrent: string;
  /** Where its file is or comes. */
  readonly folder: string;
  /** A folder of its own for all else. */
  readonly home: string;
  /** The machine's address for it to use. */
  readonly address: string;
}

/** A client that can be started. */
export interface ClientKind {
  readonly name: string;
  /** What has to be there, in the words of programs.ts. */
  readonly program: string;
  /** Over what it says goodbye and stays until the tracker has heard it; over anything else it is just gone. */
  readonly goodbyes: readonly ("http" | "udp")[];
  readonly start: (task: ClientTask) => RunningClient;
}

/** The clients. */
export const CLIENTS: readonly ClientKind[] = [
  { name: "libtorrent", program: "python3-libtorrent", goodbyes: ["http", "udp"], start: startLibtorrent },
  { name: "transmission", program: "transmission-daemon", goodbyes: [], start: startTransmission },
  { name: "aria2", program: "aria2c", goodbyes: ["http"], start: startAria2 },
];

function startLibtorrent({ torrent, folder, address }: ClientTask): RunningClient {
  const script = new URL("libtorrent_client.py", import.meta.url).pathname;
  const program = new Program(LIBTORRENT_PYTHON, [script, torrent, folder, address]);
  return running("libtorrent", program, () => program.waitFor(/^complete$/m, COMPLETE_MS_MAX));
}

function startTransmission({ torrent, folder, home, address }: ClientTask): RunningClient {
  const watched = `${home}/watched`;
  Deno.mkdirSync(watched);
  Deno.copyFileSync(torrent, `${watched}/shared.torrent`);
  const settings = {
    "bind-address-ipv4": address,
    "bind-address-ipv6": "::1",
    "dht-enabled": false,
    "download-dir": folder,
    "lpd-enabled": false,
    "message-level": 3,
    "peer-port": freePort(),
    "pex-enabled": false,
    "port-forwarding-enabled": false,
    "rpc-enabled": false,
    "utp-enabled": false,
    "watch-dir": watched,
    "watch-dir-enabled": true,
  };
  Deno.writeTextFileSync(`${home}/settings.json`, JSON.stringify(settings));
  const program = new Program("transmission-daemon", ["--foreground", "--log-debug", "--config-dir", home]);
  return running(
    "transmission",
    program,
    () => program.waitFor(/State changed from "Incomplete" to "Complete"/, COMPLETE_MS_MAX),
  );
}

function startAria2({ torrent, folder, home, address }: ClientTask): RunningClient {
  const port = freePort();
  const program = new Program("aria2c", [
    ...["--no-conf", "--console-log-level=notice", "--summary-interval=1", "--file-allocation=none"],
    ...["--check-integrity=true", "--seed-ratio=0.0", `--dir=${folder}`, `--interface=${address}`],
    // DHT brings UDP trackers with it. It is not used for a private torrent, and knows nobody.
    ...[
      "--enable-dht=true",
      "--enable-dht6=false",
      `--dht-file-path=${home}/dht`,
      `--dht-listen-port=${freePort()}`,
    ],
    ...["--enable-peer-exchange=false", "--bt-enable-lpd=false", "--disable-ipv6=true"],
    // It takes the first of them that nobody has taken meanwhile.
    ...[`--listen-port=${port}-${port + 9}`, torrent],
  ]);
  return running("aria2", program, () => program.waitFor(/ SEED\(/, COMPLETE_MS_MAX));
}

function running(name: string, program: Program, complete: () => Promise<unknown>): RunningClient {
  return {
    name,
    printed: () => program.printed(),
    complete: async () => {
      await complete();
    },
    stop: async () => {
      await program.stop("SIGINT");
    },
  };
}
