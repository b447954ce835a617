// SPDX-License-Identifier: MIT
//
// Ancillary data on AF_UNIX sockets: descriptors (SCM_RIGHTS), their limits and cycles, credentials
// (SCM_CREDENTIALS), time stamps.

#include "sockets.h"

#include <sys/prctl.h>
#include <sys/resource.h>

static int p[2];
static char data[4096];

struct peer {
  int32_t pid;
  uint32_t uid, gid;
};

// Receives and describes everything: data, flags, each piece of control data.
static void receive_all(const char* label, int fd, size_t size, size_t room, int flags) {
  union {
    struct cmsghdr header;
    char bytes[2048];
  } control;
  memset(data, 0, sizeof data);
  memset(&control, 0, sizeof control);
  struct iovec vector = {data, size};
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = room};
  ssize_t length = recvmsg(fd, &message, flags);
  if (length < 0) {
    say("%s: %s", label, error_name(errno));
    return;
  }
  say("%s: %zd \"%.40s\" %scontrol %zu", label, length, data, message_flags(message.msg_flags),
      message.msg_controllen);
  for (struct cmsghdr* header = CMSG_FIRSTHDR(&message); header != NULL;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_type == SCM_RIGHTS && header->cmsg_level == SOL_SOCKET) {
      size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      int cloexec = -1;
      for (size_t i = 0; i < count; i++) {
        int got;
        memcpy(&got, CMSG_DATA(header) + i * sizeof got, sizeof got);
        cloexec = fcntl(got, F_GETFD);
        close(got);
      }
      say("  %zu descriptors, length %zu, close-on-exec %d", count, header->cmsg_len, cloexec);
    } else if (header->cmsg_type == SCM_CREDENTIALS && header->cmsg_level == SOL_SOCKET) {
      struct peer peer = {-7, 7, 7};
      memcpy(&peer, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
      say("  credentials, length %zu: %s uid %d gid %d", header->cmsg_len,
          peer.pid == getpid() ? "own pid"
          : peer.pid == 0      ? "pid 0"
                               : "another pid",
          (int)peer.uid, (int)peer.gid);
    } else {
      say("  level %d type %d length %zu", header->cmsg_level, header->cmsg_type, header->cmsg_len);
    }
  }
}

static void passing(int type) {
  say("--- passing, type %d", type);
  make_pair(type, p);
  int ends[2];
  MUST(pipe(ends));
  SHOW(send_fds(p[0], "pipe", 4, &ends[1], 1, 0));
  close(ends[1]);
  int got[300];
  int told;
  ssize_t length;
  SHOW(receive_fds(p[1], data, 100, got, 4, 0, &told, &length));
  say("%zd %s", length, message_flags(told));
  SHOW(write(got[0], "through", 7));
  SHOW(read(ends[0], data, 100));
  close(got[0]);
  SHOW(read(ends[0], data, 100));
  int many[3] = {0, 1, 2};
  send_fds(p[0], "cloexec", 7, many, 3, 0);
  receive_all("CMSG_CLOEXEC", p[1], 100, 1000, MSG_CMSG_CLOEXEC);
  send_fds(p[0], "short", 5, many, 3, 0);
  receive_all("room for two", p[1], 100, CMSG_LEN(2 * sizeof(int)), 0);
  send_fds(p[0], "none", 4, many, 3, 0);
  receive_all("no room", p[1], 100, 0, 0);
  send_fds(p[0], "little", 6, many, 3, 0);
  receive_all("room for a header", p[1], 100, CMSG_LEN(0), 0);
  send_fds(p[0], "less", 4, many, 3, 0);
  receive_all("less than a header", p[1], 100, 15, 0);
  send_fds(p[0], "read", 4, many, 1, 0);
  SHOW(read(p[1], data, 100));
  send_fds(p[0], "recvmsg", 7, many, 1, 0);
  RECEIVE(p[1], 100, 0);
  send_fds(p[0], "peek", 4, many, 2, 0);
  receive_all("peek", p[1], 2, 1000, MSG_PEEK);
  receive_all("peek again", p[1], 100, 1000, MSG_PEEK);
  receive_all("part", p[1], 2, 1000, 0);
  receive_all("rest", p[1], 100, 1000, MSG_DONTWAIT);
  SHOW(send_fds(p[0], "", 0, many, 1, 0));
  receive_all("empty", p[1], 100, 1000, MSG_DONTWAIT);
  int bad[2] = {0, 999};
  SHOW(send_fds(p[0], "x", 1, bad, 2, 0));
  bad[1] = -1;
  SHOW(send_fds(p[0], "x", 1, bad, 2, 0));
  for (int i = 0; i < 300; i++) got[i] = 1;
  SHOW(send_fds(p[0], "most", 4, got, 253, 0));
  receive_all("most", p[1], 100, 2000, 0);
  SHOW(send_fds(p[0], "more", 4, got, 254, 0));
  SHOW(send_fds(p[0], "zero", 4, got, 0, 0));
  receive_all("zero", p[1], 100, 1000, 0);
  int place = open("/", O_PATH);
  SHOW(send_fds(p[0], "path", 4, &place, 1, 0));
  receive_all("O_PATH", p[1], 100, 1000, 0);
  close(place);
  struct rlimit limit, lower;
  getrlimit(RLIMIT_NOFILE, &limit);
  lower = limit;
  int next = dup(0);
  close(next);
  lower.rlim_cur = (rlim_t)next + 1;
  send_fds(p[0], "limit", 5, many, 3, 0);
  setrlimit(RLIMIT_NOFILE, &lower);
  receive_all("RLIMIT_NOFILE", p[1], 100, 1000, 0);
  setrlimit(RLIMIT_NOFILE, &limit);
  close(ends[0]);
  close_pair(p);
}

