/** Whether newTrackon would list a tracker: everything it looks at, one rule after the other. Never rejects. */
import { isIP } from "node:net";
import { formatEndpoint } from "../client/endpoint.ts";
import { parseTrackerUrl, type TrackerUrl } from "../client/tracker_url.ts";
import { askAsNewTrackon, type Asking } from "./asking.ts";
import type { HostAddress, Names } from "./names.ts";
import {
  ANNOUNCE_PATH,
  type Candidate,
  candidatesOf,
  isPublicAddress,
  namedPort,
  readPreferences,
  refuseInterval,
  refuseUrl,
} from "./rules.ts";

/** How one rule is met. note: worth knowing, and no rule. */
export interface RuleFinding {
  readonly rule: string;
  readonly state: "ok" | "fails" | "cannot tell" | "note";
  /** One line. */
  readonly says: string;
}

/** What came of one URL. */
export interface CheckedTracker {
  readonly url: string;
  /** The URL meets every rule. */
  readonly passes: boolean;
  /** Why not, in a line; null when it does. */
  readonly why: string | null;
  /** The URL under which it would be listed: another when newTrackon tries, or is told to try, another first. */
  readonly listedAs: string | null;
  readonly findings: readonly RuleFinding[];
  readonly askings: readonly (Asking & { readonly url: string })[];
}

/** How to check. */
export interface CheckOptions {
  readonly timeoutSeconds: number;
  /** Only this family; undefined: each that the host has. */
  readonly family: 4 | 6 | undefined;
  /** Without the rules that only a tracker on the internet can meet: a name, its addresses, its DNS record. */
  readonly isLocal: boolean;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly names: Names;
}

/** Checks the tracker at `url`. */
export async function checkTracker(url: string, options: CheckOptions): Promise<CheckedTracker> {
  const tracker = parseTrackerUrl(url.toLowerCase());
  if (tracker.kind === "fault") return conclude(url, null, [finding("url", "fails", tracker.reason)], []);
  const findings: RuleFinding[] = [checkUrl(url, tracker)];
  const addresses = isIP(tracker.host) === 0
    ? await options.names.addresses(tracker.host)
    : [{ address: tracker.host, family: isIP(tracker.host) as 4 | 6 }];
  findings.push(...checkAddresses(tracker, addresses, options));
  const wanted = options.isLocal || isIP(tracker.host) !== 0 ? null : await readWanted(tracker, options, findings);
  // One that says there is no tracker has failed; what it would answer is worth knowing all the same.
  const candidates = candidatesOf(namedPort(url), wanted?.length === 0 ? null : wanted);
  const families = ([4, 6] as const).flatMap((family) => {
    const address = addresses.find((address) => address.family === family);
    return address === undefined || (options.family ?? family) !== family ? [] : [address];
  });
  if (families.length === 0 && addresses.length > 0) {
    findings.push(finding("answer", "fails", `the host has no IPv${options.family} address`));
  }
  return await askInOrder(url, tracker, candidates, families, findings, options);
}

function checkUrl(url: string, tracker: TrackerUrl): RuleFinding {
  const refused = refuseUrl(url, tracker);
  if (refused !== null) return finding("url", "fails", refused);
  if (tracker.target === ANNOUNCE_PATH || tracker.target === "") return finding("url", "ok", "it is taken as it is");
  return finding("url", "note", `${ANNOUNCE_PATH} is asked and listed, whatever the path: not ${tracker.target}`);
}

function checkAddresses(
  { host }: TrackerUrl,
  addresses: readonly HostAddress[],
  { isLocal }: CheckOptions,
): readonly RuleFinding[] {
  if (addresses.length === 0) return [finding("name", "fails", `the name ${host} cannot be resolved`)];
  const list = addresses.map(({ address }) => address).join(", ");
  if (isLocal) return [finding("name", "note", `${list}: not looked at, as --local says`)];
  if (isIP(host) !== 0) return [finding("name", "fails", "the host must be a name, and is an address")];
  const inside = addresses.find(({ address }) => !isPublicAddress(address));
  if (inside !== undefined) {
    return [finding("name", "fails", `its address ${inside.address} cannot be reached from the internet`)];
  }
  return [
    finding("name", "ok", list),
    finding(
      "name",
      "cannot tell",
      "whether newTrackon lists another tracker at one of these addresses, and refuses this",
    ),
  ];
}

// What the host's DNS record asks for; null: nothing.
async function readWanted(
  { host }: TrackerUrl,
  { names, timeoutSeconds }: CheckOptions,
  findings: RuleFinding[],
): Promise<readonly Candidate[] | null> {
  const records = await names.txtRecords(host, timeoutSeconds);
  const wanted = readPreferences(records ?? []);
  const list = wanted?.map(({ kind, port }) => `${kind}:${port}`).join(", ");
  findings.push(
    records === null
      ? finding("dns record", "cannot tell", "DNS does not say whether the host has a BEP 34 record")
      : wanted === null
      ? finding("dns record", "ok", "no BEP 34 record: every protocol is tried")
      : wanted.length === 0
      ? finding("dns record", "fails", "its BEP 34 record says that there is no tracker")
      : finding("dns record", "ok", `its BEP 34 record has ${list} tried, in this order`),
  );
  return wanted;
}

