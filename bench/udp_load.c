/*
 * Load on a UDP tracker (BEP 15), from this machine to itself, by one thread. Ends with one line of JSON.
 *
 *   closed loop   each socket keeps a window of requests in flight: how much the tracker can answer
 *   open loop     --rate R: requests leave on time whatever happens: how long the answers take, late ones included
 *   fill          --fill: each peer is announced once, and again only if its answer was lost
 *
 * A reply counts only if its transaction id is that of a request still open on the same socket, its action is the one
 * asked for and its length fits.
 */
#define _GNU_SOURCE
#include "load.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
  /* Datagrams a system call. */
  BATCH = 64,
  /* Longest request: a scrape of 64 hashes. Longest reply: 200 peers of IPv6 would be 3,620 bytes. */
  REQUEST_BYTES_MAX = 16 + 64 * INFO_HASH_BYTES,
  REPLY_BYTES_MAX = 4096,
  ANNOUNCE_BYTES = 98,
  /* Open loop: requests a socket may have open. The low bits of a transaction id are the request's place. */
  OPEN_LOOP_WINDOW = 1024,
  PLACE_BITS = 12,
  /* A request not answered in this time is lost. Long for a loopback, short beside a run of seconds. */
  LOST_AFTER_MS = 500,
};

enum action { CONNECT, ANNOUNCE, SCRAPE, REFUSED };

static const uint64_t PROTOCOL_ID = 0x41727101980;
/* A client may use a connection id for a minute (BEP 15); this one asks for the next a little before. */
static const int64_t CONNECTION_ID_NS = 55 * 1000000000LL;
/* How often lost requests are looked for. */
static const int64_t LOST_CHECK_NS = 20 * 1000000LL;

/* A request waiting for its reply. */
struct request {
  bool open;
  bool stopped;
  enum action action;
  uint32_t transaction;
  uint64_t peer;
  /* Latency counts from here: when it was due (open loop) or sent (closed loop). */
  int64_t due_ns;
  int64_t sent_ns;
};

/* A socket, its connection id and its open requests. */
struct client {
  int fd;
  int source;
  uint64_t connection_id;
  int64_t connected_ns;
  struct request *requests;
  /* Places of `requests` that are free, as a stack. */
  uint16_t *places;
  int free_places;
};

static struct options options;
static struct result result;
static struct client *clients;
static int window;
static int epoll_fd;
static uint32_t sequence;

static uint8_t requests_out[BATCH][REQUEST_BYTES_MAX];
static uint8_t replies_in[BATCH][REPLY_BYTES_MAX];
static struct iovec iovecs_out[BATCH], iovecs_in[BATCH];
static struct mmsghdr messages_out[BATCH], messages_in[BATCH];

static uint8_t *put16(uint8_t *at, uint16_t value) {
  value = htobe16(value);
  return (uint8_t *)memcpy(at, &value, 2) + 2;
}

static uint8_t *put32(uint8_t *at, uint32_t value) {
  value = htobe32(value);
  return (uint8_t *)memcpy(at, &value, 4) + 4;
}

static uint8_t *put64(uint8_t *at, uint64_t value) {
  value = htobe64(value);
  return (uint8_t *)memcpy(at, &value, 8) + 8;
}

static uint32_t get32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return be32toh(value);
}

/* ---- Requests --------------------------------------------------------------------------------------------------- */

/* connect: 0 protocol id (8), 8 action (4), 12 transaction id (4) */
static int encode_connect(uint8_t *out, uint32_t transaction) {
  put32(put32(put64(out, PROTOCOL_ID), CONNECT), transaction);
  return 16;
}

/*
 * announce: 0 connection id (8), 8 action (4), 12 transaction id (4), 16 info hash (20), 36 peer id (20),
 * 56 downloaded (8), 64 left (8), 72 uploaded (8), 80 event (4), 84 address (4), 88 key (4), 92 numwant (4),
 * 96 port (2)
 */
