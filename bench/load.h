/*
 * What the two load generators share: the options, the peers they play, the clock, the latency histogram and the line
 * of JSON they end with. No sockets here.
 *
 * The peers are numbered 0 to peers - 1, and everything about peer i follows from i: it is in torrent i % torrents, and
 * its port, source address, peer id and whether it seeds are the same each time it announces. So `--fill` puts each
 * peer there exactly once, and the load after it comes from those same peers, as a real tracker's does: most announces
 * are repeated ones.
 */
#ifndef WAGGLE_BENCH_LOAD_H
#define WAGGLE_BENCH_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
  INFO_HASH_BYTES = 20,
  PEER_ID_BYTES = 20,
  /* Ports 1024 to 65535: as many peers as one address can have in one torrent. */
  PORT_FIRST = 1024,
  PORTS = 64512,
  /* Addresses, one after the other, that sockets may be bound to. */
  SOURCES_MAX = 250,
};

/* What the command line asked for. Both generators take the same options where they mean something to both. */
struct options {
  const char *host;
  int port;
  double seconds;
  /* Requests a second, sent on time whatever happens (open loop); 0: as fast as the answers come (closed loop). */
  double rate;
  /* Announce each peer once, then end; `seconds` is the longest it may take. */
  bool fill;
  /* Number of the first torrent: two loads with different ones have no torrent in common. */
  uint64_t first_torrent;
  uint64_t torrents;
  uint64_t peers;
  int numwant;
  int seeders_percent;
  /* Announces with event=stopped, in percent. */
  int stopped_percent;
  /* Source addresses 127.0.0.1, 127.0.0.2, ...; peers are spread over them. */
  int sources;
  /* The first of them instead; 0: 127.0.0.1. */
  struct in_addr first_source;
  int sockets;
  /* UDP: requests in flight per socket in the closed loop. */
  int window;
  /* UDP: weights of the kinds of request. HTTP has no connects. */
  int connects, announces, scrapes;
  int scrape_hashes;
  /* HTTP: several requests on one connection, or one each. */
  bool keep_alive;
  uint64_t seed;
};

/* Fills `options` from the command line. Prints the help or a mistake and ends the program where it must. */
void read_options(struct options *options, int argc, char **argv, const char *program);

/* The tracker's address; only 127.0.0.0/8 and ::1 are accepted, so that no mistake sends load to someone's machine. */
socklen_t tracker_address(const struct options *options, struct sockaddr_storage *address);

/* Binds a socket to source number `source`, when more than one is asked for. */
void bind_source(const struct options *options, int fd, int source);

/* One peer of one torrent. */
struct peer {
  uint64_t torrent;
  uint16_t port;
  bool seeder;
  uint8_t peer_id[PEER_ID_BYTES];
};

/* Everything about peer `index`. */
void peer_at(const struct options *options, uint64_t index, struct peer *peer);

/* The source address peer `index` announces from. */
int source_of(const struct options *options, uint64_t index);

/* A random peer among those that announce from `source`. */
uint64_t random_peer(const struct options *options, int source);

/* A random torrent. */
uint64_t random_torrent(const struct options *options);

/* The info hash of torrent `torrent`: the same for every run and both generators. */
void info_hash_of(uint64_t torrent, uint8_t info_hash[INFO_HASH_BYTES]);

/* The same numbers again for the same seed. */
void seed_random(uint64_t seed);

uint64_t random64(void);
bool random_percent(int percent);

int64_t now_ns(void);

/* Ends the program with a sentence on stderr. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* What a run came to. */
struct result {
  uint64_t sent;
  /* Good replies by `end_ns`, and in all. */
  uint64_t replies, replies_in_all;
  /* Refusals and replies that are not what was asked for. */
  uint64_t errors;
  uint64_t lost;
  uint64_t announce_replies, peers, bytes;
  char first_error[160];
  int64_t start_ns, end_ns;
};

/* Counts a bad reply and keeps the text of the first. */
void count_error(struct result *result, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds one latency: from when the request was due to when its reply was read. */
void record_latency(int64_t ns);

/* Prints the run as one line of JSON. */
void print_result(const struct options *options, const struct result *result, const char *protocol);

#endif
