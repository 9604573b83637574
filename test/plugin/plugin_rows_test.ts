/** Rows of counters: kept over reloads, never more than there are. */
import assert from "node:assert/strict";
import { PluginRows } from "../../src/plugin/plugin_rows.ts";
import { PLUGINS_MAX } from "../../src/plugin/plugin_set.ts";

Deno.test("PluginRows keeps a plugin's row while it is away", () => {
  const rows = new PluginRows();
  assert.deepEqual(rows.assign(["a", "b"]), []);
  assert.deepEqual(rows.assign(["c"]), []);
  assert.deepEqual(rows.assign(["b", "a"]), []);
  assert.deepEqual(["a", "b", "c", "d"].map((name) => rows.of(name)), [0, 1, 2, -1]);
});

Deno.test("PluginRows gives the rows of plugins that are away to others when there are no more", () => {
  const rows = new PluginRows(), kept = "kept";
  let given = 0;
  for (let i = 0; i < 10 * PLUGINS_MAX; i++) {
    const names = [kept, `plugin${i}`, `plugin${i}b`];
    given += rows.assign(names).length;
    const own = names.map((name) => rows.of(name));
    assert.equal(new Set(own).size, names.length, "no two share a row");
    assert.ok(own.every((row) => row >= 0 && row < PLUGINS_MAX), own.join());
    assert.equal(own[0], 0, "a plugin that is there keeps its row");
  }
  assert.equal(given, 2 * 10 * PLUGINS_MAX + 1 - PLUGINS_MAX, "each that was another's is named");
});
