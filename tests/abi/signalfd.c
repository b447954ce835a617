// SPDX-License-Identifier: MIT
//
// signalfd: records of every kind of signal, whose signals they are, what a read, poll and epoll of
// one see, and its company: masks, handlers and sigtimedwait.

#include "abi.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>

static sigset_t set_of(int first, int second, int third) {
  sigset_t set;
  sigemptyset(&set);
  if (first != 0) sigaddset(&set, first);
  if (second != 0) sigaddset(&set, second);
  if (third != 0) sigaddset(&set, third);
  return set;
}

static struct signalfd_siginfo record;

// A zero where it is zero, and what it is where that is the same everywhere.
static void show_record(const char* label) {
  const char* pid = record.ssi_pid == 0                    ? "0"
                    : record.ssi_pid == (uint32_t)getpid() ? "self"
                                                           : "other";
  say("%s: %s errno %d code %d pid %s uid %u fd %d tid %s band %u overrun %u trap %u status %d "
      "int %d ptr %#lx addr %s lsb %u syscall %d call %s arch %#x",
      label, signal_name((int)record.ssi_signo), record.ssi_errno, record.ssi_code, pid,
      record.ssi_uid, record.ssi_fd, record.ssi_tid != 0 ? "set" : "0", record.ssi_band,
      record.ssi_overrun, record.ssi_trapno, record.ssi_status, record.ssi_int,
      (long)record.ssi_ptr, record.ssi_addr != 0 ? "set" : "0", record.ssi_addr_lsb,
      record.ssi_syscall, record.ssi_call_addr != 0 ? "set" : "0", record.ssi_arch);
}

static long take(int fd, const char* label) {
  memset(&record, 0xaa, sizeof record);
  errno = 0;
  long count = read(fd, &record, sizeof record);
  if (count == (long)sizeof record) {
    show_record(label);
  } else {
    say("%s: %ld %s", label, count, count == -1 ? error_name(errno) : "");
  }
  return count;
}

