/** A short run of every fuzz target over its corpus and beyond; and that the fuzzer finds what is to be found. */
import assert from "node:assert/strict";
import { corpusTargets, readCorpus, writeFind } from "../support/corpus.ts";
import { Random, seededRandom } from "../support/random.ts";
import { Fuzzer } from "../support/fuzz.ts";
import { Mutator } from "../support/mutate.ts";
import { runProgram } from "../support/programs.ts";
import { TARGETS as FAULTY } from "./faulty_targets.ts";
import { fuzz, type FuzzReport, Hang } from "./fuzz_thread.ts";
import { TARGETS } from "./targets.ts";

/** Of each target. */
const SECONDS = 0.4;
const ROOT = new URL("../../", import.meta.url);

Deno.test("fuzz: every target stands its corpus and a short run", async (context) => {
  const seed = seededRandom("fuzz").seed, table = new URL("./targets.ts", import.meta.url).href;
  const seconds = SECONDS * TARGETS.length;
  const { results } = await fuzz({ table, targets: [], seed, inputs: Infinity, seconds }, () => {});
  assert.deepEqual(results.map(({ target }) => target), TARGETS.map(({ name }) => name));
  for (const { target, inputs, outcomes, find } of results) {
    await context.step(target, () => {
      if (find !== null) {
        const { input, number, reason } = find;
        assert.fail(`seed ${seed}, input ${number}, ${input.toHex()}\n${reason}`);
      }
      assert.ok(inputs > readCorpus(target).length, "nothing beyond the corpus was tried");
      assert.ok(outcomes > 1, "all inputs went the same way");
    });
  }
});

Deno.test("fuzz: every folder of the corpus belongs to a target", () => {
  const names = TARGETS.map(({ name }) => name);
  assert.deepEqual(corpusTargets().filter((name) => !names.includes(name)), []);
});

/** Runs one faulty target. */
function fuzzFaulty(name: string, inputs = 5000, seed = 7, hangMs?: number): Promise<FuzzReport> {
  const table = new URL("./faulty_targets.ts", import.meta.url).href;
  return fuzz({ table, targets: [name], seed, inputs, seconds: 60 }, () => {}, hangMs);
}

Deno.test("fuzz: a check that throws or rejects is a find, made as short as it goes", async () => {
  for (const name of ["throws", "rejects"]) {
    const { results: [result] } = await fuzzFaulty(name);
    const { input, reason, isAlone, target } = result!.find!;
    assert.deepEqual([new TextDecoder().decode(input), isAlone, target], ["x", true, name]);
    assert.match(reason, /an x/);
  }
});

Deno.test("fuzz: a find that needs the inputs before it says so, with its number", async () => {
  const { results: [result] } = await fuzzFaulty("remembers");
  const { isAlone, number } = result!.find!;
  assert.deepEqual([isAlone, number, result!.inputs], [false, 100, 100]);
});

Deno.test("fuzz: an input that does not end is found from outside", async () => {
  await assert.rejects(fuzzFaulty("hangs", 5000, 7, 1000), (error) => {
    assert.ok(error instanceof Hang);
    assert.equal(FAULTY[error.target]!.name, "hangs");
    assert.ok(new TextDecoder().decode(error.input).includes("x"));
    return true;
  });
});

Deno.test("fuzz: without a fault there is no find, and all inputs are tried", async () => {
  const { results: [result] } = await fuzzFaulty("sound", 3000);
  assert.deepEqual([result!.find, result!.inputs], [null, 3000]);
  assert.ok(result!.outcomes > 20);
});

Deno.test("Fuzzer.run() takes what is slow for a find only when it is slow again", async () => {
  const msMax = 200;
  let calls = 0;
  const busy = () => {
    for (const end = performance.now() + msMax + 1; performance.now() < end;);
    return 0;
  };
  const seeds = () => [new Uint8Array(1)], common = { summary: "", bytesMax: 8, words: [], seeds };
  const once = { ...common, name: "once", open: () => () => calls++ === 0 ? busy() : 0 };
  assert.equal(await new Fuzzer(once, 1, [], undefined, msMax).run(3, 60_000), null);
  const always = { ...common, name: "always", open: () => busy };
  const find = await new Fuzzer(always, 1, [], undefined, msMax).run(1, 60_000);
  assert.match(find!.reason, /^one input took \d+ ms$/);
});

Deno.test("Mutator.next() makes the same inputs of the same seed, none too long", () => {
  const make = (seed: number) => {
    const mutator = new Mutator(new Random(seed), [new Uint8Array(50)], ["word"], 60);
    return Array.from({ length: 2000 }, (_, i) => {
      const input = mutator.next();
      assert.ok(input.length <= 60);
      if (i % 10 === 0) mutator.keep(input);
      return input.toHex();
    });
  };
  assert.deepEqual(make(1), make(1));
  assert.notDeepEqual(make(1), make(2));
  assert.ok(new Set(make(1)).size > 1500);
});

Deno.test("writeFind() names a find after its bytes, where readCorpus() reads it", () => {
  const folder = Deno.makeTempDirSync({ prefix: "waggle_corpus_" });
  try {
    const url = new URL(`file://${folder}/`), input = Uint8Array.of(1, 2, 3);
    const path = writeFind("some", input, url);
    assert.equal(writeFind("some", input, url), path);
    assert.deepEqual(readCorpus("some", url).map(({ bytes }) => [...bytes]), [[1, 2, 3]]);
    assert.match(path, /\/some\/[0-9a-f]{16}$/);
    assert.deepEqual(readCorpus("other", url), []);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("deno task fuzz says what it did and how to repeat it", async () => {
  const run = (...args: string[]) => runProgram(Deno.execPath(), ["task", "fuzz", ...args], { cwd: ROOT.pathname });
  const { code, text } = await run("--target", "udp", "--target", "query", "--inputs", "4000", "--seed", "3");
  assert.equal(code, 0, text);
  assert.match(text, /to repeat: deno task fuzz --target udp --target query --inputs 4000 --seed 3/);
  assert.match(text, /^udp +2000 /m);
  assert.match(text, /4000 inputs in \d+ s\nmemory .* resident .*\nno find/);
  const mistaken = await run("--target", "nothing");
  assert.deepEqual([mistaken.code, /--target must be one of those in --help, and is "nothing"/.test(mistaken.text)], [
    2,
    true,
  ]);
});
