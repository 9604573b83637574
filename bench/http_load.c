/*
 * Load on an HTTP tracker (BEP 3, BEP 23), from this machine to itself, by one thread. Ends with one line of JSON.
 *
 *   closed loop   each connection has one request in flight: how much the tracker can answer
 *   open loop     --rate R: requests are due on time whatever happens, on whichever connection is free; one that has to
 *                 wait for a connection keeps its time, so that the wait is part of its latency
 *
 * Connections are kept alive, or with --close each carries one request. A closed one is closed by a reset once its
 * reply is complete: thousands a second would otherwise leave tens of thousands in TIME_WAIT, and ports would run out.
 * A reply counts only if its status is 200, its body complete, a bencoded dictionary and no failure.
 */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
  REQUEST_BYTES_MAX = 4096,
  REPLY_BYTES_MAX = 16384,
  /* A refused connection attempt is repeated by the kernel after a second: that is late, not lost. */
  LOST_AFTER_MS = 3000,
};

/* How often lost requests are looked for. */
static const int64_t LOST_CHECK_NS = 100 * 1000000LL;

enum state { FREE, CONNECTING, WAITING };

struct connection {
  enum state state;
  /* -1: none; a connection is opened when it is needed. */
  int fd;
  int source;
  /* Latency counts from here: when the request was due (open loop) or sent (closed loop). */
  int64_t due_ns;
  int64_t sent_ns;
  bool announce;
  int request_bytes;
  int reply_bytes;
  char request[REQUEST_BYTES_MAX];
  char reply[REPLY_BYTES_MAX + 1];
};

static struct options options;
static struct result result;
static struct connection *connections;
static int epoll_fd;
static struct sockaddr_storage address;
static socklen_t address_bytes;
/* No new requests: the run is over, and what is under way is waited for. */
static bool ending;

/* ---- Requests --------------------------------------------------------------------------------------------------- */

/* Writes `bytes` percent-encoded, as clients do: letters, digits and -._~ stand for themselves. */
static char *put_encoded(char *at, const uint8_t *bytes, int count) {
  static const char HEX[] = "0123456789ABCDEF";
  for (int i = 0; i < count; i++) {
    uint8_t byte = bytes[i];
    bool plain = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                 byte == '-' || byte == '.' || byte == '_' || byte == '~';
    if (plain) {
      *at++ = byte;
    } else {
      *at++ = '%';
      *at++ = HEX[byte >> 4];
      *at++ = HEX[byte & 15];
    }
  }
  return at;
}

static char *put_announce(char *at, int source) {
  struct peer peer;
  uint8_t info_hash[INFO_HASH_BYTES];
  uint64_t index = random_peer(&options, source);
  peer_at(&options, index, &peer);
  info_hash_of(peer.torrent, info_hash);
  at = put_encoded(stpcpy(at, "GET /announce?info_hash="), info_hash, INFO_HASH_BYTES);
  at = put_encoded(stpcpy(at, "&peer_id="), peer.peer_id, PEER_ID_BYTES);
  at += sprintf(at, "&port=%d&uploaded=0&downloaded=0&left=%d&corrupt=0&key=%08X&numwant=%d&compact=1&no_peer_id=1",
                peer.port, peer.seeder ? 0 : 1000, (unsigned)index, options.numwant);
  return random_percent(options.stopped_percent) ? stpcpy(at, "&event=stopped") : at;
}

static char *put_scrape(char *at) {
  at = stpcpy(at, "GET /scrape?");
  for (int i = 0; i < options.scrape_hashes; i++) {
    uint8_t info_hash[INFO_HASH_BYTES];
    info_hash_of(random_torrent(&options), info_hash);
    at = put_encoded(stpcpy(at, i ? "&info_hash=" : "info_hash="), info_hash, INFO_HASH_BYTES);
  }
  return at;
}

static void write_request(struct connection *connection) {
  char *at = connection->request;
  connection->announce = (int)(random64() % (options.announces + options.scrapes)) < options.announces;
  at = connection->announce ? put_announce(at, connection->source) : put_scrape(at);
  at += sprintf(at,
                " HTTP/1.1\r\nHost: %s:%d\r\nUser-Agent: load/1\r\nAccept-Encoding: identity\r\n"
                "Connection: %s\r\n\r\n",
                options.host, options.port, options.keep_alive ? "keep-alive" : "close");
  connection->request_bytes = at - connection->request;
  connection->reply_bytes = 0;
}

