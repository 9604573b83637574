/** Plugins on runtimes that cannot hook imports: what is taken, and where it is said to be at fault. */
import assert from "node:assert/strict";
import { plainAddress, plainLine } from "../../src/plugin/plain_module.ts";
import { toFault } from "../../src/plugin/load.ts";

const URL_OF_FILE = "file:///plugins/x.js";
const CANDIDATE = { name: "x", origin: "folder", file: "plugins/x.js", url: URL_OF_FILE } as const;
const addressOf = (text: string, version = 1) =>
  plainAddress({ url: URL_OF_FILE, text, version, runtime: "Deno 2.6.10" });

Deno.test("a module without imports is loaded from its text, anew for each version", async () => {
  const text = `// import { nothing } from "nowhere";
    /* A comment that says
     * import "nothing";
     */
    let calls = 0;
    const importance = "imported from afar", list = { from: 1, import: 2 };
    export default { name: "x", count: () => ++calls + importance.length + list.import };
    export { importance, list };`;
  const first = (await import(addressOf(text))).default, second = (await import(addressOf(text, 2))).default;
  assert.equal(first.name, "x");
  assert.deepEqual([first.count(), first.count(), second.count()], [21, 22, 21]);
});

Deno.test("a module that imports is refused, with file and line", () => {
  const rows: [text: string, line: number][] = [
    [`import "node:fs";`, 1],
    [`// one\nimport { a } from "./_a.js";`, 2],
    [`const a = 1;\n  import * as b from "b";`, 2],
    [`import a, { b } from "x"`, 1],
    [`export { a } from "./_a.js";`, 1],
    [`\n\nexport * from './_a.js';`, 3],
    [`const f = async () => await import("node:fs");`, 1],
    [`const a = 1; const f = () => import ('./_a.js');`, 1],
    [`import{a}from"x";`, 1],
  ];
  for (const [text, line] of rows) {
    assert.throws(() => addressOf(text), (error: Error) => {
      const { message } = toFault(CANDIDATE, error);
      const why = "with Deno 2.6.10 a plugin can import nothing: use Deno 2.8.2 or newer, or make it one file";
      assert.equal(message, `plugins/x.js:${line}: ${why}`);
      return true;
    }, text);
  }
});

Deno.test("what goes wrong in such a module is said with its line", async () => {
  const broken = await import(addressOf("export default {\n name: ;\n}")).catch((error: Error) => error);
  assert.match(
    toFault(CANDIDATE, broken).message,
    /^plugins\/x\.js:2: .*(Unexpected token ';'|[Ee]xpression expected)/,
  );
  const { default: plugin } = await import(addressOf("export default { start() {\n throw new Error('boom'); } };"));
  assert.throws(() => plugin.start(), (error: Error) => {
    assert.equal(toFault(CANDIDATE, error, "start").message, "plugins/x.js:2: start: boom");
    return true;
  });
  assert.equal(plainLine("at start (file:///elsewhere.js:7:1)"), undefined);
});