static int encode_announce(uint8_t *out, const struct client *client, const struct request *request) {
  enum { EVENT_NONE, EVENT_COMPLETED, EVENT_STARTED, EVENT_STOPPED };
  struct peer peer;
  peer_at(&options, request->peer, &peer);
  memcpy(out, &client->connection_id, 8);
  put32(put32(out + 8, ANNOUNCE), request->transaction);
  info_hash_of(peer.torrent, out + 16);
  memcpy(out + 36, peer.peer_id, PEER_ID_BYTES);
  uint8_t *at = put64(put64(put64(out + 56, 0), peer.seeder ? 0 : 1000), 0);
  at = put32(at, request->stopped ? EVENT_STOPPED : options.fill ? EVENT_STARTED : EVENT_NONE);
  put16(put32(put32(put32(at, 0), (uint32_t)request->peer), (uint32_t)options.numwant), peer.port);
  return ANNOUNCE_BYTES;
}

/* scrape: 0 connection id (8), 8 action (4), 12 transaction id (4), 16 info hashes (20 each) */
static int encode_scrape(uint8_t *out, const struct client *client, const struct request *request) {
  memcpy(out, &client->connection_id, 8);
  put32(put32(out + 8, SCRAPE), request->transaction);
  for (int i = 0; i < options.scrape_hashes; i++)
    info_hash_of(random_torrent(&options), out + 16 + i * INFO_HASH_BYTES);
  return 16 + options.scrape_hashes * INFO_HASH_BYTES;
}

static int encode(uint8_t *out, const struct client *client, const struct request *request) {
  switch (request->action) {
    case CONNECT: return encode_connect(out, request->transaction);
    case ANNOUNCE: return encode_announce(out, client, request);
    default: return encode_scrape(out, client, request);
  }
}

static enum action random_action(void) {
  int at = random64() % (options.connects + options.announces + options.scrapes);
  return at < options.connects ? CONNECT : at < options.connects + options.announces ? ANNOUNCE : SCRAPE;
}

/* The next peer to fill in from `source`; -1: none is left. One peer of every torrent, then one more of each. */
static int64_t next_peer_to_fill(int source) {
  static uint64_t taken[SOURCES_MAX];
  uint64_t round = taken[source] / options.torrents, torrent = taken[source] % options.torrents;
  uint64_t index = (round * options.sources + source) * options.torrents + torrent;
  if (index >= options.peers) return -1;
  taken[source]++;
  return index;
}

/* Opens a request in a free place of `client`; returns NULL when there is nothing more to ask. */
static struct request *open_request(struct client *client, int64_t now) {
  enum action action = ANNOUNCE;
  int64_t peer = -1;
  if (now - client->connected_ns > CONNECTION_ID_NS) {
    action = CONNECT;
    client->connected_ns = now;
  } else if (options.fill) {
    peer = next_peer_to_fill(client->source);
    if (peer < 0) return NULL;
  } else {
    action = random_action();
    if (action == ANNOUNCE) peer = random_peer(&options, client->source);
  }
  int place = client->places[--client->free_places];
  struct request *request = &client->requests[place];
  *request = (struct request){.open = true, .action = action, .peer = peer, .due_ns = now, .sent_ns = now,
                              .stopped = action == ANNOUNCE && random_percent(options.stopped_percent),
                              .transaction = ++sequence << PLACE_BITS | place};
  return request;
}

static void send_messages(const struct client *client, int count) {
  for (int sent = 0; sent < count;) {
    int n = sendmmsg(client->fd, messages_out + sent, count - sent, 0);
    if (n > 0) sent += n;
    else if (errno == ECONNREFUSED) fail("nothing listens on UDP port %d any more", options.port);
    else if (errno != EINTR && errno != ENOBUFS) fail("cannot send: %s", strerror(errno));
  }
  result.sent += count;
}

/* Sends up to `count` requests, the first due at `due_ns` and the others `step_ns` apart. Returns how many. */
static int send_requests(struct client *client, int count, int64_t now, double due_ns, double step_ns) {
  int made = 0;
  if (count > client->free_places) count = client->free_places;
  if (count > BATCH) count = BATCH;
  while (made < count) {
    struct request *request = open_request(client, now);
    if (!request) break;
    request->due_ns = (int64_t)(due_ns + made * step_ns);
    iovecs_out[made].iov_len = encode(requests_out[made], client, request);
    made++;
  }
  send_messages(client, made);
  return made;
}

/* ---- Replies ---------------------------------------------------------------------------------------------------- */

static void close_request(struct client *client, struct request *request) {
  request->open = false;
  client->places[client->free_places++] = request - client->requests;
}

