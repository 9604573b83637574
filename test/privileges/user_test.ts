import assert from "node:assert/strict";
import { findUser } from "../../src/privileges/user.ts";

const PASSWD = `root:x:0:0:root:/root:/bin/bash
nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin
broken line
half:x:12
high:x:4294967295:1::/:
1000:x:7:8:a name of digits:/:
joe:x:1000:100:Joe,,,:/home/joe:/bin/sh
`;

Deno.test("findUser() finds names and numbers as /etc/passwd has them", () => {
  const rows: { wanted: string; want: string | null }[] = [
    { wanted: "nobody", want: "nobody 65534 65533" },
    { wanted: "root", want: "root 0 0" },
    { wanted: "65534", want: "nobody 65534 65533" },
    // A name comes before a number.
    { wanted: "1000", want: "1000 7 8" },
    { wanted: "7", want: "1000 7 8" },
    { wanted: "4711", want: "4711 4711 4711" },
    { wanted: "4294967294", want: "4294967294 4294967294 4294967294" },
    // Above it stands what means "no change" to the system.
    { wanted: "4294967295", want: null },
    { wanted: "high", want: null },
    { wanted: "half", want: null },
    { wanted: "broken line", want: null },
    { wanted: "jane", want: null },
    { wanted: "-1", want: null },
    { wanted: "", want: null },
  ];
  for (const { wanted, want } of rows) {
    const user = findUser(PASSWD, wanted);
    assert.equal(user === null ? null : `${user.name} ${user.uid} ${user.gid}`, want, wanted);
  }
  assert.equal(findUser("", "nobody"), null);
});
