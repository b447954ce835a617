// SPDX-License-Identifier: MIT
//
// What a signal does to each call that can sleep: with and without SA_RESTART, with a default
// action that ignores, with a stop and continue; and the calls made for waiting for signals:
// rt_sigtimedwait, rt_sigsuspend, pause.

#include "abi.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/select.h>

static volatile int handled;
static void count_signal(int signal UNUSED) { handled++; }

static int pipes[2], event, lock_fd;
static pid_t helper;
static uint32_t* word;  // Shared with the helper.

// Each case sleeps until a helper ends it; the end is told from an interruption by the result.
static long sleep_read(void) {
  char byte;
  return read(pipes[0], &byte, 1);
}
static long sleep_readv(void) {
  char byte;
  struct {
    void* base;
    size_t length;
  } vector = {&byte, 1};
  return syscall(SYS_readv, pipes[0], &vector, 1);
}
static long sleep_wait(void) { return waitpid(helper, NULL, 0) == helper ? 0 : -1; }
static long sleep_waitid(void) { return waitid(P_PID, (id_t)helper, NULL, WEXITED); }
static long sleep_flock(void) { return flock(lock_fd, LOCK_EX); }
static long sleep_lock(void) {
  struct flock range = {.l_type = F_WRLCK};
  return fcntl(lock_fd, F_SETLKW, &range);
}
static long sleep_eventfd(void) {
  uint64_t value;
  return read(event, &value, 8);
}
static long sleep_fifo(void) {
  long fd = open("fifo", O_RDONLY);
  if (fd >= 0) close((int)fd);
  return fd >= 0 ? 0 : -1;
}
static long sleep_poll(void) {
  struct pollfd entry = {pipes[0], POLLIN, 0};
  return poll(&entry, 1, 3000);
}
static long sleep_ppoll_forever(void) {
  struct pollfd entry = {pipes[0], POLLIN, 0};
  return ppoll(&entry, 1, NULL, NULL);
}
static long sleep_select(void) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(pipes[0], &set);
  return select(pipes[0] + 1, &set, NULL, NULL, NULL);
}
static long sleep_nanosleep(void) { return nanosleep(&(struct timespec){0, 600000000}, NULL); }
static long sleep_clock(void) {
  return syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &(struct timespec){0, 600000000}, NULL);
}
static long sleep_clock_absolute(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  time.tv_nsec += 600000000;
  if (time.tv_nsec >= 1000000000) time.tv_sec++, time.tv_nsec -= 1000000000;
  return syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}
static long sleep_futex(void) { return syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL); }
static long sleep_futex_timeout(void) {
  return syscall(SYS_futex, word, FUTEX_WAIT, 0, &(struct timespec){0, 600000000});
}
static long sleep_sigtimedwait(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  return sigtimedwait(&set, NULL, &(struct timespec){0, 600000000});
}

static const struct {
  const char* name;
  long (*sleep)(void);
} kCalls[] = {
    {"read of a pipe", sleep_read},
    {"readv of a pipe", sleep_readv},
    {"wait4", sleep_wait},
    {"waitid", sleep_waitid},
    {"flock", sleep_flock},
    {"fcntl F_SETLKW", sleep_lock},
    {"read of an eventfd", sleep_eventfd},
    {"open of a FIFO", sleep_fifo},
    {"poll with a timeout", sleep_poll},
    {"ppoll without", sleep_ppoll_forever},
    {"select", sleep_select},
    {"nanosleep", sleep_nanosleep},
    {"clock_nanosleep", sleep_clock},
    {"clock_nanosleep absolute", sleep_clock_absolute},
    {"futex wait", sleep_futex},
    {"futex wait with a timeout", sleep_futex_timeout},
    {"sigtimedwait", sleep_sigtimedwait},
};

// After the signal: let every sleeper go. The helper is the child that wait4 waits for, holds the
// locks, and writes what the others read.
static void help(pid_t sleeper, int signal) {
  int held = open("lock", O_RDWR);
  flock(held, LOCK_EX);
  struct flock range = {.l_type = F_WRLCK};
  fcntl(held, F_SETLK, &range);
  write(pipes[1], "h", 1);       // Ready.
  for (int i = 0; i < 3; i++) {  // It may sleep for a moment elsewhere before it gets there.
    sleep_ms(15);
    wait_until_asleep(sleeper);
  }
  kill(sleeper, signal);
  if (signal == SIGSTOP) {
    sleep_ms(30);
    kill(sleeper, SIGCONT);
  }
  sleep_ms(60);
  flock(held, LOCK_UN);
  close(held);
  write(pipes[1], "x", 1);
  uint64_t one = 1;
  write(event, &one, 8);
  int fifo = open("fifo", O_RDWR | O_NONBLOCK);
  syscall(SYS_futex, word, FUTEX_WAKE, 1);
  sleep_ms(20);
  close(fifo);
  _exit(0);
}

