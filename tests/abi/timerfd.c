// SPDX-License-Identifier: MIT
//
// timerfd: clocks, settings, how often it expired, what a read waits for, and what happens when the
// clock is set.

#include "abi.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>

#define SET_TICKS _IOW('T', 0, uint64_t)

static uint64_t ticks;

static long set_ms(int fd, int flags, long value, long interval) {
  struct itimerspec setting = {{interval / 1000, interval % 1000 * 1000000},
                               {value / 1000, value % 1000 * 1000000}};
  return timerfd_settime(fd, flags, &setting, NULL);
}

static bool is_set(int fd) {
  struct itimerspec now;
  timerfd_gettime(fd, &now);
  return now.it_value.tv_sec != 0 || now.it_value.tv_nsec != 0;
}

static void create(void) {
  section("create");
  SHOW(timerfd_create(CLOCK_MONOTONIC, 0));
  SHOW(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC));
  say("flags %d %d status %#o %#o", fcntl(3, F_GETFD), fcntl(4, F_GETFD), fcntl(3, F_GETFL),
      fcntl(4, F_GETFL));
  SHOW(timerfd_create(CLOCK_BOOTTIME, 0));
  SHOW(timerfd_create(CLOCK_REALTIME_ALARM, 0));
  SHOW(timerfd_create(CLOCK_BOOTTIME_ALARM, 0));
  SHOW(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
  SHOW(timerfd_create(CLOCK_TAI, 0));
  SHOW(timerfd_create(CLOCK_MONOTONIC_RAW, 0));
  SHOW(timerfd_create(CLOCK_MONOTONIC_COARSE, 0));
  SHOW(timerfd_create(-1, 0));
  SHOW(timerfd_create(100, 0));
  SHOW(timerfd_create(CLOCK_MONOTONIC, 1));
  SHOW(timerfd_create(100, 1));
  char text[64] = "";
  readlink("/proc/self/fd/3", text, sizeof text - 1);
  say("%s", text);
  SHOW(lseek(3, 1, SEEK_SET));
  SHOW(write(3, &ticks, 8));
  SHOW(pread(3, &ticks, 8, 0));
  SHOW(ioctl(3, FIONREAD, &ticks));
  for (int fd = 3; fd < 8; fd++) close(fd);
}

static void errors(void) {
  section("errors");
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), fds[2];
  pipe(fds);
  struct itimerspec setting = {{0, 0}, {1, 0}}, bad = {{0, 0}, {0, 1000000000}},
                    negative = {{-1, 0}, {1, 0}}, minus = {{0, 0}, {0, -1}};
  SHOW(timerfd_settime(99, 0, &setting, NULL));
  SHOW(timerfd_settime(fds[0], 0, &setting, NULL));
  SHOW(timerfd_settime(fd, 0, &bad, NULL));
  SHOW(timerfd_settime(fd, 0, &negative, NULL));
  SHOW(timerfd_settime(fd, 0, &minus, NULL));
  SHOW(timerfd_settime(fd, 4, &setting, NULL));
  SHOW(timerfd_settime(99, 4, &setting, NULL));
  SHOW(timerfd_settime(99, 0, &bad, NULL));
  SHOW(timerfd_settime(fd, 0, BAD_NULL, NULL));
  SHOW(timerfd_settime(99, 4, BAD_KERNEL, NULL));
  SHOW(timerfd_settime(fd, TFD_TIMER_CANCEL_ON_SET, &setting, NULL));
  SHOW(timerfd_settime(fd, 0, &setting, BAD_KERNEL));
  YES(is_set(fd));
  SHOW(timerfd_gettime(99, &setting));
  SHOW(timerfd_gettime(fds[0], &setting));
  SHOW(timerfd_gettime(fd, BAD_KERNEL));
  SHOW(timerfd_gettime(99, BAD_KERNEL));
  SHOW(read(fd, &ticks, 7));
  SHOW(read(fd, &ticks, 8));
  SHOW(read(fd, BAD_KERNEL, 8));
  set_ms(fd, 0, 1, 0);
  sleep_ms(5);
  SHOW(read(fd, BAD_NULL, 8));
  SHOW(read(fd, &ticks, 8));
  section("ioctl");
  ticks = 7;
  SHOW(ioctl(fd, SET_TICKS, &ticks));
  ticks = 0;
  SHOW(read(fd, &ticks, 16));
  say("ticks %lu", ticks);
  ticks = 0;
  SHOW(ioctl(fd, SET_TICKS, &ticks));
  SHOW(ioctl(fd, SET_TICKS, BAD_NULL));
  SHOW(ioctl(fd, SET_TICKS + 1, &ticks));
  close(fd);
  close(fds[0]);
  close(fds[1]);
}

