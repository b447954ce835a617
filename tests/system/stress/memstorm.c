// SPDX-License-Identifier: MIT
//
// memstorm SECONDS [THREADS]: threads of one address space fault, map, unmap, protect, remap,
// forget and fork at the same time, each in ranges of its own and on a shared one, and check every
// byte they expect. Wrong bytes or an unexpected signal are corruption.

#include "../../abi/abi.h"

#include <pthread.h>

enum { kPages = 96, kRW = PROT_READ | PROT_WRITE, kAnon = MAP_PRIVATE | MAP_ANONYMOUS };

static volatile bool stop;
static volatile long rounds, corrupt;
static char* common;  // Shared by all threads: read faults and DONTNEED at the same time.
static int file;

static uint64_t next(uint64_t* state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * 2685821657736338717ul;
}

static void bad(const char* what) {
  if (__atomic_add_fetch(&corrupt, 1, __ATOMIC_SEQ_CST) < 10) say("corrupt: %s", what);
}

static void fill(char* at, size_t pages, uint64_t tag) {
  for (size_t i = 0; i < pages; i++) *(uint64_t*)(at + i * PAGE) = tag + i;
}
static bool holds(const char* at, size_t pages, uint64_t tag) {
  for (size_t i = 0; i < pages; i++)
    if (*(const volatile uint64_t*)(at + i * PAGE) != tag + i) return false;
  return true;
}

static void private_memory(uint64_t* state) {
  size_t pages = 1 + next(state) % kPages;
  uint64_t tag = next(state);
  char* map = mmap(NULL, pages * PAGE, kRW, kAnon, -1, 0);
  if (map == MAP_FAILED) return;
  if (next(state) % 2 && *(volatile uint64_t*)(map + next(state) % pages * PAGE) != 0)
    bad("new page not zero");
  fill(map, pages, tag);
  size_t middle = next(state) % pages;
  switch (next(state) % 5) {
    case 0:
      mprotect(map + middle * PAGE, PAGE, PROT_READ);
      if (!holds(map, pages, tag)) bad("after mprotect");
      mprotect(map + middle * PAGE, PAGE, kRW);
      break;
    case 1:
      madvise(map + middle * PAGE, PAGE, MADV_DONTNEED);
      if (*(volatile uint64_t*)(map + middle * PAGE) != 0) bad("DONTNEED kept a page");
      *(uint64_t*)(map + middle * PAGE) = tag + middle;
      break;
    case 2: {
      char* moved = mremap(map, pages * PAGE, (pages + 7) * PAGE, MREMAP_MAYMOVE);
      if (moved != MAP_FAILED) {
        map = moved;
        if (!holds(map, pages, tag)) bad("after mremap");
        if (*(volatile uint64_t*)(map + (pages + 3) * PAGE) != 0) bad("grown page not zero");
        munmap(map + pages * PAGE, 7 * PAGE);
      }
      break;
    }
    case 3: {
      pid_t pid = (fork)();
      if (pid == 0) {
        bool good = holds(map, pages, tag);
        fill(map, pages, ~tag);
        _exit(good && holds(map, pages, ~tag) ? 0 : 1);
      }
      fill(map, pages, tag + 1);
      int status = 1;
      if (pid > 0 && (waitpid(pid, &status, 0) != pid || status != 0))
        bad("child saw the parent's stores");
      if (!holds(map, pages, tag + 1)) bad("parent saw the child's stores");
      fill(map, pages, tag);
      break;
    }
    default:
      break;
  }
  if (!holds(map, pages, tag)) bad("private memory");
  munmap(map, pages * PAGE);
}

static void file_memory(uint64_t* state, int index) {
  // Each thread has its own stripe of the file.
  off_t offset = (off_t)index * kPages * (off_t)PAGE;
  size_t pages = 1 + next(state) % kPages;
  uint64_t tag = next(state), value;
  char* shared = mmap(NULL, pages * PAGE, kRW, MAP_SHARED, file, offset);
  char* private = mmap(NULL, pages * PAGE, kRW, MAP_PRIVATE, file, offset);
  if (shared == MAP_FAILED || private == MAP_FAILED) return;
  fill(shared, pages, tag);
  if (!holds(private, pages, tag)) bad("private view of a file");
  fill(private, pages, ~tag);
  if (!holds(shared, pages, tag)) bad("private stores reached the file");
  size_t at = next(state) % pages;
  pread(file, &value, sizeof value, offset + (off_t)(at * PAGE));
  if (value != tag + at) bad("read after a mapped store");
  value = 42;
  pwrite(file, &value, sizeof value, offset + (off_t)(at * PAGE));
  if (*(volatile uint64_t*)(shared + at * PAGE) != 42) bad("mapped load after a write");
  munmap(shared, pages * PAGE);
  munmap(private, pages * PAGE);
}

static void common_memory(uint64_t* state) {
  size_t at = next(state) % kPages;
  volatile uint64_t* word = (volatile uint64_t*)(common + at * PAGE);
  uint64_t value = *word;
  if (value != 0 && value != at + 1) bad("common page");
  *word = at + 1;
  if (next(state) % 8 == 0) madvise((void*)word, PAGE, MADV_DONTNEED);
}

static void* storm(void* argument) {
  int index = (int)(long)argument;
  uint64_t state = (uint64_t)(index + 1) * 0x9e3779b97f4a7c15ul;
  while (!stop) {
    private_memory(&state);
    file_memory(&state, index);
    for (int i = 0; i < 50; i++) common_memory(&state);
    __atomic_add_fetch(&rounds, 1, __ATOMIC_RELAXED);
  }
  return NULL;
}

int main(int argc, char** argv) {
  alarm(0);
  int seconds = argc > 1 ? atoi(argv[1]) : 5, threads = argc > 2 ? atoi(argv[2]) : 8;
  if (threads > 64) threads = 64;
  file = (int)MUST(memfd_create("storm", 0));
  MUST(ftruncate(file, (off_t)threads * kPages * (off_t)PAGE));
  common = mmap(NULL, kPages * PAGE, kRW, kAnon, -1, 0);
  pthread_t thread[64];
  for (long i = 0; i < threads; i++) pthread_create(&thread[i], NULL, storm, (void*)i);
  sleep_ms(seconds * 1000l);
  stop = true;
  for (int i = 0; i < threads; i++) pthread_join(thread[i], NULL);
  say("rounds %s, corruption %ld", rounds > threads ? "made" : "too few", corrupt);
  if (corrupt == 0 && rounds > threads) say("ok");
  return corrupt != 0;
}
