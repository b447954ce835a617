// SPDX-License-Identifier: MIT
//
// Interval timers (setitimer, alarm) and POSIX timers: expirations are counted, never invented.

#include "abi.h"

#include <sys/time.h>

static volatile int ticks, last_code, last_value, last_overrun;
static void tick(int signal UNUSED) { ticks++; }
static void tick_info(int signal UNUSED, siginfo_t* info, void* context UNUSED) {
  ticks++;
  last_code = info->si_code;
  last_value = info->si_value.sival_int;
  last_overrun = info->si_overrun;
}

static void wait_ticks(int count) {
  for (int i = 0; i < 3000 && ticks < count; i++) usleep(1000);
}

static void intervals(void) {
  section("setitimer");
  struct itimerval set = {{0, 10000}, {0, 20000}}, old;
  handle_with(SIGALRM, tick, SA_RESTART);
  alarm(0);
  SHOW(getitimer(ITIMER_REAL, &old));
  say("%ld.%06ld %ld.%06ld", (long)old.it_value.tv_sec, (long)old.it_value.tv_usec,
      (long)old.it_interval.tv_sec, (long)old.it_interval.tv_usec);
  int64_t before = now_ns();
  SHOW(setitimer(ITIMER_REAL, &set, NULL));
  wait_ticks(5);
  int64_t took = now_ns() - before;
  YES(ticks >= 5 && took >= 60000000 && took < 2000000000);
  SHOW(getitimer(ITIMER_REAL, &old));
  YES(old.it_value.tv_sec == 0 && old.it_value.tv_usec <= 20000 &&
      old.it_interval.tv_usec == 10000);
  set = (struct itimerval){{0, 0}, {0, 0}};
  SHOW(setitimer(ITIMER_REAL, &set, &old));
  say("interval %ld", (long)old.it_interval.tv_usec);
  ticks = 0;
  sleep_ms(30);
  say("ticks when off %d", ticks);
  // A single shot.
  set = (struct itimerval){{0, 0}, {0, 10000}};
  SHOW(setitimer(ITIMER_REAL, &set, NULL));
  sleep_ms(60);
  say("single shot %d", ticks);
  set = (struct itimerval){{0, 10000}, {0, 0}};  // A value of 0 is off, whatever the interval.
  SHOW(setitimer(ITIMER_REAL, &set, NULL));
  set.it_value.tv_usec = 1000000;
  SHOW(setitimer(ITIMER_REAL, &set, NULL));
  set.it_value.tv_usec = -1;
  SHOW(setitimer(ITIMER_REAL, &set, NULL));
  SHOW(setitimer(7, &set, NULL));
  SHOW(getitimer(7, &old));
  SHOW(syscall(SYS_setitimer, ITIMER_REAL, BAD_KERNEL, NULL));
  SHOW(syscall(SYS_getitimer, ITIMER_REAL, BAD_KERNEL));
  SHOW(syscall(SYS_setitimer, ITIMER_REAL, NULL, &old));  // NULL disarms.
  handle_with(SIGVTALRM, tick, SA_RESTART);
  handle_with(SIGPROF, tick, SA_RESTART);
  ticks = 0;
  // Long enough that a stall of the machine, which counts as CPU time, is none of it.
  set = (struct itimerval){{0, 0}, {0, 300000}};
  SHOW(setitimer(ITIMER_VIRTUAL, &set, NULL));
  sleep_ms(60);
  say("virtual time while asleep: %d", ticks);
  int64_t until = now_ns() + 10000000000l;
  while (ticks == 0 && now_ns() < until) {
  }
  say("while running: %d", ticks);
  ticks = 0;
  SHOW(setitimer(ITIMER_PROF, &set, NULL));
  while (ticks == 0 && now_ns() < until) getppid();
  say("profiling: %d", ticks);
  // alarm: the seconds left, rounded to nearest but never 0.
  SHOW(alarm(100));
  SHOW(alarm(50));
  SHOW(alarm(0));
  SHOW(ualarm(1500000 % 1000000, 0));
  SHOW(alarm(0));
}

