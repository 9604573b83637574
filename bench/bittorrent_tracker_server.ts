/**
 * The npm package bittorrent-tracker as a server for the benchmark: `bittorrent_tracker_server.ts VERSION PORT`. It is
 * named by a value, not in an import statement, so that nothing but a run of the benchmark downloads it; only its
 * server is loaded, its client needs native code.
 */

/** What is used of the package, which comes without types. */
interface Server {
  on(event: "error", listener: (error: Error) => void): void;
  listen(port: number, host: string): void;
}

const [version, port] = Deno.args;
const specifier = `npm:bittorrent-tracker@${version}/server`;
const { default: TrackerServer }: { default: new (options: Record<string, boolean>) => Server } = await import(
  specifier
);

const server = new TrackerServer({ http: true, udp: true, ws: false, stats: false });
server.on("error", (error) => {
  console.error(error.message);
  Deno.exit(1);
});
server.listen(Number(port), "127.0.0.1");
