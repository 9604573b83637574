/*
 * What strangers do to a tracker, from this machine to itself, by one thread that sleeps between: connections held open
 * on which nothing, or half a request, is said, opened again when the tracker closes them; and datagrams that are no
 * requests. Prints "ready" when the connections are open, runs for the time asked for, and ends with a line of JSON.
 *
 *   abuse_load PORT SECONDS CONNECTIONS empty|half DATAGRAMS_A_SECOND
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
  /* Spread, because one address has some 14,000 ports before the kernel's search for another gets slow. */
  SOURCES = 8,
  DATAGRAM_BYTES_MAX = 2100,
  EVENTS = 256,
};

static const char HALF[] = "GET /announce?info_hash=%01%02%03%04%05%06%07%08%09&peer_id=-WG0001-";

static struct options options = {.host = "127.0.0.1", .sources = SOURCES};
static struct sockaddr_storage address;
static socklen_t address_bytes;
static int epoll_fd, says_half;
static uint64_t opened, closed, datagrams;

/* Opens connection number `index`; its events carry the number and the descriptor. */
static void open_connection(uint32_t index) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) fail("cannot open a socket: %s", strerror(errno));
  bind_source(&options, fd, index % SOURCES);
  if (connect(fd, (struct sockaddr *)&address, address_bytes)) fail("cannot connect: %s", strerror(errno));
  if (says_half && send(fd, HALF, sizeof HALF - 1, MSG_NOSIGNAL) < 0) fail("cannot send: %s", strerror(errno));
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.u64 = (uint64_t)index << 32 | (uint32_t)fd};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event)) fail("cannot watch a socket: %s", strerror(errno));
  opened++;
}

/* The tracker has closed some: others take their places. */
static void replace_closed(int timeout_ms) {
  struct epoll_event events[EVENTS];
  int n = epoll_wait(epoll_fd, events, EVENTS, timeout_ms);
  for (int i = 0; i < n; i++) {
    close((int)(uint32_t)events[i].data.u64);
    closed++;
    open_connection(events[i].data.u64 >> 32);
  }
}

/* A connect's beginning with another end, a connection id nobody gave, a scrape cut in two, or noise of any length. */
static int bad_datagram(uint8_t *out) {
  static const uint8_t CONNECT[16] = {0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80};
  int length = random64() % DATAGRAM_BYTES_MAX;
  for (int i = 0; i < length; i++) out[i] = random64();
  switch (random64() % 4) {
    case 0:
      memcpy(out, CONNECT, 12);
      out[11] = 9;
      return 16;
    case 1:
      memset(out + 8, 0, 4);
      out[11] = 1;
      return 98;
    case 2:
      memset(out + 8, 0, 4);
      out[11] = 2;
      return 16 + random64() % 40;
    default: return length;
  }
}

int main(int argc, char **argv) {
  if (argc != 6) fail("usage: abuse_load PORT SECONDS CONNECTIONS empty|half DATAGRAMS_A_SECOND");
  options.port = atoi(argv[1]);
  options.seed = 1;
  seed_random(1);
  address_bytes = tracker_address(&options, &address);
  double seconds = atof(argv[2]), rate = atof(argv[5]);
  uint32_t connections = atoi(argv[3]);
  says_half = strcmp(argv[4], "half") == 0;
  epoll_fd = epoll_create1(0);
  int udp = socket(AF_INET, SOCK_DGRAM, 0);
  if (connect(udp, (struct sockaddr *)&address, address_bytes)) fail("cannot connect: %s", strerror(errno));
  int64_t begun = now_ns();
  for (uint32_t i = 0; i < connections; i++) open_connection(i);
  double connect_seconds = (now_ns() - begun) / 1e9;
  puts("ready");
  fflush(stdout);
  uint8_t datagram[DATAGRAM_BYTES_MAX];
  begun = now_ns();
  for (int64_t now; (now = now_ns()) - begun < (int64_t)(seconds * 1e9);) {
    for (uint64_t due = (now - begun) / 1e9 * rate; datagrams < due; datagrams++)
      /* Answers to some of them come back and are not read: the socket drops them. */
      if (send(udp, datagram, bad_datagram(datagram), 0) < 0 && errno == ECONNREFUSED)
        fail("nothing listens on UDP port %d any more", options.port);
    replace_closed(1);
  }
  printf("{\"connectSeconds\":%.3f,\"opened\":%lu,\"closed\":%lu,\"datagrams\":%lu}\n", connect_seconds, opened, closed,
         datagrams);
  return 0;
}
