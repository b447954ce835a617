// SPDX-License-Identifier: MIT
//
// fork_storm [exact] [IN_A_ROW [AT_ONCE [ROUNDS]]]: 1,000 fork+exec in a row and 64 at a time, then
// the leak test: after a quiesce and a drop of the caches, the free frames of /proc/meminfo and the
// objects in use of each cache in /proc/slabinfo are what they were. With "exact" every count must
// be equal; without (Linux keeps per-CPU stocks) a small difference is forgiven.

#include "../../abi/abi.h"

#include <sys/prctl.h>

enum { kCaches = 256 };
struct counts {
  long free_kb;
  int caches;
  struct {
    char name[40];
    long objects;
  } cache[kCaches];
};

static void drop_caches(void) {
  int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
  if (fd == -1) return;
  sync();
  write(fd, "3", 1);
  close(fd);
}

static void read_counts(struct counts* counts) {
  memset(counts, 0, sizeof *counts);
  char* text = read_file("/proc/meminfo");
  char* line = text != NULL ? strstr(text, "MemFree:") : NULL;
  counts->free_kb = line != NULL ? strtol(line + 8, NULL, 10) : -1;
  text = read_file("/proc/slabinfo");
  for (line = text != NULL ? strtok(text, "\n") : NULL; line != NULL; line = strtok(NULL, "\n")) {
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
static void quiesce(struct counts* counts) {
  struct counts before;
  read_counts(&before);
  for (int i = 0; i < 50; i++) {
    drop_caches();
    sleep_ms(100);
    read_counts(counts);
    if (memcmp(&before, counts, sizeof before) == 0) return;
    before = *counts;
  }
}

static char program[256];

static pid_t start(void) {
  pid_t pid = fork();
  if (pid == 0) {
    execl(program, "helper_exec", "quiet", NULL);
    _exit(99);
  }
  return pid;
}

static long reap(pid_t pid) {
  int status = 0;
  return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 0 : 1;
}

static long storm(int in_a_row, int at_once, int rounds) {
  long wrong = 0;
  for (int i = 0; i < in_a_row; i++) {
    pid_t pid = start();
    wrong += pid == -1 ? 1 : reap(pid);
  }
  pid_t pids[256];
  for (int round = 0; round < rounds; round++) {
    for (int i = 0; i < at_once; i++) pids[i] = start();
    for (int i = 0; i < at_once; i++) wrong += pids[i] == -1 ? 1 : reap(pids[i]);
  }
  return wrong;
}

static int compare(const struct counts* before, const struct counts* after, bool exact) {
  int leaks = 0;
  long lost = before->free_kb - after->free_kb;
  if (exact ? lost != 0 : lost > 4096) {
    say("free memory was %ld kB and is %ld kB", before->free_kb, after->free_kb);
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

int main(int argc, char** argv) {
  alarm(0);
  bool exact = argc > 1 && strcmp(argv[1], "exact") == 0;
  char** rest = argv + 1 + exact;
  int count = argc - 1 - exact;
  int in_a_row = count > 0 ? atoi(rest[0]) : 1000;
  int at_once = count > 1 ? atoi(rest[1]) : 64;
  int rounds = count > 2 ? atoi(rest[2]) : 4;
  snprintf(program, sizeof program, "%s",
           access("/tests/helper_exec", X_OK) == 0 ? "/tests/helper_exec" : "./helper_exec");
  static struct counts before, after;
  long wrong = storm(20, at_once, 2);  // Fill what is filled once and kept.
  quiesce(&after);  // Its own pages are there from here on.
  quiesce(&before);
  wrong += storm(in_a_row, at_once, rounds);
  quiesce(&after);
  say("children that did not run as they should: %ld", wrong);
  if (before.free_kb == -1) say("no /proc/meminfo");
  if (exact && before.caches == 0) say("no /proc/slabinfo");
  int leaks = compare(&before, &after, exact);
  say("leaks %d", leaks);
  bool good = wrong == 0 && leaks == 0 && before.free_kb != -1 && !(exact && before.caches == 0);
  if (good) say("ok");
  return !good;
}
