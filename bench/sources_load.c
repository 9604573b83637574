/*
 * Announces over UDP from a great many source addresses, as a public tracker has them, from this machine to itself, by
 * one thread in a closed loop. Run in a network namespace where 10.0.0.0/8 is local (bench/shield.ts makes one): each
 * datagram says which address it comes from (IP_PKTINFO). Ends with one line of JSON.
 *
 *   sources_load PORT SECONDS ADDRESSES TORRENTS
 *
 * Every address asks for a connection id first; then addresses at random announce to torrents at random.
 */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  SOCKETS = 8,
  /* Datagrams a system call, and in flight a socket. */
  BATCH = 64,
  CONNECT_BYTES = 16,
  ANNOUNCE_BYTES = 98,
  REPLY_BYTES_MAX = 2048,
  CONTROL_BYTES = CMSG_SPACE(sizeof(struct in_pktinfo)),
  /* A batch that is not answered whole in this time has lost something. */
  LOST_AFTER_MS = 500,
  ROUNDS_MAX = 100,
  READY_MS = 300,
};

static const uint64_t PROTOCOL_ID = 0x41727101980;
static const uint32_t FIRST_ADDRESS = 10 << 24 | 1;

static uint64_t *connection_ids;
static int sockets[SOCKETS], in_flight[SOCKETS];
static uint64_t replies, errors, lost;
static uint8_t packets[BATCH][ANNOUNCE_BYTES], answers[BATCH][REPLY_BYTES_MAX];
static uint8_t controls[BATCH][CONTROL_BYTES] __attribute__((aligned(8)));
static struct iovec iovecs_out[BATCH], iovecs_in[BATCH];
static struct mmsghdr messages_out[BATCH], messages_in[BATCH];
static struct sockaddr_in tracker = {.sin_family = AF_INET};

static void put32(uint8_t *at, uint32_t value) {
  value = htobe32(value);
  memcpy(at, &value, 4);
}

static uint32_t get32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return be32toh(value);
}

static void prepare(void) {
  tracker.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int i = 0; i < BATCH; i++) {
    iovecs_out[i].iov_base = packets[i];
    messages_out[i].msg_hdr = (struct msghdr){.msg_name = &tracker, .msg_namelen = sizeof tracker,
                                              .msg_iov = &iovecs_out[i], .msg_iovlen = 1,
                                              .msg_control = controls[i], .msg_controllen = CONTROL_BYTES};
    iovecs_in[i] = (struct iovec){answers[i], REPLY_BYTES_MAX};
    messages_in[i].msg_hdr = (struct msghdr){.msg_iov = &iovecs_in[i], .msg_iovlen = 1};
    struct cmsghdr *control = (struct cmsghdr *)controls[i];
    *control = (struct cmsghdr){CMSG_LEN(sizeof(struct in_pktinfo)), IPPROTO_IP, IP_PKTINFO};
  }
  for (int i = 0; i < SOCKETS; i++) {
    int bytes = 4 << 20;
    sockets[i] = socket(AF_INET, SOCK_DGRAM, 0);
    if (sockets[i] < 0) fail("cannot open a socket: %s", strerror(errno));
    setsockopt(sockets[i], SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }
}

/* Datagram `i` of the batch: from address number `address`, which is also its transaction id. */
static void address_packet(int i, uint32_t address, int action, int bytes) {
  struct in_pktinfo *info = (struct in_pktinfo *)CMSG_DATA((struct cmsghdr *)controls[i]);
  *info = (struct in_pktinfo){.ipi_spec_dst.s_addr = htonl(FIRST_ADDRESS + address)};
  put32(packets[i] + 8, action);
  put32(packets[i] + 12, address);
  iovecs_out[i].iov_len = bytes;
}

static void send_batch(int socket, int count) {
  for (int sent = 0; sent < count;) {
    int n = sendmmsg(sockets[socket], messages_out + sent, count - sent, 0);
    if (n > 0) sent += n;
    else if (errno != EINTR && errno != ENOBUFS) fail("cannot send: %s", strerror(errno));
  }
  in_flight[socket] += count;
}

