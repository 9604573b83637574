/** What a front may have with an office that does not answer: so much, and no more, whatever clients do. */
import assert from "node:assert/strict";
import { OfficeLink } from "../../src/front/office_link.ts";
import { type FromOffice, OFFICE_LOGS_MAX, OFFICE_REQUESTS_MAX, type ToOffice } from "../../src/office/messages.ts";
import { HttpRequest } from "../../src/wire/http_request.ts";

/** A link whose other end only listens. */
class Linked implements Disposable {
  readonly heard: ToOffice[] = [];
  readonly link: OfficeLink;
  readonly #channel = new MessageChannel();
  #news: () => void = () => {};

  constructor() {
    this.link = new OfficeLink(this.#channel.port1);
    this.#channel.port2.onmessage = ({ data }) => {
      this.heard.push(data);
      this.#news();
    };
  }

  send(): number {
    return this.link.send(new Uint8Array(0), new HttpRequest(), "192.0.2.1", () => {});
  }

  /** The office lets go of `id`. Resolves when the link has heard of it. */
  async end(id: number): Promise<void> {
    this.#channel.port2.postMessage({ id, bytes: new Uint8Array(0), last: true, keepAlive: false });
    // A message that follows is heard after it.
    await new Promise<void>((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port2.onmessage = () => {
        port1.close();
        resolve();
      };
      port1.postMessage(0);
    });
  }

  async untilHeard(count: number): Promise<void> {
    while (this.heard.length < count) await new Promise<void>((resolve) => this.#news = resolve);
  }

  [Symbol.dispose](): void {
    this.#channel.port1.close();
  }
}

Deno.test("OfficeLink hands over no more requests than the office may have, whether their clients stay or go", async () => {
  using linked = new Linked();
  const ids = Array.from({ length: OFFICE_REQUESTS_MAX }, () => linked.send());
  assert.ok(ids.every((id) => id > 0));
  assert.equal(linked.send(), 0, "one more is refused");
  for (const id of ids) linked.link.abort(id);
  for (const id of ids) linked.link.abort(id);
  assert.equal(linked.send(), 0, "those whose clients have gone are still the office's");
  await linked.untilHeard(2 * OFFICE_REQUESTS_MAX);
  assert.equal(linked.heard.length, 2 * OFFICE_REQUESTS_MAX, "a client goes once");
  await linked.end(ids[0]!);
  assert.ok(linked.send() > 0, "one has been let go");
  assert.equal(linked.send(), 0);
});

Deno.test("OfficeLink hands over no more requests to be looked at than it may", async () => {
  using linked = new Linked();
  for (let i = 0; i < OFFICE_LOGS_MAX; i++) assert.ok(linked.link.log("192.0.2.1", "GET /"));
  assert.ok(!linked.link.log("192.0.2.1", "GET /"));
  assert.ok(linked.send() > 0, "pages have room of their own");
  await linked.untilHeard(1);
  const [first] = linked.heard;
  await linked.end((first as { id: number }).id);
  assert.ok(linked.link.log("192.0.2.1", "GET /"));
});

Deno.test("OfficeLink has all its room again with a new office", () => {
  using linked = new Linked();
  for (let i = 0; i < OFFICE_REQUESTS_MAX; i++) linked.send();
  for (let i = 0; i < OFFICE_LOGS_MAX; i++) linked.link.log("192.0.2.1", "GET /");
  const { port1, port2 } = new MessageChannel();
  linked.link.relink(port1);
  assert.ok(linked.send() > 0);
  assert.ok(linked.link.log("192.0.2.1", "GET /"));
  port1.close();
  port2.close();
});

Deno.test("OfficeLink hears to its end what an office that has a successor has begun, and gives up what is older", async () => {
  const channels = Array.from({ length: 4 }, () => new MessageChannel());
  const [first, second, third, fourth] = channels as [MessageChannel, MessageChannel, MessageChannel, MessageChannel];
  const heard: string[] = [], asked: string[] = [];
  const hear = (name: string) => (piece: FromOffice) => heard.push(`${name}${piece.last ? " ends" : ""}`);
  for (const [i, { port2 }] of channels.entries()) port2.onmessage = ({ data }) => asked.push(`${i} ${data.type}`);
  const link = new OfficeLink(first.port1), request = new HttpRequest(), none = new Uint8Array(0);
  const one = link.send(none, request, "192.0.2.1", hear("one"));
  link.relink(second.port1, true);
  const two = link.send(none, request, "192.0.2.1", hear("two"));
  first.port2.postMessage({ id: one, bytes: none, last: false, keepAlive: true });
  await settled();
  link.next(one);
  link.abort(two);
  await settled();
  assert.deepEqual(asked.toSorted(), ["0 request", "1 request", "0 next", "1 abort"].sort(), "each goes to its office");
  first.port2.postMessage({ id: one, bytes: none, last: true, keepAlive: true });
  await settled();
  assert.deepEqual(heard, ["one", "one ends"]);
  const three = link.send(none, request, "192.0.2.1", hear("three"));
  link.relink(third.port1, true);
  link.relink(fourth.port1, true);
  assert.deepEqual(heard, ["one", "one ends", "three ends"], "its office is two offices ago");
  assert.ok(three > two);
  link.close();
  for (const { port1, port2 } of channels) [port1, port2].forEach((port) => port.close());
});

// Messages on their way have come.
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));
