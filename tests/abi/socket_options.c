// SPDX-License-Identifier: MIT
//
// Options of level SOL_SOCKET on AF_UNIX sockets: values, limits, errors.

#include "sockets.h"

#include <grp.h>
#include <linux/capability.h>

static int p[2];

struct option {
  const char* name;
  int number;
};
#define OPTION(name) \
  { #name, name }
static const struct option options[] = {
    OPTION(SO_DEBUG),
    OPTION(SO_REUSEADDR),
    OPTION(SO_TYPE),
    OPTION(SO_ERROR),
    OPTION(SO_DONTROUTE),
    OPTION(SO_BROADCAST),
    OPTION(SO_SNDBUF),
    OPTION(SO_RCVBUF),
    OPTION(SO_KEEPALIVE),
    OPTION(SO_OOBINLINE),
    OPTION(SO_NO_CHECK),
    OPTION(SO_PRIORITY),
    OPTION(SO_BSDCOMPAT),
    OPTION(SO_PASSCRED),
    OPTION(SO_RCVLOWAT),
    OPTION(SO_SNDLOWAT),
    OPTION(SO_TIMESTAMP),
    OPTION(SO_ACCEPTCONN),
    OPTION(SO_TIMESTAMPNS),
    OPTION(SO_MARK),
    OPTION(SO_PROTOCOL),
    OPTION(SO_DOMAIN),
    OPTION(SO_RXQ_OVFL),
    OPTION(SO_PEEK_OFF),
    OPTION(SO_PASSSEC),
    OPTION(SO_NOFCS),
    OPTION(SO_SELECT_ERR_QUEUE),
    {"0", 0},
    {"99", 99},
    {"SO_TIMESTAMP_NEW", 63},
    {"SO_TIMESTAMPNS_NEW", 64},
    {"-1", -1},
};

static void show_option(const char* label, int fd, int number) {
  int value = -7777;
  socklen_t size = sizeof value;
  if (getsockopt(fd, SOL_SOCKET, number, &value, &size) == -1) {
    say("%s: %s", label, error_name(errno));
  } else {
    say("%s: %d (%u)", label, value, size);
  }
}

static void numbers(void) {
  make_pair(SOCK_STREAM, p);
  section("defaults");
  for (size_t i = 0; i < COUNT(options); i++) show_option(options[i].name, p[0], options[i].number);
  section("set to 1");
  for (size_t i = 0; i < COUNT(options); i++) {
    int one = 1;
    int result = setsockopt(p[0], SOL_SOCKET, options[i].number, &one, sizeof one);
    say("%s: %s", options[i].name, result == 0 ? "ok" : error_name(errno));
    show_option("  now", p[0], options[i].number);
  }
  close_pair(p);
}

static void set_and_show(int option, int value) {
  int result = setsockopt(p[0], SOL_SOCKET, option, &value, sizeof value);
  char label[64];
  snprintf(label, sizeof label, "%d := %d: %s", option, value,
           result == 0 ? "ok" : error_name(errno));
  int shown = option == SO_SNDBUFFORCE ? SO_SNDBUF : option == SO_RCVBUFFORCE ? SO_RCVBUF : option;
  show_option(label, p[0], shown);
}

static void buffers(void) {
  section("buffers");
  make_pair(SOCK_DGRAM, p);
  static const int sizes[] = {0,      1,      2000,   2304,    2305, 4096,   100000,
                              106496, 212992, 212993, 1 << 30, -1,   INT_MIN};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    set_and_show(SO_SNDBUF, sizes[i]);
    set_and_show(SO_RCVBUF, sizes[i]);
    set_and_show(SO_SNDBUFFORCE, sizes[i]);
    set_and_show(SO_RCVBUFFORCE, sizes[i]);
  }
  static const int marks[] = {0, 1, 5, -5};
  for (size_t i = 0; i < COUNT(marks); i++) {
    set_and_show(SO_RCVLOWAT, marks[i]);
    set_and_show(SO_PRIORITY, marks[i]);
    set_and_show(SO_MARK, marks[i]);
    set_and_show(SO_PEEK_OFF, marks[i]);
    set_and_show(SO_PASSCRED, marks[i]);
  }
  close_pair(p);
}

