// SPDX-License-Identifier: MIT
//
// Where execve(2) puts the stack and where mmap(2) begins below it: by the stack's limit and by
// personality(2). Sanitizers' runtimes know only the uppermost part of the address space.

#include "abi.h"

#include <sys/personality.h>
#include <sys/resource.h>

#define TOP (1ul << 48)

// The end of the stack and of the highest mapping below it.
static void find(unsigned long* stack_end, unsigned long* mmap_base) {
  FILE* maps = fopen("/proc/self/maps", "r");
  char line[512];
  *stack_end = *mmap_base = 0;
  while (fgets(line, sizeof line, maps) != NULL) {
    unsigned long start, end;
    sscanf(line, "%lx-%lx", &start, &end);
    if (strstr(line, "[stack]") != NULL)
      *stack_end = end;
    else if (*stack_end == 0)
      *mmap_base = end;
  }
  fclose(maps);
}

// In the new image.
static void report(bool exact) {
  unsigned long stack_end, mmap_base;
  find(&stack_end, &mmap_base);
  if (exact) {
    say("  the stack ends %#lx below the top, mappings %#lx", TOP - stack_end, TOP - mmap_base);
    return;
  }
  struct rlimit limit;
  getrlimit(RLIMIT_STACK, &limit);
  unsigned long room = limit.rlim_cur + (1ul << 20) + (0x3fffful << 12);
  if (room < 128ul << 20) room = 128ul << 20;
  YES(TOP - stack_end < 1ul << 30);
  YES(TOP - mmap_base >= room);
  YES(TOP - mmap_base < room + (1ul << 30));
}

static void again(const char* how, unsigned long limit, bool exact) {
  say("--- a stack of at most %lu MiB, %s", limit >> 20, how);
  pid_t pid = fork();
  if (pid == 0) {
    struct rlimit stack;
    getrlimit(RLIMIT_STACK, &stack);
    stack.rlim_cur = limit;
    MUST(setrlimit(RLIMIT_STACK, &stack));
    MUST(personality(exact ? ADDR_NO_RANDOMIZE : 0));
    execl("/proc/self/exe", "layout", exact ? "exact" : "random", NULL);
    _exit(1);
  }
  wait(NULL);
}

int main(int count, char** arguments) {
  if (count > 1) {
    report(strcmp(arguments[1], "exact") == 0);
    return 0;
  }
  static const unsigned long limits[] = {1ul << 20, 8ul << 20, 127ul << 20, 128ul << 20,
                                         (1ul << 30) + 4096, 1ul << 40};
  for (size_t i = 0; i < COUNT(limits); i++) {
    again("no random offsets", limits[i], true);
    for (int repeat = 0; repeat < 5; repeat++) again("random offsets", limits[i], false);
  }
  return 0;
}
