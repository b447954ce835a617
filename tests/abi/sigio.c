// SPDX-License-Identifier: MIT
//
// O_ASYNC: which events of pipes, FIFOs, eventfds and terminals send SIGIO or the signal of
// F_SETSIG, to whom, and with what in siginfo.

#include "abi.h"

#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <termios.h>

static volatile int count, last_signal, last_code, last_fd;
static volatile long last_band;
static volatile pid_t last_thread;

static void on_signal(int signal, siginfo_t* info, void* context UNUSED) {
  count++;
  last_signal = signal;
  last_code = info->si_code;
  last_fd = info->si_fd;
  last_band = info->si_band;
  last_thread = gettid();
}

static void catch (int signal) {
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  sigaction(signal, &action, NULL);
}

static int patience_ms = 20;

static void happened(const char* what) {
  for (int waited = 0; count == 0 && waited < patience_ms; waited += 5) sleep_ms(5);
  sleep_ms(5);
  if (count == 0) {
    say("  %-34s nothing", what);
  } else if (last_code == SI_KERNEL) {
    say("  %-34s %d of %s from the kernel", what, count, signal_name(last_signal));
  } else {
    say("  %-34s %d of %s code %d fd %d band %lx", what, count, signal_name(last_signal), last_code,
        last_fd, last_band);
  }
  count = 0;
}

static void asynchronous(int fd, int signal) {
  SHOW(fcntl(fd, F_SETOWN, getpid()));
  SHOW(fcntl(fd, F_SETSIG, signal));
  SHOW(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC));
}

static void pipes(int signal) {
  section("a pipe");
  int fds[2];
  char data[4096] = {0};
  MUST(pipe2(fds, O_NONBLOCK));
  asynchronous(fds[0], signal);
  write(fds[1], "x", 1);
  happened("write to an empty pipe");
  write(fds[1], "x", 1);
  happened("write to one with data");
  read(fds[0], data, 1);
  happened("read of a part");
  read(fds[0], data, 10);
  happened("read of all");
  write(fds[1], data, 4096);
  happened("write of a page");
  read(fds[0], data, 4096);
  happened("read of it");
  close(fds[1]);
  happened("close of the writer");
  close(fds[0]);
  MUST(pipe2(fds, O_NONBLOCK));
  asynchronous(fds[1], signal);
  write(fds[1], "x", 1);
  happened("writer: write");
  read(fds[0], data, 10);
  happened("writer: read of all");
  fcntl(fds[1], F_SETPIPE_SZ, 4096);
  happened("writer: new size");
  write(fds[1], data, 4096);
  happened("writer: filled");
  read(fds[0], data, 10);
  happened("writer: read of a part of it");
  read(fds[0], data, 4096);
  happened("writer: read of the rest");
  close(fds[0]);
  happened("writer: close of the reader");
  close(fds[1]);
}

static void fifos(int signal) {
  section("a FIFO");
  MUST(mkfifo("fifo", 0600));
  int reader = (int)MUST(open("fifo", O_RDONLY | O_NONBLOCK));
  asynchronous(reader, signal);
  int writer = (int)MUST(open("fifo", O_WRONLY | O_NONBLOCK));
  happened("open of a writer");
  write(writer, "x", 1);
  happened("write");
  close(writer);
  happened("close of the writer");
  close(reader);
}

static void counters(int signal) {
  section("an eventfd");
  int fd = eventfd(0, EFD_NONBLOCK);
  asynchronous(fd, signal);
  uint64_t value = 1;
  write(fd, &value, 8);
  happened("write");
  read(fd, &value, 8);
  happened("read");
  close(fd);
}

static void terminals(int signal) {
  section("a terminal");
  patience_ms = 150;  // The line discipline works in its own time.
  int master = (int)MUST(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK));
  int zero = 0, number;
  ioctl(master, TIOCSPTLCK, &zero);
  ioctl(master, TIOCGPTN, &number);
  char name[64], data[100];
  snprintf(name, sizeof name, "/dev/pts/%d", number);
  int slave = (int)MUST(open(name, O_RDWR | O_NOCTTY | O_NONBLOCK));
  SHOW(fcntl(slave, F_SETFL, O_ASYNC));
  YES(fcntl(slave, F_GETOWN) == getpid());
  SHOW(fcntl(slave, F_SETFL, 0));
  asynchronous(slave, signal);
  write(master, "ab", 2);
  happened("typed, no line yet");
  write(master, "c\n", 2);
  happened("a line");
  read(slave, data, 100);
  happened("read");
  read(master, data, 100);
  happened("screen read");
  fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
  asynchronous(master, signal);
  write(slave, "out", 3);
  happened("master: output");
  read(master, data, 100);
  happened("master: read");
  write(master, "x\n", 2);
  happened("master: echo of what is typed");
  close(slave);
  happened("master: close of the slave");
  close(master);
  patience_ms = 20;
}

