// SPDX-License-Identifier: MIT
//
// What the storms share: their words, random numbers, and the look at what was lost. A storm runs
// once to fill what is filled once and kept, and then for real between settle() and losses_since().

#pragma once

#include "counts.h"

// PROGRAM [exact] [NUMBER…]
struct words {
  bool exact;  // every count must be equal
  int count;
  char** numbers;
};

static UNUSED struct words words_of(int argc, char** argv) {
  bool exact = argc > 1 && strcmp(argv[1], "exact") == 0;
  return (struct words){exact, argc - 1 - exact, argv + 1 + exact};
}

static UNUSED long number_of(const struct words* words, int index, long otherwise) {
  return index < words->count ? atol(words->numbers[index]) : otherwise;
}

// `state` is not zero.
static UNUSED uint64_t next_random(uint64_t* state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

// In a process of its own: what that keeps for itself, its stacks and its descriptor table, goes
// with it. Not 0: it went wrong.
static UNUSED long storm_apart(long (*storm)(int), int threads) {
  pid_t pid = fork();
  if (pid == 0) _exit(storm(threads) != 0);
  int status = -1;
  waitpid(pid, &status, 0);
  if (status != 0) say("storm: %s", status_text(status));
  return status != 0;
}

// Its pages are there before the first reading counts.
static struct counts storm_after;

static UNUSED void settle(struct counts* before) {
  mlockall(MCL_CURRENT);  // this process has all its pages from here on
  quiesce(&storm_after);
  quiesce(before);
}

// How much is missing, each with a line.
static UNUSED int losses_since(const struct counts* before, bool exact) {
  return comes_back(before, &storm_after) ? 0 : compare_counts(before, &storm_after, exact);
}

// A storm of `threads` twice, apart: with `few` as its amount, and for real with `all`. What main()
// returns.
static UNUSED int storm_and_count(long (*storm)(int), int threads, long* amount, long few, long all,
                                  bool exact) {
  static struct counts before;
  *amount = few;
  long wrong = storm_apart(storm, threads);
  settle(&before);
  *amount = all;
  wrong += storm_apart(storm, threads);
  int leaks = losses_since(&before, exact);
  say("leaks %d", leaks);
  bool good = wrong == 0 && leaks == 0 && before.free_kb != -1;
  if (good) say("ok");
  return !good;
}