static void over_fork(void) {
  section("fork and exec");
  alarm(19);
  pid_t pid = fork();
  if (pid == 0) {
    struct itimerval now;
    getitimer(ITIMER_REAL, &now);
    say("in the child %ld.%06ld", (long)now.it_value.tv_sec, (long)now.it_value.tv_usec);
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  // Over exec it goes on.
  pid = fork();
  if (pid == 0) {
    alarm(1);
    execl("/bin/busybox", "sleep", "10", NULL);
    _exit(0);
  }
  int status;
  waitpid(pid, &status, 0);
  say("%s", status_text(status));
  alarm(0);
}

static long timer_create_raw(clockid_t clock, void* event, int* id) {
  return syscall(SYS_timer_create, clock, event, id);
}

static void posix(void) {
  section("POSIX timers");
  int id = -1, second = -1;
  struct sigaction action = {.sa_sigaction = tick_info, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigaction(SIGRTMIN, &action, NULL);
  sigaction(SIGALRM, &action, NULL);
  struct sigevent event = {
      .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value = {.sival_int = 321}};
  SHOW(timer_create_raw(CLOCK_MONOTONIC, &event, &id));
  struct itimerspec set = {{0, 10000000}, {0, 10000000}}, old;
  ticks = 0;
  SHOW(syscall(SYS_timer_settime, id, 0, &set, &old));
  say("old %ld.%ld", (long)old.it_value.tv_sec, old.it_value.tv_nsec);
  wait_ticks(3);
  say("code %d value %d", last_code, last_value);
  SHOW(syscall(SYS_timer_gettime, id, &old));
  YES(old.it_value.tv_nsec <= 10000000 && old.it_interval.tv_nsec == 10000000);
  // Overruns while the signal is blocked: none is lost, none invented.
  sigset_t block, previous;
  sigemptyset(&block);
  sigaddset(&block, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &block, &previous);
  syscall(SYS_timer_settime, id, 0, &(struct itimerspec){{0, 5000000}, {0, 5000000}}, NULL);
  ticks = 0;
  int64_t before = now_ns();
  sleep_ms(100);
  sigprocmask(SIG_SETMASK, &previous, NULL);
  int64_t periods = (now_ns() - before) / 5000000;
  syscall(SYS_timer_settime, id, 0, &(struct itimerspec){{0, 0}, {0, 0}}, NULL);
  long overrun = syscall(SYS_timer_getoverrun, id);
  YES(ticks >= 1 && last_overrun >= 15 && last_overrun <= periods);
  YES(overrun >= 0);
  SHOW(syscall(SYS_timer_gettime, id, &old));
  say("off: %ld.%ld", (long)old.it_value.tv_sec, old.it_value.tv_nsec);
  // Absolute, in the past: at once.
  ticks = 0;
  syscall(SYS_timer_settime, id, TIMER_ABSTIME, &(struct itimerspec){{0, 0}, {0, 1}}, NULL);
  wait_ticks(1);
  say("absolute, past: %d", ticks);
  SHOW(timer_create_raw(CLOCK_REALTIME, NULL, &second));  // SIGALRM with the id as its value.
  ticks = 0;
  syscall(SYS_timer_settime, second, 0, &(struct itimerspec){{0, 0}, {0, 1000000}}, NULL);
  wait_ticks(1);
  YES(last_value == second && id != second);
  SHOW(syscall(SYS_timer_delete, second));
  SHOW(syscall(SYS_timer_delete, second));
  SHOW(syscall(SYS_timer_settime, second, 0, &set, NULL));
  SHOW(syscall(SYS_timer_gettime, second, &old));
  SHOW(syscall(SYS_timer_getoverrun, second));
  event.sigev_notify = SIGEV_NONE;
  SHOW(timer_create_raw(CLOCK_MONOTONIC, &event, &second));
  syscall(SYS_timer_settime, second, 0, &(struct itimerspec){{0, 0}, {5, 0}}, NULL);
  SHOW(syscall(SYS_timer_gettime, second, &old));
  YES(old.it_value.tv_sec == 4 && old.it_value.tv_nsec > 0);
  section("refused");
  event.sigev_notify = 77;
  SHOW(timer_create_raw(CLOCK_MONOTONIC, &event, &second));
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = 0;
  SHOW(timer_create_raw(CLOCK_MONOTONIC, &event, &second));
  event.sigev_signo = 65;
  SHOW(timer_create_raw(CLOCK_MONOTONIC, &event, &second));
  event.sigev_signo = SIGUSR1;
  SHOW(timer_create_raw(99, &event, &second));
  SHOW(timer_create_raw(CLOCK_MONOTONIC_COARSE, &event, &second));
  SHOW(timer_create_raw(CLOCK_MONOTONIC, BAD_KERNEL, &second));
  SHOW(timer_create_raw(CLOCK_MONOTONIC, &event, BAD_KERNEL));
  set.it_value.tv_nsec = 1000000000;
  SHOW(syscall(SYS_timer_settime, id, 0, &set, NULL));
  SHOW(syscall(SYS_timer_settime, id, 0, NULL, NULL));
  SHOW(syscall(SYS_timer_settime, id, 0, BAD_KERNEL, NULL));
  set.it_value.tv_nsec = 1;
  set.it_interval = (struct timespec){0, 0};
  ticks = 0;
  SHOW(syscall(SYS_timer_settime, id, 0, &set, BAD_KERNEL));
  wait_ticks(1);  // it is set all the same, and its signal must not count below
  pid_t pid = fork();
  if (pid == 0) {
    SHOW(syscall(SYS_timer_gettime, id, &old));  // Not inherited.
    _exit(0);
  }
  waitpid(pid, NULL, 0);
}

static void to_a_thread(void) {
  section("SIGEV_THREAD_ID");
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN};
  event._sigev_un._tid = (int)syscall(SYS_gettid);
  int id;
  SHOW(timer_create_raw(CLOCK_MONOTONIC, &event, &id));
  ticks = 0;
  syscall(SYS_timer_settime, id, 0, &(struct itimerspec){{0, 0}, {0, 1000000}}, NULL);
  wait_ticks(1);
  say("%d", ticks);
  event._sigev_un._tid = 1;
  SHOW(timer_create_raw(CLOCK_MONOTONIC, &event, &id));
  event = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
  SHOW(timer_create_raw(CLOCK_PROCESS_CPUTIME_ID, &event, &id));
  ticks = 0;
  syscall(SYS_timer_settime, id, 0, &(struct itimerspec){{0, 0}, {0, 300000000}}, NULL);
  sleep_ms(50);
  say("CPU time while asleep: %d", ticks);
  int64_t until = now_ns() + 10000000000l;
  while (ticks == 0 && now_ns() < until) {
  }
  say("while running: %d", ticks);
}

int main(void) {
  intervals();
  over_fork();
  posix();
  to_a_thread();
}
