// SPDX-License-Identifier: MIT
//
// SOCK_DGRAM of AF_UNIX: whole messages, queues, connections that only name the other side.

#include "sockets.h"

#include <pthread.h>

static int p[2];
static char data[1 << 18];

static int datagram_at(const char* name) {
  int fd = (int)MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
  MUST(bind_to(fd, name));
  return fd;
}

static void pairs(void) {
  section("pairs");
  make_pair(SOCK_DGRAM, p);
  POLLED(p[0]);
  SHOW(write(p[0], "first", 5));
  SHOW(write(p[0], "", 0));
  SHOW(write(p[0], "second", 6));
  SHOW(queued(p[1], SIOCINQ));
  SHOW(queued(p[0], SIOCOUTQ));
  POLLED(p[1]);
  RECEIVE(p[1], 3, MSG_PEEK);
  RECEIVE(p[1], 3, MSG_PEEK | MSG_TRUNC);
  RECEIVE(p[1], 3, 0);
  RECEIVE(p[1], 3, 0);
  RECEIVE(p[1], 100, 0);
  RECEIVE(p[1], 100, MSG_DONTWAIT);
  SHOW(write(p[0], "third", 5));
  SHOW(recv(p[1], data, 2, MSG_TRUNC));
  SHOW(write(p[0], "x", 1));
  SHOW(read(p[1], data, 0));
  SHOW(recv(p[1], data, 0, 0));
  RECEIVE(p[1], 100, MSG_DONTWAIT);
  SHOW(write(p[0], "fault", 5));
  SHOW(read(p[1], BAD_KERNEL, 5));
  RECEIVE(p[1], 100, MSG_DONTWAIT);
  SHOW(write(p[0], "fault", 5));
  SHOW(recv(p[1], edge(2), 5, 0));
  RECEIVE(p[1], 100, MSG_DONTWAIT);
  SHOW(write(p[0], edge(4), 8));
  struct iovec parts[2] = {{"ab", 2}, {"cd", 2}};
  SHOW(writev(p[0], parts, 2));
  SHOW(writev(p[0], parts, 0));
  RECEIVE(p[1], 100, MSG_WAITALL);
  SHOW(send(p[0], "x", 1, MSG_OOB));
  SHOW(recv(p[0], data, 1, MSG_OOB));
  SHOW(listen(p[0], 1));
  SHOW(accept(p[0], NULL, NULL));
  SHOW(shutdown(p[0], SHUT_WR));
  SHOW(write(p[0], "x", 1));
  POLLED(p[0]);
  POLLED(p[1]);
  SHOW(write(p[1], "y", 1));
  SHOW(shutdown(p[0], SHUT_RD));
  POLLED(p[0]);
  SHOW(write(p[1], "y", 1));
  RECEIVE(p[0], 10, 0);
  RECEIVE(p[0], 10, 0);
  RECEIVE(p[0], 10, MSG_DONTWAIT);
  close_pair(p);
  make_pair(SOCK_DGRAM, p);
  SHOW(write(p[0], "kept", 4));
  SHOW(write(p[1], "lost", 4));
  close(p[1]);
  POLLED(p[0]);
  RECEIVE(p[0], 10, MSG_DONTWAIT);
  SHOW(write(p[0], "x", 1));
  SHOW(write(p[0], "x", 1));
  RECEIVE(p[0], 10, MSG_DONTWAIT);
  POLLED(p[0]);
  close(p[0]);
}

static void limits(void) {
  section("limits");
  static const size_t sizes[] = {0, 1, 700, 1000, 4000, 16064, 16065, 30000, 85000};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    make_pair(SOCK_DGRAM | SOCK_NONBLOCK, p);
    int count = 0;
    while (send(p[0], data, sizes[i], 0) == (ssize_t)sizes[i]) count++;
    say("%zu: %d fit, %d charged, %s", sizes[i], count, queued(p[0], SIOCOUTQ), error_name(errno));
    close_pair(p);
  }
  make_pair(SOCK_DGRAM, p);
  SHOW(send(p[0], data, 212992 - 31, 0));
  for (size_t i = 0; i < sizeof data; i++) data[i] = (char)(i * 13 + i / 700);
  SHOW(send(p[0], data, 212992 - 32, 0));
  static char back[1 << 18];
  SHOW(recv(p[1], back, sizeof back, 0));
  YES(memcmp(data, back, 212992 - 32) == 0);
  int size = 5000;
  SHOW(setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
  SHOW(send(p[0], data, 10000 - 31, 0));
  SHOW(send(p[0], data, 10000 - 32, 0));
  SHOW(send(p[0], data, 1, MSG_DONTWAIT));
  close_pair(p);
  int server = datagram_at("@abi-dgram-limit");
  int client = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  int count = 0;
  while (send_to(client, "@abi-dgram-limit", "x") == 1) count++;
  say("%d fit unconnected: %s", count, error_name(errno));
  POLLED(client);
  SHOW(connect_to(client, "@abi-dgram-limit"));
  POLLED(client);
  SHOW(write(client, "x", 1));
  SHOW(recv(server, data, 1, 0));
  POLLED(client);
  SHOW(write(client, "x", 1));
  SHOW(write(client, "x", 1));
  struct timeval limit = {0, 20000};
  fcntl(client, F_SETFL, 0);
  setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  SHOW(write(client, "x", 1));
  SHOW(connect_to(server, "@abi-dgram-limit"));
  SHOW(write(server, "self", 4));
  close(client);
  close(server);
}

