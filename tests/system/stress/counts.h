// SPDX-License-Identifier: MIT
//
// Leak tests: the free memory of /proc/meminfo and the objects in use of each cache in
// /proc/slabinfo, before and after. What the test itself has printed into a file is not missed.
// Slabs count as free: how many pages the same objects take depends on which of them were made
// first.

#pragma once

#include "../../abi/abi.h"

enum { kCaches = 256 };
struct counts {
  long free_kb, used_kb[4];  // used: by kUses
  int caches;
  struct {
    char name[40];
    long objects;
  } cache[kCaches];
};

static const char* const kUses[] = {"AnonPages:", "PageTables:", "KernelStack:", "Cached:"};

// The files stay open, for closing one makes garbage that is counted until a grace period has
// ended.
static int open_once(int* fd, const char* path, int mode) {
  if (*fd <= 0) *fd = fcntl(open(path, mode | O_CLOEXEC), F_DUPFD_CLOEXEC, 64);
  return *fd;
}

static UNUSED void drop_caches(void) {
  static int fd;
  sync();
  write(open_once(&fd, "/proc/sys/vm/drop_caches", O_WRONLY), "3", 1);
}

static UNUSED char* read_again(int* fd, const char* path) {
  static char text[65536];
  size_t length = 0;
  ssize_t more;
  open_once(fd, path, O_RDONLY);
  while ((more = pread(*fd, text + length, sizeof text - 1 - length, (off_t)length)) > 0)
    length += (size_t)more;
  text[length] = 0;
  return text;
}

static UNUSED long number_after(const char* text, const char* label) {
  const char* at = strstr(text, label);
  return at != NULL ? strtol(at + strlen(label), NULL, 10) : -1;
}

static UNUSED void read_counts(struct counts* counts) {
  memset(counts, 0, sizeof *counts);
  static int memory, slabs;
  char* text = read_again(&memory, "/proc/meminfo");
  if (strstr(text, "MemFree:") == NULL) {
    counts->free_kb = -1;
    return;
  }
  counts->free_kb = number_after(text, "MemFree:") + number_after(text, "Slab:");
  struct stat output;
  if (fstat(1, &output) == 0 && S_ISREG(output.st_mode)) counts->free_kb += output.st_blocks / 2;
  for (unsigned i = 0; i < COUNT(kUses); i++) counts->used_kb[i] = number_after(text, kUses[i]);
  text = read_again(&slabs, "/proc/slabinfo");
  for (char* line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    char name[40];
    long active;
    if (line[0] == '#' || sscanf(line, "%39s %ld", name, &active) != 2) continue;
    if (strcmp(name, "slabinfo") == 0 || counts->caches == kCaches) continue;
    strcpy(counts->cache[counts->caches].name, name);
    counts->cache[counts->caches++].objects = active;
  }
}

// Deferred work (grace periods, dying threads) ends some time after the last wait: read until two
// readings in a row agree, for at most five seconds.
static UNUSED void quiesce(struct counts* counts) {
  struct counts before;
  read_counts(&before);
  for (int i = 0; i < 50; i++) {
    sleep_ms(i == 0 ? 20 : 100);
    drop_caches();
    read_counts(counts);
    if (memcmp(&before, counts, sizeof before) == 0) return;
    before = *counts;
  }
}

static UNUSED bool is_missing(const struct counts* before, const struct counts* after) {
  bool missing = after->free_kb < before->free_kb;
  for (int i = 0; i < after->caches; i++)
    missing = missing || after->cache[i].objects > before->cache[i].objects;
  return missing;
}

// True when everything that was free before is free again; allows deferred work five seconds.
static UNUSED bool comes_back(const struct counts* before, struct counts* after) {
  for (int i = 0; i < 50; i++) {
    drop_caches();
    read_counts(after);
    if (!is_missing(before, after)) return true;
    sleep_ms(i < 10 ? 10 : 100);
  }
  return false;
}

// How much is missing, each with a line. With `exact` every count must be equal; without (Linux
// keeps per-CPU stocks) a small difference is forgiven.
static UNUSED int compare_counts(const struct counts* before, const struct counts* after,
                                 bool exact) {
  int leaks = 0;
  long lost = before->free_kb - after->free_kb;
  if (exact ? lost != 0 : lost > 4096) {
    say("free memory was %ld kB and is %ld kB", before->free_kb, after->free_kb);
    for (unsigned i = 0; i < COUNT(kUses); i++) {
      if (before->used_kb[i] != after->used_kb[i])
        say("%s was %ld kB and is %ld kB", kUses[i], before->used_kb[i], after->used_kb[i]);
    }
    leaks++;
  }
  for (int i = 0; i < before->caches; i++) {
    for (int j = 0; j < after->caches; j++) {
      if (strcmp(before->cache[i].name, after->cache[j].name) != 0) continue;
      long more = after->cache[j].objects - before->cache[i].objects;
      if (exact ? more != 0 : more > 5000) {
        say("cache %s had %ld objects and has %ld", before->cache[i].name, before->cache[i].objects,
            after->cache[j].objects);
        leaks++;
      }
    }
  }
  return leaks;
}
