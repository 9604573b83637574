import assert from "node:assert/strict";
import { SystemFiles } from "../../src/system_files.ts";
import { put, withFolder } from "../support/tool_world.ts";

Deno.test({
  name: "SystemFiles reads files, numbers, folders and links below its root, and null where there is none",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withFolder((root) => {
      const many = Array.from({ length: 3000 }, (_, index) => `a_rather_long_name_of_a_file_${index}`);
      put(`${root}/proc/text`, "ünï\n".repeat(50_000));
      put(`${root}/proc/number`, "4096\t8192\n");
      put(`${root}/proc/word`, "max\n");
      for (const name of many) put(`${root}/proc/many/${name}`, "");
      Deno.symlinkSync("socket:[42]", `${root}/proc/link`);
      using files = new SystemFiles(root);
      assert.equal(files.text("/proc/text"), "ünï\n".repeat(50_000));
      assert.equal(files.text("/proc/none"), null);
      assert.equal(files.text("/proc"), null, "a folder is no file");
      assert.equal(files.number("/proc/number"), 4096);
      assert.equal(files.number("/proc/word"), null);
      assert.deepEqual([...files.names("/proc/many")!].sort(), [...many].sort());
      assert.equal(files.names("/proc/none"), null);
      assert.equal(files.link("/proc/link"), "socket:[42]");
      assert.equal(files.link("/proc/text"), null);
    }),
});

Deno.test({
  name: "SystemFiles reads what the kernel tells, with the permissions the program has",
  ignore: Deno.build.os !== "linux",
  permissions: { read: true, write: false, net: false, env: false, run: false, ffi: true, sys: false },
  fn: () => {
    // The runtime itself keeps /proc from programs that may not do everything.
    assert.throws(() => Deno.readTextFileSync("/proc/self/status"), Deno.errors.NotCapable);
    using files = new SystemFiles();
    assert.match(files.text("/proc/self/status")!, new RegExp(`^Pid:\\s+${Deno.pid}$`, "m"));
    assert.ok(files.names("/proc")!.includes(`${Deno.pid}`));
    assert.ok(files.number("/proc/sys/fs/nr_open")! > 0);
  },
});
