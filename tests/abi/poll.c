// SPDX-License-Identifier: MIT
//
// ppoll and pselect6: readiness of pipes, files and eventfds, timeouts, signal masks that hold only
// for the call, and what is left in the arguments afterwards.

#include "abi.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/select.h>

static const char* events_text(int events) {
  static const struct {
    int bit;
    const char* name;
  } names[] = {{POLLIN, "IN"},         {POLLOUT, "OUT"},       {POLLPRI, "PRI"},
               {POLLERR, "ERR"},       {POLLHUP, "HUP"},       {POLLNVAL, "NVAL"},
               {POLLRDNORM, "RDNORM"}, {POLLWRNORM, "WRNORM"}, {POLLRDHUP, "RDHUP"},
               {POLLRDBAND, "RDBAND"}, {POLLWRBAND, "WRBAND"}};
  static char text[4][100];
  static int next;
  char* out = text[next++ % 4];
  strcpy(out, events == 0 ? "-" : "");
  for (unsigned i = 0; i < COUNT(names); i++) {
    if (events & names[i].bit) {
      if (*out) strcat(out, "|");
      strcat(out, names[i].name);
    }
  }
  return out;
}

static void ask(const char* what, int fd, int events) {
  struct pollfd entry = {fd, (short)events, 0x7fff};
  int got = poll(&entry, 1, 0);
  say("%-32s %d %s", what, got, events_text(entry.revents));
}

enum {
  kAll = POLLIN | POLLOUT | POLLPRI | POLLRDNORM | POLLWRNORM | POLLRDBAND | POLLWRBAND | POLLRDHUP
};

static void readiness(void) {
  section("readiness");
  int fds[2];
  static char data[65536];
  pipe2(fds, O_NONBLOCK);
  ask("empty pipe, reader", fds[0], kAll);
  ask("empty pipe, writer", fds[1], kAll);
  write(fds[1], "x", 1);
  ask("pipe with data, reader", fds[0], kAll);
  ask("pipe with data, only POLLOUT", fds[0], POLLOUT);
  write(fds[1], data, sizeof data);
  ask("full pipe, writer", fds[1], kAll);
  close(fds[1]);
  ask("data, writer gone", fds[0], kAll);
  while (read(fds[0], data, sizeof data) > 0) {
  }
  ask("no data, writer gone", fds[0], kAll);
  ask("no data, writer gone, no events", fds[0], 0);
  close(fds[0]);
  pipe2(fds, O_NONBLOCK);
  close(fds[0]);
  ask("reader gone", fds[1], kAll);
  close(fds[1]);
  int file = open("f", O_RDWR | O_CREAT, 0600);
  ask("file", file, kAll);
  ask("file, no events", file, 0);
  close(file);
  int directory = open(".", O_RDONLY);
  ask("directory", directory, kAll);
  close(directory);
  int path = open(".", O_PATH);
  ask("O_PATH", path, kAll);
  close(path);
  ask("closed descriptor", 77, kAll);
  ask("negative descriptor", -1, kAll);
  int null = open("/dev/null", O_RDWR);
  ask("/dev/null", null, kAll);
  close(null);
  int zero = open("/dev/zero", O_RDWR);
  ask("/dev/zero", zero, kAll);
  close(zero);
  int event = eventfd(0, 0);
  ask("eventfd 0", event, kAll);
  eventfd_write(event, 1);
  ask("eventfd 1", event, kAll);
  eventfd_write(event, UINT64_MAX - 2);
  ask("eventfd at its limit", event, kAll);
  close(event);
  mkfifo("fifo", 0600);
  int fifo = open("fifo", O_RDONLY | O_NONBLOCK);
  ask("FIFO that had no writer", fifo, kAll);
  close(fifo);
}

static volatile int handled;
static void count_signal(int signal UNUSED) { handled++; }

