/* What the two load generators share. See load.h. */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- Options ---------------------------------------------------------------------------------------------------- */

static const char HELP[] =
    "usage: %s --host ADDRESS --port PORT [options]\n"
    "       %s --hashes N        prints the info hashes of N torrents in hex, for an access list\n"
    "\n"
    "  --seconds S       how long; with --fill, at most how long (default 3)\n"
    "  --rate R          open loop: R requests a second, latency from the time each was due (default: closed loop)\n"
    "  --fill            announce every peer once, then end\n"
    "  --torrents N      (default 100000)\n"
    "  --first-torrent N number of the first of them (default 0)\n"
    "  --peers N         peers in all torrents together (default 3 a torrent)\n"
    "  --numwant N       (default 50)\n"
    "  --seeders P       percent of the peers that seed (default 25)\n"
    "  --stopped P       percent of the announces that leave the swarm (default 0)\n"
    "  --sources N       spread peers over 127.0.0.1 to 127.0.0.N (default 1)\n"
    "  --first-source A  the first of those addresses instead, which must be the machine's (default 127.0.0.1)\n"
    "  --sockets N       sockets, or connections at once (default 8)\n"
    "  --window N        UDP: requests in flight per socket in the closed loop (default 16)\n"
    "  --mix C:A:S       weights of connect, announce and scrape (default 0:1:0)\n"
    "  --scrape-hashes N info hashes in a scrape (default 10)\n"
    "  --close           HTTP: one connection a request (default: keep-alive)\n"
    "  --seed N          of the random numbers (default 1)\n";

/* Clear of the letters that getopt_long returns. */
enum long_option {
  HOST = 256, PORT, SECONDS, RATE, FILL, TORRENTS, PEERS, NUMWANT, SEEDERS,
  STOPPED, SOURCES, SOCKETS, WINDOW, MIX, SCRAPE_HASHES, CLOSE, SEED, HASHES, FIRST_TORRENT,
  FIRST_SOURCE,
};