/* Whether `reply` is what `request` asked for; counts what is in it. */
static bool accept_reply(struct client *client, const struct request *request, const uint8_t *reply, int bytes) {
  enum action action = get32(reply);
  int peer_bytes = strchr(options.host, ':') ? 18 : 6;
  if (action == REFUSED) {
    count_error(&result, "refused: %.*s", bytes - 8, (const char *)reply + 8);
    return false;
  }
  if (action != request->action) {
    count_error(&result, "action %d for action %d", action, request->action);
    return false;
  }
  bool fits = action == CONNECT    ? bytes == 16
              : action == ANNOUNCE ? bytes >= 20 && (bytes - 20) % peer_bytes == 0
                                   : bytes == 8 + 12 * options.scrape_hashes;
  int peers = action == ANNOUNCE ? (bytes - 20) / peer_bytes : 0;
  if (!fits || (options.numwant >= 0 && peers > options.numwant)) {
    count_error(&result, "a reply of %d bytes to action %d", bytes, action);
    return false;
  }
  if (action == CONNECT) memcpy(&client->connection_id, reply + 8, 8);
  if (action == ANNOUNCE) {
    result.announce_replies++;
    result.peers += peers;
  }
  return true;
}

static void take_reply(struct client *client, const uint8_t *reply, int bytes, int64_t now) {
  if (bytes < 8) {
    count_error(&result, "a reply of %d bytes", bytes);
    return;
  }
  uint32_t transaction = get32(reply + 4), place = transaction & ((1 << PLACE_BITS) - 1);
  struct request *request = &client->requests[place];
  /* Given up as lost, and its place perhaps used again: already counted. */
  if ((int)place >= window || !request->open || request->transaction != transaction) return;
  if (accept_reply(client, request, reply, bytes)) {
    result.replies_in_all++;
    result.bytes += bytes;
    if (now < result.end_ns) result.replies++;
    record_latency(now - request->due_ns);
  }
  close_request(client, request);
}

static void receive(struct client *client) {
  for (;;) {
    int n = recvmmsg(client->fd, messages_in, BATCH, MSG_DONTWAIT, NULL);
    if (n < 0 && errno == ECONNREFUSED) fail("nothing listens on UDP port %d any more", options.port);
    if (n <= 0) return;
    int64_t now = now_ns();
    for (int i = 0; i < n; i++) take_reply(client, replies_in[i], messages_in[i].msg_len, now);
    if (n < BATCH) return;
  }
}

/* Waits at most `timeout_ms` and reads what has come. */
static void receive_all(int timeout_ms) {
  struct epoll_event events[64];
  int n = epoll_wait(epoll_fd, events, 64, timeout_ms);
  for (int i = 0; i < n; i++) receive(events[i].data.ptr);
}

static void resend(struct client *client, struct request *request, int64_t now) {
  request->sent_ns = now;
  iovecs_out[0].iov_len = encode(requests_out[0], client, request);
  send_messages(client, 1);
}

/* Gives up requests whose reply is lost, or when filling asks again. Returns how many are open. */
static int expire(int64_t now) {
  int open = 0;
  for (int i = 0; i < options.sockets; i++) {
    struct client *client = &clients[i];
    for (int place = 0; place < window; place++) {
      struct request *request = &client->requests[place];
      if (!request->open) continue;
      open++;
      if (now - request->sent_ns < LOST_AFTER_MS * 1000000LL) continue;
      result.lost++;
      if (options.fill) resend(client, request, now);
      else close_request(client, request);
    }
  }
  return open;
}

/* ---- The run ---------------------------------------------------------------------------------------------------- */

static void connect_client(struct client *client) {
  uint8_t request[16], reply[REPLY_BYTES_MAX];
  struct pollfd readable = {.fd = client->fd, .events = POLLIN};
  uint32_t transaction = ++sequence << PLACE_BITS;
  for (int attempt = 0; attempt < 25; attempt++) {
    encode_connect(request, transaction);
    send(client->fd, request, sizeof request, 0);
    if (poll(&readable, 1, 200) <= 0) continue;
    ssize_t bytes = recv(client->fd, reply, sizeof reply, MSG_DONTWAIT);
    if (bytes != 16 || get32(reply) != CONNECT || get32(reply + 4) != transaction) continue;
    memcpy(&client->connection_id, reply + 8, 8);
    client->connected_ns = now_ns();
    return;
  }
  fail("no connection id from UDP port %d within 5 seconds", options.port);
}

