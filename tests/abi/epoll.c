// SPDX-License-Identifier: MIT
//
// epoll(7): level, edge and one-shot triggering, what belongs to a descriptor and what to an open
// file, sets in sets, wake-one, signals and timeouts, and the order of epoll_ctl's errors.

#include "abi.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <termios.h>

static const char* events_text(uint32_t events) {
  static const struct {
    uint32_t bit;
    const char* name;
  } names[] = {{EPOLLIN, "IN"},         {EPOLLOUT, "OUT"},       {EPOLLPRI, "PRI"},
               {EPOLLERR, "ERR"},       {EPOLLHUP, "HUP"},       {EPOLLRDNORM, "RDNORM"},
               {EPOLLWRNORM, "WRNORM"}, {EPOLLRDHUP, "RDHUP"},   {EPOLLET, "ET"},
               {EPOLLONESHOT, "ONE"},   {EPOLLEXCLUSIVE, "EXC"}, {EPOLLWAKEUP, "WAKE"}};
  static char text[4][120];
  static int next;
  char* out = text[next++ % 4];
  strcpy(out, events == 0 ? "-" : "");
  for (unsigned i = 0; i < COUNT(names); i++) {
    if ((events & names[i].bit) == 0) continue;
    if (*out) strcat(out, "|");
    strcat(out, names[i].name);
    events &= ~names[i].bit;
  }
  if (events != 0) strcat(out, "|?");
  return out;
}

static int make_set(void) { return (int)MUST(epoll_create1(EPOLL_CLOEXEC)); }

static long ctl(int set, int operation, int fd, uint32_t events, uint64_t data) {
  struct epoll_event event = {.events = events, .data.u64 = data};
  return epoll_ctl(set, operation, fd, &event);
}
static long add(int set, int fd, uint32_t events, uint64_t data) {
  return ctl(set, EPOLL_CTL_ADD, fd, events, data);
}

// What the set says now, in its order: "label: 2 [7 IN] [9 IN|HUP]".
static void ask(const char* label, int set, int most) {
  struct epoll_event events[64];
  int count = epoll_wait(set, events, most, 0);
  char line[1024];
  int at = snprintf(line, sizeof line, "%-40s %d", label, count);
  for (int i = 0; i < count; i++) {
    at += snprintf(line + at, sizeof line - (size_t)at, " [%lx %s]", (long)events[i].data.u64,
                   events_text(events[i].events));
  }
  say("%s", line);
}

static void put(int fd, size_t size) {
  static char data[1 << 17];
  if (write(fd, data, size) == -1) say("write: %s", error_name(errno));
}
static void get(int fd, size_t size) {
  static char data[1 << 17];
  if (read(fd, data, size) == -1) say("read: %s", error_name(errno));
}
static void signal_event(int fd) {
  uint64_t one = 1;
  if (write(fd, &one, 8) != 8) say("eventfd write: %s", error_name(errno));
}
static void take_event(int fd) {
  uint64_t value;
  if (read(fd, &value, 8) != 8) say("eventfd read: %s", error_name(errno));
}

// A terminal's data is on its way for a moment.
static void wait_readable(int fd) {
  struct pollfd entry = {fd, POLLIN, 0};
  if (poll(&entry, 1, 5000) != 1) say("never readable");
  sleep_ms(5);  // the other waiters of the queue
}

enum { kAll = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDNORM | EPOLLWRNORM | EPOLLRDHUP };

static void create(void) {
  section("create");
  SHOW(syscall(SYS_epoll_create1, 0));
  SHOW(syscall(SYS_epoll_create1, EPOLL_CLOEXEC));
  say("flags %d %d status %#o %#o", fcntl(3, F_GETFD), fcntl(4, F_GETFD), fcntl(3, F_GETFL),
      fcntl(4, F_GETFL));
  SHOW(syscall(SYS_epoll_create1, O_NONBLOCK));
  SHOW(syscall(SYS_epoll_create1, 1));
  char text[64] = "", byte;
  readlink("/proc/self/fd/3", text, sizeof text - 1);
  say("%s", text);
  SHOW(read(3, &byte, 1));
  SHOW(write(3, &byte, 1));
  SHOW(lseek(3, 5, SEEK_SET));
  SHOW(ioctl(3, FIONREAD, &byte));
  struct stat status;
  fstat(3, &status);
  say("mode %o size %ld", status.st_mode, (long)status.st_size);
  say("event: %zu bytes, data at %zu", sizeof(struct epoll_event),
      offsetof(struct epoll_event, data));
  close(3);
  close(4);
}

