/** Any bytes are an HTTP request to the decoder: unfinished, invalid, too large, or for someone. */
import assert from "node:assert/strict";
import { HTTP_OFFICE, HTTP_REPLY, HTTP_WAIT } from "../../src/tracker/http_door.ts";
import {
  decodeHttpRequest,
  HTTP_INCOMPLETE,
  HTTP_REQUEST_BYTES_MAX,
  HTTP_TOO_LARGE,
  HttpRequest,
} from "../../src/wire/http_request.ts";
import { decodeBencode } from "../support/bencode.ts";
import { fuzz } from "../support/fuzz.ts";
import { HttpCounter, newTracker } from "../support/tracker.ts";
import { latin1, latin1Text, readVectors } from "../support/vectors.ts";

const SEEDS = [...readVectors("http_requests.hex").values()];
const BYTES_MAX = 10_000;

Deno.test("fuzz: HTTP requests decode to something, within their bounds", () => {
  fuzz("fuzz HTTP decode", SEEDS, BYTES_MAX, (bytes) => {
    const http = new HttpRequest(), kind = decodeHttpRequest(bytes, 0, bytes.length, http);
    assert.ok(kind >= HTTP_INCOMPLETE && kind <= HTTP_TOO_LARGE);
    if (kind === HTTP_INCOMPLETE) {
      assert.ok(bytes.length < HTTP_REQUEST_BYTES_MAX);
      return;
    }
    if (kind === HTTP_TOO_LARGE) return;
    assert.ok(http.end > 0 && http.end <= Math.min(bytes.length, HTTP_REQUEST_BYTES_MAX));
    assert.ok(http.targetStart <= http.targetEnd && http.targetEnd <= http.end);
    assert.ok(http.queryStart <= http.queryEnd && http.queryEnd <= http.end);
    assert.ok(http.headersStart <= http.headersEnd && http.headersEnd <= http.end);
  });
});

Deno.test("fuzz: HTTP requests decode to the same, however their bytes are cut", () => {
  fuzz("fuzz HTTP pieces", SEEDS, BYTES_MAX, (bytes, random) => {
    const whole = new HttpRequest(),
      wanted = decodeHttpRequest(bytes, 0, bytes.length, whole),
      pieces = new HttpRequest();
    let kind = HTTP_INCOMPLETE, end = 0;
    while (kind === HTTP_INCOMPLETE && end < bytes.length) {
      end = Math.min(bytes.length, end + 1 + random.below(40));
      kind = decodeHttpRequest(bytes, 0, end, pieces);
    }
    // What is too large in all may be seen to be so before its end has come.
    if (kind === HTTP_TOO_LARGE || kind === HTTP_INCOMPLETE) assert.equal(wanted, kind);
    else assert.deepEqual([kind, { ...pieces, scanned: 0 }], [wanted, { ...whole, scanned: 0 }]);
  });
});

Deno.test("fuzz: the HTTP door answers anything, in bencode or with an error page", () => {
  const counter = new HttpCounter(newTracker());
  fuzz("fuzz HTTP door", SEEDS, BYTES_MAX, (bytes, random) => {
    const { action, reply } = counter.ask(bytes, random.oneIn(2) ? "192.0.2.1" : "2001:db8::1");
    assert.ok([HTTP_WAIT, HTTP_REPLY, HTTP_OFFICE].includes(action));
    if (action !== HTTP_REPLY) return;
    assert.ok(counter.door.http.end > 0 && counter.door.http.end <= bytes.length);
    const text = latin1Text(reply), bodyAt = text.indexOf("\r\n\r\n") + 4;
    assert.equal(Number(/Content-Length: (\d+)/.exec(text)![1]), text.length - bodyAt);
    if (text.startsWith("HTTP/1.1 200")) decodeBencode(latin1(text.slice(bodyAt)));
    else assert.equal(counter.door.http.keepAlive, false);
  });
});