static void* receive_later(void* argument) {
  sleep_ms(30);
  char one;
  for (int i = 0; i < 3; i++) recv((int)(intptr_t)argument, &one, 1, 0);
  return NULL;
}

static void* send_later(void* argument) {
  sleep_ms(30);
  send((int)(intptr_t)argument, "late", 4, 0);
  return NULL;
}

static void* close_later(void* argument) {
  sleep_ms(30);
  shutdown((int)(intptr_t)argument, SHUT_RD);
  return NULL;
}

static void waiting(void) {
  section("waiting");
  pthread_t thread;
  int server = datagram_at("@abi-dgram-wait");
  int client = socket(AF_UNIX, SOCK_DGRAM, 0);
  MUST(connect_to(client, "@abi-dgram-wait"));
  while (send(client, "x", 1, MSG_DONTWAIT) == 1) {
  }
  pthread_create(&thread, NULL, receive_later, (void*)(intptr_t)server);
  SHOW(send(client, "y", 1, 0));
  pthread_join(thread, NULL);
  while (send(client, "x", 1, MSG_DONTWAIT) == 1) {
  }
  pthread_create(&thread, NULL, receive_later, (void*)(intptr_t)server);
  struct pollfd entry = {.fd = client, .events = POLLOUT};
  SHOW(poll(&entry, 1, 2000));
  say("%#x", (unsigned)entry.revents);
  pthread_join(thread, NULL);
  close(client);
  close(server);
  make_pair(SOCK_DGRAM, p);
  pthread_create(&thread, NULL, send_later, (void*)(intptr_t)p[0]);
  RECEIVE(p[1], 100, 0);
  pthread_join(thread, NULL);
  pthread_create(&thread, NULL, close_later, (void*)(intptr_t)p[1]);
  RECEIVE(p[1], 100, 0);
  pthread_join(thread, NULL);
  close_pair(p);
}

static void show_from(int fd) {
  struct sockaddr_un from;
  socklen_t size = sizeof from;
  memset(&from, 0xee, sizeof from);
  char text[64] = "";
  ssize_t length = recvfrom(fd, text, 60, MSG_DONTWAIT, (struct sockaddr*)&from, &size);
  if (length < 0) {
    say("recvfrom: %s", error_name(errno));
  } else {
    const char* name = size <= 2 ? "" : from.sun_path[0] != 0 ? from.sun_path : from.sun_path + 1;
    say("recvfrom: %zd \"%s\" from %u \"%.*s\"", length, text, size, (int)(size > 2 ? size - 3 : 0),
        name);
  }
}