static const struct option LONG_OPTIONS[] = {
    {"host", required_argument, NULL, HOST},
    {"port", required_argument, NULL, PORT},
    {"seconds", required_argument, NULL, SECONDS},
    {"rate", required_argument, NULL, RATE},
    {"fill", no_argument, NULL, FILL},
    {"torrents", required_argument, NULL, TORRENTS},
    {"first-torrent", required_argument, NULL, FIRST_TORRENT},
    {"peers", required_argument, NULL, PEERS},
    {"numwant", required_argument, NULL, NUMWANT},
    {"seeders", required_argument, NULL, SEEDERS},
    {"stopped", required_argument, NULL, STOPPED},
    {"sources", required_argument, NULL, SOURCES},
    {"first-source", required_argument, NULL, FIRST_SOURCE},
    {"sockets", required_argument, NULL, SOCKETS},
    {"window", required_argument, NULL, WINDOW},
    {"mix", required_argument, NULL, MIX},
    {"scrape-hashes", required_argument, NULL, SCRAPE_HASHES},
    {"close", no_argument, NULL, CLOSE},
    {"seed", required_argument, NULL, SEED},
    {"hashes", required_argument, NULL, HASHES},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static uint64_t random_state[2];

static uint64_t mix64(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  return x ^ x >> 33;
}

static long long whole_number(const char *name, const char *text, long long min, long long max) {
  char *end;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (errno || *end || end == text || value < min || value > max)
    fail("--%s must be %lld to %lld, and is \"%s\"", name, min, max, text);
  return value;
}

static double decimal(const char *name, const char *text, double max) {
  char *end;
  double value = strtod(text, &end);
  if (*end || end == text || !(value > 0 && value <= max))
    fail("--%s must be above 0 and at most %.0f, and is \"%s\"", name, max, text);
  return value;
}

static void print_hashes(uint64_t torrents) {
  for (uint64_t torrent = 0; torrent < torrents; torrent++) {
    uint8_t info_hash[INFO_HASH_BYTES];
    char line[2 * INFO_HASH_BYTES + 2];
    info_hash_of(torrent, info_hash);
    for (int i = 0; i < INFO_HASH_BYTES; i++) sprintf(line + 2 * i, "%02x", info_hash[i]);
    puts(line);
  }
}

static void read_option(struct options *o, int option, const char *name, const char *text) {
  switch (option) {
    case HOST: o->host = text; break;
    case PORT: o->port = whole_number(name, text, 1, 65535); break;
    case SECONDS: o->seconds = decimal(name, text, 600); break;
    case RATE: o->rate = decimal(name, text, 1e7); break;
    case FILL: o->fill = true; break;
    case TORRENTS: o->torrents = whole_number(name, text, 1, 100000000); break;
    case FIRST_TORRENT: o->first_torrent = whole_number(name, text, 0, 1000000000); break;
    case PEERS: o->peers = whole_number(name, text, 1, 1000000000); break;
    case NUMWANT: o->numwant = whole_number(name, text, -1, 1000); break;
    case SEEDERS: o->seeders_percent = whole_number(name, text, 0, 100); break;
    case STOPPED: o->stopped_percent = whole_number(name, text, 0, 100); break;
    case SOURCES: o->sources = whole_number(name, text, 1, SOURCES_MAX); break;
    case FIRST_SOURCE:
      if (inet_pton(AF_INET, text, &o->first_source) != 1) fail("--first-source must be IPv4, and is \"%s\"", text);
      break;
    case SOCKETS: o->sockets = whole_number(name, text, 1, 4096); break;
    case WINDOW: o->window = whole_number(name, text, 1, 4096); break;
    case SCRAPE_HASHES: o->scrape_hashes = whole_number(name, text, 1, 64); break;
    case CLOSE: o->keep_alive = false; break;
    case SEED: o->seed = whole_number(name, text, 0, INT64_MAX); break;
    case MIX:
      if (sscanf(text, "%d:%d:%d", &o->connects, &o->announces, &o->scrapes) != 3 || o->connects < 0 ||
          o->announces < 0 || o->scrapes < 0 || o->connects + o->announces + o->scrapes == 0)
        fail("--mix must be three weights such as 50:50:1, and is \"%s\"", text);
      break;
    case HASHES: print_hashes(whole_number(name, text, 1, 100000000)); exit(0);
  }
}

void read_options(struct options *o, int argc, char **argv, const char *program) {
  *o = (struct options){
      .seconds = 3,
      .torrents = 100000,
      .numwant = 50,
      .seeders_percent = 25,
      .sources = 1,
      .sockets = 8,
      .window = 16,
      .announces = 1,
      .scrape_hashes = 10,
      .keep_alive = true,
      .seed = 1,
  };
  int option, at;
  while ((option = getopt_long(argc, argv, "h", LONG_OPTIONS, &at)) != -1) {
    if (option == 'h') {
      printf(HELP, program, program);
      exit(0);
    }
    if (option == '?') exit(2);
    read_option(o, option, LONG_OPTIONS[at].name, optarg);
  }
  if (optind < argc) fail("there is no argument \"%s\"; see --help", argv[optind]);
  if (!o->host || !o->port) fail("--host and --port are needed; see --help");
  if (o->fill && o->rate) fail("--fill and --rate exclude each other");
  if (o->peers == 0) o->peers = 3 * o->torrents;
  if (o->peers < o->torrents * o->sources) fail("--peers must be at least one a torrent and source");
  if ((o->peers - 1) / o->torrents / o->sources >= PORTS)
    fail("%d ports are not enough for so many peers a torrent: raise --sources", PORTS);
  if (strchr(o->host, ':') && o->sources > 1) fail("--sources is for IPv4");
  seed_random(o->seed);
}

/* ---- Addresses -------------------------------------------------------------------------------------------------- */

socklen_t tracker_address(const struct options *options, struct sockaddr_storage *address) {
  memset(address, 0, sizeof *address);
  struct sockaddr_in *v4 = (struct sockaddr_in *)address;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
  if (inet_pton(AF_INET, options->host, &v4->sin_addr) == 1 && (ntohl(v4->sin_addr.s_addr) >> 24) == 127) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(options->port);
    return sizeof *v4;
  }
  if (inet_pton(AF_INET6, options->host, &v6->sin6_addr) == 1 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr)) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(options->port);
    return sizeof *v6;
  }
  fail("--host must be an address of this machine's loopback (127.x.y.z or ::1), and is \"%s\"", options->host);
}

void bind_source(const struct options *options, int fd, int source) {
  uint32_t first = options->first_source.s_addr ? ntohl(options->first_source.s_addr) : INADDR_LOOPBACK;
  if (options->sources == 1 && first == INADDR_LOOPBACK) return;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(first + source)};
  /* The port is chosen at connect, when the other end is known: then ports are not used up. */
  int one = 1;
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&address, sizeof address)) fail("cannot bind a source address: %s", strerror(errno));
}

/* ---- Peers ------------------------------------------------------------------------------------------------------ */

/* Coprime with PORTS: neighbours in a swarm get ports far apart, and no two the same. */
enum { PORT_STRIDE = 40507 };

void info_hash_of(uint64_t torrent, uint8_t info_hash[INFO_HASH_BYTES]) {
  uint64_t words[3];
  for (int i = 0; i < 3; i++) words[i] = mix64(torrent * 3 + i + 1);
  memcpy(info_hash, words, INFO_HASH_BYTES);
}

