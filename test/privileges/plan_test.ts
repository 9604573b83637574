/** What becomes of root, decided from config and situation; nothing is done here. */
import assert from "node:assert/strict";
import { ConfigDraft } from "../../src/config/config.ts";
import { planPrivileges, type Situation } from "../../src/privileges/plan.ts";

const SITUATION: Situation = {
  os: "linux",
  uid: 0,
  isStandalone: true,
  root: "/",
  passwd: "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\nstaff:x:5:0::/:/bin/sh\n",
};

/** The plan for a config file of `text` at `path`. */
function plan(text: string, situation: Partial<Situation> = {}, path = "/t.conf") {
  const draft = new ConfigDraft();
  assert.equal(draft.applyFile(path, text), null);
  return planPrivileges(draft.finish(), { ...SITUATION, ...situation });
}

/** A plan in one line. */
function describe(result: ReturnType<typeof plan>): string {
  if ("sentence" in result) return result.sentence;
  const [line = ""] = result.lines;
  if (result.kind === "stay") return `stay ${line}`.trim();
  return `${result.user.name} ${result.confines ? "in" : "at"} ${result.root} ${line}`.trim();
}

Deno.test("planPrivileges() makes nobody of root, and leaves others as they are", () => {
  const source = { isStandalone: false }, joe = { uid: 1000 };
  const rows: { name: string; text?: string; situation?: Partial<Situation>; want: string | RegExp }[] = [
    { name: "root", want: "nobody in /" },
    { name: "root, a number", text: "tracker.user 4711\n", want: "4711 in /" },
    {
      name: "no such user",
      text: "tracker.user jane\n",
      want: /^Cannot start: tracker.user must be .*, and is "jane"$/,
    },
    { name: "root again", text: "tracker.user root\n", want: /^Cannot start: tracker.user must be neither root/ },
    { name: "root by number", text: "tracker.user 0\n", want: /^Cannot start: tracker.user must be neither root/ },
    { name: "root's group", text: "tracker.user staff\n", want: /^Cannot start: tracker.user must be neither root/ },
    { name: "another system", situation: { os: "darwin" }, want: /^stay Running as root: on darwin/ },
    { name: "a system without users", situation: { os: "windows", uid: null }, want: "stay" },
    { name: "not root", situation: joe, want: "stay" },
    {
      name: "not root, with a user",
      text: "tracker.user jane\n",
      situation: joe,
      want: /^stay tracker.user jane has no/,
    },
    { name: "that user already", text: "tracker.user 1000\n", situation: joe, want: "stay" },
    { name: "from source", situation: source, want: /^stay Running as root: from its sources/ },
    { name: "from source, with a user", text: "tracker.user nobody\n", situation: source, want: "nobody in /" },
    { name: "from source, with a folder", text: "tracker.rootdir /\n", situation: source, want: "nobody in /" },
  ];
  for (const { name, text = "", situation = {}, want } of rows) {
    const found = describe(plan(text, situation));
    if (typeof want === "string") assert.equal(found, want, name);
    else assert.match(found, want, name);
  }
});

Deno.test("planPrivileges() sees paths from inside the folder it confines to", () => {
  const folder = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "waggle_plan_" })), root = `${folder}/root`;
  try {
    for (const name of ["root/etc", "root/etc/plugins", "out/plugins", "bare"]) {
      Deno.mkdirSync(`${folder}/${name}`, { recursive: true });
    }
    for (const name of ["root/etc/t.conf", "out/t.conf", "bare/t.conf", "bare/list", "root/list"]) {
      Deno.writeTextFileSync(`${folder}/${name}`, "");
    }
    const configFile = (path: string, text = "") => {
      const found = plan(text, { root }, path);
      return "sentence" in found ? found.sentence : found.config.configFile;
    };
    assert.equal(configFile(`${root}/etc/t.conf`), "/etc/t.conf");
    assert.equal(configFile(`${folder}/bare/t.conf`), null);
    assert.equal(configFile(`${folder}/gone.conf`), null);
    // Plugins may be what keeps others out: they are not passed over.
    assert.match(
      configFile(`${folder}/out/t.conf`)!,
      /^Cannot start: plugins are read from inside .*out\/plugins is not/,
    );
    assert.equal(configFile(`${folder}/out/t.conf`, "plugins.dir /plugins\n"), null);
    const lines = (text: string) => (plan(text, { root }) as { lines: readonly string[] }).lines;
    assert.match(
      lines(`access.blacklist ${folder}/bare/list\n`).join("\n"),
      /^access.blacklist .* is not in tracker.rootdir/,
    );
    assert.deepEqual(lines("access.blacklist /list\naccess.whitelist list\ntracker.state /nowhere/at/all\n"), []);
    // A program from source that is not in there can still change its user.
    const source = plan("tracker.user nobody\n", { root, isStandalone: false });
    assert.match(describe(source), new RegExp(`^nobody at ${root} from its sources the tracker is not confined`));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
