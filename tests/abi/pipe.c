// SPDX-License-Identifier: MIT
//
// pipe2 and FIFOs: capacity, PIPE_BUF atomicity, end of file, SIGPIPE, non-blocking forms, packet
// mode, the size calls, and what a signal does to a reader or writer that sleeps.

#include "abi.h"

#include <poll.h>
#include <sys/ioctl.h>

static char buffer[1 << 17];
static int fds[2];

static void renew(int flags) {
  if (fds[0] > 0) close(fds[0]);
  if (fds[1] > 0) close(fds[1]);
  MUST(pipe2(fds, flags));
}

static void basics(void) {
  section("basics");
  SHOW(pipe2(fds, 0));
  say("descriptors %d %d", fds[0], fds[1]);
  say("flags %#o %#o", fcntl(fds[0], F_GETFL), fcntl(fds[1], F_GETFL));
  SHOW(write(fds[1], "hello", 5));
  int count = -1;
  SHOW(ioctl(fds[0], FIONREAD, &count));
  say("FIONREAD %d", count);
  SHOW(read(fds[0], buffer, 2));
  SHOW(read(fds[0], buffer, 100));
  SHOW(write(fds[0], "x", 1));
  SHOW(read(fds[1], buffer, 1));
  SHOW(write(fds[1], "", 0));
  SHOW(read(fds[0], buffer, 0));
  SHOW(write(fds[1], BAD_NULL, 5));
  SHOW(write(fds[1], BAD_KERNEL, 5));
  write(fds[1], "abcdef", 6);
  SHOW(read(fds[0], BAD_NULL, 5));
  SHOW(read(fds[0], edge(2), 6));
  SHOW(read(fds[0], buffer, 10));
  SHOW(pipe2(BAD_NULL, 0));
  SHOW(pipe2(BAD_KERNEL, 0));
  SHOW(pipe2((int*)edge(4), 0));
  SHOW(pipe2(fds, 1));
  SHOW(fcntl(fds[0], F_GETFD));
  int cloexec[2];
  SHOW(pipe2(cloexec, O_CLOEXEC | O_NONBLOCK));
  say("descriptors %d %d: a failed pipe2 leaves none open", cloexec[0], cloexec[1]);
  say("fd flags %d status %#o", fcntl(cloexec[0], F_GETFD), fcntl(cloexec[0], F_GETFL));
  close(cloexec[0]);
  close(cloexec[1]);
}

static void capacity(void) {
  section("capacity");
  renew(O_NONBLOCK);
  SHOW(read(fds[0], buffer, 1));
  SHOW(fcntl(fds[0], F_GETPIPE_SZ));
  SHOW(write(fds[1], buffer, sizeof buffer));
  SHOW(write(fds[1], buffer, 1));
  int count;
  ioctl(fds[0], FIONREAD, &count);
  say("FIONREAD %d", count);
  SHOW(read(fds[0], buffer, 4095));
  SHOW(write(fds[1], buffer, 1));  // A page must be free.
  SHOW(read(fds[0], buffer, 1));
  SHOW(write(fds[1], buffer, 4096));
  SHOW(write(fds[1], buffer, 1));
  SHOW(fcntl(fds[1], F_SETPIPE_SZ, 4096));
  SHOW(fcntl(fds[1], F_SETPIPE_SZ, 100000));
  SHOW(write(fds[1], buffer, sizeof buffer));
  SHOW(fcntl(fds[1], F_SETPIPE_SZ, 0));
  SHOW(fcntl(fds[1], F_SETPIPE_SZ, -1));
  SHOW(fcntl(fds[1], F_SETPIPE_SZ, 1 << 20));
  renew(O_NONBLOCK);
  SHOW(fcntl(fds[1], F_SETPIPE_SZ, 1));
  SHOW(write(fds[1], buffer, 10000));
  SHOW(write(fds[1], buffer, 10));
  // An atomic write (up to PIPE_BUF) goes whole or not at all.
  renew(O_NONBLOCK);
  SHOW(write(fds[1], buffer, 65536 - 4096));
  SHOW(write(fds[1], buffer, 100));
  SHOW(write(fds[1], buffer, 4096));
  SHOW(write(fds[1], buffer, 4097));
  SHOW(write(fds[1], buffer, 3996));
}

