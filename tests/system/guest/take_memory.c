// SPDX-License-Identifier: MIT
//
//   take_memory BYTES   takes so much, writes a number of its own into every page, and reads them
//   take_memory         takes ever more, until somebody ends it
#include "abi.h"

enum { kPage = 4096 };

static volatile long* take(size_t size) {
  void* map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  MUST(map == MAP_FAILED ? -1 : 0);
  return map;
}

int main(int argc, char** argv) {
  alarm(0);
  if (argc == 1)
    for (;;) memset((void*)take(16 * kPage), 1, 16 * kPage);
  size_t pages = (size_t)atol(argv[1]) / kPage;
  volatile long* words = take(pages * kPage);
  for (size_t page = 0; page < pages; ++page) words[page * (kPage / sizeof *words)] = (long)page;
  size_t wrong = 0;
  for (size_t page = 0; page < pages; ++page)
    wrong += words[page * (kPage / sizeof *words)] != (long)page;
  say("took all, %zu pages wrong", wrong);
  return wrong != 0;
}