static void create(void) {
  section("create");
  sigset_t set = set_of(SIGUSR1, SIGKILL, SIGSTOP);
  SHOW(signalfd(-1, &set, 0));
  SHOW(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  say("flags %d %d status %#o %#o", fcntl(3, F_GETFD), fcntl(4, F_GETFD), fcntl(3, F_GETFL),
      fcntl(4, F_GETFL));
  SHOW(signalfd(-1, &set, 1));
  SHOW(syscall(SYS_signalfd4, -1, &set, 4, 0));
  SHOW(syscall(SYS_signalfd4, -1, &set, 128, 0));
  SHOW(syscall(SYS_signalfd4, -1, BAD_NULL, 8, 0));
  SHOW(syscall(SYS_signalfd4, -1, BAD_KERNEL, 8, 1));
  SHOW(signalfd(99, &set, 0));
  SHOW(signalfd(1, &set, 0));
  SHOW(signalfd(-2, &set, 0));
  SHOW(signalfd(3, &set, SFD_NONBLOCK));
  say("status %#o", fcntl(3, F_GETFL));
  SHOW(signalfd(3, &set, 1));
  char text[64] = "", byte;
  readlink("/proc/self/fd/3", text, sizeof text - 1);
  say("%s", text);
  SHOW(write(4, text, sizeof text));
  SHOW(lseek(4, 3, SEEK_SET));
  SHOW(ioctl(4, FIONREAD, text));
  SHOW(read(4, &byte, 1));
  SHOW(read(4, &record, 127));
  SHOW(read(4, &record, 128));
  snprintf(text, sizeof text, "/proc/self/fdinfo/4");
  char* info = read_file(text);
  if (info != NULL) say("%s", strstr(info, "sigmask"));
  say("record: %zu bytes", sizeof record);
  close(3);
  close(4);
}

static void records(void) {
  section("records");
  sigset_t set;
  sigfillset(&set);
  sigprocmask(SIG_BLOCK, &set, NULL);
  int fd = signalfd(-1, &set, SFD_NONBLOCK);
  take(fd, "none");
  kill(getpid(), SIGUSR1);
  take(fd, "kill");
  syscall(SYS_tgkill, getpid(), gettid(), SIGUSR2);
  take(fd, "tgkill");
  union sigval value = {.sival_ptr = (void*)0x123456789};
  sigqueue(getpid(), SIGRTMIN + 3, value);
  take(fd, "sigqueue");
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
  event.sigev_value.sival_int = 77;
  timer_t timer;
  timer_create(CLOCK_MONOTONIC, &event, &timer);
  struct itimerspec setting = {{0, 0}, {0, 1000000}};
  timer_settime(timer, 0, &setting, NULL);
  sleep_ms(10);
  record.ssi_tid = 0;
  if (read(fd, &record, sizeof record) == (long)sizeof record) {
    record.ssi_tid = 0;  // the first timer of a process has number 0, of a later one another
    show_record("timer");
  }
  setting.it_interval.tv_nsec = 1000000;
  timer_settime(timer, 0, &setting, NULL);
  sleep_ms(20);
  SHOW(read(fd, &record, sizeof record));
  YES(record.ssi_overrun > 5);
  timer_delete(timer);
  read(fd, &record, sizeof record);
  pid_t pid = fork();
  if (pid == 0) _exit(5);
  waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT);
  record.ssi_pid = 0;
  SHOW(read(fd, &record, sizeof record));
  YES(record.ssi_pid == (uint32_t)pid);
  record.ssi_utime = record.ssi_stime = 0;
  show_record("a child's end");
  waitpid(pid, NULL, 0);
  pid = fork();
  if (pid == 0) {
    kill(getpid(), SIGKILL);
    pause();
  }
  waitpid(pid, NULL, 0);
  take(fd, "a killed child");
  int fds[2];
  pipe(fds);
  close(fds[0]);
  (void)!write(fds[1], "x", 1);
  take(fd, "pipe");
  close(fds[1]);
  kill(getpid(), SIGTSTP);
  take(fd, "a stop signal");
  kill(getpid(), SIGCONT);
  take(fd, "continue");
  alarm(0);
  ualarm(1000, 0);
  sleep_ms(10);
  take(fd, "alarm");
  take(fd, "none");
  close(fd);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static void several(void) {
  section("several at once");
  sigset_t set = set_of(SIGUSR1, SIGUSR2, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &set, NULL);
  int fd = signalfd(-1, &set, SFD_NONBLOCK);
  union sigval value = {.sival_int = 1};
  sigqueue(getpid(), SIGRTMIN, value);
  value.sival_int = 2;
  sigqueue(getpid(), SIGRTMIN, value);
  kill(getpid(), SIGUSR2);
  kill(getpid(), SIGUSR2);
  syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1);
  kill(getpid(), SIGUSR1);
  struct signalfd_siginfo all[8];
  long count = read(fd, all, sizeof all);
  say("read %ld", count);
  for (long i = 0; i < count / (long)sizeof record; i++)
    say("%s code %d int %d", signal_name((int)all[i].ssi_signo), all[i].ssi_code, all[i].ssi_int);
  for (int i = 0; i < 4; i++) {
    value.sival_int = i;
    sigqueue(getpid(), SIGRTMIN, value);
  }
  SHOW(read(fd, all, sizeof record + 5));
  SHOW(read(fd, all, 2 * sizeof record + 127));
  SHOW(read(fd, all, sizeof all));
  SHOW(read(fd, all, sizeof all));
  kill(getpid(), SIGUSR1);
  SHOW(read(fd, BAD_KERNEL, sizeof record));
  SHOW(read(fd, BAD_NULL, sizeof record));
  SHOW(read(fd, all, sizeof all));
  kill(getpid(), SIGUSR1);
  kill(getpid(), SIGUSR2);
  kill(getpid(), SIGRTMIN);
  SHOW(read(fd, edge(sizeof record), 3 * sizeof record));
  SHOW(read(fd, all, sizeof all));

  section("masks");
  sigset_t other = set_of(SIGUSR2, 0, 0);
  kill(getpid(), SIGUSR1);
  SHOW(signalfd(fd, &other, 0) == fd);
  take(fd, "not wanted");
  kill(getpid(), SIGUSR2);
  take(fd, "wanted");
  sigset_t pending;
  sigpending(&pending);
  YES(sigismember(&pending, SIGUSR1));
  SHOW(signalfd(fd, &set, 0) == fd);
  take(fd, "wanted again");

  section("company");
  kill(getpid(), SIGUSR1);
  struct timespec none = {0, 0};
  siginfo_t info;
  SHOW(sigtimedwait(&set, &info, &none));
  take(fd, "sigtimedwait took it");
  kill(getpid(), SIGUSR1);
  take(fd, "the file took it");
  SHOW(sigtimedwait(&set, &info, &none));
  handle_with(SIGUSR2, ignore_signal, 0);
  sigprocmask(SIG_UNBLOCK, &other, NULL);
  kill(getpid(), SIGUSR2);
  take(fd, "a handler took it");
  sigprocmask(SIG_BLOCK, &other, NULL);
  handle_with(SIGUSR1, SIG_IGN, 0);
  kill(getpid(), SIGUSR1);
  take(fd, "ignored and blocked");
  handle_with(SIGUSR1, SIG_DFL, 0);
  close(fd);
}

static int shared;

