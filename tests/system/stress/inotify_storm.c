// SPDX-License-Identifier: MIT
//
// inotify_storm [exact] [THREADS [STEPS]]: threads watch files and directories, take watches away,
// close queues and read them, while others make, rename, link, use and remove the same files, and
// mount and unmount the file systems that they are on. What is read must be whole events of numbers
// that were given out; and at the end everything is given back.

#include "storm.h"

#include <pthread.h>
#include <sys/inotify.h>
#include <sys/mount.h>

enum { kQueues = 4, kPlaces = 3, kNames = 6 };

static int queues[kQueues];
static pthread_rwlock_t locks[kQueues];
static long malformed, events_seen;
static long steps;

static uint32_t next(uint64_t* random, uint32_t below) {
  return (uint32_t)(next_random(random) % below);
}

// A name in one of the directories; the last of them is a mount that comes and goes.
static const char* any_path(uint64_t* random, char* path) {
  uint32_t name = next(random, kNames + 1);
  int place = (int)next(random, kPlaces);
  if (name == kNames) {
    sprintf(path, "/tmp/storm/%d", place);
  } else {
    sprintf(path, "/tmp/storm/%d/%u", place, name);
  }
  return path;
}

static void read_queue(int queue) {
  char buffer[2048] __attribute__((aligned(8)));
  ssize_t size = read(queue, buffer, sizeof buffer);
  for (ssize_t at = 0; at < size;) {
    struct inotify_event* event = (void*)(buffer + at);
    at += (ssize_t)sizeof *event + event->len;
    bool whole = at <= size && event->len % 16 == 0 && (event->wd > 0 || event->wd == -1);
    if (!whole) {
      __atomic_add_fetch(&malformed, 1, __ATOMIC_RELAXED);
      break;
    }
    __atomic_add_fetch(&events_seen, 1, __ATOMIC_RELAXED);
  }
}

static void use_queue(uint64_t* random) {
  static const uint32_t flags[] = {0, IN_ONESHOT, IN_EXCL_UNLINK, IN_MASK_ADD};
  uint32_t index = next(random, kQueues);
  char path[64];
  if (next(random, 100) == 0) {
    pthread_rwlock_wrlock(&locks[index]);
    close(queues[index]);
    queues[index] = inotify_init1(IN_NONBLOCK);
    pthread_rwlock_unlock(&locks[index]);
    return;
  }
  pthread_rwlock_rdlock(&locks[index]);
  switch (next(random, 4)) {
    case 0: inotify_rm_watch(queues[index], (int)next(random, 64)); break;
    case 1: read_queue(queues[index]); break;
    default:
      inotify_add_watch(queues[index], any_path(random, path),
                        IN_ALL_EVENTS | flags[next(random, COUNT(flags))]);
  }
  pthread_rwlock_unlock(&locks[index]);
}

static void use_files(uint64_t* random) {
  char path[64], other[64];
  any_path(random, path);
  any_path(random, other);
  switch (next(random, 9)) {
    case 0: unlink(path); break;
    case 1: rename(path, other); break;
    case 2: mkdir(path, 0755); break;
    case 3: rmdir(path); break;
    case 4: link(path, other); break;
    case 5: chmod(path, 0755); break;
    case 6:
      if (next(random, 20) == 0) {
        if (next(random, 2) == 0) mount("none", "/tmp/storm/2", "tmpfs", 0, NULL);
        else umount2("/tmp/storm/2", MNT_DETACH);
      }
      break;
    default: {
      int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
      if (fd == -1) break;
      (void)!write(fd, path, 8);
      (void)!pread(fd, path, 8, 0);
      close(fd);
    }
  }
}

static void* body(void* seed) {
  uint64_t random = (uint64_t)seed * 7919;
  for (int i = 0; i < steps; i++) {
    if (next(&random, 2) == 0) {
      use_queue(&random);
    } else {
      use_files(&random);
    }
  }
  return NULL;
}

static long storm(int threads) {
  MUST(mount("none", "/tmp/storm", "tmpfs", 0, NULL));
  char path[64];
  for (int i = 0; i < kPlaces; i++) {
    sprintf(path, "/tmp/storm/%d", i);
    mkdir(path, 0755);
  }
  for (int i = 0; i < kQueues; i++) queues[i] = inotify_init1(IN_NONBLOCK);
  pthread_t ids[64];
  for (int i = 0; i < threads; i++) pthread_create(&ids[i], NULL, body, (void*)(long)(i + 1));
  for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
  while (umount2("/tmp/storm/2", MNT_DETACH) == 0) {
  }
  MUST(umount2("/tmp/storm", MNT_DETACH));
  for (int i = 0; i < kQueues; i++) close(queues[i]);
  if (malformed != 0) say("malformed %ld", malformed);
  if (events_seen == 0) say("no events");
  return malformed != 0 || events_seen == 0;
}

int main(int argc, char** argv) {
  alarm(0);
  struct words words = words_of(argc, argv);
  int threads = (int)number_of(&words, 0, 8);
  long all_steps = number_of(&words, 1, 4000);
  mkdir("/tmp/storm", 0755);
  for (int i = 0; i < kQueues; i++) pthread_rwlock_init(&locks[i], NULL);
  return storm_and_count(storm, threads, &steps, 300, all_steps, words.exact);
}