static void errors(void) {
  section("errors");
  int set = make_set(), fds[2];
  pipe(fds);
  int plain = open("/tmp/plain", O_RDWR | O_CREAT, 0644);
  int directory = open("/tmp", O_RDONLY), null = open("/dev/null", O_RDWR);
  int zero = open("/dev/zero", O_RDWR), path = open("/tmp", O_PATH);
  int proc = open("/proc/self/stat", O_RDONLY), urandom = open("/dev/urandom", O_RDONLY);
  int random = open("/dev/random", O_RDONLY);
  struct epoll_event event = {.events = EPOLLIN};
  SHOW_AS("closed set", add(99, fds[0], EPOLLIN, 0));
  SHOW_AS("closed target", add(set, 99, EPOLLIN, 0));
  SHOW_AS("set -1", add(-1, fds[0], EPOLLIN, 0));
  SHOW_AS("itself", add(set, set, EPOLLIN, 0));
  SHOW_AS("not a set", add(fds[0], fds[1], EPOLLIN, 0));
  SHOW_AS("regular file", add(set, plain, EPOLLIN, 0));
  SHOW_AS("directory", add(set, directory, EPOLLIN, 0));
  SHOW_AS("/dev/null", add(set, null, EPOLLIN, 0));
  SHOW_AS("/dev/zero", add(set, zero, EPOLLIN, 0));
  SHOW_AS("/dev/urandom", add(set, urandom, EPOLLIN, 0));
  SHOW_AS("/dev/random", add(set, random, EPOLLIN, 0));
  SHOW_AS("O_PATH", add(set, path, EPOLLIN, 0));
  SHOW_AS("/proc/self/stat", add(set, proc, EPOLLIN, 0));
  SHOW_AS("regular file to no set", add(fds[0], plain, EPOLLIN, 0));
  SHOW_AS("regular file, delete", ctl(set, EPOLL_CTL_DEL, plain, 0, 0));
  SHOW_AS("operation 0", ctl(set, 0, fds[0], EPOLLIN, 0));
  SHOW_AS("operation 4", ctl(set, 4, fds[0], EPOLLIN, 0));
  SHOW_AS("operation 4, bad pointer", epoll_ctl(set, 4, fds[0], BAD_NULL));
  SHOW_AS("bad pointer", epoll_ctl(set, EPOLL_CTL_ADD, fds[0], BAD_KERNEL));
  SHOW_AS("bad pointer, bad set", epoll_ctl(99, EPOLL_CTL_ADD, 98, BAD_NULL));
  SHOW_AS("bad pointer, delete", epoll_ctl(set, EPOLL_CTL_DEL, fds[0], BAD_KERNEL));
  SHOW_AS("half an event", epoll_ctl(set, EPOLL_CTL_ADD, fds[0], (void*)edge(15)));
  struct epoll_event* whole = (void*)edge(16);
  *whole = event;
  SHOW_AS("event before a hole", epoll_ctl(set, EPOLL_CTL_ADD, fds[0], whole));
  SHOW_AS("again", add(set, fds[0], EPOLLIN, 0));
  SHOW_AS("modify what is absent", ctl(set, EPOLL_CTL_MOD, fds[1], EPOLLIN, 0));
  SHOW_AS("delete what is absent", ctl(set, EPOLL_CTL_DEL, fds[1], EPOLLIN, 0));
  SHOW_AS("unknown event bits", add(set, fds[1], 0x0fff8000, 0));
  SHOW_AS("delete", ctl(set, EPOLL_CTL_DEL, fds[1], 0, 0));
  SHOW_AS("delete again", ctl(set, EPOLL_CTL_DEL, fds[1], 0, 0));
  SHOW_AS("exclusive and one-shot", add(set, fds[1], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 0));
  SHOW_AS("exclusive and pri", add(set, fds[1], EPOLLPRI | EPOLLEXCLUSIVE, 0));
  SHOW_AS("exclusive and edge", add(set, fds[1], EPOLLOUT | EPOLLEXCLUSIVE | EPOLLET, 0));
  SHOW_AS("modify the exclusive", ctl(set, EPOLL_CTL_MOD, fds[1], EPOLLIN, 0));
  SHOW_AS("modify to exclusive", ctl(set, EPOLL_CTL_MOD, fds[0], EPOLLIN | EPOLLEXCLUSIVE, 0));
  int inner = make_set();
  SHOW_AS("exclusive set", add(set, inner, EPOLLIN | EPOLLEXCLUSIVE, 0));
  section("errors of waiting");
  put(fds[1], 1);
  SHOW(epoll_wait(99, &event, 1, 0));
  SHOW(epoll_wait(fds[0], &event, 1, 0));
  SHOW(epoll_wait(set, &event, 0, 0));
  SHOW(epoll_wait(set, &event, -1, 0));
  SHOW(epoll_wait(set, &event, INT_MAX, 0));
  SHOW(epoll_wait(set, &event, INT_MAX / 16 + 1, 0));
  SHOW(epoll_wait(99, &event, 0, 0));
  SHOW(epoll_wait(99, BAD_KERNEL, 1, 0));
  SHOW(epoll_wait(set, BAD_KERNEL, 1, 0));
  SHOW(epoll_wait(set, BAD_HOLE, 1, 0));
  SHOW(epoll_wait(set, BAD_NULL, 4, 0));
  SHOW(epoll_wait(set, unmapped(), 1, 0));
  SHOW(epoll_wait(set, page_with(PROT_READ), 1, 0));
  SHOW(epoll_wait(set, (void*)edge(16), 4, 0));
  SHOW(epoll_wait(set, (void*)edge(32), 4, 0));
  SHOW(epoll_wait(set, (void*)(edge(17)), 4, 0));
  ask("nothing was lost", set, 8);
  uint64_t mask = 0;
  SHOW(syscall(SYS_epoll_pwait, set, &event, 1, 0, &mask, 4));
  SHOW(syscall(SYS_epoll_pwait, set, &event, 1, 0, BAD_KERNEL, 8));
  SHOW(syscall(SYS_epoll_pwait, set, &event, 1, 0, &mask, 8));
  SHOW(syscall(SYS_epoll_pwait, set, &event, 1, 0, NULL, 3));
  struct timespec bad = {0, 1000000000}, none = {0, 0}, negative = {-1, 0};
  SHOW(syscall(SYS_epoll_pwait2, set, &event, 1, &bad, NULL, 8));
  SHOW(syscall(SYS_epoll_pwait2, set, &event, 1, &negative, NULL, 8));
  SHOW(syscall(SYS_epoll_pwait2, set, &event, 1, BAD_KERNEL, NULL, 8));
  SHOW(syscall(SYS_epoll_pwait2, set, &event, 1, &none, NULL, 8));
  SHOW(syscall(SYS_epoll_pwait2, set, &event, 1, NULL, NULL, 8));
  unlink("/tmp/plain");
  for (int fd = 3; fd < 20; fd++) close(fd);
}

