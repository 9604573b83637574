/**
 * Where everything lies in the arena, in 32-bit words. One SharedArrayBuffer, fixed length, reserved at the start and
 * committed by the system page by page as it is touched. A reference is a word index; 0 is "none".
 *
 *   words 0…            arena header (below), 64 words
 *   then                256 shard headers of 64 words (256 bytes: no two share a cache line)
 *   then                one byte a page: the page pool's map
 *   from heap page on   pages of 4 KiB: slab pages, or runs of pages for tables too long for a slab
 */

/** Words of a page (4 KiB). */
export const PAGE_WORDS = 1024;
/** Shards: enough that four threads rarely meet, few enough that half-filled pages do not add up. */
export const SHARDS = 256;

// Arena header.
/** Lock of the page pool. */
export const POOL_LOCK = 0;
/** Pages of the heap never handed out yet start here. */
export const POOL_FRESH = 1;
/** Pages handed out now. */
export const POOL_USED = 2;
/** First page of the heap. */
export const POOL_FIRST = 3;
/** Pages of the whole arena. */
export const POOL_PAGES = 4;
/** The run's secret: four words, two for places of torrents, two for places of peers. */
export const SECRET = 8;
/** Not 0: a keeper copies what changed, and a torrent it has not copied yet is not removed unless memory is short. */
export const KEEPS_CHANGES = 12;
/** Free lists of runs of 2^order pages, one head each. */
export const POOL_FREE = 16;
/** Longest run: 2^16 pages, 256 MiB. */
export const RUN_ORDER_MAX = 16;

// Shard headers.
/** First shard header. */
export const SHARD_FIRST = 64;
/** Words of a shard header. */
export const SHARD_WORDS = 64;
/** Offsets inside a shard header. */
export const SHARD_LOCK = 0;
/** Reference of the slot table. */
export const SHARD_TABLE = 1;
/** Slots of the table less one; slots are a power of two. */
export const SHARD_MASK = 2;
/** Torrents stored. */
export const SHARD_TORRENTS = 3;
/** Seeders then leechers of IPv4, then of IPv6. */
export const SHARD_PEERS = 4;
/** Where the sweep goes on: slot, and inside a large swarm the bucket. */
export const SHARD_SWEEP_SLOT = 8;
/** Bucket cursor of the sweep. */
export const SHARD_SWEEP_BUCKET = 9;
/** Times a thread had to wait for the lock. */
export const SHARD_STALLS = 10;
/** Heads of the lists of slab pages with room, one a size class. */
export const SHARD_SLABS = 16;

// Torrent record: 12 words, 48 bytes.
//   0–4 info hash   5 completed   6 state   7 IPv6 list (descriptor reference, 0 = none)
//   8–11 IPv4: one or two peers inline, or the descriptor when bit INLINE_OFF of the state is set
/** Words of a torrent record. */
export const TORRENT_WORDS = 12;
/** Offset of the completed count. */
export const TORRENT_COMPLETED = 5;
/** Highest completed count: one more would be below zero. */
export const COMPLETED_MAX = 0x7fffffff;
/** Offset of the state word: minute last touched (16 bits), inline seeders (2), inline leechers (2), then the bits below. */
export const TORRENT_STATE = 6;
/** Offset of the IPv6 descriptor's reference. */
export const TORRENT_IPV6 = 7;
/** Offset of the IPv4 peers or descriptor. */
export const TORRENT_IPV4 = 8;
/** State bit: the IPv4 words hold a descriptor. */
export const INLINE_OFF = 1 << 20;
/** State bit: someone joined, renewed or left since the keeper last copied the torrent. */
export const TORRENT_CHANGED = 1 << 21;
/** State bit: the torrent came into the store, and its count does not have yet what the state file remembers of it. */
export const TORRENT_NEW = 1 << 22;
/** State bit, with the one above: the count came as a total too. Of it and the file's, the higher is to be kept. */
export const TORRENT_TOTAL = 1 << 23;
/** What a change of the inline peers leaves alone in the state word. */
export const STATE_KEPT = 0xffff | TORRENT_CHANGED | TORRENT_NEW | TORRENT_TOTAL;
/** Peers that fit inline. */
export const INLINE_PEERS = 2;

// Descriptor of a family's peers: 4 words.
/** Reference of the slab (small) or of the bucket directories (large). */
export const LIST_REF = 0;
/** Seeders. */
export const LIST_SEEDERS = 1;
/** Leechers. */
export const LIST_LEECHERS = 2;
/** Small: room for how many peers. Large: LIST_LARGE. */
export const LIST_ROOM = 3;
/** Marks a large list. */
export const LIST_LARGE = -1;
/** Words of a descriptor. */
export const LIST_WORDS = 4;
/** A list longer than this goes into buckets … */
export const SMALL_PEERS_MAX = 64;
/** … and comes back when it is shorter than this. */
export const LARGE_PEERS_MIN = 32;

// Peer: address words, then port (low half, network order) and mark (high half): bit 15 completed, 15 bits of minute.
/** Words of an IPv4 peer. */
export const PEER4_WORDS = 2;
/** Words of an IPv6 peer. */
export const PEER6_WORDS = 5;
/** Bit of the last peer word: this peer's completed event has been counted. */
export const PEER_COMPLETED = 0x80000000 | 0;
/** Minutes a mark can hold before it wraps (22 days; a peer's age is far below). */
export const PEER_MINUTE_MASK = 0x7fff;

/** A torrent without peers but with completed downloads is remembered this long (opentracker's figure). */
export const TORRENT_MINUTES_MAX = 1440;