static void owners(void) {
  section("who");
  int fds[2];
  MUST(pipe(fds));
  SHOW(fcntl(fds[0], F_SETFL, O_ASYNC));
  write(fds[1], "x", 1);
  happened("no owner");
  struct f_owner_ex owner = {F_OWNER_TID, gettid()};
  SHOW(fcntl(fds[0], F_SETOWN_EX, &owner));
  write(fds[1], "x", 1);
  happened("a thread");
  SHOW(fcntl(fds[0], F_SETOWN, -getpgrp()));
  SHOW(fcntl(fds[0], F_GETOWN) == -getpgrp());
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGIO);
  write(fds[1], "x", 1);
  happened("a group");
  SHOW(fcntl(fds[0], F_SETOWN, 0));
  SHOW(fcntl(fds[0], F_GETOWN));
  write(fds[1], "x", 1);
  happened("nobody again");
  SHOW(fcntl(fds[0], F_SETOWN, 999999));
  SHOW(fcntl(fds[0], F_SETOWN, INT_MIN));
  owner = (struct f_owner_ex){F_OWNER_PID, 999999};
  SHOW(fcntl(fds[0], F_SETOWN_EX, &owner));
  owner = (struct f_owner_ex){F_OWNER_PGRP, -1};
  SHOW(fcntl(fds[0], F_SETOWN_EX, &owner));
  SHOW(fcntl(fds[0], F_SETOWN_EX, BAD_KERNEL));
  // An owner that is gone.
  pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  SHOW(fcntl(fds[0], F_SETOWN, child));
  SHOW(fcntl(fds[0], F_GETOWN) == child);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  SHOW(fcntl(fds[0], F_GETOWN));
  write(fds[1], "x", 1);
  happened("one that is gone");
  // Ignored by default? SIGIO ends a process.
  child = fork();
  if (child == 0) {
    signal(SIGIO, SIG_DFL);
    fcntl(fds[0], F_SETOWN, getpid());
    write(fds[1], "x", 1);
    sleep_ms(100);
    _exit(7);
  }
  int status;
  waitpid(child, &status, 0);
  say("default action: %s", status_text(status));
  // F_SETSIG changes what happens to a descriptor's signal: 0 goes back to SIGIO.
  SHOW(fcntl(fds[0], F_SETOWN, getpid()));
  SHOW(fcntl(fds[0], F_SETSIG, SIGUSR1));
  write(fds[1], "x", 1);
  happened("SIGUSR1");
  SHOW(fcntl(fds[0], F_SETSIG, SIGIO));
  SHOW(fcntl(fds[0], F_GETSIG));
  write(fds[1], "x", 1);
  happened("SIGIO by name");
  SHOW(fcntl(fds[0], F_SETSIG, 0));
  write(fds[1], "x", 1);
  happened("0");
  SHOW(fcntl(fds[0], F_SETSIG, 65));
  SHOW(fcntl(fds[0], F_SETSIG, -1));
  // A dup shares all of it, and has the descriptor of the one that set it.
  int copy = dup(fds[0]);
  SHOW(fcntl(copy, F_GETOWN) == getpid());
  close(fds[0]);
  write(fds[1], "x", 1);
  happened("after close of one of two");
  int off = 0, on = 1;
  SHOW(ioctl(copy, FIOASYNC, &off));
  say("F_GETFL %o", fcntl(copy, F_GETFL));
  write(fds[1], "x", 1);
  happened("FIOASYNC 0");
  SHOW(ioctl(copy, FIOASYNC, &on));
  say("F_GETFL %o", fcntl(copy, F_GETFL));
  write(fds[1], "x", 1);
  happened("FIOASYNC 1");
  SHOW(ioctl(copy, FIOASYNC, BAD_KERNEL));
  close(copy);
  close(fds[1]);
}

static void queued(void) {
  section("queued");
  int fds[2];
  MUST(pipe(fds));
  int signal = SIGRTMIN + 1;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  sigprocmask(SIG_BLOCK, &set, NULL);
  asynchronous(fds[0], signal);
  for (int i = 0; i < 3; i++) write(fds[1], "x", 1);
  siginfo_t info;
  struct timespec none = {0, 0};
  while (sigtimedwait(&set, &info, &none) > 0)
    say("  got fd %d band %lx", info.si_fd == fds[0], (long)info.si_band);
}

static void cannot(void) {
  section("files without");
  int fd = (int)MUST(open("file", O_RDWR | O_CREAT, 0600));
  SHOW(fcntl(fd, F_SETOWN, getpid()));
  SHOW(fcntl(fd, F_SETFL, O_ASYNC));
  say("F_GETFL %o", fcntl(fd, F_GETFL));
  int on = 1, off = 0;
  SHOW(ioctl(fd, FIOASYNC, &on));
  SHOW(ioctl(fd, FIOASYNC, &off));
  int zero = (int)MUST(open("/dev/zero", O_RDONLY | O_ASYNC));
  say("F_GETFL %o", fcntl(zero, F_GETFL));
  SHOW(ioctl(zero, FIOASYNC, &on));
  SHOW(ioctl(zero, FIOASYNC, &off));
  int random = (int)MUST(open("/dev/urandom", O_RDONLY));
  SHOW(fcntl(random, F_SETFL, O_ASYNC));
  say("F_GETFL %o", fcntl(random, F_GETFL));
}

int main(void) {
  catch (SIGIO);
  catch (SIGUSR1);
  catch (SIGRTMIN);
  setpgid(0, 0);
  pipes(0);
  pipes(SIGRTMIN);
  fifos(0);
  counters(SIGRTMIN);
  terminals(SIGRTMIN);
  owners();
  queued();
  cannot();
}