/* ---- Connections ------------------------------------------------------------------------------------------------ */

static void close_connection(struct connection *connection) {
  struct linger reset = {.l_onoff = 1, .l_linger = 0};
  setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  close(connection->fd);
  connection->fd = -1;
}

static void send_request(struct connection *connection) {
  ssize_t sent = send(connection->fd, connection->request, connection->request_bytes, MSG_NOSIGNAL);
  connection->state = WAITING;
  /* A connection closed in the meantime says so when it is read. */
  if (sent >= 0 && sent != connection->request_bytes)
    fail("a request of %d bytes was not taken whole", connection->request_bytes);
}

static void watch(struct connection *connection, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = connection};
  if (epoll_ctl(epoll_fd, operation, connection->fd, &event)) fail("cannot watch a socket: %s", strerror(errno));
}

/* Opens a connection and sends its request, now or when it is connected. */
static void open_connection(struct connection *connection) {
  connection->fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (connection->fd < 0) fail("cannot open a socket: %s", strerror(errno));
  bind_source(&options, connection->fd, connection->source);
  bool connected = connect(connection->fd, (struct sockaddr *)&address, address_bytes) == 0;
  if (!connected && errno == ECONNREFUSED) fail("nothing listens on TCP port %d", options.port);
  if (!connected && errno != EINPROGRESS) fail("cannot connect: %s", strerror(errno));
  watch(connection, EPOLL_CTL_ADD, connected ? EPOLLIN : EPOLLOUT);
  connection->state = CONNECTING;
  if (connected) send_request(connection);
}

static void start_request(struct connection *connection, int64_t now, int64_t due_ns) {
  write_request(connection);
  connection->due_ns = due_ns;
  connection->sent_ns = now;
  result.sent++;
  if (connection->fd < 0) open_connection(connection);
  else send_request(connection);
}

static void end_request(struct connection *connection, bool keep) {
  connection->state = FREE;
  if (!keep) close_connection(connection);
}

/* ---- Replies ---------------------------------------------------------------------------------------------------- */

/* The number after `name` in `text`; -1 if it is not there. */
static long number_after(const char *text, const char *end, const char *name) {
  const char *at = memmem(text, end - text, name, strlen(name));
  return at ? strtol(at + strlen(name), NULL, 10) : -1;
}

/*
 * Length of the whole reply; 0: not known yet; -1: it cannot be told, the end of the connection ends it.
 * `body` is set to where the body begins.
 */
static long reply_length(struct connection *connection, char **body) {
  char *end = memmem(connection->reply, connection->reply_bytes, "\r\n\r\n", 4);
  if (!end) return 0;
  *body = end + 4;
  char *length = strcasestr(connection->reply, "\r\ncontent-length:");
  return length && length < end ? *body - connection->reply + strtol(length + 17, NULL, 10) : -1;
}

static void count_reply(struct connection *connection, const char *body, int64_t now) {
  const char *end = connection->reply + connection->reply_bytes;
  bool ok = connection->reply_bytes > 12 && memcmp(connection->reply + 8, " 200", 4) == 0;
  if (!ok || body >= end || *body != 'd' || memmem(body, end - body, "14:failure reason", 17)) {
    count_error(&result, "%.12s: %.*s", connection->reply, (int)(end - body), body);
    return;
  }
  if (connection->announce) {
    long peers4 = number_after(body, end, "5:peers"), peers6 = number_after(body, end, "6:peers6");
    result.announce_replies++;
    result.peers += (peers4 > 0 ? peers4 / 6 : 0) + (peers6 > 0 ? peers6 / 18 : 0);
  }
  result.replies_in_all++;
  result.bytes += connection->reply_bytes;
  if (now < result.end_ns) result.replies++;
  record_latency(now - connection->due_ns);
}

/* The connection ended. What it had is the reply if that has no other end; otherwise the request is sent once more. */
static void take_end(struct connection *connection, int64_t now) {
  char *body;
  bool had_reply = connection->state == WAITING && reply_length(connection, &body) < 0;
  bool had_nothing = connection->state != FREE && connection->reply_bytes == 0 && options.keep_alive;
  if (connection->state == WAITING && !had_reply && !had_nothing)
    count_error(&result, "the connection ended after %d bytes of the reply", connection->reply_bytes);
  if (had_reply) count_reply(connection, body, now);
  close_connection(connection);
  /* A tracker may close a connection it kept alive: the request that crossed with that is no loss. */
  if (had_nothing) open_connection(connection);
  else connection->state = FREE;
}