static void level(void) {
  section("level-triggered");
  int set = make_set(), fds[2];
  pipe2(fds, O_NONBLOCK);
  add(set, fds[0], EPOLLIN, 0xa);
  add(set, fds[1], EPOLLOUT, 0xfedcba9876543210);
  ask("empty pipe", set, 8);
  put(fds[1], 1);
  ask("a byte", set, 8);
  ask("still there", set, 8);
  ask("one at a time", set, 1);
  ask("the other one", set, 1);
  ask("and again", set, 1);
  get(fds[0], 1);
  ask("empty again", set, 8);
  put(fds[1], 65536);
  ask("full", set, 8);
  ctl(set, EPOLL_CTL_MOD, fds[0], 0, 0xb);
  ask("no events wanted", set, 8);
  ctl(set, EPOLL_CTL_MOD, fds[0], kAll, 0xc);
  ask("all events wanted", set, 8);
  close(fds[1]);
  ask("writer closed", set, 8);
  ctl(set, EPOLL_CTL_MOD, fds[0], 0, 0xd);
  ask("a hang-up needs no asking", set, 8);
  ctl(set, EPOLL_CTL_DEL, fds[0], 0, 0);
  ask("nothing left", set, 8);
  close(fds[0]);
  pipe2(fds, O_NONBLOCK);
  add(set, fds[1], 0, 1);
  ask("writer", set, 8);
  close(fds[0]);
  ask("reader closed", set, 8);
  close(fds[1]);
  ask("both closed", set, 8);
  close(set);
}

