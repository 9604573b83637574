/** `tracker plugins`: it looks where `serve` would, and loads what it lists. */
import assert from "node:assert/strict";
import { commandFromSource } from "../support/tracker_process.ts";

/** A plugin with `members`. */
const plugin = (name: string, members = "stats: {}") => `export default { name: "${name}", ${members} };`;
const UNREADY = "prepare() { throw new Error('unready'); }";

/** One call. Files by their path from a new folder, where it is made. */
interface Row {
  readonly name: string;
  readonly args: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  /** Of what is printed; a list is printed only when all is well. */
  readonly want: RegExp;
}

const ROWS: readonly Row[] = [
  {
    name: "plugins beside the config, whatever directory -d names",
    args: ["-f", "conf/test.conf", "-d", "run"],
    files: {
      "conf/test.conf": "",
      "conf/plugins/beside.js": plugin("beside"),
      "run/plugins/other.js": plugin("other"),
    },
    want: /^on {2}beside \(folder\): says nothing of itself\n {4}stats; may reach nothing$/m,
  },
  {
    name: "plugins in the directory that the config names",
    args: ["-f", "conf/test.conf"],
    files: { "conf/test.conf": "tracker.rootdir run\n", "run/plugins/there.js": plugin("there") },
    want: /^on {2}there \(folder\)/m,
  },
  {
    name: "a directory that is none",
    args: ["-d", "nowhere"],
    files: {},
    want: /^Cannot start: tracker\.rootdir must be a directory, and is "nowhere" \(.*\)\n$/,
  },
  {
    name: "a folder of plugins that is not there",
    args: ["-f", "test.conf"],
    files: { "test.conf": "\nplugins.dir plugns\n", "plugins/there.js": plugin("there") },
    want: /^Cannot start: plugins\.dir must be a folder that is there.*, and is "plugns" \(test\.conf line 2\)\n$/,
  },
  {
    name: "no folder of plugins, and none is named",
    args: ["-f", "test.conf"],
    files: { "test.conf": "" },
    want: /^on {2}stats_opentracker \(shipped\)/m,
  },
  {
    name: "prepare of a shipped plugin",
    args: ["-f", "test.conf"],
    files: { "test.conf": "plugin.passkey.key a/b\n" },
    want:
      /^Cannot start: passkey \(shipped\):.*prepare: plugin\.passkey\.key: a key has letters, digits, - and _ only\n$/,
  },
  {
    name: "prepare as fronts call it",
    args: ["-f", "test.conf"],
    files: { "test.conf": "", "plugins/bad.js": plugin("bad", `${UNREADY}, admitAnnounce() {}`) },
    want: /^Cannot start: .*plugins\/bad\.js:1: prepare: unready\n$/,
  },
  {
    name: "prepare as hosts call it",
    args: ["-f", "test.conf"],
    files: { "test.conf": "", "plugins/bad.js": plugin("bad", `${UNREADY}, start() {}`) },
    want: /^Cannot start: .*plugins\/bad\.js:1: prepare: unready\n$/,
  },
  {
    name: "a host reads what it is granted, and no slot is called",
    args: ["-f", "test.conf"],
    files: {
      "test.conf": "plugin.reader.allow read granted.txt\n",
      "granted.txt": "",
      "plugins/reader.js": plugin(
        "reader",
        "prepare() { Deno.readTextFileSync('granted.txt'); }, start() { throw new Error('called'); }",
      ),
    },
    want: /^on {2}reader \(folder\): says nothing of itself\n {4}start; may read granted\.txt$/m,
  },
  {
    name: "one that is off is not tried",
    args: ["-f", "test.conf"],
    files: { "test.conf": "plugin.bad off\n", "plugins/bad.js": plugin("bad", UNREADY) },
    want: /^off bad \(folder\)/m,
  },
];

for (const { name, args, files, want } of ROWS) {
  Deno.test(`tracker plugins: ${name}`, async () => {
    const folder = Deno.makeTempDirSync({ prefix: "waggle_list_" });
    Deno.mkdirSync(`${folder}/run`);
    for (const [path, text] of Object.entries(files)) {
      Deno.mkdirSync(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      Deno.writeTextFileSync(`${folder}/${path}`, text);
    }
    const [program = "", ...first] = commandFromSource();
    const command = new Deno.Command(program, {
      args: [...first, "plugins", ...args],
      cwd: folder,
      env: { NO_COLOR: "1" },
    });
    const { code, stdout, stderr } = await command.output(), decoder = new TextDecoder();
    const [listed, said] = [decoder.decode(stdout), decoder.decode(stderr)],
      isListed = !want.source.startsWith("^Cannot");
    assert.match(isListed ? listed : said, want, listed + said);
    assert.deepEqual([code, listed !== ""], isListed ? [0, true] : [1, false]);
    Deno.removeSync(folder, { recursive: true });
  });
}
