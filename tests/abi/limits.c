// SPDX-License-Identifier: MIT
//
// getrlimit(2), setrlimit(2), prlimit(2): the call itself, and each limit where it bites.

#include "abi.h"

#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void limit(int resource, rlim_t soft, rlim_t hard) {
  struct rlimit wanted = {soft, hard};
  MUST(setrlimit((__rlimit_resource_t)resource, &wanted));
}

static long set(int resource, rlim_t soft, rlim_t hard) {
  struct rlimit wanted = {soft, hard};
  return syscall(SYS_setrlimit, resource, &wanted);
}

static void calls(void) {
  struct rlimit old;
  SHOW(syscall(SYS_getrlimit, 16, &old));
  SHOW(syscall(SYS_getrlimit, -1, &old));
  SHOW(syscall(SYS_getrlimit, 0, NULL));
  SHOW(syscall(SYS_setrlimit, 0, NULL));
  SHOW(syscall(SYS_setrlimit, 16, NULL));
  SHOW(set(16, 2, 1));
  SHOW(set(RLIMIT_CORE, 2, 1));
  SHOW(set(RLIMIT_NOFILE, 100, 1048577));
  SHOW(set(RLIMIT_NOFILE, 1048578, 1048577));
  SHOW(set(RLIMIT_NOFILE, RLIM_INFINITY, RLIM_INFINITY));
  SHOW(syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, NULL));
  SHOW(syscall(SYS_prlimit64, -1, RLIMIT_CORE, NULL, NULL));
  SHOW(syscall(SYS_prlimit64, 1 << 30, RLIMIT_CORE, NULL, NULL));
  SHOW(syscall(SYS_prlimit64, 1 << 30, 99, NULL, NULL));
  SHOW(syscall(SYS_prlimit64, 1 << 30, RLIMIT_CORE, BAD_KERNEL, NULL));
  SHOW(syscall(SYS_prlimit64, 1, RLIMIT_CORE, NULL, &old));
  SHOW(syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, BAD_KERNEL));
  limit(RLIMIT_CORE, 5, 10);
  MUST(setresuid(1000, 1000, 1000));
  SHOW(set(RLIMIT_CORE, 10, 10));
  SHOW(set(RLIMIT_CORE, 10, 11));
  SHOW(set(RLIMIT_CORE, 7, 7));
  SHOW(set(RLIMIT_CORE, 7, 8));
  SHOW(syscall(SYS_prlimit64, 1, RLIMIT_CORE, NULL, &old));
  SHOW(syscall(SYS_prlimit64, 1, 99, NULL, &old));
  SHOW(syscall(SYS_prlimit64, getpid(), RLIMIT_CORE, NULL, &old));
  say("%lu %lu", old.rlim_cur, old.rlim_max);
}

static void on_excess(int signal) { say("caught %s", signal_name(signal)); }

static void file_size(void) {
  limit(RLIMIT_FSIZE, 10, 20);
  handle_with(SIGXFSZ, on_excess, 0);
  int fd = (int)MUST(open("/tmp/limits_file", O_RDWR | O_CREAT | O_TRUNC, 0600));
  SHOW(write(fd, "0123456", 7));
  SHOW(write(fd, "0123456", 7));
  SHOW(write(fd, "0123456", 7));
  SHOW(pwrite(fd, "0123456", 7, 20));
  SHOW(write(fd, "", 0));
  SHOW(ftruncate(fd, 11));
  SHOW(ftruncate(fd, 10));
  SHOW(fallocate(fd, 0, 0, 100));
  SHOW(truncate("/tmp/limits_file", 100));
  signal(SIGXFSZ, SIG_IGN);
  SHOW(write(fd, "0123456", 7));
  unlink("/tmp/limits_file");
  signal(SIGXFSZ, SIG_DFL);
  write(fd, "0123456", 7);
}