static void observe(unsigned index, const char* how, int flags, int signal) {
  handled = 0;
  pipe(pipes);
  event = eventfd(0, 0);
  handle_with(SIGALRM, count_signal, flags);
  int result = 0, error = 0, after_first = 0;
  pid_t sleeper = fork();
  if (sleeper == 0) {
    pid_t self = getpid();
    helper = fork();
    if (helper == 0) help(self, signal);
    char byte;
    read(pipes[0], &byte, 1);
    lock_fd = open("lock", O_RDWR);
    errno = 0;
    result = (int)kCalls[index].sleep();
    error = errno;
    after_first = handled;
    say("%-26s %-10s %s, handled %d", kCalls[index].name, how,
        result >= 0 ? "done" : error_name(error), after_first);
    kill(helper, SIGKILL);
    waitpid(helper, NULL, 0);  // Its locks are gone before the next one wants them.
    _exit(0);
  }
  waitpid(sleeper, NULL, 0);
  close(pipes[0]);
  close(pipes[1]);
  close(event);
}

static void matrix(void) {
  word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  write_file("lock", "");
  mkfifo("fifo", 0600);
  for (unsigned i = 0; i < COUNT(kCalls); i++) {
    observe(i, "plain", 0, SIGALRM);
    observe(i, "restart", SA_RESTART, SIGALRM);
    observe(i, "ignored", 0, SIGCHLD);
    observe(i, "stop", 0, SIGSTOP);
  }
}

static void signal_waits(void) {
  section("rt_sigtimedwait");
  sigset_t set, empty;
  sigemptyset(&empty);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &set, NULL);
  siginfo_t info;
  struct timespec soon = {0, 20000000}, now = {0, 0};
  SHOW(sigtimedwait(&set, &info, &now));
  SHOW(sigtimedwait(&set, &info, &soon));
  sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 5});
  sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 6});
  kill(getpid(), SIGUSR1);
  SHOW(sigtimedwait(&set, &info, &now));
  say("code %d", info.si_code);
  SHOW(sigtimedwait(&set, &info, &now));
  say("value %d", info.si_value.sival_int);
  SHOW(sigtimedwait(&set, &info, &now));
  say("value %d", info.si_value.sival_int);
  SHOW(syscall(SYS_rt_sigtimedwait, &set, NULL, &now, 4));
  SHOW(syscall(SYS_rt_sigtimedwait, BAD_KERNEL, NULL, &now, 8));
  SHOW(syscall(SYS_rt_sigtimedwait, &set, NULL, BAD_KERNEL, 8));
  now.tv_nsec = -1;
  SHOW(syscall(SYS_rt_sigtimedwait, &set, NULL, &now, 8));
  kill(getpid(), SIGUSR1);
  SHOW(syscall(SYS_rt_sigtimedwait, &set, BAD_KERNEL, NULL, 8));
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    wait_until_asleep(parent);
    kill(parent, SIGUSR1);
    _exit(0);
  }
  YES(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_pid == pid);
  waitpid(pid, NULL, 0);
  section("rt_sigsuspend and pause");
  handle_with(SIGUSR1, count_signal, SA_RESTART);
  handled = 0;
  kill(getpid(), SIGUSR1);
  say("handled %d", handled);
  SHOW(sigsuspend(&empty));
  say("handled %d", handled);
  sigset_t mask;
  sigprocmask(SIG_SETMASK, NULL, &mask);
  YES(sigismember(&mask, SIGUSR1));
  SHOW(syscall(SYS_rt_sigsuspend, &empty, 4));
  SHOW(syscall(SYS_rt_sigsuspend, BAD_KERNEL, 8));
  sigprocmask(SIG_SETMASK, &empty, NULL);
  handle_with(SIGALRM, count_signal, SA_RESTART);
  ualarm(kSoon, 0);
  SHOW(pause());
  alarm(kHang);
}

static void remaining_time(void) {
  section("time left of an interrupted nanosleep");
  handle_with(SIGALRM, count_signal, 0);
  struct timespec left = {99, 99};
  ualarm(kSoon, 0);
  SHOW(nanosleep(&(struct timespec){5, 0}, &left));
  YES(left.tv_sec < 5 && left.tv_sec >= 2);
  // Stop and continue: it goes on sleeping for what is left.
  pid_t pid = fork();
  if (pid == 0) {
    int64_t before = now_ns();
    SHOW(nanosleep(&(struct timespec){0, 150000000}, NULL));
    int64_t slept = now_ns() - before;
    YES(slept >= 150000000 && slept < 1000000000);
    _exit(0);
  }
  wait_until_asleep(pid);
  kill(pid, SIGSTOP);
  sleep_ms(50);
  kill(pid, SIGCONT);
  waitpid(pid, NULL, 0);
  alarm(kHang);
}

int main(void) {
  alarm(60);
  matrix();
  signal_waits();
  remaining_time();
}