static void edges(void) {
  section("edge-triggered: a pipe");
  int set = make_set(), fds[2];
  pipe2(fds, O_NONBLOCK);
  put(fds[1], 10);
  add(set, fds[0], EPOLLIN | EPOLLET, 1);
  add(set, fds[1], EPOLLOUT | EPOLLET, 2);
  ask("both are ready when added", set, 8);
  ask("no news", set, 8);
  put(fds[1], 1);
  ask("a write", set, 8);
  put(fds[1], 1);
  put(fds[1], 1);
  ask("two writes", set, 8);
  get(fds[0], 5);
  ask("a partial read", set, 8);
  get(fds[0], 100);
  ask("all is read", set, 8);
  put(fds[1], 1);
  get(fds[0], 1);
  ask("written and read", set, 8);
  put(fds[1], 5000);
  ask("more than a page", set, 8);
  put(fds[1], 1);
  ask("merged into the page", set, 8);
  put(fds[1], 70000);
  ask("filled", set, 8);
  get(fds[0], 1);
  ask("a byte of a full pipe", set, 8);
  get(fds[0], 4095);
  ask("a page of it", set, 8);
  get(fds[0], 4096);
  ask("another page", set, 8);
  get(fds[0], 65536);
  ask("everything", set, 8);
  ctl(set, EPOLL_CTL_MOD, fds[1], EPOLLOUT | EPOLLET, 3);
  ask("modified", set, 8);
  ctl(set, EPOLL_CTL_MOD, fds[0], EPOLLIN | EPOLLET, 4);
  ask("modified, not ready", set, 8);
  int copy = dup(fds[1]);
  close(fds[1]);
  ask("one writer of two descriptors closed", set, 8);
  close(copy);
  ask("the last one", set, 8);
  ask("no news", set, 8);
  close(fds[0]);
  close(set);

  section("edge-triggered: an eventfd");
  set = make_set();
  int fd = eventfd(0, EFD_NONBLOCK);
  add(set, fd, EPOLLIN | EPOLLOUT | EPOLLET, 1);
  ask("added", set, 8);
  signal_event(fd);
  ask("written", set, 8);
  signal_event(fd);
  ask("written again", set, 8);
  take_event(fd);
  ask("read", set, 8);
  ask("no news", set, 8);
  ctl(set, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLET, 2);
  signal_event(fd);
  take_event(fd);
  ask("written and read", set, 8);
  signal_event(fd);
  ctl(set, EPOLL_CTL_MOD, fd, EPOLLPRI | EPOLLET, 2);
  ask("not what is wanted", set, 8);
  uint64_t most = UINT64_MAX - 2;
  write(fd, &most, 8);
  ctl(set, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT, 2);
  ask("at its end", set, 8);
  close(fd);

  section("edge-triggered: a pty");
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
  grantpt(master);
  unlockpt(master);
  int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_NONBLOCK);
  struct termios raw;
  tcgetattr(slave, &raw);
  cfmakeraw(&raw);
  tcsetattr(slave, TCSANOW, &raw);
  add(set, master, EPOLLIN | EPOLLET, 1);
  add(set, slave, EPOLLIN | EPOLLET, 2);
  ask("added", set, 8);
  put(master, 3);
  wait_readable(slave);
  ask("master wrote", set, 8);
  ask("no news", set, 8);
  put(slave, 3);
  wait_readable(master);
  ask("slave wrote", set, 8);
  ask("no news", set, 8);
  get(slave, 1);
  ask("slave read a byte", set, 8);
  get(slave, 10);
  get(master, 10);
  ask("all read", set, 8);
  close(slave);
  ask("slave closed", set, 8);
  close(master);
  ask("master closed", set, 8);
  close(set);
}

