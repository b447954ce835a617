// SPDX-License-Identifier: MIT
//
// Big mappings on a small machine: 10 GB without reserve, sparsely touched; what the commit
// heuristic refuses; and a stack that grows to its limit and not further.

#include "abi.h"

#include <sys/resource.h>

static void sparse(void) {
  section("10 GB, a page here and there");
  size_t size = 10ul << 30;
  char* map =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  YES(map != MAP_FAILED);
  if (map == MAP_FAILED) return;
  madvise(map, size, MADV_NOHUGEPAGE);
  int wrong = 0;
  for (size_t at = 0; at < size; at += 64ul << 20) map[at + at / 1000 % PAGE] = (char)(at >> 26);
  for (size_t at = 0; at < size; at += 64ul << 20) {
    wrong += map[at + at / 1000 % PAGE] != (char)(at >> 26);
    wrong += map[at + PAGE] != 0;
  }
  say("wrong %d", wrong);
  pid_t pid = fork();
  if (pid == 0) {
    for (size_t at = 0; at < size; at += 64ul << 20)
      wrong += map[at + at / 1000 % PAGE] != (char)(at >> 26);
    _exit(wrong);
  }
  int status;
  waitpid(pid, &status, 0);
  say("child: %s", status_text(status));
  SHOW(munmap(map, size));
}

static void commit(void) {
  section("the heuristic");
  struct {
    const char* what;
    size_t size;
    int protection, flags;
  } tries[] = {
      {"10 GB private writable", 10ul << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE},
      {"10 GB private read-only", 10ul << 30, PROT_READ, MAP_PRIVATE},
      {"10 GB PROT_NONE", 10ul << 30, PROT_NONE, MAP_PRIVATE},
      {"10 GB shared", 10ul << 30, PROT_READ | PROT_WRITE, MAP_SHARED},
      {"10 GB shared, no reserve", 10ul << 30, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE},
      {"256 MB private writable", 256ul << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE}};
  for (unsigned i = 0; i < COUNT(tries); i++) {
    void* map =
        mmap(NULL, tries[i].size, tries[i].protection, tries[i].flags | MAP_ANONYMOUS, -1, 0);
    say("%s: %s", tries[i].what, map == MAP_FAILED ? error_name(errno) : "ok");
    if (map != MAP_FAILED) munmap(map, tries[i].size);
  }
  void* none = mmap(NULL, 10ul << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  SHOW(mprotect(none, 10ul << 30, PROT_READ | PROT_WRITE));
}

static __attribute__((noinline)) int use_stack(size_t bytes) {
  volatile char frame[4096];
  frame[0] = 1;
  return bytes > sizeof frame ? use_stack(bytes - sizeof frame) + frame[0] : frame[0];
}

static void deep(void) { say("6 MB used: %d", use_stack(6 << 20) > 0); }
static void too_deep(void) { use_stack(9 << 20); }
static void limited(void) {
  struct rlimit limit = {1 << 20, 1 << 20};
  setrlimit(RLIMIT_STACK, &limit);
  use_stack(2 << 20);
}
// A load far below the stack pointer, yet within the limit: the stack grows to it.
static void far_below(void) {
  volatile char here;
  volatile char* below = &here - (4 << 20);
  *below = 1;
  say("4 MB below the stack pointer: ok");
}

static void stack(void) {
  section("stack");
  struct rlimit limit;
  getrlimit(RLIMIT_STACK, &limit);
  say("limit %ld", (long)limit.rlim_cur);
  IN_CHILD(deep);
  IN_CHILD(too_deep);
  IN_CHILD(limited);
  IN_CHILD(far_below);
}

int main(void) {
  sparse();
  commit();
  stack();
}