static void ends(void) {
  section("ends");
  renew(0);
  write(fds[1], "last", 4);
  close(fds[1]);
  fds[1] = 0;
  SHOW(read(fds[0], buffer, 100));
  SHOW(read(fds[0], buffer, 100));
  SHOW(read(fds[0], buffer, 100));
  renew(0);
  close(fds[0]);
  fds[0] = 0;
  handle_with(SIGPIPE, SIG_IGN, 0);
  SHOW(write(fds[1], "x", 1));
  SHOW(write(fds[1], "", 0));
  handle_with(SIGPIPE, SIG_DFL, 0);
}

static void broken(void) {
  write(fds[1], "x", 1);
  say("not reached");
}

static void atomicity(void) {
  section("writers do not mix");
  renew(0);
  for (int child = 0; child < 4; child++) {
    if (fork() == 0) {
      close(fds[0]);
      char record[1000];
      memset(record, 'a' + child, sizeof record);
      for (int i = 0; i < 50; i++)
        if (write(fds[1], record, sizeof record) != sizeof record) say("short write");
      _exit(0);
    }
  }
  close(fds[1]);
  fds[1] = 0;
  int torn = 0, count = 0;
  char record[1000];
  for (;;) {
    size_t have = 0;
    ssize_t more;
    while (have < sizeof record && (more = read(fds[0], record + have, sizeof record - have)) > 0)
      have += (size_t)more;
    if (have == 0) break;
    count++;
    for (size_t i = 1; i < have; i++) torn += record[i] != record[0];
  }
  say("records %d torn %d", count, torn);
  while (wait(NULL) > 0) {
  }
}

static void big_transfer(void) {
  section("a writer that sleeps");
  renew(0);
  pid_t pid = fork();
  if (pid == 0) {
    close(fds[0]);
    for (unsigned i = 0; i < sizeof buffer; i++) buffer[i] = (char)(i * 31);
    SHOW(write(fds[1], buffer, sizeof buffer));
    _exit(0);
  }
  close(fds[1]);
  fds[1] = 0;
  wait_until_asleep(pid);
  unsigned at = 0, wrong = 0;
  char part[3000];
  ssize_t more;
  while ((more = read(fds[0], part, sizeof part)) > 0)
    for (ssize_t i = 0; i < more; i++, at++) wrong += part[i] != (char)(at * 31);
  waitpid(pid, NULL, 0);
  say("bytes %u wrong %u", at, wrong);
}

static volatile int handled;
static void count_signal(int signal UNUSED) { handled++; }

static void interrupted(void) {
  section("signals");
  renew(0);
  handle_with(SIGALRM, count_signal, 0);
  ualarm(kSoon, 0);
  SHOW(read(fds[0], buffer, 10));
  pid_t writer = 0;
  handle_with(SIGALRM, count_signal, SA_RESTART);
  if ((writer = fork()) == 0) {
    sleep_ms(600);
    write(fds[1], "late", 4);
    _exit(0);
  }
  ualarm(kSoon, 0);
  SHOW(read(fds[0], buffer, 10));
  waitpid(writer, NULL, 0);
  handle_with(SIGALRM, count_signal, 0);
  ualarm(kSoon, 0);
  SHOW(write(fds[1], buffer, 100000));  // Part of it went.
  ualarm(kSoon, 0);
  SHOW(write(fds[1], buffer, 100));
  handle_with(SIGALRM, count_signal, SA_RESTART);
  ualarm(kSoon, 0);
  SHOW(read(fds[0], buffer, 65536));
  SHOW(write(fds[1], buffer, 100000));
  say("handled %d", handled);
  alarm(kHang);
}

