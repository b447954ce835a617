// SPDX-License-Identifier: MIT
//
// madvise, mincore, msync, mlock and their like: advice that is a promise (DONTNEED, WIPEONFORK)
// is checked for its effect, the rest for its arguments.

#include "abi.h"

#include <sys/resource.h>

#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

enum { kRW = PROT_READ | PROT_WRITE, kAnon = MAP_PRIVATE | MAP_ANONYMOUS };

static char* map(size_t pages) {
  char* base = mmap(NULL, pages * PAGE, kRW, kAnon, -1, 0);
  for (size_t i = 0; i < pages; i++) base[i * PAGE] = (char)('a' + i);
  return base;
}

static void forgetting(void) {
  section("MADV_DONTNEED");
  char* base = map(4);
  SHOW(madvise(base + PAGE, 2 * PAGE, MADV_DONTNEED));
  say("%d %d %d %d", base[0], base[PAGE], base[2 * PAGE], base[3 * PAGE]);
  SHOW(madvise(base, 100, MADV_DONTNEED));
  say("%d", base[0]);
  int fd = (int)MUST(open("f", O_RDWR | O_CREAT, 0600));
  write(fd, "file", 4);
  char* private = mmap(NULL, PAGE, kRW, MAP_PRIVATE, fd, 0);
  private[0] = 'P';
  SHOW(madvise(private, PAGE, MADV_DONTNEED));
  say("private: %c", private[0]);
  char* shared = mmap(NULL, PAGE, kRW, MAP_SHARED, fd, 0);
  shared[0] = 'S';
  SHOW(madvise(shared, PAGE, MADV_DONTNEED));
  say("shared: %c", shared[0]);
  SHOW(madvise(shared, PAGE, MADV_REMOVE));
  say("removed: %d", shared[0]);
  SHOW(madvise(base, PAGE, MADV_REMOVE));
  SHOW(madvise(shared, PAGE, MADV_FREE));
  SHOW(madvise(base, PAGE, MADV_FREE));
}

static void arguments(void) {
  section("arguments");
  char* base = map(4);
  SHOW(madvise(base, 0, MADV_DONTNEED));
  SHOW(madvise(base + 1, PAGE, MADV_DONTNEED));
  SHOW(madvise(base, PAGE, 12345));
  SHOW(madvise(base, (size_t)-1, MADV_DONTNEED));
  munmap(base + 2 * PAGE, PAGE);
  SHOW(madvise(base, 4 * PAGE, MADV_DONTNEED));  // The rest is done all the same.
  say("%d %d", base[0], base[3 * PAGE]);
  SHOW(madvise(base, 4 * PAGE, MADV_WILLNEED));
  static const int advice[] = {
      MADV_NORMAL,        MADV_RANDOM,         MADV_SEQUENTIAL, MADV_WILLNEED,  MADV_DONTFORK,
      MADV_DOFORK,        MADV_DONTDUMP,       MADV_DODUMP,     MADV_COLD,      MADV_PAGEOUT,
      MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_HUGEPAGE,   MADV_NOHUGEPAGE};
  for (unsigned i = 0; i < COUNT(advice); i++) {
    char label[32];
    snprintf(label, sizeof label, "madvise %d", advice[i]);
    SHOW_AS(label, madvise(base, PAGE, advice[i]));
  }
  SHOW(madvise(BAD_KERNEL, PAGE, MADV_NORMAL));
  void* reading = page_with(PROT_READ);
  SHOW(madvise(reading, PAGE, MADV_POPULATE_WRITE));
  SHOW(madvise(reading, PAGE, MADV_POPULATE_READ));
  SHOW(madvise(page_with(PROT_NONE), PAGE, MADV_POPULATE_READ));
}

static char *forgotten, *wiped;
static void look(void) {
  say("wiped %d", wiped[0]);
  say("%d", forgotten[0]);
}