static void settings(void) {
  section("settings");
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct itimerspec now, old, setting = {{5, 6}, {100, 7}};
  SHOW(timerfd_gettime(fd, &now));
  say("new: %ld.%ld %ld.%ld", now.it_value.tv_sec, now.it_value.tv_nsec, now.it_interval.tv_sec,
      now.it_interval.tv_nsec);
  SHOW(timerfd_settime(fd, 0, &setting, &old));
  say("old: %ld.%ld %ld.%ld", old.it_value.tv_sec, old.it_value.tv_nsec, old.it_interval.tv_sec,
      old.it_interval.tv_nsec);
  timerfd_gettime(fd, &now);
  say("set: %s %ld.%ld", now.it_value.tv_sec >= 90 && now.it_value.tv_sec <= 100 ? "near" : "far",
      now.it_interval.tv_sec, now.it_interval.tv_nsec);
  setting = (struct itimerspec){{3, 0}, {0, 0}};
  SHOW(timerfd_settime(fd, 0, &setting, &old));
  say("old: %s %ld.%ld", old.it_value.tv_sec >= 90 && old.it_value.tv_sec <= 100 ? "near" : "far",
      old.it_interval.tv_sec, old.it_interval.tv_nsec);
  timerfd_gettime(fd, &now);
  say("off, with an interval: %ld.%ld %ld.%ld", now.it_value.tv_sec, now.it_value.tv_nsec,
      now.it_interval.tv_sec, now.it_interval.tv_nsec);
  set_ms(fd, 0, 1, 0);
  sleep_ms(5);
  timerfd_gettime(fd, &now);
  say("expired: %ld.%ld", now.it_value.tv_sec, now.it_value.tv_nsec);
  set_ms(fd, 0, 1000, 0);
  SHOW_AS("a setting forgets", read(fd, &ticks, 8));
  set_ms(fd, 0, 1, 0);
  sleep_ms(5);
  set_ms(fd, 0, 0, 0);
  SHOW_AS("so does none", read(fd, &ticks, 8));
  setting = (struct itimerspec){{0, 0}, {INT64_MAX, 999999999}};
  SHOW(timerfd_settime(fd, 0, &setting, NULL));
  SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &setting, NULL));
  YES(is_set(fd));
  SHOW(read(fd, &ticks, 8));
  close(fd);
}

