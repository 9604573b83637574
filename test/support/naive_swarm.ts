/** The store as anyone would write it with maps: slow, obvious, and what the real one must agree with. */
import { EVENT_COMPLETED, EVENT_STOPPED } from "../../src/bittorrent/announce.ts";

/** A peer of the model. */
export interface NaivePeer {
  seeder: boolean;
  completed: boolean;
  minute: number;
}

/** A torrent of the model: peers by "family|address|port". */
export interface NaiveTorrent {
  completed: number;
  touched: number;
  readonly peers: Map<string, NaivePeer>;
}

/** What the model says of one announce. */
export interface NaiveAnswer {
  seeders: number;
  leechers: number;
  completed: number;
  ageMinutes: number;
  newlyCompleted: boolean;
}

/** Swarms in maps. */
export class NaiveSwarm {
  readonly torrents = new Map<string, NaiveTorrent>();

  constructor(readonly peerAgeMinutesMax: number) {}

  /** Announces `peer` to `hash`. */
  announce(hash: string, peer: string, seeder: boolean, event: number, minute: number): NaiveAnswer {
    const answer = { seeders: 0, leechers: 0, completed: 0, ageMinutes: -1, newlyCompleted: false };
    let torrent = this.torrents.get(hash);
    if (torrent === undefined) {
      if (event === EVENT_STOPPED) return answer;
      this.torrents.set(hash, torrent = { completed: 0, touched: minute, peers: new Map() });
    }
    torrent.touched = minute;
    const known = torrent.peers.get(peer);
    if (known !== undefined) answer.ageMinutes = minute - known.minute;
    if (event === EVENT_STOPPED) torrent.peers.delete(peer);
    else {
      answer.newlyCompleted = event === EVENT_COMPLETED && seeder && !known?.completed;
      if (answer.newlyCompleted) torrent.completed++;
      torrent.peers.set(peer, { seeder, completed: (known?.completed ?? false) || answer.newlyCompleted, minute });
    }
    return { ...answer, ...this.counts(hash) };
  }

  /** Counts of one torrent. */
  counts(hash: string): { seeders: number; leechers: number; completed: number } {
    const torrent = this.torrents.get(hash);
    if (torrent === undefined) return { seeders: 0, leechers: 0, completed: 0 };
    let seeders = 0;
    for (const peer of torrent.peers.values()) if (peer.seeder) seeders++;
    return { seeders, leechers: torrent.peers.size - seeders, completed: torrent.completed };
  }

  /** Drops all that has expired at `minute`. */
  sweep(minute: number): void {
    for (const [hash, torrent] of this.torrents) {
      for (const [key, peer] of torrent.peers) {
        if (minute - peer.minute >= this.peerAgeMinutesMax) torrent.peers.delete(key);
      }
      if (torrent.peers.size > 0) continue;
      if (torrent.completed === 0 || minute - torrent.touched >= 1440) this.torrents.delete(hash);
    }
  }
}