void peer_at(const struct options *options, uint64_t index, struct peer *peer) {
  uint64_t in_torrent = index / options->torrents, noise = mix64(index + 1);
  peer->torrent = options->first_torrent + index % options->torrents;
  peer->port = PORT_FIRST + (in_torrent / options->sources * PORT_STRIDE + mix64(peer->torrent)) % PORTS;
  peer->seeder = (int)(noise % 100) < options->seeders_percent;
  memcpy(peer->peer_id, "-WG0001-", 8);
  memcpy(peer->peer_id + 8, &noise, 8);
  uint32_t low = index;
  memcpy(peer->peer_id + 16, &low, 4);
}

int source_of(const struct options *options, uint64_t index) {
  return index / options->torrents % options->sources;
}

uint64_t random_peer(const struct options *options, int source) {
  for (;;) {
    uint64_t index = random64() % options->peers;
    uint64_t in_torrent = index / options->torrents;
    in_torrent += source - in_torrent % options->sources;
    index = in_torrent * options->torrents + index % options->torrents;
    if (index < options->peers) return index;
  }
}

/* ---- Chance and time -------------------------------------------------------------------------------------------- */

void seed_random(uint64_t seed) {
  random_state[0] = mix64(seed + 1);
  random_state[1] = mix64(seed + 100);
}

uint64_t random_torrent(const struct options *options) {
  return options->first_torrent + random64() % options->torrents;
}

/* xorshift128+. */
uint64_t random64(void) {
  uint64_t a = random_state[0], b = random_state[1];
  random_state[0] = b;
  a ^= a << 23;
  random_state[1] = a ^ b ^ a >> 17 ^ b >> 26;
  return random_state[1] + b;
}

bool random_percent(int percent) {
  return percent > 0 && (int)((random64() >> 20) % 100) < percent;
}

int64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* ---- Results ---------------------------------------------------------------------------------------------------- */

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("load: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(2);
}

void count_error(struct result *result, const char *format, ...) {
  if (result->errors++ > 0) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(result->first_error, sizeof result->first_error, format, arguments);
  va_end(arguments);
}

/*
 * The histogram: latencies below 64 ns one bucket each, then 64 buckets for each power of two, so that a value is kept
 * to 1/64 of itself. The last bucket is above an hour.
 */
enum { STEPS_BITS = 6, STEPS = 1 << STEPS_BITS, BUCKETS = STEPS * 38 };
static uint64_t buckets[BUCKETS];
static uint64_t latencies;
static int64_t latency_max;

void record_latency(int64_t ns) {
  if (ns < 0) ns = 0;
  if (ns > latency_max) latency_max = ns;
  int power = ns < STEPS ? 0 : 63 - __builtin_clzll(ns) - STEPS_BITS + 1;
  int bucket = power == 0 ? (int)ns : power * STEPS + (int)(ns >> (power - 1)) - STEPS;
  buckets[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
  latencies++;
}

/* The latency that `share` of the requests did not exceed, in microseconds. */
static double percentile_us(double share) {
  uint64_t wanted = (uint64_t)(share * latencies), seen = 0;
  for (int bucket = 0; bucket < BUCKETS; bucket++) {
    seen += buckets[bucket];
    if (seen <= wanted) continue;
    int power = bucket / STEPS;
    double ns = power == 0 ? bucket : (double)((int64_t)(bucket % STEPS + STEPS) << (power - 1));
    return ns / 1000;
  }
  return latency_max / 1000.0;
}

void print_result(const struct options *options, const struct result *result, const char *protocol) {
  double seconds = (result->end_ns - result->start_ns) / 1e9;
  const char *mode = options->fill ? "fill" : options->rate > 0 ? "open" : "closed";
  /* Replies may hold any byte: what JSON cannot take becomes a dot. */
  char error[sizeof result->first_error];
  strcpy(error, result->first_error);
  for (char *c = error; *c; c++)
    if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\') *c = '.';
  printf("{\"protocol\":\"%s\",\"mode\":\"%s\",\"seconds\":%.3f,\"sent\":%lu,\"replies\":%lu,\"errors\":%lu,"
         "\"lost\":%lu,\"repliesPerSecond\":%.0f,\"peersPerReply\":%.1f,\"bytesPerReply\":%.1f,",
         protocol, mode, seconds, result->sent, result->replies_in_all, result->errors, result->lost,
         result->replies / seconds,
         result->announce_replies ? (double)result->peers / result->announce_replies : 0,
         result->replies_in_all ? (double)result->bytes / result->replies_in_all : 0);
  printf("\"p50Us\":%.1f,\"p99Us\":%.1f,\"p999Us\":%.1f,\"maxUs\":%.1f,\"firstError\":\"%s\"}\n", percentile_us(0.5),
         percentile_us(0.99), percentile_us(0.999), latency_max / 1000.0, error);
}