// The number is 1 + (now - expiry) / period, whatever happened meanwhile.
static void counts(int clock, const char* name) {
  section(name);
  int fd = timerfd_create(clock, TFD_NONBLOCK);
  struct timespec start, now;
  clock_gettime(clock, &start);
  set_ms(fd, 0, 10, 2);
  SHOW(read(fd, &ticks, 8));
  sleep_ms(51);
  SHOW(read(fd, &ticks, 8));
  clock_gettime(clock, &now);
  int64_t passed = (now.tv_sec - start.tv_sec) * 1000000000 + now.tv_nsec - start.tv_nsec;
  YES(ticks >= 20 && (int64_t)ticks <= 1 + (passed - 10000000) / 2000000);
  sleep_ms(11);
  struct itimerspec setting;
  timerfd_gettime(fd, &setting);
  YES(setting.it_value.tv_nsec <= 2000000);
  uint64_t more = 0;
  sleep_ms(3);
  SHOW(read(fd, &more, 8));
  clock_gettime(clock, &now);
  passed = (now.tv_sec - start.tv_sec) * 1000000000 + now.tv_nsec - start.tv_nsec;
  YES(more >= 5 && (int64_t)(ticks + more) <= 1 + (passed - 10000000) / 2000000);
  set_ms(fd, 0, 1, 0);
  sleep_ms(10);
  ticks = 0;
  SHOW(read(fd, &ticks, 8));
  say("once: %lu", ticks);
  SHOW(read(fd, &ticks, 8));
  // A time that has passed, and its periods.
  clock_gettime(clock, &now);
  setting = (struct itimerspec){{1, 0}, {now.tv_sec - 1, now.tv_nsec}};
  if (clock == CLOCK_REALTIME || now.tv_sec > 1) {
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &setting, NULL));
    sleep_ms(5);
    SHOW(read(fd, &ticks, 8));
    YES(ticks == 2);
  } else {
    say("timerfd_settime(fd, TFD_TIMER_ABSTIME, &setting, NULL) = 0");
    say("read(fd, &ticks, 8) = 8");
    say("ticks == 2: yes");
  }
  setting = (struct itimerspec){{0, 0}, {0, 1}};
  timerfd_settime(fd, TFD_TIMER_ABSTIME, &setting, NULL);
  sleep_ms(5);
  ticks = 0;
  SHOW(read(fd, &ticks, 8));
  say("long ago: %lu", ticks);
  setting = (struct itimerspec){{0, 1}, {0, 1}};
  timerfd_settime(fd, 0, &setting, NULL);
  sleep_ms(5);
  SHOW(read(fd, &ticks, 8));
  YES(ticks > 4000000);
  close(fd);
}

static volatile int handled;
static void count_signal(int signal UNUSED) { handled++; }

static void waiting(void) {
  section("waiting");
  int fd = timerfd_create(CLOCK_MONOTONIC, 0);
  int64_t start = now_ns();
  set_ms(fd, 0, 30, 0);
  SHOW(read(fd, &ticks, 8));
  YES(now_ns() - start >= 30000000);
  struct pollfd entry = {fd, POLLIN | POLLOUT | POLLRDNORM | POLLPRI, 0};
  say("poll %d %#x", poll(&entry, 1, 0), entry.revents);
  set_ms(fd, 0, 20, 0);
  say("poll %d", poll(&entry, 1, 5000));
  say("events %#x", entry.revents);
  int set = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN | EPOLLET};
  epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
  SHOW(epoll_wait(set, &event, 1, 0));
  SHOW(epoll_wait(set, &event, 1, 0));
  SHOW(read(fd, &ticks, 8));
  set_ms(fd, 0, 10, 5);
  SHOW(epoll_wait(set, &event, 1, 5000));
  SHOW(epoll_wait(set, &event, 1, 30));  // It does not run before it is read.
  SHOW(read(fd, &ticks, 8));
  SHOW(epoll_wait(set, &event, 1, 5000));
  handle_with(SIGALRM, count_signal, 0);
  set_ms(fd, 0, 0, 0);
  ualarm(kSoon, 0);
  SHOW(read(fd, &ticks, 8));
  handle_with(SIGALRM, count_signal, SA_RESTART);
  set_ms(fd, 0, 600, 0);
  ualarm(kSoon, 0);
  SHOW(read(fd, &ticks, 8));
  YES(handled == 2);
  set_ms(fd, 0, 30, 0);
  pid_t pid = fork();
  if (pid == 0) {
    SHOW_AS("a child's read", read(fd, &ticks, 8));
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  SHOW(read(fd, &ticks, 8));
  close(fd);
  close(set);
}

static void shown(void) {
  section("fdinfo");
  int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
  struct itimerspec setting = {{3, 5}, {4000000000, 0}};
  timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &setting, NULL);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
  char* text = read_file(path);
  char* line = text != NULL ? strstr(text, "clockid") : NULL;
  if (line != NULL) {
    char* value = strstr(line, "it_value");
    say("%.*s", (int)(value - line), line);
    YES(strncmp(value, "it_value: (2", 12) == 0 || strncmp(value, "it_value: (3", 12) == 0 ||
        strncmp(value, "it_value: (1", 12) == 0);
    say("%s", strstr(value, "it_interval"));
  }
  close(fd);
}

