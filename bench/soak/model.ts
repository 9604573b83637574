/**
 * What a tracker must hold during a soak, and how it is compared with what it says. Everyone who announces keeps an
 * account of that; here the accounts are added up. A torrent of an account is certain, or, where the moment of its end
 * is the tracker's own, either as it was or gone. No state, no I/O.
 */

/** Counts of one torrent. */
export interface Counts {
  readonly seeders: number;
  readonly leechers: number;
  readonly completed: number;
}

/** One torrent of an account. */
export interface Expectation extends Counts {
  /** 40 hex digits, lower case. */
  readonly infoHash: string;
  /** False: it may be gone. */
  readonly isCertain: boolean;
}

/** Someone's account of what he announced. */
export interface Account {
  /** Every torrent he has announced to and that may still be there. */
  expected(): Iterable<Expectation>;
  /** Completed events that counted. */
  readonly completed: number;
}

/** Totals as the statistics say them. */
export interface Totals extends Counts {
  readonly torrents: number;
}

/** Differences that are listed; more are only counted. */
const LISTED_MAX = 10;

/** What differs between the accounts and what was seen, a sentence each. `seen`: counts by info hash. */
export function compare(accounts: readonly Account[], seen: ReadonlyMap<string, Counts>, totals: Totals): string[] {
  const differences: string[] = [], known = new Set<string>();
  const least = { torrents: 0, seeders: 0, leechers: 0 }, most = { torrents: 0, seeders: 0, leechers: 0 };
  for (const account of accounts) {
    for (const expectation of account.expected()) {
      const { infoHash, isCertain, seeders, leechers } = expectation;
      known.add(infoHash);
      const difference = compareOne(expectation, seen.get(infoHash));
      if (difference !== null) differences.push(difference);
      for (const bound of isCertain ? [least, most] : [most]) {
        bound.torrents++;
        bound.seeders += seeders;
        bound.leechers += leechers;
      }
    }
  }
  for (const infoHash of seen.keys()) if (!known.has(infoHash)) differences.push(`${infoHash}: nobody announced it`);
  for (const name of ["torrents", "seeders", "leechers"] as const) {
    if (totals[name] >= least[name] && totals[name] <= most[name]) continue;
    differences.push(
      `the statistics say ${totals[name]} ${name}, and ${formatRange(least[name], most[name])} are there`,
    );
  }
  const completed = accounts.reduce((sum, account) => sum + account.completed, 0);
  if (totals.completed !== completed) {
    differences.push(`the statistics say ${totals.completed} completed, and there were ${completed}`);
  }
  const more = differences.length - LISTED_MAX;
  return more <= 0 ? differences : [...differences.slice(0, LISTED_MAX), `and ${more} more`];
}

// A torrent without peers and completed downloads may be there or not.
function compareOne(expected: Expectation, seen: Counts | undefined): string | null {
  const isNothing = expected.seeders + expected.leechers + expected.completed === 0;
  if (seen === undefined) return expected.isCertain && !isNothing ? `${expected.infoHash}: it is not there` : null;
  const isSame = seen.seeders === expected.seeders && seen.leechers === expected.leechers &&
    seen.completed === expected.completed;
  const isEmptied = !expected.isCertain && seen.seeders + seen.leechers === 0 && seen.completed === expected.completed;
  if (isSame || isEmptied) return null;
  return `${expected.infoHash}: ${formatCounts(seen)}, and should be ${formatCounts(expected)}`;
}

function formatCounts({ seeders, leechers, completed }: Counts): string {
  return `${seeders} seeders, ${leechers} leechers, ${completed} completed`;
}

function formatRange(least: number, most: number): string {
  return least === most ? `${least}` : `${least} to ${most}`;
}