static void receive(struct connection *connection) {
  ssize_t bytes = recv(connection->fd, connection->reply + connection->reply_bytes,
                       REPLY_BYTES_MAX - connection->reply_bytes, 0);
  if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) return;
  int64_t now = now_ns();
  if (bytes <= 0) {
    take_end(connection, now);
    return;
  }
  char *body;
  connection->reply_bytes += bytes;
  connection->reply[connection->reply_bytes] = 0;
  long length = reply_length(connection, &body);
  if (length <= 0 ? connection->reply_bytes == REPLY_BYTES_MAX : connection->reply_bytes >= length) {
    count_reply(connection, body, now);
    end_request(connection, options.keep_alive);
    if (options.rate == 0 && !ending) start_request(connection, now, now);
  }
}

static void finish_connect(struct connection *connection) {
  int error = 0;
  socklen_t error_bytes = sizeof error;
  getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &error_bytes);
  if (error == ECONNREFUSED) fail("nothing listens on TCP port %d", options.port);
  if (error) {
    count_error(&result, "cannot connect: %s", strerror(error));
    end_request(connection, false);
    return;
  }
  watch(connection, EPOLL_CTL_MOD, EPOLLIN);
  send_request(connection);
}

/* Waits at most `timeout_ms` and handles what has come. */
static void receive_all(int timeout_ms) {
  struct epoll_event events[256];
  int n = epoll_wait(epoll_fd, events, 256, timeout_ms);
  for (int i = 0; i < n; i++) {
    struct connection *connection = events[i].data.ptr;
    if (connection->state == CONNECTING) finish_connect(connection);
    else receive(connection);
  }
}

/* Gives up requests that got no answer. Returns how many are open. */
static int expire(int64_t now) {
  int open = 0;
  for (int i = 0; i < options.sockets; i++) {
    struct connection *connection = &connections[i];
    if (connection->state == FREE) continue;
    if (now - connection->sent_ns < LOST_AFTER_MS * 1000000LL) {
      open++;
      continue;
    }
    result.lost++;
    end_request(connection, false);
  }
  return open;
}

/* ---- The run ---------------------------------------------------------------------------------------------------- */

/* Closed loop: a connection that is free although nothing came for it (lost, ended) goes on. */
static void start_free(int64_t now) {
  for (int i = 0; i < options.sockets; i++)
    if (connections[i].state == FREE) start_request(&connections[i], now, now);
}

/* Open loop: sends what is due by `now` on connections that are free, in turns. Request n is due at n / rate. */
static void send_due(int64_t now) {
  static uint64_t issued;
  static int turn;
  double step_ns = 1e9 / options.rate;
  uint64_t due = (uint64_t)((now - result.start_ns) / step_ns) + 1;
  for (int tries = 0; issued < due && tries < options.sockets; tries++) {
    struct connection *connection = &connections[turn++ % options.sockets];
    if (connection->state != FREE) continue;
    start_request(connection, now, result.start_ns + (int64_t)(issued * step_ns));
    issued++;
  }
}

static void run(void) {
  int64_t now, checked = 0;
  result.start_ns = now_ns();
  result.end_ns = result.start_ns + (int64_t)(options.seconds * 1e9);
  while ((now = now_ns()) < result.end_ns) {
    if (options.rate > 0) send_due(now);
    /* The open loop never sleeps: waking up late would count against the tracker. */
    receive_all(options.rate > 0 ? 0 : 1);
    if (now - checked < LOST_CHECK_NS) continue;
    expire(now);
    if (options.rate == 0) start_free(now);
    checked = now;
  }
  ending = true;
  while (expire(now_ns()) > 0) receive_all(1);
}

int main(int argc, char **argv) {
  read_options(&options, argc, argv, "http_load");
  if (options.fill) fail("--fill is for UDP: fill with udp_load, the peers are the same");
  if (options.announces + options.scrapes == 0) fail("--mix must have announces or scrapes: HTTP has no connects");
  if (options.sockets < options.sources) options.sockets = options.sources;
  address_bytes = tracker_address(&options, &address);
  epoll_fd = epoll_create1(0);
  connections = calloc(options.sockets, sizeof *connections);
  for (int i = 0; i < options.sockets; i++) {
    connections[i].fd = -1;
    connections[i].source = i % options.sources;
  }
  run();
  print_result(&options, &result, "http");
  return result.replies_in_all > 0 ? 0 : 1;
}