// The URL's own protocol, and those tried before it until one answers; those after it only where it fails.
async function askInOrder(
  url: string,
  tracker: TrackerUrl,
  candidates: readonly Candidate[],
  families: readonly HostAddress[],
  findings: RuleFinding[],
  options: CheckOptions,
): Promise<CheckedTracker> {
  const own = candidates.findIndex(({ kind, port }) => kind === tracker.kind && port === tracker.port);
  if (own < 0) findings.push(finding("dns record", "fails", "its BEP 34 record sends newTrackon elsewhere"));
  const askings = new Map<number, Promise<CandidateAnswers>>();
  const ask = (index: number) => {
    const asking = askings.get(index) ?? askCandidate(tracker, candidates[index]!, families, options);
    askings.set(index, asking);
    return asking;
  };
  // Most are decided by these two, which need not wait for one another.
  const [mine] = await Promise.all([own < 0 ? undefined : ask(own), candidates.length > 0 ? ask(0) : undefined]);
  findings.push(...mine?.findings ?? []);
  let first: CandidateAnswers | undefined;
  for (let index = 0; index < candidates.length && first === undefined; index++) {
    const answers = await ask(index);
    if (isTaken(answers.findings)) first = answers;
  }
  if (first !== undefined && first !== mine) {
    findings.push(finding("order", "note", `${first.url} is tried as well, answers, and would be listed instead`));
  }
  const asked = await Promise.all(askings.values());
  return conclude(
    url,
    first?.url ?? null,
    findings,
    asked.flatMap(({ url, askings }) => askings.map((asking) => ({ url, ...asking }))),
  );
}

interface CandidateAnswers {
  readonly url: string;
  readonly askings: readonly Asking[];
  readonly findings: readonly RuleFinding[];
}

async function askCandidate(
  tracker: TrackerUrl,
  { kind, port }: Candidate,
  families: readonly HostAddress[],
  options: CheckOptions,
): Promise<CandidateAnswers> {
  const at = { ...tracker, kind, port }, url = `${kind}://${formatEndpoint(tracker.host, port)}${ANNOUNCE_PATH}`;
  const askings = await Promise.all(families.map(({ family }) => askAsNewTrackon(at, { ...options, family })));
  return { url, askings, findings: askings.map((asking, index) => judge(asking, families[index]!, options)) };
}

// Some family answers, and none is at fault.
function isTaken(findings: readonly RuleFinding[]): boolean {
  return findings.some(({ state }) => state === "ok") && !findings.some(({ state }) => state === "fails");
}

function judge(asking: Asking, address: HostAddress, { names }: CheckOptions): RuleFinding {
  const { family, outcome, milliseconds } = asking, rule = `IPv${family}`;
  if ("kind" in outcome) {
    if (outcome.kind === "silent" && !names.leadsTo(address)) {
      return finding(rule, "cannot tell", `this machine has no IPv${family} address to ask from: ${outcome.reason}`);
    }
    return finding(rule, "fails", outcome.kind === "refused" ? explainRefusal(outcome.reason) : outcome.reason);
  }
  const refused = refuseInterval(outcome.interval);
  if (refused !== null) return finding(rule, "fails", refused);
  const { interval, seeders, leechers, peers, hasAsker } = outcome;
  const listed = `peers ${peers}${hasAsker ? ", the asker among them" : ""}`;
  const figures = `interval ${interval} s, seeders ${seeders}, leechers ${leechers}, ${listed}`;
  return finding(rule, "ok", `${asking.answeredBy} answers in ${Math.round(milliseconds)} ms: ${figures}`);
}

function explainRefusal(reason: string): string {
  return `it refuses an unknown torrent or client: ${
    JSON.stringify(reason)
  }. That counts as down; a tracker of listed ` +
    "torrents can answer with an empty swarm instead (access.unknown empty)";
}

function conclude(
  url: string,
  listedAs: string | null,
  findings: readonly RuleFinding[],
  askings: CheckedTracker["askings"],
): CheckedTracker {
  const why = findings.find(({ state }) => state === "fails")?.says ?? null;
  const hasAnswered = findings.some(({ rule, state }) => rule.startsWith("IPv") && state === "ok");
  const unknown = findings.find(({ rule, state }) => rule.startsWith("IPv") && state === "cannot tell")?.says ?? null;
  return {
    url,
    passes: why === null && hasAnswered,
    why: why ?? (hasAnswered ? null : unknown),
    listedAs,
    findings,
    askings,
  };
}

function finding(rule: string, state: RuleFinding["state"], says: string): RuleFinding {
  return { rule, state, says };
}