static void polling(void) {
  section("ppoll");
  int fds[2];
  pipe2(fds, O_NONBLOCK);
  struct pollfd entries[3] = {{fds[0], POLLIN, 0}, {fds[1], POLLOUT, 0}, {-5, POLLIN, 9}};
  SHOW(poll(entries, 3, 0));
  say("%s %s %s", events_text(entries[0].revents), events_text(entries[1].revents),
      events_text(entries[2].revents));
  SHOW(poll(entries, 1, 0));
  int64_t before = now_ns();
  SHOW(poll(entries, 1, 50));
  YES(now_ns() - before >= 50000000);
  SHOW(poll(NULL, 0, 10));
  struct timespec time = {0, 30000000};
  SHOW(syscall(SYS_ppoll, entries, 1, &time, NULL, 0));
  say("time left %ld.%ld", (long)time.tv_sec, time.tv_nsec);
  time = (struct timespec){10, 0};
  SHOW(syscall(SYS_ppoll, entries, 2, &time, NULL, 0));
  YES(time.tv_sec == 9 && time.tv_nsec > 0);
  time = (struct timespec){0, 1000000000};
  SHOW(syscall(SYS_ppoll, entries, 1, &time, NULL, 0));
  time = (struct timespec){-1, 0};
  SHOW(syscall(SYS_ppoll, entries, 1, &time, NULL, 0));
  SHOW(syscall(SYS_ppoll, entries, 1, BAD_KERNEL, NULL, 0));
  SHOW(syscall(SYS_ppoll, BAD_KERNEL, 1, NULL, NULL, 0));
  SHOW(syscall(SYS_ppoll, BAD_NULL, 1, NULL, NULL, 0));
  SHOW(syscall(SYS_ppoll, edge(15), 2, NULL, NULL, 0));
  SHOW(syscall(SYS_ppoll, entries, 1 << 20, NULL, NULL, 0));
  sigset_t mask;
  sigemptyset(&mask);
  SHOW(syscall(SYS_ppoll, entries, 2, NULL, &mask, 4));
  SHOW(syscall(SYS_ppoll, entries, 2, NULL, BAD_KERNEL, 8));
  // EINTR whatever SA_RESTART says.
  handle_with(SIGALRM, count_signal, SA_RESTART);
  ualarm(kSoon, 0);
  SHOW(poll(entries, 1, -1));
  say("handled %d", handled);
  // Woken by another process.
  if (fork() == 0) {
    sleep_ms(50);
    write(fds[1], "x", 1);
    _exit(0);
  }
  SHOW(poll(entries, 1, -1));
  say("%s", events_text(entries[0].revents));
  wait(NULL);
  alarm(kHang);
}

static void mask_for_the_call(void) {
  section("the mask of ppoll");
  sigset_t blocked, open_mask, now;
  sigemptyset(&open_mask);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  handle_with(SIGUSR1, count_signal, 0);
  sigprocmask(SIG_SETMASK, &blocked, NULL);
  handled = 0;
  kill(getpid(), SIGUSR1);
  say("handled %d", handled);
  int fds[2];
  pipe2(fds, O_NONBLOCK);
  struct pollfd entry = {fds[0], POLLIN, 0};
  SHOW(ppoll(&entry, 1, NULL, &open_mask));
  say("handled %d", handled);
  sigprocmask(SIG_SETMASK, NULL, &now);
  YES(sigismember(&now, SIGUSR1));
  // Ready at once: the pending signal is left alone, as the mask is put back.
  write(fds[1], "x", 1);
  handled = 0;
  kill(getpid(), SIGUSR1);
  SHOW(ppoll(&entry, 1, NULL, &open_mask));
  say("handled %d", handled);
  sigprocmask(SIG_SETMASK, &open_mask, NULL);
  say("handled %d", handled);
}

static void selecting(void) {
  section("pselect6");
  int fds[2];
  pipe2(fds, O_NONBLOCK);
  fd_set in, out, except;
  FD_ZERO(&in);
  FD_ZERO(&out);
  FD_ZERO(&except);
  FD_SET(fds[0], &in);
  FD_SET(fds[1], &out);
  FD_SET(fds[0], &except);
  SHOW(select(fds[1] + 1, &in, &out, &except, NULL));
  say("in %d out %d except %d", FD_ISSET(fds[0], &in), FD_ISSET(fds[1], &out),
      FD_ISSET(fds[0], &except));
  write(fds[1], "x", 1);
  FD_SET(fds[0], &in);
  SHOW(select(fds[1] + 1, &in, &out, NULL, NULL));
  say("in %d out %d", FD_ISSET(fds[0], &in), FD_ISSET(fds[1], &out));
  FD_SET(fds[0], &in);
  SHOW(select(fds[0], &in, NULL, NULL, &(struct timeval){0, 1000}));
  FD_ZERO(&in);
  FD_SET(60, &in);
  SHOW(select(61, &in, NULL, NULL, NULL));
  SHOW(select(0, NULL, NULL, NULL, &(struct timeval){0, 20000}));
  SHOW(select(-1, NULL, NULL, NULL, NULL));
  struct timespec time = {0, 20000000};
  SHOW(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &time, NULL));
  say("time left %ld.%ld", (long)time.tv_sec, time.tv_nsec);
  time = (struct timespec){0, -1};
  SHOW(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &time, NULL));
  SHOW(syscall(SYS_pselect6, 10, BAD_KERNEL, NULL, NULL, &time, NULL));
  time = (struct timespec){0, 1000};
  SHOW(syscall(SYS_pselect6, 10, BAD_KERNEL, NULL, NULL, &time, NULL));
  SHOW(syscall(SYS_pselect6, 0, NULL, NULL, NULL, BAD_KERNEL, NULL));
  SHOW(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &time, BAD_KERNEL));
  // A closed pipe is readable (end of file) and, for its writer, writable (the error).
  close(fds[1]);
  char byte;
  read(fds[0], &byte, 1);
  FD_ZERO(&in);
  FD_SET(fds[0], &in);
  SHOW(select(fds[0] + 1, &in, NULL, NULL, NULL));
  handle_with(SIGALRM, count_signal, SA_RESTART);
  ualarm(kSoon, 0);
  SHOW(select(0, NULL, NULL, NULL, NULL));
  alarm(kHang);
}

int main(void) {
  readiness();
  polling();
  mask_for_the_call();
  selecting();
}
