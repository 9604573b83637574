/** Networks that are not served: their file at the start and at a reload, and clients behind proxies. */
import assert from "node:assert/strict";
import { NetworkRanges } from "../../src/access/network_ranges.ts";
import { setAddressText } from "../../src/bittorrent/address.ts";
import { AnnounceRequest } from "../../src/bittorrent/announce.ts";
import { DeniedNetworks } from "../../src/denied_networks.ts";
import { makeFifo } from "../../src/fifo.ts";
import { announceRequest, exchange, KINDS, readReplies, startApp, writeAll } from "../support/app.ts";

async function withFile(text: string, test: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    await test(path);
  } finally {
    await Deno.remove(path).catch(() => {});
  }
}

Deno.test("DeniedNetworks without a file denies nobody", async () => {
  const denied = new DeniedNetworks(null);
  assert.deepEqual([await denied.load(), denied.memory, await denied.reload()], [null, null, false]);
});

Deno.test("DeniedNetworks.load() says why it cannot start; reload() keeps what it had", () =>
  withFile("192.0.2.0/24\n", async (path) => {
    const missing = await new DeniedNetworks(`${path}.missing`).load();
    assert.match(
      missing!,
      /^Cannot start: access\.deny_networks must be a file of networks that can be read, and is ".*\.missing" \(/,
    );
    assert.match((await new DeniedNetworks(Deno.cwd()).load())!, /^Cannot start: access\.deny_networks must be a file/);
    const denied = new DeniedNetworks(path), source = new AnnounceRequest();
    const holds = (
      address: string,
    ) => (setAddressText(source, address), new NetworkRanges(denied.memory!).holds(source));
    assert.equal(await denied.load(), null);
    assert.deepEqual([holds("192.0.2.1"), holds("198.51.100.1")], [true, false]);
    await Deno.writeTextFile(path, "198.51.100.0/24\n");
    assert.equal(await denied.reload(), true);
    assert.deepEqual([holds("192.0.2.1"), holds("198.51.100.1")], [false, true]);
    await Deno.remove(path);
    assert.equal(await denied.reload(), false);
    assert.equal(holds("198.51.100.1"), true);
    // One that no machine should be made to read whole.
    const large = await Deno.open(path, { create: true, write: true });
    await large.truncate(64 * 1024 * 1024 + 1);
    large.close();
    assert.equal(await denied.reload(), false);
    assert.match((await new DeniedNetworks(path).load())!, /\(it has more than 67108864 bytes\)$/);
  }));

const ON_LINUX = { ignore: Deno.build.os !== "linux" };

Deno.test(
  "DeniedNetworks refuses what is not a regular file, and reads none of it",
  ON_LINUX,
  () =>
    withFile("192.0.2.0/24\n", async (path) => {
      const fifo = `${path}.fifo`, denied = new DeniedNetworks(path);
      assert.equal(makeFifo({ path: fifo, setting: "a test" }), null);
      assert.equal(await denied.load(), null);
      const before = denied.memory;
      for (const other of [fifo, "/dev/zero", Deno.cwd()]) {
        assert.match((await new DeniedNetworks(other).load())!, /\(it is not a regular file\)$/, other);
      }
      await Deno.remove(path);
      await Deno.rename(fifo, path);
      assert.equal(await denied.reload(), false);
      assert.equal(denied.memory, before);
    }),
);

for (const kind of KINDS) {
  Deno.test(`${kind}: who connects through a proxy is denied by the client's address, not by the proxy's`, () =>
    withFile("192.0.2.0/24\n2001:db8:5::/48\n", async (path) => {
      const config = `access.deny_networks ${path}\nlisten.proxy_protocol 127.0.0.1:0\naccess.proxy 127.0.0.1\n`;
      await using tracker = await startApp(kind, config);
      const { port } = tracker.app.sockets.find(({ proxyProtocol }) => proxyProtocol)!;
      const ask = (header: string) => exchange(port, header + announceRequest("a", 1)).catch(() => "");
      assert.equal(await ask("PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n"), "");
      assert.equal(await ask("PROXY TCP6 2001:db8:5::1 ::1 1 2\r\n"), "");
      assert.match(await ask("PROXY TCP4 198.51.100.7 127.0.0.1 1 2\r\n"), /8:interval/);
      // And in a header: the proxy keeps its connection, and its other clients their answers.
      const forwarded = (client: string) => announceRequest("a", 2, "", `X-Forwarded-For: ${client}\r\n`);
      using socket = await Deno.connect({ hostname: "127.0.0.1", port: tracker.tcpPort });
      await writeAll(socket, forwarded("192.0.2.7") + forwarded("198.51.100.7"));
      const replies = await readReplies(socket, 2);
      assert.match(
        replies,
        /^HTTP\/1\.1 200 OK\r\n[^]*not served by this tracker[^]*HTTP\/1\.1 200 OK\r\n[^]*10:incomplete/,
      );
    }));
}
