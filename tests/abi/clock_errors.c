// SPDX-License-Identifier: MIT
//
// Clocks and timers: every clock with every call, odd arguments, and which complaint comes first.

#include "abi.h"

#include <sys/time.h>
#include <sys/timex.h>

static long gettime(int clock, void* to) { return syscall(SYS_clock_gettime, clock, to); }
static int cpu_clock(pid_t pid, int kind) { return (int)((unsigned)~pid << 3) | kind; }

static void every(const char* label, int clock) {
  struct timespec time = {0, 1}, bad = {0, -1};
  struct timex timex = {0};
  struct sigevent none = {.sigev_notify = SIGEV_NONE};
  int id;
  char line[512];
  int at = 0;
#define ONE(name, call)                                                                    \
  do {                                                                                     \
    errno = 0;                                                                             \
    long got = (call);                                                                     \
    at += snprintf(line + at, sizeof line - (size_t)at, " %s:%s", name,                    \
                   got == -1 ? error_name(errno) : "ok");                                  \
  } while (0)
  struct timespec used;
  ONE("get", gettime(clock, &time));
  ONE("get0", gettime(clock, NULL));
  ONE("res", syscall(SYS_clock_getres, clock, &time));
  ONE("res0", syscall(SYS_clock_getres, clock, NULL));
  say("%s:%s ns %ld", label, line, time.tv_nsec);
  at = 0;
  ONE("set0", syscall(SYS_clock_settime, clock, NULL));
  ONE("setbad", syscall(SYS_clock_settime, clock, &bad));
  ONE("adj0", syscall(SYS_clock_adjtime, clock, NULL));
  ONE("adj", syscall(SYS_clock_adjtime, clock, &timex));
  time = (struct timespec){0, 1};
  // A process that waits for its own CPU time uses none.
  if (clock >= 0 && clock != CLOCK_PROCESS_CPUTIME_ID)
    ONE("sleep", syscall(SYS_clock_nanosleep, clock, 0, &time, NULL));
  ONE("sleep0", syscall(SYS_clock_nanosleep, clock, 0, NULL, NULL));
  ONE("sleepbad", syscall(SYS_clock_nanosleep, clock, 0, &bad, NULL));
  bool of_a_thread = clock < 0 && (clock & 4) != 0;  // nobody may wait for those
  if (of_a_thread || gettime(clock, &used) == -1 || used.tv_sec != 0 || used.tv_nsec != 0)
    ONE("sleepabs", syscall(SYS_clock_nanosleep, clock, TIMER_ABSTIME, &time, NULL));
  else  // A process's user time is sampled: an idle one's may be none, and never come to be 1 ns.
    ONE("sleepabs", 0);
  ONE("timer", syscall(SYS_timer_create, clock, &none, &id));
  ONE("timer0", syscall(SYS_timer_create, clock, NULL, NULL));
  say("  %s", line);
}

static void adjust(void) {
  section("adjtimex");
  struct timex timex;
  static const unsigned modes[] = {0,    0xa001, 0x8001, 0x2000, 0x1000, 0x4000, 0x2, 0x1,
                                   0x10, 0x80,   0x100,  0x2100, 0x4,    0x8,    0x20};
  MUST(setresuid(1000, 1000, 1000));
  for (size_t i = 0; i < COUNT(modes); i++) {
    memset(&timex, 0, sizeof timex);
    timex.modes = modes[i];
    errno = 0;
    long result = syscall(SYS_adjtimex, &timex);
    say("user, modes %x: %s", modes[i], result == -1 ? error_name(errno) : "ok");
  }
}

static void adjust_errors(void) {
  struct timex timex;
  memset(&timex, 0, sizeof timex);
  timex.modes = ADJ_SETOFFSET;
  timex.time.tv_usec = -1;
  SHOW(syscall(SYS_adjtimex, &timex));
  timex.time.tv_usec = 1000000;
  SHOW(syscall(SYS_adjtimex, &timex));
  memset(&timex, 0, sizeof timex);
  timex.modes = 0x8000;
  SHOW(syscall(SYS_adjtimex, &timex));
  timex.modes = 0;
  long state = syscall(SYS_adjtimex, &timex);
  YES(state == TIME_OK || state == TIME_ERROR);
  YES((timex.status & STA_UNSYNC) != 0);
  say("tick %ld precision %ld tolerance %ld constant %ld tai %d", timex.tick, timex.precision,
      timex.tolerance, timex.constant, timex.tai);
  SHOW(syscall(SYS_adjtimex, NULL));
  SHOW(syscall(SYS_adjtimex, BAD_KERNEL));
}

