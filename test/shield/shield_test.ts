/** Who is limited, and who is not. */
import assert from "node:assert/strict";
import { setAddressText } from "../../src/bittorrent/address.ts";
import { AnnounceRequest } from "../../src/bittorrent/announce.ts";
import { createBuckets } from "../../src/shield/buckets.ts";
import { Shield, SILENCE_SECONDS } from "../../src/shield/shield.ts";

const RATE = { perSecond: 10, burst: 100 };

/** Asks `shield` so often; returns how often the answer was yes. */
function count(asks: number, ask: () => boolean): number {
  let yes = 0;
  for (let i = 0; i < asks; i++) if (ask()) yes++;
  return yes;
}

Deno.test("Shield limits everyone but the loopback, proxies, and the operator's own networks", () => {
  const exempt = [{ address: "198.51.100.0", bits: 24 }, { address: "2001:db8:5::", bits: 48 }];
  const shield = new Shield({
    buckets: createBuckets(Int32Array.of(1, 2)),
    rate: RATE,
    exempt,
    proxies: [{ address: "203.0.113.7", bits: 32 }],
  });
  const rows: { address: string; isLimited: boolean }[] = [
    { address: "192.0.2.1", isLimited: true },
    { address: "10.1.2.3", isLimited: true },
    { address: "2001:db8::1", isLimited: true },
    { address: "::2", isLimited: true },
    { address: "64:ff9b::7f00:1", isLimited: true },
    { address: "198.51.101.1", isLimited: true },
    { address: "203.0.113.8", isLimited: true },
    { address: "127.0.0.1", isLimited: false },
    { address: "127.255.0.9", isLimited: false },
    { address: "::1", isLimited: false },
    { address: "::ffff:127.0.0.1", isLimited: false },
    { address: "198.51.100.200", isLimited: false },
    { address: "2001:db8:5:77::1", isLimited: false },
    { address: "203.0.113.7", isLimited: false },
  ];
  const source = new AnnounceRequest();
  for (const { address, isLimited } of rows) {
    setAddressText(source, address);
    const want = isLimited ? RATE.burst : 1000;
    assert.equal(count(1000, () => shield.takesDatagram(source, 7)), want, `${address}, datagrams`);
    assert.equal(count(1000, () => shield.takesProven(source, 7)), want, `${address}, proven`);
    const errors = count(1000, () => shield.answersBadId(source, 7));
    assert.equal(errors === 1000, !isLimited, `${address}, ${errors} errors`);
  }
});

Deno.test("Shield.answersBadId() falls silent for some seconds only", () => {
  const shield = new Shield({ buckets: createBuckets(Int32Array.of(1, 2)), rate: RATE, exempt: [], proxies: [] });
  const source = new AnnounceRequest();
  setAddressText(source, "192.0.2.1");
  const errors = count(10_000, () => shield.answersBadId(source, 100));
  assert.ok(errors >= 100 && errors < 1000, `${errors}`);
  for (let second = 101; second <= 100 + SILENCE_SECONDS; second++) {
    assert.equal(count(100, () => shield.answersBadId(source, second)), 0, `second ${second}`);
  }
  assert.ok(shield.answersBadId(source, 101 + SILENCE_SECONDS));
});