static void sockets(void) {
  section("sockets");
  int set = make_set(), pair[2];
  socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
  add(set, pair[0], EPOLLIN | EPOLLRDHUP | EPOLLET, 1);
  add(set, pair[1], EPOLLIN | EPOLLOUT | EPOLLRDHUP, 2);
  ask("a new pair", set, 8);
  put(pair[1], 10);
  ask("written", set, 8);
  ask("no news", set, 8);
  put(pair[1], 10);
  ask("written again", set, 8);
  get(pair[0], 5);
  ask("a partial read", set, 8);
  get(pair[0], 100);
  ask("all is read", set, 8);
  shutdown(pair[1], SHUT_WR);
  ask("one direction shut down", set, 8);
  close(pair[0]);
  ask("the other side closed", set, 8);
  close(pair[1]);
  ask("both closed", set, 8);
  close(set);
}

static void one_shot(void) {
  section("one-shot");
  int set = make_set(), fds[2];
  pipe2(fds, O_NONBLOCK);
  add(set, fds[0], EPOLLIN | EPOLLONESHOT, 1);
  put(fds[1], 1);
  ask("once", set, 8);
  ask("not again", set, 8);
  put(fds[1], 1);
  ask("nor for news", set, 8);
  ctl(set, EPOLL_CTL_MOD, fds[0], EPOLLIN | EPOLLONESHOT, 2);
  ask("armed again", set, 8);
  close(fds[1]);
  ask("a hang-up neither", set, 8);
  ctl(set, EPOLL_CTL_MOD, fds[0], EPOLLONESHOT, 3);
  ask("armed for it", set, 8);
  close(fds[0]);
  int fd = eventfd(1, 0);
  add(set, fd, EPOLLIN | EPOLLONESHOT | EPOLLET, 1);
  ask("with edge", set, 8);
  signal_event(fd);
  ask("disarmed", set, 8);
  ctl(set, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT | EPOLLET, 2);
  ask("armed", set, 8);
  close(fd);
  close(set);
}

// Eight ready files, three at a time: everybody has a turn.
static void fairness(void) {
  section("fairness");
  int set = make_set(), fds[8];
  for (int i = 0; i < 8; i++) {
    fds[i] = eventfd(1, 0);
    add(set, fds[i], EPOLLIN, (uint64_t)i);
  }
  for (int i = 0; i < 6; i++) ask("three", set, 3);
  take_event(fds[4]);
  ask("without the fifth", set, 16);
  signal_event(fds[4]);
  ask("with it, at the end", set, 16);
  for (int i = 7; i >= 0; i--) take_event(fds[i]);
  ask("none", set, 16);
  for (int i = 7; i >= 0; i -= 2) signal_event(fds[i]);
  ask("in the order of their events", set, 16);
  struct epoll_event* events = (void*)edge(3 * 16);
  int count = epoll_wait(set, events, 64, 0);
  say("room for three before a hole: %d", count);
  ask("the others are not lost", set, 16);
  for (int i = 0; i < 8; i++) close(fds[i]);
  ask("closed", set, 16);
  close(set);
}