static void descriptors(void) {
  limit(RLIMIT_NOFILE, 8, 20);
  int highest = 0, fd;
  while ((fd = dup(1)) >= 0) highest = fd;
  say("highest %d then %s", highest, error_name(errno));
  SHOW(dup2(1, 8));
  SHOW(dup3(1, 8, 0));
  SHOW(fcntl(1, F_DUPFD, 8));
  SHOW(fcntl(1, F_DUPFD, 7));
  SHOW(open("/", O_RDONLY));
  SHOW(eventfd(0, 0));
  int ends[2];
  SHOW(pipe(ends));
  SHOW(syscall(SYS_pidfd_open, getpid(), 0));
  limit(RLIMIT_NOFILE, 0, 20);
  SHOW(write(1, "", 0));
  SHOW(dup2(1, 1));
}

static void data(void) {
  limit(RLIMIT_DATA, 1 << 20, 1 << 20);
  SHOW(mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
       MAP_FAILED);
  OK(mmap(NULL, 64 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  OK(mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  long now = syscall(SYS_brk, 0);
  YES(syscall(SYS_brk, now + (8 << 20)) == now);
  char* readable = mmap(NULL, 64 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  SHOW(mprotect(readable, 64 << 20, PROT_READ | PROT_WRITE));
}

static void address_space(void) {
  limit(RLIMIT_AS, 32 << 20, 32 << 20);
  SHOW(mmap(NULL, 64 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  char* small = mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  YES(small != MAP_FAILED);
  SHOW(mremap(small, 1 << 20, 64 << 20, MREMAP_MAYMOVE));
  OK(mmap(small, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}

static void locked(void) {
  MUST(setresuid(1000, 1000, 1000));
  limit(RLIMIT_MEMLOCK, 64 << 10, 64 << 10);
  char* area = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  SHOW(mlock(area, 64 << 10));
  SHOW(mlock(area, 64 << 10));
  SHOW(mlock(area, (64 << 10) + 1));
  SHOW(mlock(area + (64 << 10), 4096));
  SHOW(mlockall(MCL_CURRENT));
  SHOW(mlockall(MCL_ONFAULT));
  SHOW(mlockall(8));
  SHOW(munlock(area, 4096));
  SHOW(mlock(area + (64 << 10), 4096));
  SHOW(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
  limit(RLIMIT_MEMLOCK, 0, 0);
  SHOW(mlock(area, 4096));
  SHOW(mlock(area, 0));
  SHOW(munlock(area, 1 << 20));
  SHOW(mlockall(MCL_CURRENT));
  SHOW(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
}

static void pending(void) {
  MUST(setresuid(1003, 1003, 1003));
  limit(RLIMIT_SIGPENDING, 3, 3);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  union sigval value = {.sival_int = 1};
  for (int i = 0; i < 5; i++) SHOW(sigqueue(getpid(), SIGRTMIN + 1, value));
  SHOW(sigqueue(getpid(), SIGUSR1, value));
  SHOW(kill(getpid(), SIGRTMIN + 2));
  SHOW(kill(getpid(), SIGUSR2));
  timer_t timer;
  SHOW(timer_create(CLOCK_MONOTONIC, NULL, &timer));
  siginfo_t info;
  for (int i = 0; i < 7; i++) {
    sigset_t any = all;
    struct timespec none = {0, 0};
    int got = sigtimedwait(&any, &info, &none);
    say("%s code %d value %d", got < 0 ? error_name(errno) : signal_name(got),
        got < 0 ? 0 : info.si_code, got < 0 ? 0 : info.si_value.sival_int);
  }
}

static void processes(void) {
  limit(RLIMIT_NPROC, 1, 1);
  MUST(setresuid(1004, 1004, 1004));
  pid_t pid = fork();
  if (pid == 0) _exit(0);
  say("fork: %s", pid == -1 ? error_name(errno) : "ok");
}

static void processes_by_setuid(void) {
  limit(RLIMIT_NPROC, 0, 0);
  SHOW(setresuid(1005, 1005, 1005));
  execl("/bin/true", "true", NULL);
  say("execve: %s", error_name(errno));
}

static void nice_limit(void) {
  limit(RLIMIT_NICE, 25, 25);
  MUST(setresuid(1000, 1000, 1000));
  SHOW(setpriority(PRIO_PROCESS, 0, -6));
  SHOW(setpriority(PRIO_PROCESS, 0, -5));
  SHOW(setpriority(PRIO_PROCESS, 0, 19));
  SHOW(setpriority(PRIO_PROCESS, 0, 0));
  SHOW(syscall(SYS_getpriority, PRIO_PROCESS, 0));
}

static void realtime_limit(void) {
  limit(RLIMIT_RTPRIO, 5, 5);
  MUST(setresuid(1000, 1000, 1000));
  struct sched_param param = {6};
  SHOW(sched_setscheduler(0, SCHED_FIFO, &param));
  param.sched_priority = 5;
  SHOW(sched_setscheduler(0, SCHED_FIFO, &param));
  param.sched_priority = 3;
  SHOW(sched_setparam(0, &param));
  param.sched_priority = 6;
  SHOW(sched_setparam(0, &param));
}

static volatile int excesses;
static void count(int signal) {
  excesses++;
  if (excesses <= 2) say("caught %s", signal_name(signal));
}

static void spin_ms(int milliseconds) {
  int64_t end = now_ns() + milliseconds * 1000000l;
  while (now_ns() < end) {
  }
}

// The time of a spin is the machine's, held up by whatever else its host does: the limits lie far
// from what is spun.
static void realtime_time(void) {
  limit(RLIMIT_RTTIME, 100000, 60000000);
  struct sched_param param = {1};
  MUST(sched_setscheduler(0, SCHED_FIFO, &param));
  handle_with(SIGXCPU, count, 0);
  for (int i = 0; i < 100 && excesses == 0; i++) spin_ms(100);
  YES(excesses >= 1);
  excesses = 0;
  limit(RLIMIT_RTTIME, 1500000, 60000000);
  for (int i = 0; i < 20; i++) {
    spin_ms(100);
    sleep_ms(5);
  }
  SHOW(excesses);
}

static void realtime_time_hard(void) {
  limit(RLIMIT_RTTIME, 50000, 100000);
  struct sched_param param = {1};
  MUST(sched_setscheduler(0, SCHED_FIFO, &param));
  signal(SIGXCPU, SIG_IGN);
  spin_ms(60000);
}

static void cpu_hard(void) {
  limit(RLIMIT_CPU, 1, 1);
  signal(SIGXCPU, SIG_IGN);
  spin_ms(60000);
}

static void cpu_zero(void) {
  limit(RLIMIT_CPU, 0, 5);
  spin_ms(60000);
}

static void stack_strings(void) {
  static char* arguments[3000];
  static char string[1000];
  memset(string, 'x', sizeof string - 1);
  for (int i = 0; i < 2999; i++) arguments[i] = string;
  limit(RLIMIT_STACK, 8 << 20, 8 << 20);
  arguments[1999] = NULL;
  pid_t pid = fork();
  if (pid == 0) {
    execv("/bin/true", arguments);
    say("2 MB: %s", error_name(errno));
    _exit(1);
  }
  waitpid(pid, NULL, 0);
  arguments[1999] = string;
  execv("/bin/true", arguments);
  say("3 MB: %s", error_name(errno));
}

int main(void) {
  section("calls");
  IN_CHILD(calls);
  section("where they bite");
  IN_CHILD(file_size);
  IN_CHILD(descriptors);
  IN_CHILD(data);
  IN_CHILD(address_space);
  IN_CHILD(locked);
  IN_CHILD(pending);
  IN_CHILD(processes);
  IN_CHILD(processes_by_setuid);
  IN_CHILD(nice_limit);
  IN_CHILD(realtime_limit);
  IN_CHILD(realtime_time);
  IN_CHILD(realtime_time_hard);
  IN_CHILD(cpu_hard);
  IN_CHILD(cpu_zero);
  IN_CHILD(stack_strings);
  return 0;
}