static void unprivileged(void) {
  setgroups(0, NULL);
  setgid(1000);
  setuid(1000);
  make_pair(SOCK_STREAM, p);
  set_and_show(SO_SNDBUFFORCE, 100000);
  set_and_show(SO_RCVBUFFORCE, 100000);
  set_and_show(SO_DEBUG, 1);
  set_and_show(SO_DEBUG, 0);
  set_and_show(SO_PRIORITY, 6);
  set_and_show(SO_PRIORITY, 7);
  set_and_show(SO_MARK, 1);
  SHOW(ioctl(p[0], SIOCUNIXFILE, NULL));
  close_pair(p);
}

static void lengths(void) {
  section("lengths and pointers");
  make_pair(SOCK_STREAM, p);
  int value = 1;
  SHOW(setsockopt(p[0], SOL_SOCKET, SO_KEEPALIVE, &value, 3));
  SHOW(setsockopt(p[0], SOL_SOCKET, SO_KEEPALIVE, &value, (socklen_t)-1));
  SHOW(setsockopt(p[0], SOL_SOCKET, SO_KEEPALIVE, BAD_KERNEL, 4));
  SHOW(setsockopt(p[0], SOL_SOCKET, 99, BAD_KERNEL, 4));
  SHOW(setsockopt(p[0], SOL_SOCKET, SO_KEEPALIVE, &value, 100));
  SHOW(setsockopt(p[0], 6, 1, &value, 4));
  SHOW(setsockopt(p[0], 6, 1, &value, (socklen_t)-1));
  socklen_t size = 2;
  char bytes[4] = {9, 9, 9, 9};
  SHOW(getsockopt(p[0], SOL_SOCKET, SO_TYPE, bytes, &size));
  say("%u: %d %d %d", size, bytes[0], bytes[1], bytes[2]);
  size = 100;
  SHOW(getsockopt(p[0], SOL_SOCKET, SO_TYPE, &value, &size));
  say("%u", size);
  size = (socklen_t)-1;
  SHOW(getsockopt(p[0], SOL_SOCKET, SO_TYPE, &value, &size));
  size = 0;
  SHOW(getsockopt(p[0], SOL_SOCKET, SO_TYPE, BAD_NULL, &size));
  size = 4;
  SHOW(getsockopt(p[0], SOL_SOCKET, SO_TYPE, BAD_NULL, &size));
  SHOW(getsockopt(p[0], SOL_SOCKET, SO_TYPE, &value, BAD_NULL));
  SHOW(getsockopt(p[0], 6, 1, &value, &size));
  SHOW(getsockopt(0x7777, SOL_SOCKET, SO_TYPE, &value, &size));
  struct linger linger = {1, 30};
  SHOW(setsockopt(p[0], SOL_SOCKET, SO_LINGER, &linger, 4));
  SHOW(setsockopt(p[0], SOL_SOCKET, SO_LINGER, &linger, 8));
  linger = (struct linger){7, 7};
  size = sizeof linger;
  SHOW(getsockopt(p[0], SOL_SOCKET, SO_LINGER, &linger, &size));
  say("linger %d %d", linger.l_onoff, linger.l_linger);
  linger = (struct linger){0, 50};
  SHOW(setsockopt(p[0], SOL_SOCKET, SO_LINGER, &linger, 8));
  SHOW(getsockopt(p[0], SOL_SOCKET, SO_LINGER, &linger, &size));
  say("linger %d %d", linger.l_onoff, linger.l_linger);
  close_pair(p);
}

static void timeouts(void) {
  section("timeouts");
  make_pair(SOCK_STREAM, p);
  static const struct timeval times[] = {{0, 0},           {0, 1},       {0, 4000}, {0, 4001},
                                         {1, 500000},      {0, 1000000}, {0, -1},   {-1, 0},
                                         {100000, 999999}, {0, 0}};
  for (size_t i = 0; i < COUNT(times); i++) {
    struct timeval read_back = {7, 7};
    socklen_t size = sizeof read_back;
    int result =
        setsockopt(p[0], SOL_SOCKET, i % 2 ? SO_RCVTIMEO : SO_SNDTIMEO, &times[i], sizeof times[i]);
    say("{%ld, %ld}: %s", times[i].tv_sec, times[i].tv_usec,
        result == 0 ? "ok" : error_name(errno));
    getsockopt(p[0], SOL_SOCKET, i % 2 ? SO_RCVTIMEO : SO_SNDTIMEO, &read_back, &size);
    say("  {%ld, %ld} (%u)", read_back.tv_sec, read_back.tv_usec, size);
    if (result == 0) {
      setsockopt(p[0], SOL_SOCKET, i % 2 ? 66 : 67, &times[i], sizeof times[i]);
      getsockopt(p[0], SOL_SOCKET, i % 2 ? 66 : 67, &read_back, &size);
      say("  {%ld, %ld} (%u)", read_back.tv_sec, read_back.tv_usec, size);
    }
  }
  struct timeval time = {1, 0};
  SHOW(setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &time, 8));
  time.tv_sec = -5;
  SHOW(setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
  SHOW(recv(p[0], &time, 1, 0));
  close_pair(p);
}