static void boundaries(void) {
  section("where reads end");
  make_pair(SOCK_STREAM, p);
  int fd = 1;
  write(p[0], "ab", 2);
  send_fds(p[0], "cd", 2, &fd, 1, 0);
  write(p[0], "ef", 2);
  send_fds(p[0], "gh", 2, &fd, 1, 0);
  send_fds(p[0], "ij", 2, &fd, 1, 0);
  receive_all("peek", p[1], 100, 1000, MSG_PEEK);
  receive_all("first", p[1], 100, 1000, 0);
  receive_all("second", p[1], 100, 1000, 0);
  receive_all("third", p[1], 100, 1000, 0);
  receive_all("fourth", p[1], 100, 1000, MSG_DONTWAIT);
  write(p[0], "kl", 2);
  int on = 1;
  setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  write(p[0], "mn", 2);
  write(p[0], "op", 2);
  pid_t child = fork();
  if (child == 0) {
    write(p[0], "qr", 2);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  write(p[0], "st", 2);
  receive_all("without", p[1], 100, 1000, 0);
  receive_all("own", p[1], 100, 1000, 0);
  receive_all("child's", p[1], 100, 1000, 0);
  receive_all("own again", p[1], 100, 1000, 0);
  write(p[0], "uv", 2);
  receive_all("no room", p[1], 100, 0, 0);
  write(p[0], "uv", 2);
  receive_all("room for half", p[1], 100, CMSG_LEN(4), 0);
  write(p[0], "uv", 2);
  SHOW(read(p[1], data, 10));
  send_fds(p[0], "wx", 2, &fd, 1, 0);
  receive_all("both", p[1], 100, 1000, 0);
  close_pair(p);
}

static ssize_t send_control(int level, int type, const void* bytes, size_t size, size_t claimed) {
  union {
    struct cmsghdr header;
    char bytes[256];
  } control;
  memset(&control, 0, sizeof control);
  struct iovec vector = {"c", 1};
  struct msghdr message = {.msg_iov = &vector,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = CMSG_SPACE(size)};
  control.header = (struct cmsghdr){.cmsg_len = claimed, .cmsg_level = level, .cmsg_type = type};
  memcpy(CMSG_DATA(&control.header), bytes, size);
  return sendmsg(p[0], &message, MSG_DONTWAIT);
}

static ssize_t claim(pid_t pid, uid_t uid, gid_t gid) {
  struct peer peer = {pid, uid, gid};
  return send_control(SOL_SOCKET, SCM_CREDENTIALS, &peer, sizeof peer, CMSG_LEN(sizeof peer));
}

static void claims(void) {
  setresgid(500, 501, 502);
  setresuid(1000, 1001, 1002);
  SHOW(claim(getpid(), 1000, 500));
  SHOW(claim(getpid(), 1001, 501));
  SHOW(claim(getpid(), 1002, 502));
  SHOW(claim(getpid(), 0, 500));
  SHOW(claim(getpid(), 1000, 0));
  SHOW(claim(1, 1000, 500));
  SHOW(write(p[0], "w", 1));
  for (int i = 0; i < 4; i++) receive_all("claimed", p[1], 100, 1000, MSG_DONTWAIT);
}

static void credentials(void) {
  section("credentials");
  make_pair(SOCK_DGRAM, p);
  receive_all("nothing", p[1], 100, 1000, MSG_DONTWAIT);
  SHOW(claim(getpid(), 0, 0));
  receive_all("not asked for", p[1], 100, 1000, 0);
  write(p[0], "before", 6);
  int on = 1;
  setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  receive_all("sent before", p[1], 100, 1000, 0);
  write(p[0], "behind", 6);
  receive_all("sent behind", p[1], 100, 1000, 0);
  SHOW(claim(1, 77, 88));
  receive_all("claimed", p[1], 100, 1000, 0);
  SHOW(claim(999999, 77, 88));
  SHOW(claim(getpid(), (uid_t)-1, 0));
  struct peer peer = {getpid(), 0, 0};
  SHOW(send_control(SOL_SOCKET, SCM_CREDENTIALS, &peer, sizeof peer, CMSG_LEN(8)));
  SHOW(send_control(SOL_SOCKET, SCM_CREDENTIALS, &peer, sizeof peer, 15));
  SHOW(send_control(SOL_SOCKET, SCM_CREDENTIALS, &peer, sizeof peer, 1000));
  SHOW(send_control(SOL_SOCKET, 77, &peer, sizeof peer, CMSG_LEN(sizeof peer)));
  SHOW(send_control(77, 77, &peer, sizeof peer, CMSG_LEN(sizeof peer)));
  receive_all("other level", p[1], 100, 1000, MSG_DONTWAIT);
  struct iovec vector = {"c", 1};
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = BAD_KERNEL, .msg_controllen = 16};
  SHOW(sendmsg(p[0], &message, 0));
  message.msg_controllen = 20481;
  SHOW(sendmsg(p[0], &message, 0));
  message.msg_control = data;
  message.msg_controllen = 10;
  SHOW(sendmsg(p[0], &message, 0));
  message.msg_controllen = 0;
  message.msg_iovlen = 1025;
  SHOW(sendmsg(p[0], &message, 0));
  SHOW(recvmsg(p[1], &message, 0));
  message.msg_iovlen = 1;
  message.msg_namelen = (socklen_t)-1;
  SHOW(sendmsg(p[0], &message, 0));
  SHOW(recvmsg(p[1], &message, 0));
  SHOW(sendmsg(p[0], BAD_NULL, 0));
  SHOW(recvmsg(p[1], BAD_KERNEL, 0));
  SHOW(sendmsg(p[0], &message, (int)0x80000000));
  while (recv(p[1], data, 10, MSG_DONTWAIT) > 0) {
  }
  IN_CHILD(claims);
  close_pair(p);
  section("time");
  make_pair(SOCK_DGRAM, p);
  setsockopt(p[1], SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on);
  write(p[0], "x", 1);
  receive_all("SO_TIMESTAMP", p[1], 100, 1000, 0);
  setsockopt(p[1], SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  write(p[0], "x", 1);
  receive_all("SO_TIMESTAMPNS", p[1], 100, 1000, 0);
  setsockopt(p[1], SOL_SOCKET, 63, &on, sizeof on);
  write(p[0], "x", 1);
  receive_all("SO_TIMESTAMP_NEW", p[1], 100, 1000, 0);
  close_pair(p);
}

// The other end of a pipe was in something that nobody can reach: it is closed, at the latest when
// the next sockets are.
static bool is_closed(int reader) {
  for (int i = 0; i < 100; i++) {
    struct pollfd entry = {.fd = reader, .events = POLLIN};
    if (poll(&entry, 1, 50) == 1 && (entry.revents & POLLHUP) != 0) return true;
    int other[2];
    make_pair(SOCK_STREAM, other);
    close_pair(other);
  }
  return false;
}

static void cycles(void) {
  section("cycles");
  int ends[2];
  MUST(pipe(ends));
  make_pair(SOCK_STREAM, p);
  MUST(send_fds(p[0], "x", 1, &ends[1], 1, 0));
  close(ends[1]);
  close_pair(p);
  YES_AS("closed with its queue", is_closed(ends[0]));
  close(ends[0]);

  MUST(pipe(ends));
  make_pair(SOCK_DGRAM, p);
  MUST(send_fds(p[0], "self", 4, &p[1], 1, 0));
  MUST(send_fds(p[0], "pipe", 4, &ends[1], 1, 0));
  close(ends[1]);
  close_pair(p);
  YES_AS("a socket in its own queue", is_closed(ends[0]));
  close(ends[0]);

  MUST(pipe(ends));
  int q[2];
  make_pair(SOCK_STREAM, p);
  make_pair(SOCK_STREAM, q);
  MUST(send_fds(p[0], "x", 1, &q[1], 1, 0));
  MUST(send_fds(p[0], "x", 1, &ends[1], 1, 0));
  MUST(send_fds(q[0], "x", 1, &p[1], 1, 0));
  close(ends[1]);
  close_pair(p);
  close_pair(q);
  YES_AS("two sockets in each other's queue", is_closed(ends[0]));
  close(ends[0]);

  MUST(pipe(ends));
  int server = listener_at(SOCK_STREAM, "@abi-cycle", 5);
  int client = socket(AF_UNIX, SOCK_STREAM, 0);
  MUST(connect_to(client, "@abi-cycle"));
  MUST(send_fds(client, "x", 1, &server, 1, 0));
  MUST(send_fds(client, "x", 1, &ends[1], 1, 0));
  close(ends[1]);
  close(server);
  close(client);
  YES_AS("a listener in its backlog", is_closed(ends[0]));
  close(ends[0]);

  // Reachable: the outer socket is still open.
  int outer[2];
  MUST(pipe(ends));
  make_pair(SOCK_STREAM, outer);
  make_pair(SOCK_DGRAM, p);
  MUST(send_fds(p[0], "self", 4, &p[1], 1, 0));
  MUST(send_fds(p[0], "pipe", 4, &ends[1], 1, 0));
  MUST(send_fds(outer[0], "x", 1, &p[1], 1, 0));
  close(ends[1]);
  close_pair(p);
  make_pair(SOCK_DGRAM, p);
  MUST(send_fds(p[0], "self", 4, &p[1], 1, 0));
  close_pair(p);
  int got[4], told;
  ssize_t length;
  SHOW(receive_fds(outer[1], data, 10, got, 4, 0, &told, &length));
  int inner = got[0];
  SHOW(receive_fds(inner, data, 10, got, 4, 0, &told, &length));
  close(got[0]);
  SHOW(receive_fds(inner, data, 10, got, 4, 0, &told, &length));
  SHOW(write(got[0], "alive", 5));
  SHOW(read(ends[0], data, 10));
  close(got[0]);
  close(inner);
  close(ends[0]);
  close_pair(outer);

  // A long chain: each socket lies in the queue of the next.
  MUST(pipe(ends));
  int carried = ends[1];
  for (int i = 0; i < 3000; i++) {
    make_pair(SOCK_DGRAM, p);
    MUST(send_fds(p[0], "x", 1, &carried, 1, 0));
    close(p[0]);
    close(carried);
    carried = p[1];
  }
  close(carried);
  YES_AS("a chain of 3000", is_closed(ends[0]));
  close(ends[0]);
}

static void too_many(void) {
  struct rlimit limit = {100, 100};
  setrlimit(RLIMIT_NOFILE, &limit);
  setresgid(1000, 1000, 1000);
  setresuid(4321, 4321, 4321);
  int pairs[20][2];
  int used = 0, sent = 0;
  int fds[20];
  for (int i = 0; i < 20; i++) fds[i] = 1;
  make_pair(SOCK_DGRAM, pairs[used++]);
  while (send_fds(pairs[0][0], "x", 1, fds, 20, MSG_DONTWAIT) == 1) sent++;
  say("%d messages of 20: %s", sent, error_name(errno));
  int told;
  ssize_t length;
  int got[20];
  SHOW(receive_fds(pairs[0][1], data, 10, got, 20, 0, &told, &length));
  SHOW(send_fds(pairs[0][0], "x", 1, fds, 1, MSG_DONTWAIT));
  close_pair(pairs[0]);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  struct rlimit limit = {4096, 4096};
  setrlimit(RLIMIT_NOFILE, &limit);
  passing(SOCK_STREAM);
  passing(SOCK_DGRAM);
  boundaries();
  credentials();
  cycles();
  section("too many");
  IN_CHILD(too_many);
  return 0;
}