static void descriptors(void) {
  section("descriptors and open files");
  int set = make_set();
  int fd = eventfd(1, 0);
  int copy = dup(fd);
  SHOW_AS("the descriptor", add(set, fd, EPOLLIN, 1));
  SHOW_AS("its duplicate", add(set, copy, EPOLLIN, 2));
  ask("both", set, 8);
  close(fd);
  ask("a closed descriptor's file is open", set, 8);
  SHOW_AS("delete the closed number", ctl(set, EPOLL_CTL_DEL, fd, 0, 0));
  SHOW_AS("number in use by another", dup2(copy, fd) == fd);
  SHOW_AS("delete it again", ctl(set, EPOLL_CTL_DEL, fd, 0, 0));
  ask("one", set, 8);
  close(fd);
  close(copy);
  ask("the file is closed", set, 8);
  fd = eventfd(1, 0);
  ask("its number means another file", set, 8);
  SHOW_AS("which is not there", ctl(set, EPOLL_CTL_MOD, fd, EPOLLIN, 0));
  SHOW_AS("yet", add(set, fd, EPOLLIN, 3));
  int other = eventfd(1, 0);
  dup2(other, fd);
  ask("dup2 closed it", set, 8);
  close(fd);
  close(other);
  fd = eventfd(1, 0);
  add(set, fd, EPOLLIN, 4);
  pid_t pid = fork();
  if (pid == 0) {
    close(fd);
    ask("child: the parent has it open", set, 8);
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  ask("parent: still there", set, 8);
  pid = fork();
  if (pid == 0) {
    pause();
    _exit(0);
  }
  close(fd);
  ask("parent closed, the child has it", set, 8);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  ask("the child is dead", set, 8);
  section("a set that is shared");
  fd = eventfd(0, 0);
  add(set, fd, EPOLLIN, 5);
  pid = fork();
  if (pid == 0) {
    struct epoll_event event;
    int count = epoll_wait(set, &event, 1, 5000);
    _exit(count == 1 ? (int)event.data.u64 : 99);
  }
  wait_until_asleep(pid);
  signal_event(fd);
  int status;
  waitpid(pid, &status, 0);
  say("child: %s", status_text(status));
  close(fd);
  close(set);
}

static void nested(void) {
  section("sets in sets");
  int outer = make_set(), inner = make_set(), fd = eventfd(0, 0);
  SHOW_AS("inner in outer", add(outer, inner, EPOLLIN, 1));
  SHOW_AS("outer in inner", add(inner, outer, EPOLLIN, 1));
  SHOW_AS("event in inner", add(inner, fd, EPOLLIN, 2));
  ask("nothing", outer, 8);
  signal_event(fd);
  ask("outer", outer, 8);
  ask("inner", inner, 8);
  ask("outer again", outer, 8);
  struct pollfd poller = {inner, POLLIN | POLLOUT | POLLRDNORM, 0};
  say("poll of the inner: %d %#x", poll(&poller, 1, 0), poller.revents);
  take_event(fd);
  poller.revents = 0;
  say("poll of the inner: %d %#x", poll(&poller, 1, 0), poller.revents);
  ask("outer, nothing", outer, 8);
  ctl(outer, EPOLL_CTL_MOD, inner, EPOLLIN | EPOLLET, 3);
  ask("edge, nothing", outer, 8);
  signal_event(fd);
  ask("edge", outer, 8);
  ask("no news", outer, 8);
  ask("inner is read", inner, 8);
  ask("no news in outer", outer, 8);
  signal_event(fd);
  ask("news", outer, 8);
  pid_t pid = fork();
  if (pid == 0) {
    poller.revents = 0;
    take_event(fd);
    _exit(poll(&poller, 1, 5000) == 1 ? poller.revents : 99);
  }
  wait_until_asleep(pid);
  signal_event(fd);
  int status;
  waitpid(pid, &status, 0);
  say("a poll of the set woke: %s", status_text(status));
  close(inner);
  ask("inner closed", outer, 8);
  inner = make_set();
  SHOW_AS("another inner", add(inner, fd, EPOLLIN, 2));
  SHOW_AS("with its event in outer", add(outer, inner, EPOLLIN, 5));
  ask("ready when added", outer, 8);
  close(outer);
  close(inner);
  close(fd);

  section("depth");
  int chain[9];
  for (int i = 0; i < 9; i++) chain[i] = make_set();
  for (int i = 0; i < 8; i++) {
    say("%d in %d: %s", i, i + 1,
        add(chain[i + 1], chain[i], EPOLLIN, 0) == 0 ? "ok" : error_name(errno));
  }
  fd = eventfd(0, 0);
  for (int i = 8; i >= 0; i--) {
    say("eventfd in %d: %s", i, add(chain[i], fd, EPOLLIN, 0) == 0 ? "ok" : error_name(errno));
  }
  signal_event(fd);
  for (int i = 8; i >= 0; i--) {
    struct epoll_event event;
    say("ready %d: %d", i, epoll_wait(chain[i], &event, 1, 0));
  }
  for (int i = 0; i < 9; i++) close(chain[i]);
  for (int i = 0; i < 7; i++) {
    chain[i] = make_set();
    if (i == 0) add(chain[0], fd, EPOLLIN, 0);
    if (i > 0) {
      say("from below: %d in %d: %s", i - 1, i,
          add(chain[i], chain[i - 1], EPOLLIN, 0) == 0 ? "ok" : error_name(errno));
    }
  }
  SHOW_AS("a loop of three", add(chain[0], chain[2], EPOLLIN, 0));
  for (int i = 0; i < 7; i++) close(chain[i]);
  section("many paths");
  int middle[520];
  struct rlimit limit = {2000, 2000};
  setrlimit(RLIMIT_NOFILE, &limit);
  int top = make_set(), refused = 0, error = 0;
  for (unsigned i = 0; i < COUNT(middle); i++) {
    middle[i] = make_set();
    MUST(add(top, middle[i], EPOLLIN, i));
    if (add(middle[i], fd, EPOLLIN, i) == -1) refused++, error = errno;
  }
  say("refused: %d %s", refused, error_name(error));
  for (unsigned i = 0; i < COUNT(middle); i++) close(middle[i]);
  close(top);
  close(fd);
}

static volatile int handled;
static void count_signal(int signal UNUSED) { handled++; }

static void waiting(void) {
  section("waiting");
  int set = make_set(), fd = eventfd(0, 0);
  add(set, fd, EPOLLIN, 1);
  struct epoll_event event;
  int64_t start = now_ns();
  SHOW(epoll_wait(set, &event, 1, 30));
  YES(now_ns() - start >= 30000000);
  struct timespec time = {0, 20000001};
  start = now_ns();
  SHOW(syscall(SYS_epoll_pwait2, set, &event, 1, &time, NULL, 8));
  YES(now_ns() - start >= 20000001);
  time = (struct timespec){0, 1};
  SHOW(syscall(SYS_epoll_pwait2, set, &event, 1, &time, NULL, 8));
  time = (struct timespec){INT64_MAX, 999999999};
  pid_t pid = fork();
  if (pid == 0) {
    _exit((int)syscall(SYS_epoll_pwait2, set, &event, 1, &time, NULL, 8));
  }
  wait_until_asleep(pid);
  signal_event(fd);
  int status;
  waitpid(pid, &status, 0);
  say("the longest wait: %s", status_text(status));
  take_event(fd);

  handle_with(SIGALRM, count_signal, SA_RESTART);
  ualarm(kSoon, 0);
  SHOW(epoll_wait(set, &event, 1, 5000));
  YES(handled == 1);
  sigset_t blocked, none;
  sigemptyset(&none);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  handle_with(SIGUSR1, count_signal, 0);
  sigprocmask(SIG_BLOCK, &blocked, NULL);
  raise(SIGUSR1);
  SHOW(epoll_wait(set, &event, 1, 10));
  YES(handled == 1);
  SHOW(epoll_pwait(set, &event, 1, 5000, &none));
  YES(handled == 2);
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  YES(sigismember(&now, SIGUSR1));
  raise(SIGUSR1);
  signal_event(fd);
  SHOW(epoll_pwait(set, &event, 1, 5000, &none));
  YES(handled == 2);
  take_event(fd);
  SHOW(epoll_pwait(set, &event, 1, 0, &none));
  YES(handled == 2);
  SHOW(epoll_pwait(set, &event, -1, 0, &none));
  sigprocmask(SIG_UNBLOCK, &blocked, NULL);
  YES(handled == 3);

  section("stopped and continued");
  pid = fork();
  if (pid == 0) {
    int count = epoll_wait(set, &event, 1, 5000);
    _exit(count == -1 ? errno : 100 + count);
  }
  wait_until_asleep(pid);
  kill(pid, SIGSTOP);
  waitpid(pid, &status, WUNTRACED);
  say("%s", status_text(status));
  kill(pid, SIGCONT);
  waitpid(pid, &status, 0);
  say("EINTR without a handler: %d", WEXITSTATUS(status) == EINTR);
  close(fd);
  close(set);
}

// ---- threads ----------------------------------------------------------------------

static int shared_set, shared_fd;
static int woken;

static void* wait_for_event(void* set) {
  struct epoll_event event;
  int count = epoll_wait(set != NULL ? *(int*)set : shared_set, &event, 1, 3000);
  if (count == 1) __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

static void* add_later(void* unused UNUSED) {
  sleep_ms(30);
  add(shared_set, shared_fd, EPOLLIN, 9);
  return NULL;
}
static void* remove_later(void* unused UNUSED) {
  sleep_ms(30);
  ctl(shared_set, EPOLL_CTL_DEL, shared_fd, 0, 0);
  signal_event(shared_fd);
  return NULL;
}
static void* close_later(void* unused UNUSED) {
  sleep_ms(30);
  close(shared_fd);
  return NULL;
}

static void threads(void) {
  section("a set that changes under a waiter");
  struct epoll_event event;
  pthread_t thread;
  shared_set = make_set();
  shared_fd = eventfd(1, 0);
  pthread_create(&thread, NULL, add_later, NULL);
  SHOW(epoll_wait(shared_set, &event, 1, 5000));
  pthread_join(thread, NULL);
  take_event(shared_fd);
  pthread_create(&thread, NULL, remove_later, NULL);
  SHOW(epoll_wait(shared_set, &event, 1, 100));
  pthread_join(thread, NULL);
  take_event(shared_fd);
  add(shared_set, shared_fd, EPOLLIN, 9);
  pthread_create(&thread, NULL, close_later, NULL);
  SHOW(epoll_wait(shared_set, &event, 1, 100));
  pthread_join(thread, NULL);

  section("how many are woken");
  for (int kind = 0; kind < 3; kind++) {
    static const uint32_t flags[] = {EPOLLET, EPOLLONESHOT, EPOLLEXCLUSIVE | EPOLLET};
    static const char* const names[] = {"edge, one set", "one-shot, one set", "exclusive, 4 sets"};
    pthread_t waiters[4];
    int sets[4];
    shared_fd = eventfd(0, 0);
    for (int i = 0; i < 4; i++) {
      if (i == 0 || kind == 2) {
        sets[i] = make_set();
        add(sets[i], shared_fd, EPOLLIN | flags[kind], 0);
      } else {
        sets[i] = sets[0];
      }
    }
    woken = 0;
    for (int i = 0; i < 4; i++) pthread_create(&waiters[i], NULL, wait_for_event, &sets[i]);
    sleep_ms(100);
    signal_event(shared_fd);
    sleep_ms(100);
    say("%s: %d", names[kind], __atomic_load_n(&woken, __ATOMIC_SEQ_CST));
    for (int i = 0; i < 3; i++) {
      if (kind == 1) ctl(sets[0], EPOLL_CTL_MOD, shared_fd, EPOLLIN | EPOLLONESHOT, 0);
      signal_event(shared_fd);
      sleep_ms(30);
    }
    for (int i = 0; i < 4; i++) pthread_join(waiters[i], NULL);
    say("after three more: %d", woken);
    for (int i = 0; i < (kind == 2 ? 4 : 1); i++) close(sets[i]);
    close(shared_fd);
  }
}

static void shown(void) {
  section("fdinfo");
  int set = make_set(), fds[2];
  pipe(fds);
  add(set, fds[0], EPOLLIN | EPOLLET, 0x123456789abcdef0);
  add(set, fds[1], EPOLLOUT | EPOLLONESHOT | EPOLLWAKEUP, 7);
  ask("one-shot fires", set, 4);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", set);
  char* text = read_file(path);
  for (int i = 0; text != NULL && i < 2; i++) {  // their order is that of addresses
    char name[32];
    snprintf(name, sizeof name, "tfd: %8d ", fds[i]);
    char* line = strstr(text, name);
    if (line != NULL) say("%.*s", (int)(strstr(line, "ino:") - line), line);
  }
  YES(read_file("/proc/sys/fs/epoll/max_user_watches") != NULL);
  close(set);
}

int main(void) {
  create();
  errors();
  level();
  edges();
  sockets();
  one_shot();
  fairness();
  descriptors();
  nested();
  waiting();
  threads();
  shown();
}