struct peer {
  int32_t pid;
  uint32_t uid, gid;
};

static void show_peer(const char* label, int fd, pid_t expected) {
  struct peer peer = {-7, 7, 7};
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == -1) {
    say("%s: %s", label, error_name(errno));
    return;
  }
  say("%s: %s uid %d gid %d (%u)", label,
      peer.pid == expected ? "expected pid"
      : peer.pid == 0      ? "pid 0"
                           : "another pid",
      (int)peer.uid, (int)peer.gid, size);
}

static void peers(void) {
  section("peers");
  make_pair(SOCK_DGRAM, p);
  show_peer("pair", p[0], getpid());
  close_pair(p);
  int server = socket(AF_UNIX, SOCK_STREAM, 0);
  show_peer("fresh", server, getpid());
  MUST(bind_to(server, "@abi-peers"));
  show_peer("bound", server, getpid());
  pid_t parent = getpid();
  gid_t groups[2] = {77, 88};
  MUST(listen(server, 5));
  show_peer("listening", server, getpid());
  int gate[2];
  MUST(pipe(gate));
  pid_t child = fork();
  if (child == 0) {
    setgroups(2, groups);
    setresgid(500, 501, 502);
    setresuid(1000, 1001, 1002);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    MUST(connect_to(fd, "@abi-peers"));
    show_peer("client sees", fd, parent);
    write(gate[1], "x", 1);
    pause();
    _exit(0);
  }
  char one;
  read(gate[0], &one, 1);
  int fd = accept(server, NULL, NULL);
  show_peer("server sees", fd, child);
  gid_t seen[4] = {0};
  socklen_t size = 4;
  SHOW(getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, seen, &size));
  say("size %u", size);
  SHOW(getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, seen, &size));
  say("size %u: %u %u", size, seen[0], seen[1]);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  show_peer("behind its end", fd, child);
  SHOW(getsockopt(server, SOL_SOCKET, SO_PEERGROUPS, seen, &size));
  struct sockaddr_un name;
  size = sizeof name;
  SHOW(getsockopt(fd, SOL_SOCKET, SO_PEERNAME, &name, &size));
  size = 2;
  SHOW(getsockopt(fd, SOL_SOCKET, SO_PEERNAME, &name, &size));
  SHOW(getsockopt(server, SOL_SOCKET, SO_PEERNAME, &name, &size));
  char label[64];
  size = sizeof label;
  SHOW(getsockopt(fd, SOL_SOCKET, SO_PEERSEC, label, &size));
  show_option("SO_ACCEPTCONN of the server", server, SO_ACCEPTCONN);
  show_option("SO_ACCEPTCONN of the other", fd, SO_ACCEPTCONN);
  uint64_t cookie = 0;
  size = 8;
  SHOW(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size));
  YES(cookie != 0);
  size = 4;
  SHOW(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size));
  struct peer claim = {1, 2, 3};
  SHOW(setsockopt(fd, SOL_SOCKET, SO_PEERCRED, &claim, sizeof claim));
  close(fd);
  close(server);
  int fresh = socket(AF_UNIX, SOCK_DGRAM, 0);
  size = sizeof seen;
  SHOW(getsockopt(fresh, SOL_SOCKET, SO_PEERGROUPS, seen, &size));
  close(fresh);
}

int main(void) {
  numbers();
  buffers();
  section("unprivileged");
  IN_CHILD(unprivileged);
  lengths();
  timeouts();
  peers();
  return 0;
}
