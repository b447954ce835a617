// SPDX-License-Identifier: MIT
//
// epoll_storm [exact] [THREADS [STEPS]]: threads make, add, change, remove, duplicate and close
// files and epoll sets, while they write to them and wait for them. First with care: each file has
// a lock, so that it is known when its last descriptor was closed; an epoll_wait that began behind
// that may not report it. Then wildly, on any descriptor number. Never may there be more events
// than asked for; and at the end everything is given back.

#include "storm.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

enum { kFiles = 48, kSets = 5, kMost = 16, kFirstWild = 16, kEndWild = 160 };

struct file {
  pthread_mutex_t lock;
  int fd, copy, other;  // -1: none; `other`: a pipe's writer
  uint32_t generation;
  uint32_t dead;  // every generation up to it is closed; read without the lock
};

static struct file files[kFiles];
static int sets[kSets];
static pthread_rwlock_t set_locks[kSets];
static long stale, too_many, unknown, events_seen;
static long steps;
static sigset_t blocked;

static uint32_t next(uint64_t* random, uint32_t below) {
  return (uint32_t)(next_random(random) % below);
}

static void open_file(struct file* file, uint64_t* random) {
  file->other = file->copy = -1;
  int fds[2];
  switch (next(random, 4)) {
    case 0:
      if (pipe2(fds, O_NONBLOCK) == 0) file->fd = fds[0], file->other = fds[1];
      break;
    case 1: {
      struct itimerspec soon = {{0, 300000}, {0, 100000}};
      file->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
      if (file->fd == -1) {
        file->fd = eventfd(1, EFD_NONBLOCK);  // not there yet
      } else {
        timerfd_settime(file->fd, 0, &soon, NULL);
      }
      break;
    }
    default: file->fd = eventfd(next(random, 2), EFD_NONBLOCK);
  }
  file->generation++;
}

static void close_file(struct file* file) {
  if (file->copy != -1) close(file->copy);
  if (file->fd != -1) close(file->fd);
  if (file->other != -1) close(file->other);
  file->fd = file->copy = file->other = -1;
  __atomic_store_n(&file->dead, file->generation, __ATOMIC_SEQ_CST);
}

static void change(struct file* file, uint32_t index, int set, uint64_t* random) {
  static const uint32_t kinds[] = {0, EPOLLET, EPOLLONESHOT, EPOLLEXCLUSIVE, EPOLLET | EPOLLONESHOT,
                                   EPOLLEXCLUSIVE | EPOLLET};
  static const int operations[] = {EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL};
  struct epoll_event event = {.events = EPOLLIN | kinds[next(random, COUNT(kinds))]};
  event.data.u64 = (uint64_t)index << 32 | file->generation;
  int fd = file->copy != -1 && next(random, 2) ? file->copy : file->fd;
  epoll_ctl(set, operations[next(random, COUNT(operations))], fd, &event);
}

static void use_file(uint32_t index, int set, uint64_t* random) {
  struct file* file = &files[index];
  uint64_t value = 1;
  pthread_mutex_lock(&file->lock);
  if (file->fd == -1) open_file(file, random);
  switch (next(random, 8)) {
    case 0: close_file(file); break;
    case 1:
      if (file->copy == -1) file->copy = dup(file->fd);
      break;
    case 2: {
      // One descriptor of two: the file stays.
      if (file->copy == -1) break;
      close(file->fd);
      file->fd = file->copy;
      file->copy = -1;
      break;
    }
    case 3: (void)!read(file->fd, &value, 8); break;
    case 4: (void)!write(file->other != -1 ? file->other : file->fd, &value, 8); break;
    default: change(file, index, set, random); break;
  }
  pthread_mutex_unlock(&file->lock);
}

static void wait_for_some(int set, uint64_t* random) {
  uint32_t dead[kFiles];
  for (int i = 0; i < kFiles; i++) dead[i] = __atomic_load_n(&files[i].dead, __ATOMIC_SEQ_CST);
  struct epoll_event events[kMost];
  int most = 1 + (int)next(random, kMost);
  int count = epoll_wait(set, events, most, (int)next(random, 2));
  if (count > most) __atomic_add_fetch(&too_many, 1, __ATOMIC_RELAXED);
  for (int i = 0; i < count && i < most; i++) {
    uint32_t index = (uint32_t)(events[i].data.u64 >> 32);
    if (index == 0xffffffff) continue;  // a set in the set
    if (index >= kFiles) {
      __atomic_add_fetch(&unknown, 1, __ATOMIC_RELAXED);
    } else if ((uint32_t)events[i].data.u64 <= dead[index]) {
      __atomic_add_fetch(&stale, 1, __ATOMIC_RELAXED);
    }
  }
  if (count > 0) __atomic_add_fetch(&events_seen, count, __ATOMIC_RELAXED);
}

