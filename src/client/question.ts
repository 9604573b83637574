/** What can be asked of a tracker, and what came of it. Shapes only. Words as the BEPs spell them. */

/** An announce to send: BEP 3, BEP 15. */
export interface AnnounceQuestion {
  /** 20 bytes; for v2, the first 20 of the SHA-256 (BEP 52). */
  readonly infoHash: Uint8Array;
  /** 20 bytes. */
  readonly peerId: Uint8Array;
  readonly port: number;
  readonly uploaded: number;
  readonly downloaded: number;
  readonly left: number;
  /** "" is the announce between the others. */
  readonly event: AnnounceEvent;
  /** Peers wanted; undefined leaves it to the tracker. */
  readonly numwant: number | undefined;
  /** Tells the same client apart when its address changes: 32 bits. */
  readonly key: number;
}

/** Events of BEP 3, BEP 15 and BEP 21 ("paused": HTTP only). */
export type AnnounceEvent = "" | "started" | "stopped" | "completed" | "paused";

/** How to ask. */
export interface AskOptions {
  /** Seconds until the tracker counts as silent, from the first packet to the last byte. */
  readonly timeoutSeconds: number;
  /** 4 or 6 asks over that family only (BEP 7 answers each family with its own peers); undefined takes what answers. */
  readonly family: 4 | 6 | undefined;
  /** `User-Agent` of HTTP. */
  readonly userAgent: string;
  /**
   * What comes first counts, as for programs that check trackers: no redirect is followed, and a datagram that is not the
   * answer ends the asking with a reason. Says over HTTP that it reads gzip.
   */
  readonly isStrict?: boolean;
  /** Bytes of a body over HTTP, before and after it is unpacked. */
  readonly bodyBytesMax?: number;
}

/** One peer of an answer. */
export interface AnsweredPeer {
  readonly address: string;
  readonly port: number;
}

/** A good answer to an announce. What the tracker left out is undefined. */
export interface AnnounceAnswer {
  readonly kind: "answer";
  readonly interval: number;
  readonly minInterval: number | undefined;
  /** Seeders. */
  readonly complete: number | undefined;
  /** Leechers. */
  readonly incomplete: number | undefined;
  /** Downloads that were ever completed. */
  readonly downloaded: number | undefined;
  readonly peers: readonly AnsweredPeer[];
  readonly warning: string | undefined;
  readonly trackerId: string | undefined;
  /** The asker's address as the tracker sees it (BEP 24). */
  readonly externalIp: string | undefined;
}

/** A good answer to a scrape. */
export interface ScrapeAnswer {
  readonly kind: "answer";
  /** One for each info hash asked for, in that order. */
  readonly swarms: readonly ScrapedSwarm[];
}

/** The swarm of one info hash. */
export interface ScrapedSwarm {
  readonly infoHash: Uint8Array;
  /** Undefined: the tracker left this info hash out of its answer. */
  readonly counts: SwarmCounts | undefined;
}

/** Counts as BEP 48 names them. */
export interface SwarmCounts {
  readonly complete: number;
  readonly downloaded: number;
  readonly incomplete: number;
}

/** The tracker answered that it will not. */
export interface TrackerRefusal {
  readonly kind: "refusal";
  /** The tracker's own text. */
  readonly reason: string;
  /** When it may be asked again, minutes (BEP 31). */
  readonly retryIn: number | "never" | undefined;
}

/** Nothing came back that is an answer. */
export interface NoAnswer {
  readonly kind: "noAnswer";
  /** The end of a sentence about the tracker, such as "it did not answer within 10 s". */
  readonly reason: string;
}

/** What one asking came to. */
export interface Asked<Answer> {
  readonly outcome: Answer | TrackerRefusal | NoAnswer;
  /** From the first packet, name resolution included, to the whole answer. */
  readonly milliseconds: number;
  /** Address and port that answered, such as "[2001:db8::1]:6969"; undefined when none did. */
  readonly answeredBy: string | undefined;
}
