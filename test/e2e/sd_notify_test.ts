/** What systemd is told, by a tracker that runs as its service: over a real socket, in the order it comes. */
import assert from "node:assert/strict";
import { encodeAddress, SdNotify } from "../../src/sd_notify.ts";
import { withStatePath } from "../support/state.ts";
import { startTracker, writeConfig } from "../support/tracker_process.ts";

const OPTIONS = { ignore: Deno.build.os !== "linux" };
/** Time for the next word of the tracker's. */
const WORD_MS_MAX = 30_000;

Deno.test("encodeAddress() knows paths and abstract names", () => {
  const rows: [name: string, want: string | null][] = [
    ["/run/systemd/notify", "1 0 /run/systemd/notify\0"],
    ["@waggle", "1 0 \0waggle"],
    ["vsock:2:1234", null],
    ["run/notify", null],
    [`/${"x".repeat(106)}`, `1 0 /${"x".repeat(106)}\0`],
    [`/${"x".repeat(107)}`, null],
    [`@${"x".repeat(108)}`, null],
  ];
  for (const [name, want] of rows) {
    const bytes = encodeAddress(name);
    const text = bytes === null ? null : `${bytes[0]} ${bytes[1]} ${new TextDecoder().decode(bytes.subarray(2))}`;
    assert.equal(text, want, name);
  }
});

for (const [kind, abstract] of [["path", false], ["name", true]] as const) {
  Deno.test(
    `systemd at a ${kind} is told of start, life, reload, hand-over and stop`,
    OPTIONS,
    withStatePath(async (path) => {
      const folder = path.replace(/\/[^/]*$/, "");
      const name = abstract ? `@waggle ${crypto.randomUUID()}` : `${folder}/notify`;
      using systemd = new Systemd(abstract ? `\0${name.slice(1)}` : name);
      const config = writeConfig(folder, { "tracker.state": path, "tracker.memory": 32, "tracker.workers": 1 });
      // So long that no second sign of life comes into the order.
      const env = { NOTIFY_SOCKET: name, WATCHDOG_USEC: "3600000000" };
      await using tracker = await startTracker(["-f", config], folder, undefined, env);
      const serving = new RegExp(`^READY=1\nSTATUS=serving on tcp 127\\.0\\.0\\.1:${tracker.httpPort}, udp `);
      assert.match(await systemd.next(), serving);
      assert.equal(await systemd.next(), "WATCHDOG=1");
      Deno.kill(tracker.pid, "SIGHUP");
      assert.match(await systemd.next(), /^RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=/);
      assert.match(await systemd.next(), serving);
      Deno.kill(tracker.pid, "SIGUSR2");
      const words = [await systemd.next(), await systemd.next(), await systemd.next()];
      const taken = words.find((word) => word.startsWith("MAINPID="));
      const successor = Number(/^MAINPID=(\d+)\nSTATUS=serving on tcp /.exec(taken!)?.[1]);
      assert.ok(successor > 0 && successor !== tracker.pid, taken);
      // It speaks for itself, before or after.
      assert.match(words.find((word) => word.startsWith("READY=1"))!, serving);
      assert.ok(words.includes("WATCHDOG=1"), words.join("; "));
      const endMs = performance.now() + WORD_MS_MAX;
      while (!tracker.printed().includes("state: the other process has left")) {
        assert.ok(performance.now() < endMs, tracker.printed());
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      Deno.kill(successor, "SIGTERM");
      // The one that left said nothing of it.
      assert.equal(await systemd.next(), "STOPPING=1\nSTATUS=stopping");
      assert.doesNotMatch(tracker.errors(), /systemd/);
    }),
  );
}

Deno.test("systemd gets signs of life as often as it wants them, from the process it watches", OPTIONS, async () => {
  const folder = Deno.makeTempDirSync({ prefix: "waggle_notify_" });
  const start = (name: string, env: Record<string, string>) =>
    startTracker([], folder, undefined, { NOTIFY_SOCKET: `${folder}/${name}`, WATCHDOG_USEC: "100000", ...env });
  using systemd = new Systemd(`${folder}/one`), other = new Systemd(`${folder}/two`);
  await using watched = await start("one", {});
  assert.match(await systemd.next(), /^READY=1/);
  for (let i = 0; i < 3; i++) assert.equal(await systemd.next(), "WATCHDOG=1");
  await watched.stop();
  await using unwatched = await start("two", { WATCHDOG_PID: "1" });
  assert.match(await other.next(), /^READY=1/);
  await unwatched.stop();
  assert.match(await other.next(), /^STOPPING=1/);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("systemd gets no sign of life while the tracker has none", OPTIONS, async () => {
  const folder = Deno.makeTempDirSync({ prefix: "waggle_notify_" });
  using systemd = new Systemd(`${folder}/notify`);
  const env = new Map([["NOTIFY_SOCKET", `${folder}/notify`], ["WATCHDOG_USEC", "10000"]]);
  const notify = SdNotify.open(env)!,
    lives = [true, false, false, true, false],
    { promise, resolve } = Promise
      .withResolvers<void>();
  notify.ready("well", () => {
    if (lives.length === 1) resolve();
    return lives.shift() ?? false;
  });
  await promise;
  notify.stopping();
  notify.close();
  const words = [await systemd.next(), await systemd.next(), await systemd.next(), await systemd.next()];
  assert.deepEqual(words, ["READY=1\nSTATUS=well", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]);
  assert.equal(await systemd.next(), "STOPPING=1\nSTATUS=stopping");
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a systemd that cannot be told is named once, and the tracker serves", OPTIONS, async () => {
  const folder = Deno.makeTempDirSync({ prefix: "waggle_notify_" });
  const env = { NOTIFY_SOCKET: `${folder}/nobody`, WATCHDOG_USEC: "10000" };
  await using tracker = await startTracker([], folder, undefined, env);
  assert.equal(await tracker.stop("SIGTERM"), 0);
  assert.equal(
    tracker.errors().match(/^systemd: cannot be told how the tracker is: .+$/gm)?.length,
    1,
    tracker.errors(),
  );
  Deno.removeSync(folder, { recursive: true });
});

/** The other end: hears one datagram after the other. */
class Systemd implements Disposable {
  readonly #socket: Deno.DatagramConn;

  constructor(path: string) {
    this.#socket = Deno.listenDatagram({ transport: "unixpacket", path });
  }

  /** The next datagram. */
  async next(): Promise<string> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("the tracker says nothing")), WORD_MS_MAX);
    });
    const [bytes] = await Promise.race([this.#socket.receive(), silence]).finally(() => clearTimeout(timer));
    return new TextDecoder().decode(bytes);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
