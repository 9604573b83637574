import assert from "node:assert/strict";
import { CONFIG_FILE_BYTES_MAX, readConfigFile } from "../../src/config/read.ts";

Deno.test("readConfigFile() gives the text, or why there is none", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const rows: { name: string; bytes: Uint8Array; want: string | null }[] = [
      { name: "empty", bytes: new Uint8Array(), want: "" },
      { name: "UTF-8", bytes: new TextEncoder().encode("# ä\nb"), want: "# ä\nb" },
      { name: "byte order mark", bytes: Uint8Array.of(0xef, 0xbb, 0xbf, 0x61), want: "a" },
      { name: "not UTF-8", bytes: Uint8Array.of(0x23, 0xe4, 0x0a), want: "#\ufffd\n" },
      {
        name: "at the limit",
        bytes: new Uint8Array(CONFIG_FILE_BYTES_MAX).fill(10),
        want: "\n".repeat(CONFIG_FILE_BYTES_MAX),
      },
      { name: "past the limit", bytes: new Uint8Array(CONFIG_FILE_BYTES_MAX + 1), want: null },
    ];
    for (const { name, bytes, want } of rows) {
      Deno.writeFileSync(`${folder}/t.conf`, bytes);
      const file = readConfigFile(`${folder}/t.conf`);
      assert.ok(want === null ? file.kind === "too_big" : file.kind === "text" && file.text === want, name);
    }
    assert.deepEqual(readConfigFile(`${folder}/missing.conf`), { kind: "unreadable" });
    assert.deepEqual(readConfigFile(folder), { kind: "unreadable" });
    assert.deepEqual(readConfigFile(""), { kind: "unreadable" });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