static void over_fork(void) {
  section("fork");
  forgotten = map(1);
  wiped = map(1);
  SHOW(madvise(wiped, PAGE, MADV_WIPEONFORK));
  SHOW(madvise(forgotten, PAGE, MADV_DONTFORK));
  IN_CHILD(look);
  say("parent %c %c", wiped[0], forgotten[0]);
  SHOW(madvise(wiped, PAGE, MADV_KEEPONFORK));
  SHOW(madvise(forgotten, PAGE, MADV_DOFORK));
  IN_CHILD(look);
  char* shared = mmap(NULL, PAGE, kRW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  SHOW(madvise(shared, PAGE, MADV_WIPEONFORK));
}

static void residence(void) {
  section("mincore");
  unsigned char resident[8];
  char* base = mmap(NULL, 4 * PAGE, kRW, kAnon, -1, 0);
  madvise(base, 4 * PAGE, MADV_NOHUGEPAGE);
  base[PAGE] = 1;
  memset(resident, 9, sizeof resident);
  SHOW(mincore(base, 4 * PAGE, resident));
  say("%d%d%d%d then %d", resident[0] & 1, resident[1] & 1, resident[2] & 1, resident[3] & 1,
      resident[4]);
  SHOW(mincore(base, PAGE + 1, resident));
  SHOW(mincore(base, 0, resident));
  SHOW(mincore(base + 1, PAGE, resident));
  SHOW(mincore(base, PAGE, BAD_KERNEL));
  SHOW(mincore(base, PAGE, BAD_NULL));
  SHOW(mincore(base, 4 * PAGE, (void*)edge(2)));
  SHOW(mincore(BAD_KERNEL, PAGE, resident));
  munmap(base + 2 * PAGE, PAGE);
  SHOW(mincore(base, 4 * PAGE, resident));
}

static void syncing(void) {
  section("msync");
  int fd = (int)MUST(open("f", O_RDWR | O_CREAT, 0600));
  ftruncate(fd, 4 * (long)PAGE);
  char* base = mmap(NULL, 4 * PAGE, kRW, MAP_SHARED, fd, 0);
  base[0] = 1;
  SHOW(msync(base, PAGE, MS_SYNC));
  SHOW(msync(base, PAGE, MS_ASYNC));
  SHOW(msync(base, PAGE, MS_SYNC | MS_ASYNC));
  SHOW(msync(base, PAGE, MS_INVALIDATE));
  SHOW(msync(base, PAGE, 8));
  SHOW(msync(base, 0, MS_SYNC));
  SHOW(msync(base + 1, PAGE, MS_SYNC));
  SHOW(msync(base, (size_t)-1, MS_SYNC));
  munmap(base + PAGE, PAGE);
  SHOW(msync(base, 4 * PAGE, MS_SYNC));
  SHOW(msync(base + PAGE, PAGE, MS_SYNC));
  SHOW(msync(BAD_KERNEL, PAGE, MS_SYNC));
}

static void unprivileged(void) {
  struct rlimit limit = {2 * PAGE, 2 * PAGE};
  MUST(setrlimit(RLIMIT_MEMLOCK, &limit));
  MUST(setresuid(1000, 1000, 1000));
  char* base = map(4);
  SHOW(mlock(base, 2 * PAGE));
  SHOW(mlock(base, 3 * PAGE));
  SHOW(mlock(base, PAGE));
  SHOW(munlock(base, PAGE));
  SHOW(mlock(base + 3 * PAGE, PAGE));
  SHOW(mlock(base + 2 * PAGE, PAGE));
  SHOW_AS("mmap(MAP_LOCKED)",
          mmap(NULL, 4 * PAGE, kRW, kAnon | MAP_LOCKED, -1, 0) == MAP_FAILED ? -1 : 0);
  SHOW(mlockall(MCL_CURRENT));
  SHOW(munlockall());
  limit.rlim_cur = 0;
  MUST(setrlimit(RLIMIT_MEMLOCK, &limit));
  SHOW(mlock(base, PAGE));
  SHOW(munlock(base, PAGE));
}

static long locked_kb(void) {
  char* line = strstr(read_file("/proc/self/status"), "VmLck:");
  return line != NULL ? strtol(line + 6, NULL, 10) : -1;
}

static void locking(void) {
  section("mlock");
  char* base = map(4);
  SHOW(mlock(base, PAGE));
  say("VmLck %ld kB", locked_kb());
  SHOW(mlock(base + 10, PAGE));
  say("VmLck %ld kB", locked_kb());
  SHOW(mlock2(base, 4 * PAGE, 1));
  SHOW(mlock2(base, 4 * PAGE, 2));
  say("VmLck %ld kB", locked_kb());
  SHOW(madvise(base, PAGE, MADV_DONTNEED));
  SHOW(munlock(base, 4 * PAGE));
  say("VmLck %ld kB", locked_kb());
  SHOW(mlock(base, 0));
  SHOW(mlock(unmapped(), PAGE));
  SHOW(munlock(unmapped(), PAGE));
  SHOW(mlock(base, (size_t)-1));
  SHOW(mlock(page_with(PROT_NONE), PAGE));
  SHOW(mlockall(0));
  SHOW(mlockall(8));
  SHOW(mlockall(MCL_ONFAULT));
  IN_CHILD(unprivileged);
}

int main(void) {
  forgetting();
  arguments();
  over_fork();
  residence();
  syncing();
  locking();
}
