import assert from "node:assert/strict";
import { NetworkSet } from "../../src/access/networks.ts";
import { FullScrapeGate, type GateRefusal, type Place } from "../../src/office/full_scrape_gate.ts";

const NOBODY = new NetworkSet([]);
const SOMEBODY = new NetworkSet([{ address: "192.0.2.0", bits: 24 }]);

function wordOf(answer: Place | GateRefusal): string {
  return typeof answer === "string" ? answer : "granted";
}

Deno.test("an address waits between two full scrapes, and a refusal does not lengthen the wait", () => {
  const gate = new FullScrapeGate({ isOn: true, seconds: 300, networks: NOBODY });
  const ask = (address: string, second: number) => {
    const answer = gate.ask(address, second, true);
    if (typeof answer !== "string") answer.end();
    return wordOf(answer);
  };
  assert.equal(ask("192.0.2.1", 0), "granted");
  assert.equal(ask("192.0.2.1", 299), "not modest");
  assert.equal(ask("192.0.2.2", 299), "granted");
  assert.equal(ask("192.0.2.1", 300), "granted");
  assert.equal(wordOf(gate.ask("192.0.2.1", 301, false)), "granted");
});

Deno.test("full scrapes are off, for some, or for all", () => {
  assert.equal(new FullScrapeGate({ isOn: false, seconds: 0, networks: NOBODY }).ask("192.0.2.1", 0, true), "off");
  const gate = new FullScrapeGate({ isOn: true, seconds: 300, networks: SOMEBODY });
  assert.equal(gate.ask("198.51.100.1", 0, true), "denied");
  assert.equal(gate.ask("198.51.100.1", 0, false), "denied");
  assert.equal(wordOf(gate.ask("192.0.2.1", 0, true)), "granted");
  assert.equal(wordOf(gate.ask("192.0.2.1", 1, true)), "granted");
});

Deno.test("only so many full scrapes run at once, and one of an address", () => {
  const gate = new FullScrapeGate({ isOn: true, seconds: 0, networks: NOBODY });
  const rows: [address: string, want: string][] = [
    ["192.0.2.1", "granted"],
    ["192.0.2.1", "busy"],
    ["192.0.2.2", "granted"],
    ["2001:db8::1", "granted"],
    // Whoever has one address of these 64 bits has them all.
    ["2001:db8::2", "busy"],
    ["2001:db8:0:1::1", "granted"],
    ["192.0.2.3", "busy"],
  ];
  const answers = rows.map(([address]) => gate.ask(address, 0, false));
  assert.deepEqual(answers.map(wordOf), rows.map(([, want]) => want));
  (answers[3] as Place).end();
  assert.equal(gate.ask("192.0.2.1", 0, false), "busy");
  assert.equal(wordOf(gate.ask("2001:db8::2", 0, false)), "granted");
});

Deno.test("addresses in access.fullscrape may have several at once", () => {
  const gate = new FullScrapeGate({ isOn: true, seconds: 300, networks: SOMEBODY });
  for (let i = 0; i < 4; i++) assert.equal(wordOf(gate.ask("192.0.2.1", 0, true)), "granted");
  assert.equal(gate.ask("192.0.2.1", 0, true), "busy");
});

Deno.test("when all places are taken, who is waited for longest gives way, and nobody who reads", () => {
  const gate = new FullScrapeGate({ isOn: true, seconds: 0, networks: NOBODY }), waiting = [0, 10, 0, 10];
  const ended: number[] = [];
  for (const i of waiting.keys()) {
    const place = gate.ask(`192.0.2.${i}`, 0, false) as Place;
    place.sent = { waitingSeconds: () => waiting[i]!, giveWay: () => ended.push(i) };
  }
  const ask = (address: string) => wordOf(gate.ask(address, 0, false));
  assert.equal(ask("192.0.2.9"), "busy");
  waiting[1] = 11;
  waiting[2] = 12;
  assert.equal(ask("192.0.2.1"), "busy", "its own place is no other's");
  assert.deepEqual([ask("192.0.2.9"), ask("192.0.2.10"), ask("192.0.2.11")], ["granted", "granted", "busy"]);
  assert.deepEqual(ended, [2, 1]);
});
