// SPDX-License-Identifier: MIT
//
// What goes by CPU time or repeats: interval timers, timers on CPU clocks of this and another
// process, overruns, absolute times in the past, sleeps on CPU clocks, getrusage and times.

#include "abi.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>

static volatile int caught, last_code, last_overrun, last_value;
static void on_signal(int signal UNUSED, siginfo_t* info, void* context UNUSED) {
  caught++;
  last_code = info->si_code;
  last_overrun = info->si_overrun;
  last_value = info->si_value.sival_int;
}

static void catch_signal(int signal) {
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  sigaction(signal, &action, NULL);
  caught = 0;
}

// CPU time, most of it the user's: the clock is looked at now and then.
static void spin_ms(int milliseconds) {
  struct timespec start, now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
  do {
    for (volatile int i = 0; i < 100000; i++) {
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  } while ((now.tv_sec - start.tv_sec) * 1000000000l + now.tv_nsec - start.tv_nsec <
           milliseconds * 1000000l);
}

// A clock of CPU time may stand still for long on a loaded machine, and a timer come after it.
static void spin_till_caught(int times) {
  for (int i = 0; i < 100 && caught < times; i++) spin_ms(100);
}

static void intervals(void) {
  section("interval timers");
  static const struct {
    int which, signal;
  } kinds[] = {{ITIMER_REAL, SIGALRM}, {ITIMER_VIRTUAL, SIGVTALRM}, {ITIMER_PROF, SIGPROF}};
  for (size_t i = 0; i < COUNT(kinds); i++) {
    catch_signal(kinds[i].signal);
    struct itimerval value = {{0, 0}, {0, 300000}}, old;
    SHOW(setitimer(kinds[i].which, &value, NULL));
    getitimer(kinds[i].which, &old);
    YES(old.it_value.tv_usec > 0 && old.it_value.tv_usec <= 304000);
    spin_till_caught(1);
    say("kind %d: caught %d code %d", kinds[i].which, caught, last_code);
    getitimer(kinds[i].which, &old);
    say("left %ld", old.it_value.tv_sec + old.it_value.tv_usec);
    value.it_interval.tv_usec = 20000;
    caught = 0;
    SHOW(setitimer(kinds[i].which, &value, NULL));
    spin_till_caught(1);
    YES(caught >= 1);
    value.it_value.tv_usec = 0;
    SHOW(setitimer(kinds[i].which, &value, &old));
    say("interval was %ld", old.it_interval.tv_usec);
    caught = 0;
    spin_ms(60);
    SHOW(caught);
  }
  struct itimerval value = {{5, 0}, {5, 0}};
  setitimer(ITIMER_REAL, &value, NULL);
  SHOW(alarm(0));
  pid_t pid = fork();
  if (pid == 0) {
    setitimer(ITIMER_REAL, &value, NULL);
    if (fork() == 0) {
      getitimer(ITIMER_REAL, &value);
      SHOW_AS("inherited", value.it_value.tv_sec + value.it_value.tv_usec);
      _exit(0);
    }
    wait(NULL);
    _exit(0);
  }
  waitpid(pid, NULL, 0);
}

static void overruns(void) {
  section("overruns");
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &set, NULL);
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
  event.sigev_value.sival_int = 1234;
  timer_t timer;
  MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
  struct itimerspec value = {{0, 10000000}, {0, 10000000}};
  MUST(timer_settime(timer, 0, &value, NULL));
  sleep_ms(150);
  siginfo_t info;
  SHOW(sigwaitinfo(&set, &info) == SIGRTMIN);
  say("code %d value %d overran %d", info.si_code, info.si_value.sival_int, info.si_overrun >= 8);
  YES(timer_getoverrun(timer) == info.si_overrun);
  // In the past, and absolute.
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  value = (struct itimerspec){{0, 0}, {0, 1}};
  MUST(timer_settime(timer, TIMER_ABSTIME, &value, NULL));
  sleep_ms(20);
  SHOW(sigwaitinfo(&set, &info) == SIGRTMIN);
  MUST(timer_gettime(timer, &value));
  SHOW(value.it_value.tv_sec + value.it_value.tv_nsec);
  value = (struct itimerspec){{1, 0}, {0, 1}};
  MUST(timer_settime(timer, TIMER_ABSTIME, &value, NULL));
  sleep_ms(20);
  SHOW(sigwaitinfo(&set, &info) == SIGRTMIN);
  YES(info.si_overrun >= now.tv_sec - 2 && info.si_overrun <= now.tv_sec + 2);
  // A pending signal of a timer that is deleted, or set anew.
  value = (struct itimerspec){{0, 0}, {0, 1}};
  MUST(timer_settime(timer, 0, &value, NULL));
  sleep_ms(20);
  struct timespec none = {0, 0};
  MUST(timer_delete(timer));
  SHOW(sigtimedwait(&set, &info, &none) == SIGRTMIN);
  MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
  MUST(timer_settime(timer, 0, &value, NULL));
  sleep_ms(20);
  value.it_value.tv_sec = 100;
  MUST(timer_settime(timer, 0, &value, NULL));
  SHOW(sigtimedwait(&set, &info, &none) == SIGRTMIN);
  MUST(timer_delete(timer));
  // Two timers with one standard signal.
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  event.sigev_signo = SIGUSR1;
  timer_t two[2];
  for (int i = 0; i < 2; i++) {
    event.sigev_value.sival_int = i;
    MUST(timer_create(CLOCK_MONOTONIC, &event, &two[i]));
    value.it_value = (struct timespec){0, 1 + i * 5000000};
    MUST(timer_settime(two[i], 0, &value, NULL));
  }
  sleep_ms(40);
  for (int i = 0; i < 3; i++) {
    int got = sigtimedwait(&set, &info, &none);
    say("got %s value %d", got > 0 ? signal_name(got) : error_name(errno),
        got > 0 ? info.si_value.sival_int : 0);
  }
}

