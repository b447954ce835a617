// SPDX-License-Identifier: MIT
//
// socket_storm [exact] [THREADS [ROUNDS]]: threads that make, connect, fill, empty, pass and close
// AF_UNIX sockets of all types at random, many of them the same ones: streams whose bytes are
// checked, datagrams to full queues, descriptors in messages, cycles of sockets in their own
// queues, listeners that go with their backlog. Then the leak test of fork_storm.

#include "storm.h"

#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { kShared = 12, kMostThreads = 64 };

// Sockets that every thread uses and replaces.
static int shared[kShared];
static long rounds;
static long wrong;

static ssize_t send_with(int to, const void* data, size_t size, const int* fds, int count) {
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * 8)];
  } control;
  memset(&control, 0, sizeof control);
  struct iovec vector = {(void*)data, size};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  if (count > 0) {
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
    memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * (size_t)count);
  }
  return sendmsg(to, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// Takes what is there, and closes every descriptor that came.
static ssize_t receive_with(int from, void* data, size_t size, int flags) {
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * 8)];
  } control;
  struct iovec vector = {data, size};
  struct msghdr message = {.msg_iov = &vector,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
  ssize_t length = recvmsg(from, &message, MSG_DONTWAIT | flags);
  if (length < 0) return length;
  for (struct cmsghdr* header = CMSG_FIRSTHDR(&message); header != NULL;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      close(fd);
    }
  }
  return length;
}

static int random_type(uint64_t* state) {
  static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
  return types[next_random(state) % 3];
}

// A new pair takes the place of two shared sockets, which somebody may be using at this moment.
static void replace_shared(uint64_t* state) {
  int pair[2];
  if (socketpair(AF_UNIX, random_type(state), 0, pair) == -1) return;
  size_t at = next_random(state) % (kShared / 2) * 2;
  dup2(pair[0], shared[at]);
  dup2(pair[1], shared[at + 1]);
  close(pair[0]);
  close(pair[1]);
}

static void use_shared(uint64_t* state) {
  char data[5000];
  memset(data, 1, sizeof data);
  int fds[4];
  int count = (int)(next_random(state) % 5);
  for (int i = 0; i < count; i++) fds[i] = shared[next_random(state) % kShared];
  int to = shared[next_random(state) % kShared];
  send_with(to, data, next_random(state) % sizeof data, fds, count);
  int from = shared[next_random(state) % kShared];
  receive_with(from, data, next_random(state) % sizeof data,
               next_random(state) % 4 == 0 ? MSG_PEEK : 0);
  struct pollfd entry = {.fd = to, .events = POLLIN | POLLOUT};
  poll(&entry, 1, 0);
}

// Bytes through a pair of one's own, in pieces of any size: all of them, in order.
static void check_stream(uint64_t* state) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1) return;
  static _Thread_local unsigned char out[40000], in[40000];
  unsigned char sent = 0, received = 0;
  size_t waiting = 0;
  for (int i = 0; i < 8; i++) {
    size_t size = next_random(state) % sizeof out;
    for (size_t j = 0; j < size; j++) out[j] = (unsigned char)(sent + j);
    ssize_t moved = send_with(pair[0], out, size, pair, i % 3);
    if (moved > 0) sent = (unsigned char)(sent + moved), waiting += (size_t)moved;
    moved = receive_with(pair[1], in, next_random(state) % sizeof in, 0);
    for (ssize_t j = 0; j < moved; j++) {
      if (in[j] != received++) __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
    }
    if (moved > 0) waiting -= (size_t)moved;
  }
  int left = 0;
  ioctl(pair[1], 0x541b, &left);
  if ((size_t)left != waiting) __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
  close(pair[0]);
  close(pair[1]);
}

// Sockets that hold each other and nobody holds.
static void make_cycle(uint64_t* state) {
  int a[2], b[2];
  if (socketpair(AF_UNIX, random_type(state), 0, a) == -1) return;
  if (socketpair(AF_UNIX, random_type(state), 0, b) == 0) {
    send_with(a[0], "x", 1, &b[1], 1);
    send_with(b[0], "x", 1, a, 2);
    send_with(a[0], "x", 1, &shared[next_random(state) % kShared], 1);
    close(b[0]);
    close(b[1]);
  }
  close(a[0]);
  close(a[1]);
}

static void connect_to_listener(uint64_t* state) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  uint64_t number = next_random(state) % 3;
  snprintf(name.sun_path + 1, 20, "storm-%d", (int)number);
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 8);
  int type = number == 0 ? SOCK_SEQPACKET : SOCK_STREAM;
  int server = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
  bool listens = bind(server, (struct sockaddr*)&name, size) == 0 && listen(server, 3) == 0;
  int clients[3];
  for (int i = 0; i < 3; i++) {
    clients[i] = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
    if (connect(clients[i], (struct sockaddr*)&name, size) == 0)
      send_with(clients[i], "hello", 5, &server, 1);
  }
  if (listens && next_random(state) % 2 == 0) {
    int accepted = accept(server, NULL, NULL);
    char data[10];
    if (accepted >= 0) receive_with(accepted, data, sizeof data, 0);
    if (accepted >= 0) close(accepted);
  }
  close(server);
  for (int i = 0; i < 3; i++) close(clients[i]);
}

static void* use_sockets(void* argument) {
  uint64_t state = (uint64_t)(uintptr_t)argument * 0x9e3779b97f4a7c15u + 1;
  for (long i = 0; i < rounds; i++) {
    switch (next_random(&state) % 8) {
      case 0: replace_shared(&state); break;
      case 1: check_stream(&state); break;
      case 2: make_cycle(&state); break;
      case 3: connect_to_listener(&state); break;
      default: use_shared(&state);
    }
  }
  return NULL;
}

// How many bytes were not what was sent.
static long storm(int threads) {
  for (int i = 0; i < kShared; i += 2) MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, shared + i));
  pthread_t ids[kMostThreads];
  for (int i = 0; i < threads; i++)
    pthread_create(&ids[i], NULL, use_sockets, (void*)(uintptr_t)(i + 1));
  for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
  for (int i = 0; i < kShared; i++) close(shared[i]);
  // Whatever still is in flight: the last close of a socket looks for it.
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0) close(pair[0]), close(pair[1]);
  if (wrong != 0) say("bytes that were not what was sent: %ld", wrong);
  return wrong;
}

int main(int argc, char** argv) {
  alarm(0);
  signal(SIGPIPE, SIG_IGN);
  struct rlimit limit = {4096, 4096};
  setrlimit(RLIMIT_NOFILE, &limit);
  struct words words = words_of(argc, argv);
  int threads = (int)number_of(&words, 0, 6);
  long all_rounds = number_of(&words, 1, 1500);
  if (threads > kMostThreads) threads = kMostThreads;
  return storm_and_count(storm, threads, &rounds, all_rounds / 4, all_rounds, words.exact);
}
