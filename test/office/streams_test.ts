/** Bodies of pages that are streams: sent as they come, whoever says that they are, and given up. */
import assert from "node:assert/strict";
import type { OfficePlugin } from "../../src/office/pages.ts";
import { TestFront } from "../support/office_front.ts";
import { latin1Text } from "../support/vectors.ts";

let cancelled = 0;
const bodyOf = (parts: readonly string[], ends: boolean) =>
  new ReadableStream<Uint8Array>({
    start: async (out) => {
      for (const part of parts) {
        out.enqueue(new TextEncoder().encode(part));
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      if (ends) out.close();
    },
    cancel: () => void cancelled++,
  });

/** Its pages give streams, and only `said` says so. `endless` and `said` never end, and `silent` never even begins. */
const STREAMING: OfficePlugin["plugin"] = {
  name: "streaming",
  routes: {
    parts: () => new Response(bodyOf(["a", "b"], true)),
    error: () => new Response(bodyOf(["a", "b"], true), { status: 404 }),
    endless: () => new Response(bodyOf(["a"], false)),
    silent: () => new Response(bodyOf([], false)),
    said: () => new Response(bodyOf(["a"], false), { headers: { "transfer-encoding": "chunked" } }),
    none: () => new Response(""),
  },
};

Deno.test("a body whose length nobody knows is streamed, and given up when its client goes", async () => {
  const front = new TestFront([STREAMING]),
    ask = async (page: string, more = {}) => {
      front.request(1, `/plugin/streaming/${page}`, more);
      return (await front.pieces(1)).map(({ bytes }) => latin1Text(bytes)).join("");
    };
  try {
    assert.match(
      await ask("parts"),
      /^HTTP\/1\.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0{7}2\r\nab\r\n0\r\n\r\n$/,
    );
    assert.match(await ask("parts", { oldVersion: true }), /^HTTP\/1\.1 200 OK\r\nConnection: close\r\n\r\nab$/);
    assert.match(await ask("error"), /^HTTP\/1\.0 404 Not Found\r\n\r\nab$/);
    assert.match(await ask("none"), /^HTTP\/1\.1 200 OK\r\n.*\r\nContent-Length: 0\r\n\r\n$/);
    assert.equal(cancelled, 0);
    for (const [at, page] of ["endless", "silent", "said"].entries()) {
      const id = 10 + at;
      front.request(id, `/plugin/streaming/${page}`, { headers: "accept-encoding: gzip" });
      assert.equal(await front.idle(), 1, "the head");
      await front.piece();
      front.post({ type: "next", id, spent: null });
      assert.equal(await front.idle(), 0, "the body is waited for");
      front.post({ type: "abort", id });
      // That which was asked for, and what says that the office has let go.
      await front.idle();
      while (await front.idle() > 0) await front.piece();
      assert.equal(cancelled, at + 1, page);
    }
    assert.ok(await front.finishes());
  } finally {
    front.close();
  }
});