static void cpu_clocks(void) {
  section("timers on CPU clocks");
  catch_signal(SIGUSR1);
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  static const int clocks[] = {CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
  for (size_t i = 0; i < COUNT(clocks); i++) {
    timer_t timer;
    caught = 0;
    MUST(timer_create(clocks[i], &event, &timer));
    struct itimerspec value = {{0, 0}, {0, 300000000}};
    MUST(timer_settime(timer, 0, &value, NULL));
    sleep_ms(80);
    say("asleep: %d", caught);
    spin_till_caught(1);
    say("busy: %d", caught);
    value.it_value = (struct timespec){0, 1};
    MUST(timer_settime(timer, TIMER_ABSTIME, &value, NULL));
    spin_till_caught(2);
    say("in the past: %d", caught);
    MUST(timer_delete(timer));
  }
  pid_t pid = fork();
  if (pid == 0) {
    for (;;) {
    }
  }
  clockid_t clock;
  SHOW(clock_getcpuclockid(pid, &clock));
  struct timespec before, after, until = {0, 80000000};
  SHOW(clock_gettime(clock, &before));
  SHOW(clock_nanosleep(clock, TIMER_ABSTIME, &until, NULL));
  SHOW(clock_gettime(clock, &after));
  YES(after.tv_sec > 0 || after.tv_nsec >= 80000000);
  until = (struct timespec){0, 30000000};
  SHOW(clock_nanosleep(clock, 0, &until, NULL));
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  SHOW(clock_gettime(clock, &after));
}

static void* busy(void* unused) {
  spin_ms(60);
  return unused;
}

static void usage(void) {
  section("usage");
  struct rusage process, thread, children;
  pthread_t other;
  pthread_create(&other, NULL, busy, NULL);
  pthread_join(other, NULL);
  getrusage(RUSAGE_SELF, &process);
  getrusage(RUSAGE_THREAD, &thread);
  getrusage(RUSAGE_CHILDREN, &children);
  int64_t all = process.ru_utime.tv_usec + process.ru_stime.tv_usec;
  int64_t own = thread.ru_utime.tv_usec + thread.ru_stime.tv_usec;
  YES(all >= 50000);
  YES(own < all);
  SHOW(children.ru_utime.tv_sec);
  YES(process.ru_minflt > 0);
  YES(process.ru_nvcsw > 0);
  YES(thread.ru_nvcsw > 0 && thread.ru_nvcsw <= process.ru_nvcsw);
  SHOW(process.ru_ixrss + process.ru_idrss + process.ru_isrss + process.ru_nswap +
       process.ru_msgsnd + process.ru_msgrcv + process.ru_nsignals);
  struct tms ticks;
  long now = times(&ticks);
  YES(now > 0);
  YES(ticks.tms_utime + ticks.tms_stime >= 4);
  SHOW(ticks.tms_cutime + ticks.tms_cstime);
}

int main(void) {
  IN_CHILD(intervals);
  IN_CHILD(overruns);
  IN_CHILD(cpu_clocks);
  IN_CHILD(usage);
  return 0;
}