static void set_clock(long seconds) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  now.tv_sec += seconds;
  MUST(clock_settime(CLOCK_REALTIME, &now));
}

static void* set_later(void* unused UNUSED) {
  sleep_ms(40);
  set_clock(100);
  return NULL;
}

static void setting_the_clock(void) {
  section("setting the clock");
  int cancel = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
  int plain = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
  int relative = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
  int monotonic = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  struct itimerspec setting = {{0, 0}, {now.tv_sec + 50, 0}}, later = {{0, 0}, {50, 0}};
  timerfd_settime(cancel, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &setting, NULL);
  timerfd_settime(plain, TFD_TIMER_ABSTIME, &setting, NULL);
  timerfd_settime(relative, TFD_TIMER_CANCEL_ON_SET, &later, NULL);
  timerfd_settime(monotonic, 0, &later, NULL);
  set_clock(10);
  struct pollfd entry = {cancel, POLLIN, 0};
  say("poll %d %#x", poll(&entry, 1, 0), entry.revents);
  SHOW(read(cancel, &ticks, 8));
  SHOW(read(cancel, &ticks, 8));
  SHOW(read(plain, &ticks, 8));
  YES(is_set(cancel));
  set_clock(100);
  sleep_ms(20);
  SHOW(read(cancel, &ticks, 8));
  SHOW(read(plain, &ticks, 8));
  SHOW(read(relative, &ticks, 8));
  SHOW(read(monotonic, &ticks, 8));
  set_clock(-110);
  SHOW_AS("set again after the clock was",
          timerfd_settime(cancel, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &setting, NULL));
  SHOW(timerfd_settime(cancel, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &setting, NULL));
  SHOW(read(cancel, &ticks, 8));
  set_clock(1);
  ticks = 3;
  SHOW(ioctl(cancel, SET_TICKS, &ticks));
  SHOW(ioctl(cancel, SET_TICKS, &ticks));
  SHOW(read(cancel, &ticks, 8));
  section("while somebody reads");
  fcntl(cancel, F_SETFL, 0);
  clock_gettime(CLOCK_REALTIME, &now);
  setting.it_value.tv_sec = now.tv_sec + 5000;
  timerfd_settime(cancel, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &setting, NULL);
  pthread_t thread;
  pthread_create(&thread, NULL, set_later, NULL);
  SHOW(read(cancel, &ticks, 8));
  pthread_join(thread, NULL);
  setting.it_value.tv_sec = now.tv_sec + 150;
  timerfd_settime(cancel, TFD_TIMER_ABSTIME, &setting, NULL);
  pthread_create(&thread, NULL, set_later, NULL);
  SHOW(read(cancel, &ticks, 8));
  pthread_join(thread, NULL);
  set_clock(-201);
}

static void unprivileged(void) {
  section("without privilege");
  int fd = timerfd_create(CLOCK_BOOTTIME_ALARM, 0);
  setresuid(1000, 1000, 1000);
  SHOW(timerfd_create(CLOCK_REALTIME_ALARM, 0));
  SHOW(timerfd_create(CLOCK_BOOTTIME_ALARM, 0));
  SHOW(timerfd_create(CLOCK_BOOTTIME, 0));
  SHOW(set_ms(fd, 0, 10, 0));
  struct itimerspec setting;
  SHOW(timerfd_gettime(fd, &setting));
}

int main(void) {
  create();
  errors();
  settings();
  counts(CLOCK_MONOTONIC, "counts: monotonic");
  counts(CLOCK_REALTIME, "counts: realtime");
  counts(CLOCK_BOOTTIME, "counts: boottime");
  waiting();
  shown();
  setting_the_clock();
  IN_CHILD(unprivileged);
}
