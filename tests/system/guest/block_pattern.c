// SPDX-License-Identifier: MIT
//
// block_pattern DEVICE WRITERS: fills a device with words that say where they are, from several
// processes at once, in pieces of many sizes, past the cache and through it; reads all back.

#include "../../abi/abi.h"  // first: it asks for GNU extensions

#include <sys/ioctl.h>
#include <sys/mount.h>

enum { kLargest = 256 * 1024 };

static uint64_t* buffer;

static void fill(uint64_t offset, size_t size) {
  for (size_t i = 0; i < size / 8; ++i) buffer[i] = offset + 8 * i;
}

static int check(uint64_t offset, size_t size) {
  for (size_t i = 0; i < size / 8; ++i) {
    if (buffer[i] != offset + 8 * i) {
      say("at %llu: %llu", (unsigned long long)(offset + 8 * i), (unsigned long long)buffer[i]);
      return 0;
    }
  }
  return 1;
}

static size_t piece(unsigned* seed, uint64_t left) {
  size_t size = 512 * (1 + (size_t)rand_r(seed) % (rand_r(seed) % 4 == 0 ? kLargest / 512 : 24));
  return size < left ? size : (size_t)left;
}

static void work(const char* path, int flags, uint64_t start, uint64_t end, bool writes) {
  int fd = open(path, O_RDWR | flags);
  unsigned seed = (unsigned)start + 1;
  for (uint64_t at = start; at < end;) {
    size_t size = piece(&seed, end - at);
    if (writes) fill(at, size);
    off_t place = (off_t)at;
    ssize_t moved = writes ? pwrite(fd, buffer, size, place) : pread(fd, buffer, size, place);
    if (moved != (ssize_t)size) {
      say("%s of %zu at %llu: %zd %s", writes ? "write" : "read", size, (unsigned long long)at,
          moved, error_name(errno));
      _exit(1);
    }
    if (!writes && !check(at, size)) _exit(1);
    at += size;
  }
  if (writes && fsync(fd) != 0) _exit(1);
  _exit(0);
}

static int all(const char* path, uint64_t size, int writers, bool writes) {
  uint64_t share = size / (uint64_t)writers & ~(uint64_t)511;
  for (int i = 0; i < writers; ++i) {
    uint64_t start = share * (uint64_t)i;
    uint64_t end = i + 1 == writers ? size : start + share;
    // The writers' pages meet at the edges only when all of them go past the cache.
    if (fork() == 0) work(path, i % 2 == 0 ? O_DIRECT : 0, start, end, writes);
  }
  int failures = 0;
  for (int status; wait(&status) > 0;) failures += status != 0;
  return failures;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  alarm(100);
  buffer = aligned_alloc(4096, kLargest);
  int writers = atoi(argv[2]);
  int fd = open(argv[1], O_RDONLY);
  uint64_t size = 0;
  if (ioctl(fd, BLKGETSIZE64, &size) != 0) return 2;
  int failures = all(argv[1], size, writers, true);
  failures += all(argv[1], size, writers, false);
  say("%d failures", failures);
  return failures != 0;
}
