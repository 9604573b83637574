/** A restart without a gap, step by step: a keeper, two fronts and a successor that do what each row says. */
import assert from "node:assert/strict";
import type { ToPart } from "../../src/messages.ts";
import type { KeeperState } from "../../src/persist/keeper_start.ts";
import { Accession, refuseSuccession, Succession } from "../../src/succession.ts";

/** What the keeper answers to the order to hand over, and what becomes of the new process. */
interface Play {
  readonly name: string;
  readonly keeper: KeeperState;
  readonly successor: "cannot start" | "ends" | "is late" | "serves" | "serves and ends";
  /** Something comes between. */
  readonly between?: string;
  readonly want: { readonly isTaken: boolean; readonly line: RegExp; readonly said: readonly string[] };
}

const OLD_GOES_ON = /^reload-binary: the new process does not take over, this one goes on: /;

const PLAYS: readonly Play[] = [
  {
    name: "a state that cannot be saved",
    keeper: "unable",
    successor: "serves",
    want: { isTaken: false, line: /goes on: the state cannot be handed over$/, said: ["handOver", "keepOn"] },
  },
  {
    name: "a program that cannot be started",
    keeper: "handingOver",
    successor: "cannot start",
    want: { isTaken: false, line: /goes on: it cannot be started \(no such file\)$/, said: ["handOver", "keepOn"] },
  },
  {
    name: "a successor that ends",
    keeper: "handingOver",
    successor: "ends",
    want: { isTaken: false, line: /goes on: it ended before it was ready$/, said: ["handOver", "keepOn"] },
  },
  {
    name: "a successor that is merely late is ended before this one goes on",
    keeper: "handingOver",
    successor: "is late",
    want: { isTaken: false, line: /goes on: it does not get ready$/, said: ["handOver", "killed", "keepOn"] },
  },
  {
    name: "a stop ends a successor that does not serve yet",
    keeper: "handingOver",
    successor: "is late",
    between: "this one stops",
    want: {
      isTaken: false,
      line: /^reload-binary: the new process does not take over, this one stops$/,
      said: ["handOver", "killed", "keepOn"],
    },
  },
  {
    name: "a successor that serves",
    keeper: "handingOver",
    successor: "serves",
    want: { isTaken: true, line: /^$/, said: ["handOver", "drain", "drain", "taken 77"] },
  },
  {
    name: "a successor that serves, and ends before this one has left",
    keeper: "handingOver",
    successor: "serves and ends",
    want: {
      isTaken: false,
      line: /goes on: it ended when it had taken over$/,
      said: ["handOver", "drain", "drain", "resume", "resume", "keepOn"],
    },
  },
];

for (const play of PLAYS) {
  Deno.test(`Succession: ${play.name}`, async () => {
    const { isTaken, line, said } = await perform(play);
    assert.deepEqual({ isTaken, said }, { isTaken: play.want.isTaken, said: play.want.said });
    assert.match(line, play.want.line);
    if (!isTaken && play.between === undefined) assert.match(line, OLD_GOES_ON);
  });
}

async function perform({ keeper, successor, between }: Play) {
  const said: string[] = [],
    hear = (message: ToPart) => {
      if (message.type === "keeper") {
        said.push(message.order);
        if (message.order === "handOver") succession.hear({ type: "keeper", state: keeper });
      } else {
        said.push(message.type);
        if (message.type !== "drain") return;
        if (successor === "serves") succession.hear({ type: "drained" });
        else process.hasEnded = true;
      }
    };
  const process = {
    pid: 77,
    hasEnded: successor === "ends",
    end() {
      if (!this.hasEnded) said.push("killed");
      this.hasEnded = true;
    },
  };
  const succession = new Succession({
    keeper: { post: hear },
    fronts: [{ post: hear }, { post: hear }],
    start: () => {
      if (successor === "cannot start") throw new Error("no such file");
      if (successor.startsWith("serves")) succession.hear({ type: "keeper", state: "takenOver" });
      if (between !== undefined) succession.giveUp(between);
      return process;
    },
    drainSeconds: 3600,
    readyMsMax: successor === "is late" && between === undefined ? 0 : 3_600_000,
    onTaken: (pid) => said.push(`taken ${pid}`),
  });
  const { result, lines } = await withErrors(() => succession.run());
  return { isTaken: result, line: lines.join("\n"), said };
}

// What is said on standard output is not of interest.
async function withErrors<T>(work: () => Promise<T>): Promise<{ result: T; lines: string[] }> {
  const { log, error } = console, lines: string[] = [];
  console.log = () => {};
  console.error = (line: string) => lines.push(line);
  try {
    return { result: await work(), lines };
  } finally {
    console.log = log;
    console.error = error;
  }
}

Deno.test("Accession: the fronts may start only when the keeper has claimed", async () => {
  const rows: [state: KeeperState | null, want: RegExp | null][] = [
    ["claimed", null],
    ["unwanted", /^Cannot take over: no tracker waits for this one/],
    [null, /^Cannot take over: .* has tracker\.state, and this one has not$/],
  ];
  for (const [state, want] of rows) {
    const accession = new Accession();
    const keeper = { post: () => accession.hear({ type: "keeper", state: state! }) };
    const refusal = await accession.claim(state === null ? undefined : keeper);
    if (want === null) assert.equal(refusal, null);
    else assert.match(refusal!, want);
  }
});

Deno.test("Accession: a third tracker with the file is heard of whenever it comes", async () => {
  const accession = new Accession();
  const keeper = { post: () => accession.hear({ type: "keeper", state: "claimed" }) };
  accession.hear({ type: "keeper", state: "ousted" });
  assert.equal(await accession.claim(keeper), null);
  assert.match(await accession.ousted, /^Cannot take over: another tracker was started with the same tracker\.state/);
});

Deno.test("refuseSuccession() says why a tracker cannot be restarted without a gap", () => {
  const able = {
    pid: 2,
    hasLeftRoot: false,
    isKept: true,
    kind: "linux",
    stage: "serving",
    isUnderWay: false,
  } as const;
  const rows: [facts: Partial<Parameters<typeof refuseSuccession>[0]>, want: RegExp | null][] = [
    [{}, null],
    [{ pid: 1 }, /process 1/],
    [{ hasLeftRoot: true }, /as root/],
    [{ isKept: false }, /tracker\.state/],
    [{ kind: "portable" }, /linux fronts/],
    [{ isUnderWay: true }, /under way/],
    [{ stage: "starting" }, /starting/],
    [{ stage: "leaving" }, /leaving/],
  ];
  for (const [facts, want] of rows) {
    const refusal = refuseSuccession({ ...able, ...facts });
    if (want === null) assert.equal(refusal, null);
    else assert.match(refusal!, want);
  }
});