static void use_set(uint32_t index, uint64_t* random) {
  if (next(random, 40) == 0) {
    pthread_rwlock_wrlock(&set_locks[index]);
    close(sets[index]);
    sets[index] = epoll_create1(0);
    pthread_rwlock_unlock(&set_locks[index]);
    return;
  }
  pthread_rwlock_rdlock(&set_locks[index]);
  if (next(random, 8) == 0 && index + 1 < kSets) {
    // Sets in sets, upwards only half of the time: the rest is refused as a loop.
    uint32_t above = next(random, kSets);
    if (above != index && pthread_rwlock_tryrdlock(&set_locks[above]) == 0) {
      struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0xffffffff00000000};
      epoll_ctl(sets[above], next(random, 3) ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, sets[index], &event);
      pthread_rwlock_unlock(&set_locks[above]);
    }
  } else if (next(random, 3) == 0) {
    wait_for_some(sets[index], random);
  } else {
    use_file(next(random, kFiles), sets[index], random);
  }
  pthread_rwlock_unlock(&set_locks[index]);
}

static void* careful(void* seed) {
  uint64_t random = (uint64_t)seed * 7919;
  for (int i = 0; i < steps; i++) use_set(next(&random, kSets), &random);
  return NULL;
}

static int any_fd(uint64_t* random) {
  return kFirstWild + (int)next(random, kEndWild - kFirstWild);
}

// A new file in some descriptor, whatever was there.
static void replace_any(uint64_t* random) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  int made = -1, fds[2] = {-1, -1};
  switch (next(random, 5)) {
    case 0: made = eventfd(1, EFD_NONBLOCK); break;
    case 1: made = epoll_create1(0); break;
    case 2: made = signalfd(-1, &signals, SFD_NONBLOCK); break;
    case 3:
      if (pipe2(fds, O_NONBLOCK) == 0) dup2(fds[0], any_fd(random)), dup2(fds[1], any_fd(random));
      break;
    default: made = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
  }
  if (made != -1) dup2(made, any_fd(random)), close(made);
  if (fds[0] != -1) close(fds[0]), close(fds[1]);
}

static void* wild(void* seed) {
  uint64_t random = (uint64_t)seed * 104729;
  uint64_t value = 1;
  struct epoll_event events[kMost];
  struct itimerspec soon = {{0, 50000}, {0, 50000}};
  for (int i = 0; i < steps; i++) {
    struct epoll_event event = {.events = EPOLLIN | next(&random, 4) << 30};
    switch (next(&random, 9)) {
      case 0: replace_any(&random); break;
      case 1: close(any_fd(&random)); break;
      case 2: dup2(any_fd(&random), any_fd(&random)); break;
      case 3: (void)!write(any_fd(&random), &value, 8); break;
      case 4: (void)!read(any_fd(&random), &value, 8); break;
      case 5: timerfd_settime(any_fd(&random), 0, &soon, NULL); break;
      case 6: {
        int most = 1 + (int)next(&random, kMost);
        if (epoll_wait(any_fd(&random), events, most, 0) > most)
          __atomic_add_fetch(&too_many, 1, __ATOMIC_RELAXED);
        break;
      }
      case 7:
        if (next(&random, 16) == 0) kill(getpid(), SIGUSR1);
        break;
      default:
        epoll_ctl(any_fd(&random), 1 + (int)next(&random, 3), any_fd(&random), &event);
    }
  }
  return NULL;
}

static void run(void* (*body)(void*), int count) {
  pthread_t threads[64];
  for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, body, (void*)(long)(i + 1));
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

static long storm(int threads) {
  for (int fd = 3; fd < 1024; fd++) close(fd);
  for (int i = 0; i < kSets; i++) sets[i] = epoll_create1(0);
  for (int i = 0; i < kFiles; i++) files[i].fd = files[i].copy = files[i].other = -1;
  run(careful, threads);
  for (int i = 0; i < kFiles; i++) close_file(&files[i]);
  for (int i = 0; i < kSets; i++) close(sets[i]);
  run(wild, threads);
  for (int fd = 3; fd < 1024; fd++) close(fd);
  const struct timespec none = {0, 0};
  sigtimedwait(&blocked, NULL, &none);
  if (stale + too_many + unknown != 0)
    say("stale %ld, too many %ld, unknown %ld", stale, too_many, unknown);
  if (events_seen == 0) say("no events");
  return stale + too_many + unknown + (events_seen == 0);
}

int main(int argc, char** argv) {
  alarm(0);
  struct words words = words_of(argc, argv);
  int threads = (int)number_of(&words, 0, 8);
  long all_steps = number_of(&words, 1, 4000);
  handle_with(SIGPIPE, SIG_IGN, 0);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigprocmask(SIG_BLOCK, &blocked, NULL);
  for (int i = 0; i < kSets; i++) pthread_rwlock_init(&set_locks[i], NULL);
  return storm_and_count(storm, threads, &steps, 300, all_steps, words.exact);
}