static void* kill_later(void* thread) {
  sleep_ms(600);
  if (thread != NULL) {
    pthread_kill(*(pthread_t*)thread, SIGUSR1);
  } else {
    kill(getpid(), SIGUSR1);
  }
  return NULL;
}

static void* change_later(void* unused UNUSED) {
  sleep_ms(40);
  sigset_t set = set_of(SIGUSR1, SIGUSR2, 0);
  signalfd(shared, &set, 0);
  return NULL;
}

static void* look(void* unused UNUSED) {
  struct pollfd entry = {shared, POLLIN, 0};
  say("another thread: poll %d", poll(&entry, 1, 0));
  take(shared, "another thread");
  return NULL;
}

static volatile int handled;
static void count_signal(int signal UNUSED) { handled++; }

static void waiting(void) {
  section("waiting");
  sigset_t set = set_of(SIGUSR1, SIGUSR2, 0);
  sigprocmask(SIG_BLOCK, &set, NULL);
  shared = signalfd(-1, &set, 0);
  pthread_t thread, self = pthread_self();
  pthread_create(&thread, NULL, kill_later, NULL);
  take(shared, "blocking read");
  pthread_join(thread, NULL);
  pthread_create(&thread, NULL, kill_later, &self);
  take(shared, "a signal for the thread");
  pthread_join(thread, NULL);
  struct pollfd entry = {shared, POLLIN | POLLOUT | POLLRDNORM, 0};
  say("poll %d", poll(&entry, 1, 0));
  pthread_create(&thread, NULL, kill_later, NULL);
  say("poll %d", poll(&entry, 1, 5000));
  say("events %#x", entry.revents);
  pthread_join(thread, NULL);
  take(shared, "after poll");
  handle_with(SIGALRM, count_signal, 0);
  ualarm(kSoon, 0);
  take(shared, "interrupted");
  handle_with(SIGALRM, count_signal, SA_RESTART);
  ualarm(kSoon, 0);
  pthread_create(&thread, NULL, kill_later, NULL);
  take(shared, "restarted");
  pthread_join(thread, NULL);
  YES(handled == 2);
  section("the mask changes under a reader");
  sigset_t other = set_of(SIGUSR2, 0, 0);
  signalfd(shared, &other, 0);
  kill(getpid(), SIGUSR1);
  pthread_create(&thread, NULL, change_later, NULL);
  take(shared, "reader");
  pthread_join(thread, NULL);

  section("whose signals");
  fcntl(shared, F_SETFL, O_NONBLOCK);
  pthread_kill(self, SIGUSR1);
  pthread_create(&thread, NULL, look, NULL);
  pthread_join(thread, NULL);
  take(shared, "this thread");
  kill(getpid(), SIGUSR1);
  pthread_create(&thread, NULL, look, NULL);
  pthread_join(thread, NULL);
  take(shared, "this thread");
  kill(getpid(), SIGUSR2);
  pid_t pid = fork();
  if (pid == 0) {
    take(shared, "child");
    kill(getpid(), SIGUSR1);
    take(shared, "child, its own");
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  take(shared, "parent");

  section("epoll");
  int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN};
  epoll_ctl(epoll, EPOLL_CTL_ADD, shared, &event);
  SHOW(epoll_wait(epoll, &event, 1, 0));
  pthread_create(&thread, NULL, kill_later, NULL);
  SHOW(epoll_wait(epoll, &event, 1, 5000));
  pthread_join(thread, NULL);
  SHOW(epoll_wait(epoll, &event, 1, 0));
  take(shared, "read");
  SHOW(epoll_wait(epoll, &event, 1, 0));
  // A set that outlives the process that filled it: its queue of signals goes.
  pid = fork();
  if (pid == 0) {
    int inner = signalfd(-1, &set, SFD_NONBLOCK);
    struct epoll_event ours = {.events = EPOLLIN};
    SHOW_AS("child adds its own", epoll_ctl(epoll, EPOLL_CTL_ADD, inner, &ours));
    SHOW_AS("child adds the shared again", epoll_ctl(epoll, EPOLL_CTL_MOD, shared, &ours));
    int copy = dup(shared);
    SHOW_AS("and a copy", epoll_ctl(epoll, EPOLL_CTL_ADD, copy, &ours));
    kill(getpid(), SIGUSR1);
    struct epoll_event events[8];
    SHOW_AS("child", epoll_wait(epoll, events, 8, 0));
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  SHOW(epoll_wait(epoll, &event, 1, 0));
  kill(getpid(), SIGUSR1);
  SHOW(epoll_wait(epoll, &event, 1, 0));
  take(shared, "parent");
  close(shared);
  SHOW(epoll_wait(epoll, &event, 1, 0));
  close(epoll);
}

int main(void) {
  create();
  records();
  several();
  waiting();
}