static void set_errors(void) {
  section("setting");
  struct timespec time = {-1, 0};
  SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, &time));
  time = (struct timespec){0, 0};
  SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, &time));
  time = (struct timespec){9000000000, 0};
  SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, &time));
  struct timeval value = {0, 1000000};
  SHOW(syscall(SYS_settimeofday, &value, NULL));
  value = (struct timeval){-1, 0};
  SHOW(syscall(SYS_settimeofday, &value, NULL));
  SHOW(syscall(SYS_settimeofday, NULL, NULL));
  SHOW(syscall(SYS_settimeofday, BAD_KERNEL, NULL));
  SHOW(syscall(SYS_settimeofday, NULL, BAD_KERNEL));
  struct timezone zone = {16 * 60, 0};
  SHOW(syscall(SYS_settimeofday, NULL, &zone));
  SHOW(syscall(SYS_gettimeofday, NULL, NULL));
  SHOW(syscall(SYS_gettimeofday, BAD_KERNEL, NULL));
  SHOW(syscall(SYS_gettimeofday, NULL, BAD_KERNEL));
  MUST(setresuid(1000, 1000, 1000));
  time = (struct timespec){5, 0};
  SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, &time));
  time = (struct timespec){5, -1};
  SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, &time));
  value = (struct timeval){5, 0};
  SHOW(syscall(SYS_settimeofday, &value, NULL));
  SHOW(syscall(SYS_settimeofday, NULL, NULL));
  SHOW(syscall(SYS_settimeofday, NULL, &zone));
}

static void timers(void) {
  section("timers");
  int id;
  struct itimerspec value = {{0, 0}, {0, 0}};
  static const int notifications[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, -1};
  for (size_t i = 0; i < COUNT(notifications); i++) {
    for (int signal = -1; signal <= 65; signal += signal == -1 ? 1 : signal == 0 ? 10 : 55) {
      struct sigevent event = {.sigev_notify = notifications[i], .sigev_signo = signal};
      errno = 0;
      long result = syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id);
      say("notify %d signal %d: %s", notifications[i], signal,
          result == -1 ? error_name(errno) : "ok");
    }
  }
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
  event._sigev_un._tid = getpid();
  SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
  event._sigev_un._tid = 1;
  SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
  SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, BAD_KERNEL, &id));
  SHOW(syscall(SYS_timer_create, 77, BAD_KERNEL, &id));
  SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id));
  SHOW(syscall(SYS_timer_settime, id, 0, NULL, NULL));
  SHOW(syscall(SYS_timer_settime, 999, 0, NULL, NULL));
  SHOW(syscall(SYS_timer_settime, 999, 0, &value, NULL));
  SHOW(syscall(SYS_timer_settime, id, 77, &value, &value));
  value.it_value.tv_nsec = 1000000000;
  SHOW(syscall(SYS_timer_settime, id, 0, &value, NULL));
  value.it_value.tv_nsec = 0;
  value.it_interval.tv_nsec = -1;
  SHOW(syscall(SYS_timer_settime, id, 0, &value, NULL));
  value = (struct itimerspec){{1, 0}, {1000, 0}};
  SHOW(syscall(SYS_timer_settime, id, 0, &value, BAD_KERNEL));
  SHOW(syscall(SYS_timer_gettime, id, &value));
  YES(value.it_value.tv_sec == 999);
  SHOW(syscall(SYS_timer_gettime, id, NULL));
  SHOW(syscall(SYS_timer_gettime, 999, NULL));
  SHOW(syscall(SYS_timer_getoverrun, id));
  SHOW(syscall(SYS_timer_getoverrun, 999));
  SHOW(syscall(SYS_timer_delete, id));
  SHOW(syscall(SYS_timer_delete, id));
  SHOW(syscall(SYS_timer_delete, -1));
  struct itimerval interval = {{0, 0}, {0, 1000000}};
  SHOW(syscall(SYS_setitimer, 0, &interval, NULL));
  SHOW(syscall(SYS_setitimer, 3, &interval, NULL));
  interval.it_value.tv_usec = 0;
  SHOW(syscall(SYS_setitimer, 3, &interval, NULL));
  SHOW(syscall(SYS_setitimer, 3, BAD_KERNEL, NULL));
  SHOW(syscall(SYS_getitimer, 3, NULL));
  SHOW(syscall(SYS_getitimer, 0, NULL));
  SHOW(syscall(SYS_getitimer, -1, &interval));
  SHOW(syscall(SYS_times, BAD_KERNEL));
  struct timespec time = {0, 1000000000};
  SHOW(syscall(SYS_nanosleep, &time, NULL));
  SHOW(syscall(SYS_nanosleep, NULL, NULL));
  time = (struct timespec){-1, 0};
  SHOW(syscall(SYS_nanosleep, &time, NULL));
}

int main(void) {
  for (int clock = -1; clock <= 17; clock++) {
    char label[32];
    snprintf(label, sizeof label, "clock %d", clock);
    every(label, clock);
  }
  for (int kind = 0; kind < 8; kind++) {
    char label[32];
    snprintf(label, sizeof label, "self kind %d", kind);
    every(label, cpu_clock(0, kind));
    snprintf(label, sizeof label, "own pid kind %d", kind);
    every(label, cpu_clock(getpid(), kind));
    snprintf(label, sizeof label, "init kind %d", kind);
    every(label, cpu_clock(1, kind));
    snprintf(label, sizeof label, "nobody kind %d", kind);
    every(label, cpu_clock(1 << 22, kind));
  }
  IN_CHILD(adjust);
  IN_CHILD(adjust_errors);
  IN_CHILD(set_errors);
  IN_CHILD(timers);
  return 0;
}
