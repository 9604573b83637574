/** What is said of a FIFO that cannot be made: the setting, the path, the system's own reason, and the way out. */
import assert from "node:assert/strict";
import { makeFifo } from "../../src/fifo.ts";

const setting = "access.fifo_add";

Deno.test({ name: "makeFifo() says why there is none, and what to do", ignore: Deno.build.os !== "linux" }, () => {
  const folder = Deno.makeTempDirSync({ prefix: "waggle_fifo_" }), file = `${folder}/file`, path = `${folder}/pipe`;
  Deno.writeTextFileSync(file, "");
  const wayOut = `or name another path in ${setting}`,
    make = "make it with mkfifo, or give the tracker the right to write " +
      "to its folder";
  const unmade = (path: string, why: string) =>
    assert.equal(makeFifo({ path, setting }), `${setting}: "${path}" cannot be made (${why}); ${make}, ${wayOut}`);
  unmade(`${folder}/none/pipe`, "No such file or directory");
  unmade(`${file}/pipe`, "Not a directory");
  // Nobody may make anything there, and nothing is there.
  assert.doesNotMatch(makeFifo({ path: "/sys/waggle_pipe", setting })!, /No such file/);
  assert.equal(makeFifo({ path: file, setting }), `${setting}: "${file}" is not a FIFO; move it away, ${wayOut}`);
  assert.equal(makeFifo({ path, setting }), null);
  assert.equal(makeFifo({ path, setting }), null, "it is there");
  Deno.removeSync(folder, { recursive: true });
});