/* Reads what has come; announces are counted, connection ids kept. */
static void receive(int socket, uint32_t addresses) {
  int n = recvmmsg(sockets[socket], messages_in, BATCH, MSG_DONTWAIT, NULL);
  for (int i = 0; i < n; i++) {
    uint32_t action = get32(answers[i]), address = get32(answers[i] + 4);
    if (action == 1) replies++;
    else if (action == 0 && address < addresses) memcpy(&connection_ids[address], answers[i] + 8, 8);
    else errors++;
  }
  if (n > 0) in_flight[socket] = in_flight[socket] > n ? in_flight[socket] - n : 0;
}

/* Waits until the socket's batch is answered; what is not in time is lost. */
static void await(int socket, uint32_t addresses) {
  struct pollfd readable = {.fd = sockets[socket], .events = POLLIN};
  while (in_flight[socket] > 0) {
    if (poll(&readable, 1, LOST_AFTER_MS) > 0) receive(socket, addresses);
    else {
      lost += in_flight[socket];
      in_flight[socket] = 0;
    }
  }
}

static void connect_all(uint32_t addresses) {
  for (int round = 0; round < ROUNDS_MAX; round++) {
    int count = 0, missing = 0;
    for (uint32_t address = 0; address < addresses; address++) {
      if (connection_ids[address] == 0) {
        uint64_t id = htobe64(PROTOCOL_ID);
        memcpy(packets[count], &id, 8);
        address_packet(count++, address, 0, CONNECT_BYTES);
        missing++;
      }
      if (count < BATCH && (address + 1 < addresses || count == 0)) continue;
      send_batch(0, count);
      await(0, addresses);
      count = 0;
    }
    if (missing == 0) return;
  }
  fail("not every address got a connection id");
}

static void announce_batch(int socket, uint32_t addresses, uint32_t torrents) {
  for (int i = 0; i < BATCH; i++) {
    uint32_t address = random64() % addresses;
    memset(packets[i], 0, ANNOUNCE_BYTES);
    memcpy(packets[i], &connection_ids[address], 8);
    address_packet(i, address, 1, ANNOUNCE_BYTES);
    info_hash_of(random64() % torrents, packets[i] + 16);
    memcpy(packets[i] + 36, "-WG0001-abcdefghijkl", PEER_ID_BYTES);
    packets[i][71] = random_percent(25) ? 0 : 1;
    put32(packets[i] + 92, 50);
    packets[i][96] = 0x1a;
    packets[i][97] = 0xe1;
  }
  send_batch(socket, BATCH);
}

static long number(const char *text, long max) {
  char *end;
  long value = strtol(text, &end, 10);
  if (*end || value < 1 || value > max) fail("\"%s\" must be 1 to %ld", text, max);
  return value;
}

int main(int argc, char **argv) {
  if (argc != 5) fail("usage: %s PORT SECONDS ADDRESSES TORRENTS", argv[0]);
  uint32_t addresses = number(argv[3], 10000000), torrents = number(argv[4], 10000000);
  tracker.sin_port = htons(number(argv[1], 65535));
  connection_ids = calloc(addresses, sizeof *connection_ids);
  seed_random(now_ns());
  prepare();
  connect_all(addresses);
  printf("ready\n");
  fflush(stdout);
  /* Whoever measures notes where the tracker stands now. */
  usleep(READY_MS * 1000);
  int64_t start_ns = now_ns(), end_ns = start_ns + number(argv[2], 600) * 1000000000LL;
  while (now_ns() < end_ns) {
    for (int socket = 0; socket < SOCKETS; socket++) announce_batch(socket, addresses, torrents);
    for (int socket = 0; socket < SOCKETS; socket++) await(socket, addresses);
  }
  printf("{\"seconds\":%.3f,\"replies\":%lu,\"errors\":%lu,\"lost\":%lu}\n", (now_ns() - start_ns) / 1e9, replies, errors,
         lost);
}