static void names(void) {
  section("who sent it");
  unlink("/tmp/dgram-a");
  unlink("/tmp/dgram-b");
  int a = datagram_at("/tmp/dgram-a"), b = datagram_at("/tmp/dgram-b");
  int nameless = socket(AF_UNIX, SOCK_DGRAM, 0);
  SHOW(send_to(a, "/tmp/dgram-b", "from a"));
  SHOW(send_to(nameless, "/tmp/dgram-b", "from nobody"));
  SHOW(send_to(b, "/tmp/dgram-b", "from itself"));
  show_from(b);
  show_from(b);
  show_from(b);
  show_from(b);
  SHOW(write(a, "x", 1));
  SHOW(send_to(a, "/tmp/dgram-none", "x"));
  SHOW(send_to(a, "@abi-none", "x"));
  SHOW(connect_to(a, "/tmp/dgram-b"));
  SHOW(write(a, "connected", 9));
  show_from(b);
  SHOW(send_to(a, "/tmp/dgram-a", "to itself"));
  SHOW(send_to(nameless, "/tmp/dgram-a", "refused"));
  SHOW(send_to(b, "/tmp/dgram-a", "allowed"));
  show_from(a);
  SHOW(connect_to(nameless, "/tmp/dgram-a"));
  struct sockaddr unspecified = {.sa_family = AF_UNSPEC};
  SHOW(connect(a, &unspecified, sizeof unspecified));
  SHOW(connect(a, &unspecified, 2));
  SHOW(connect(a, &unspecified, 1));
  SHOW(write(a, "x", 1));
  SHOW(connect_to(nameless, "/tmp/dgram-a"));
  SHOW(write(nameless, "now", 3));
  show_from(a);
  close(a);
  SHOW(write(nameless, "gone", 4));
  SHOW(write(nameless, "gone", 4));
  SHOW(connect_to(nameless, "/tmp/dgram-a"));
  close(b);
  close(nameless);
  section("disconnected with messages waiting");
  a = datagram_at("@abi-dgram-a");
  b = datagram_at("@abi-dgram-b");
  SHOW(connect_to(a, "@abi-dgram-b"));
  SHOW(connect_to(b, "@abi-dgram-a"));
  SHOW(write(b, "pending", 7));
  SHOW(connect(a, &unspecified, sizeof unspecified));
  POLLED(b);
  SHOW(write(b, "x", 1));
  SHOW(write(b, "x", 1));
  show_from(a);
  show_from(a);
  close(a);
  close(b);
  unlink("/tmp/dgram-a");
  unlink("/tmp/dgram-b");
}

static void many(void) {
  section("sendmmsg and recvmmsg");
  make_pair(SOCK_DGRAM, p);
  struct iovec parts[3] = {{"one", 3}, {"three", 5}, {"", 0}};
  struct mmsghdr out[3] = {{.msg_hdr = {.msg_iov = parts, .msg_iovlen = 1}},
                           {.msg_hdr = {.msg_iov = parts + 1, .msg_iovlen = 1}},
                           {.msg_hdr = {.msg_iov = parts + 2, .msg_iovlen = 1}}};
  SHOW(sendmmsg(p[0], out, 3, 0));
  say("%u %u %u", out[0].msg_len, out[1].msg_len, out[2].msg_len);
  char texts[4][10];
  memset(texts, 0, sizeof texts);
  struct iovec places[4] = {{texts[0], 9}, {texts[1], 2}, {texts[2], 9}, {texts[3], 9}};
  struct mmsghdr in[4];
  memset(in, 0, sizeof in);
  for (int i = 0; i < 4; i++) in[i].msg_hdr.msg_iov = &places[i], in[i].msg_hdr.msg_iovlen = 1;
  SHOW(recvmmsg(p[1], in, 4, MSG_WAITFORONE, NULL));
  for (int i = 0; i < 3; i++)
    say("%u %s %s", in[i].msg_len, texts[i], message_flags(in[i].msg_hdr.msg_flags));
  SHOW(recvmmsg(p[1], in, 4, MSG_DONTWAIT, NULL));
  struct timespec limit = {1, 2000000000};
  SHOW(recvmmsg(p[1], in, 4, MSG_DONTWAIT, &limit));
  SHOW(sendmmsg(p[0], out, 1, 0));
  limit = (struct timespec){0, 0};
  SHOW(recvmmsg(p[1], in, 4, 0, &limit));
  SHOW(sendmmsg(p[0], NULL, 1, 0));
  SHOW(sendmmsg(p[0], NULL, 0, 0));
  SHOW(recvmmsg(p[0], NULL, 0, 0, NULL));
  out[1].msg_hdr.msg_iovlen = 2000;
  SHOW(sendmmsg(p[0], out, 3, 0));
  SHOW(sendmmsg(p[0], out + 1, 2, 0));
  close_pair(p);
}

static void peeking(void) {
  section("SO_PEEK_OFF");
  make_pair(SOCK_DGRAM, p);
  int offset = 0;
  SHOW(setsockopt(p[1], SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset));
  write(p[0], "abcd", 4);
  write(p[0], "", 0);
  write(p[0], "efgh", 4);
  RECEIVE(p[1], 3, MSG_PEEK);
  RECEIVE(p[1], 3, MSG_PEEK);
  RECEIVE(p[1], 3, MSG_PEEK);
  RECEIVE(p[1], 3, MSG_PEEK);
  RECEIVE(p[1], 9, MSG_PEEK | MSG_DONTWAIT);
  RECEIVE(p[1], 9, MSG_PEEK | MSG_DONTWAIT);
  RECEIVE(p[1], 9, 0);
  RECEIVE(p[1], 9, MSG_PEEK | MSG_DONTWAIT);
  close_pair(p);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  pairs();
  limits();
  waiting();
  names();
  many();
  peeking();
  return 0;
}
