// SPDX-License-Identifier: MIT
//
// fork_storm [exact] [IN_A_ROW [AT_ONCE [ROUNDS]]]: 1,000 fork+exec in a row and 64 at a time, then
// the leak test: after a quiesce and a drop of the caches, the free frames of /proc/meminfo and the
// objects in use of each cache in /proc/slabinfo are what they were. With "exact" every count must
// be equal; without (Linux keeps per-CPU stocks) a small difference is forgiven.

#include "storm.h"

#include <sys/prctl.h>

static char program[256];

static pid_t start(void) {
  pid_t pid = (fork)();
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

int main(int argc, char** argv) {
  alarm(0);
  struct words words = words_of(argc, argv);
  bool exact = words.exact;
  int in_a_row = (int)number_of(&words, 0, 1000);
  int at_once = (int)number_of(&words, 1, 64);
  int rounds = (int)number_of(&words, 2, 4);
  snprintf(program, sizeof program, "%s",
           access("/tests/helper_exec", X_OK) == 0 ? "/tests/helper_exec" : "./helper_exec");
  static struct counts before;
  long wrong = storm(20, at_once, 2);  // Fill what is filled once and kept.
  settle(&before);
  wrong += storm(in_a_row, at_once, rounds);
  quiesce(&storm_after);
  say("children that did not run as they should: %ld", wrong);
  if (before.free_kb == -1) say("no /proc/meminfo");
  if (exact && before.caches == 0) say("no /proc/slabinfo");
  int leaks = compare_counts(&before, &storm_after, exact);
  say("leaks %d", leaks);
  bool good = wrong == 0 && leaks == 0 && before.free_kb != -1 && !(exact && before.caches == 0);
  if (good) say("ok");
  return !good;
}