static void open_client(struct client *client, int number) {
  struct sockaddr_storage address;
  socklen_t address_bytes = tracker_address(&options, &address);
  client->fd = socket(address.ss_family, SOCK_DGRAM, 0);
  client->source = number % options.sources;
  if (client->fd < 0) fail("cannot open a socket: %s", strerror(errno));
  int receive_buffer_bytes = 4 << 20;
  setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  bind_source(&options, client->fd, client->source);
  if (connect(client->fd, (struct sockaddr *)&address, address_bytes)) fail("cannot connect: %s", strerror(errno));
  client->requests = calloc(window, sizeof *client->requests);
  client->places = calloc(window, sizeof *client->places);
  for (client->free_places = 0; client->free_places < window; client->free_places++)
    client->places[client->free_places] = client->free_places;
  connect_client(client);
  struct epoll_event readable = {.events = EPOLLIN, .data.ptr = client};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, client->fd, &readable)) fail("cannot watch a socket: %s", strerror(errno));
}

static void prepare_messages(void) {
  for (int i = 0; i < BATCH; i++) {
    iovecs_out[i].iov_base = requests_out[i];
    iovecs_in[i] = (struct iovec){replies_in[i], REPLY_BYTES_MAX};
    messages_out[i].msg_hdr.msg_iov = &iovecs_out[i];
    messages_in[i].msg_hdr.msg_iov = &iovecs_in[i];
    messages_out[i].msg_hdr.msg_iovlen = messages_in[i].msg_hdr.msg_iovlen = 1;
  }
}

/* Closed loop: every socket whose window has room for a few requests gets them */
static void fill_windows(int64_t now) {
  int few = window / 4 > 0 ? window / 4 : 1;
  for (int i = 0; i < options.sockets; i++)
    if (clients[i].free_places >= few) send_requests(&clients[i], window, now, now, 0);
}

/* Open loop: sends what is due by `now`, the sockets taking turns. Request n is due at n / rate. */
static void send_due(int64_t now) {
  static uint64_t issued;
  static int turn;
  double step_ns = 1e9 / options.rate;
  uint64_t due = (uint64_t)((now - result.start_ns) / step_ns) + 1;
  for (int tries = 0; issued < due && tries < options.sockets; tries++) {
    struct client *client = &clients[turn++ % options.sockets];
    int count = due - issued < BATCH ? due - issued : BATCH;
    issued += send_requests(client, count, now, result.start_ns + issued * step_ns, step_ns);
  }
}

/* Closed or open loop, for the time asked for. */
static void run_load(void) {
  int64_t now, checked = result.start_ns;
  while ((now = now_ns()) < result.end_ns) {
    if (options.rate > 0) send_due(now);
    else fill_windows(now);
    /* The open loop never sleeps: waking up late would count against the tracker. */
    receive_all(options.rate > 0 ? 0 : 1);
    if (now - checked < LOST_CHECK_NS) continue;
    expire(now);
    checked = now;
  }
  /* What is under way is waited for: unanswered requests are lost ones, not forgotten ones. */
  while (expire(now_ns()) > 0) receive_all(1);
}

static void run_fill(void) {
  int64_t now, last = result.end_ns;
  result.end_ns = INT64_MAX;
  while ((now = now_ns()) < last) {
    fill_windows(now);
    if (expire(now) == 0) {
      result.end_ns = now;
      return;
    }
    receive_all(1);
  }
  fail("only %lu of %lu peers were announced in %.0f seconds", result.replies_in_all, options.peers, options.seconds);
}

int main(int argc, char **argv) {
  read_options(&options, argc, argv, "udp_load");
  if (options.sockets < options.sources) options.sockets = options.sources;
  window = options.rate > 0 ? OPEN_LOOP_WINDOW : options.window;
  epoll_fd = epoll_create1(0);
  clients = calloc(options.sockets, sizeof *clients);
  prepare_messages();
  for (int i = 0; i < options.sockets; i++) open_client(&clients[i], i);
  result.start_ns = now_ns();
  result.end_ns = result.start_ns + (int64_t)(options.seconds * 1e9);
  if (options.fill) run_fill();
  else run_load();
  print_result(&options, &result, "udp");
  return result.replies_in_all > 0 ? 0 : 1;
}