static void packets(void) {
  section("O_DIRECT: packets");
  renew(O_DIRECT | O_NONBLOCK);
  SHOW(write(fds[1], "first", 5));
  SHOW(write(fds[1], "second", 6));
  SHOW(read(fds[0], buffer, 3));  // The rest of the packet is thrown away.
  SHOW(read(fds[0], buffer, 100));
  SHOW(read(fds[0], buffer, 100));
  SHOW(write(fds[1], buffer, 5000));
  SHOW(read(fds[0], buffer, 10000));
  SHOW(read(fds[0], buffer, 10000));
}

static void fifos(void) {
  section("FIFO");
  mkfifo("fifo", 0600);
  SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
  int reader = (int)OK(open("fifo", O_RDONLY | O_NONBLOCK));
  SHOW(read(reader, buffer, 1));
  int writer = (int)OK(open("fifo", O_WRONLY | O_NONBLOCK));
  SHOW(read(reader, buffer, 1));
  SHOW(write(writer, "fifo", 4));
  SHOW(read(reader, buffer, 10));
  close(writer);
  SHOW(read(reader, buffer, 1));
  close(reader);
  int both = (int)OK(open("fifo", O_RDWR));
  SHOW(write(both, "self", 4));
  SHOW(read(both, buffer, 10));
  close(both);
  pid_t pid = fork();
  if (pid == 0) {
    int fd = open("fifo", O_WRONLY);  // Sleeps until there is a reader.
    write(fd, "met", 3);
    _exit(0);
  }
  wait_until_asleep(pid);
  reader = (int)OK(open("fifo", O_RDONLY));
  SHOW(read(reader, buffer, 10));
  SHOW(read(reader, buffer, 10));
  waitpid(pid, NULL, 0);
  close(reader);
  handle_with(SIGALRM, count_signal, 0);
  ualarm(kSoon, 0);
  SHOW(open("fifo", O_RDONLY));
  alarm(kHang);
  // The data of a FIFO is gone when nobody has it open.
  both = open("fifo", O_RDWR | O_NONBLOCK);
  write(both, "lost", 4);
  close(both);
  both = open("fifo", O_RDWR | O_NONBLOCK);
  SHOW(read(both, buffer, 10));
  close(both);
}

static void through_proc(void) {
  section("/proc/self/fd of a pipe");
  renew(O_NONBLOCK);
  char path[64], target[64] = "";
  snprintf(path, sizeof path, "/proc/self/fd/%d", fds[0]);
  YES(readlink(path, target, sizeof target - 1) > 6 && strncmp(target, "pipe:[", 6) == 0);
  int writer = (int)OK(open(path, O_WRONLY | O_NONBLOCK));
  SHOW(write(writer, "via proc", 8));
  SHOW(read(fds[0], buffer, 100));
  close(writer);
  // Opened again it waits for nobody, other than a FIFO.
  write(fds[1], "left", 4);
  close(fds[1]);
  alarm(5);
  int reader = (int)OK(open(path, O_RDONLY));
  SHOW(read(reader, buffer, 100));
  SHOW(read(reader, buffer, 100));
  struct pollfd wait = {.fd = reader, .events = POLLIN};
  SHOW(poll(&wait, 1, 0));
  SHOW(wait.revents);
  close(reader);
  renew(0);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fds[1]);
  close(fds[0]);
  writer = (int)OK(open(path, O_WRONLY));
  close(writer);
  writer = (int)OK(open(path, O_WRONLY | O_NONBLOCK));
  handle_with(SIGPIPE, SIG_IGN, 0);
  SHOW(write(writer, "x", 1));
  handle_with(SIGPIPE, SIG_DFL, 0);
  close(writer);
  alarm(0);
}

int main(void) {
  basics();
  capacity();
  ends();
  IN_CHILD(broken);
  atomicity();
  big_transfer();
  interrupted();
  packets();
  fifos();
  through_proc();
}
