// SPDX-License-Identifier: MIT
//
// mmap, munmap, mprotect and brk: where mappings go, what each argument may be, how they split and
// join, and what /proc/self/maps says of it.

#include "abi.h"

#include <setjmp.h>
#include <sys/resource.h>

static sigjmp_buf again;
static volatile int fault_code;
static void on_fault(int signal UNUSED, siginfo_t* info, void* context UNUSED) {
  fault_code = info->si_code;
  siglongjmp(again, 1);
}

// How an access ends: "ok", or the si_code of its SIGSEGV.
static const char* try_read(volatile char* at) {
  if (sigsetjmp(again, 1) != 0) return fault_code == SEGV_MAPERR ? "MAPERR" : "ACCERR";
  char value = *at;
  (void)value;
  return "ok";
}
static const char* try_write(volatile char* at) {
  if (sigsetjmp(again, 1) != 0) return fault_code == SEGV_MAPERR ? "MAPERR" : "ACCERR";
  *at = 1;
  return "ok";
}
static const char* try_call(void* at) {
  if (sigsetjmp(again, 1) != 0) return fault_code == SEGV_MAPERR ? "MAPERR" : "ACCERR";
  ((void (*)(void))at)();
  return "ok";
}

static long map_result(void* address) { return address == MAP_FAILED ? -1 : 0; }
#define MAP(...) SHOW_AS("mmap(" #__VA_ARGS__ ")", map_result(mmap(__VA_ARGS__)))

enum { kRW = PROT_READ | PROT_WRITE, kAnon = MAP_PRIVATE | MAP_ANONYMOUS };

static void arguments(void) {
  section("arguments");
  int fd = (int)MUST(open("f", O_RDWR | O_CREAT, 0600));
  ftruncate(fd, 2 * (long)PAGE);
  MAP(NULL, PAGE, kRW, kAnon, -1, 0);
  MAP(NULL, 1, kRW, kAnon, -1, 0);
  MAP(NULL, 0, kRW, kAnon, -1, 0);
  MAP(NULL, PAGE, kRW, MAP_ANONYMOUS, -1, 0);
  MAP(NULL, PAGE, kRW, MAP_SHARED | MAP_ANONYMOUS, 77, 0);
  MAP(NULL, PAGE, kRW, MAP_PRIVATE, -1, 0);
  MAP(NULL, PAGE, kRW, MAP_PRIVATE, 77, 0);
  MAP(NULL, PAGE, kRW, MAP_PRIVATE, fd, 1);
  MAP(NULL, PAGE, kRW, MAP_PRIVATE, fd, PAGE);
  MAP(NULL, PAGE, kRW, MAP_PRIVATE, fd, 1l << 40);
  MAP(NULL, PAGE, kRW, MAP_PRIVATE, fd, -(long)PAGE);
  MAP(NULL, (size_t)-1, kRW, kAnon, -1, 0);
  MAP(NULL, 1ul << 47, kRW, kAnon, -1, 0);
  MAP(NULL, 1ul << 48, kRW, kAnon, -1, 0);
  MAP(NULL, 1ul << 60, PROT_NONE, kAnon | MAP_NORESERVE, -1, 0);
  MAP((void*)0x1234, PAGE, kRW, kAnon, -1, 0);
  MAP((void*)0x1234, PAGE, kRW, kAnon | MAP_FIXED, -1, 0);
  MAP(BAD_HOLE, PAGE, kRW, kAnon | MAP_FIXED, -1, 0);
  MAP((void*)(0x0001000000000000ul - PAGE), 2 * PAGE, kRW, kAnon | MAP_FIXED, -1, 0);
  MAP(BAD_KERNEL, PAGE, kRW, kAnon | MAP_FIXED, -1, 0);
  MAP(BAD_KERNEL, PAGE, kRW, kAnon, -1, 0);
  MAP(NULL, PAGE, 0xff0000, kAnon, -1, 0);
  MAP(NULL, PAGE, kRW, MAP_SHARED_VALIDATE | 0x4000000, fd, 0);
  MAP(NULL, PAGE, kRW, MAP_SHARED_VALIDATE, fd, 0);
  MAP(NULL, PAGE, kRW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
  int reader = open("f", O_RDONLY), writer = open("f", O_WRONLY);
  MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, writer, 0);
  MAP(NULL, PAGE, PROT_NONE, MAP_SHARED, writer, 0);
  MAP(NULL, PAGE, kRW, MAP_SHARED, reader, 0);
  MAP(NULL, PAGE, kRW, MAP_PRIVATE, reader, 0);
  char* shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, reader, 0);
  SHOW(mprotect(shared, PAGE, kRW));
  int directory = open(".", O_RDONLY);
  MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, directory, 0);
  int fds[2];
  pipe(fds);
  MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, fds[0], 0);
  close(fd);
}

static void placement(void) {
  section("placement");
  char* base = mmap(NULL, 8 * PAGE, kRW, kAnon, -1, 0);
  munmap(base + 2 * PAGE, 4 * PAGE);
  YES(mmap(base + 2 * PAGE, PAGE, kRW, kAnon, -1, 0) == base + 2 * PAGE);  // A free hint is taken.
  YES(mmap(base, PAGE, kRW, kAnon, -1, 0) != base);                        // A used one is not.
  YES(mmap(base + 3 * PAGE + 5, PAGE, kRW, kAnon, -1, 0) == base + 3 * PAGE);
  MAP(base, PAGE, kRW, kAnon | MAP_FIXED_NOREPLACE, -1, 0);
  MAP(base + 4 * PAGE, PAGE, kRW, kAnon | MAP_FIXED_NOREPLACE, -1, 0);
  base[0] = 'x';
  YES(mmap(base, PAGE, kRW, kAnon | MAP_FIXED, -1, 0) == base);
  YES(base[0] == 0);
  // The gap nearest the top is taken: two mappings in a row lie one below the other.
  char* first = mmap(NULL, 64 * PAGE, kRW, kAnon, -1, 0);
  char* second = mmap(NULL, 64 * PAGE, kRW, kAnon, -1, 0);
  YES(second < first);
  YES((uintptr_t)first > 0xffff00000000ul >> 1);
  int on_stack;
  YES((uintptr_t)first < (uintptr_t)&on_stack);
}

static void protection(void) {
  section("protection");
  static const int kinds[] = {PROT_NONE,
                              PROT_READ,
                              PROT_WRITE,
                              PROT_EXEC,
                              PROT_READ | PROT_WRITE,
                              PROT_READ | PROT_EXEC,
                              PROT_READ | PROT_WRITE | PROT_EXEC};
  for (unsigned i = 0; i < COUNT(kinds); i++) {
    uint32_t* code = mmap(NULL, PAGE, kRW, kAnon, -1, 0);
    code[0] = 0xd65f03c0;  // ret
    __builtin___clear_cache((char*)code, (char*)(code + 1));
    mprotect(code, PAGE, kinds[i]);
    say("%c%c%c: read %s, call %s, write %s", kinds[i] & PROT_READ ? 'r' : '-',
        kinds[i] & PROT_WRITE ? 'w' : '-', kinds[i] & PROT_EXEC ? 'x' : '-', try_read((char*)code),
        try_call(code), try_write((char*)code + 8));
  }
}

static void splitting(void) {
  section("mprotect");
  char* base = mmap(NULL, 5 * PAGE, kRW, kAnon, -1, 0);
  SHOW(mprotect(base + 2 * PAGE, PAGE, PROT_READ));
  say("%s %s %s", try_write(base + PAGE), try_write(base + 2 * PAGE), try_write(base + 3 * PAGE));
  SHOW(mprotect(base, 5 * PAGE, PROT_NONE));
  say("%s", try_read(base + 4 * PAGE));
  SHOW(mprotect(base, 5 * PAGE, kRW));
  say("kept its content: %d", base[PAGE]);
  SHOW(mprotect(base + 1, PAGE, PROT_READ));
  SHOW(mprotect(base, 0, PROT_READ));
  SHOW(mprotect(base, PAGE - 1, PROT_READ));
  say("%s %s", try_write(base), try_write(base + PAGE));
  SHOW(mprotect(base, PAGE, 0x100));
  SHOW(mprotect(base, PAGE, kRW | PROT_GROWSDOWN));
  SHOW(mprotect(base, (size_t)-1, PROT_READ));
  munmap(base + 3 * PAGE, PAGE);
  SHOW(mprotect(base, 5 * PAGE, PROT_READ));  // Stops at the hole; what came before is done.
  say("%s %s", try_write(base + 2 * PAGE), try_write(base + 4 * PAGE));
  SHOW(mprotect(BAD_HOLE, PAGE, PROT_READ));
  SHOW(mprotect(BAD_KERNEL, PAGE, PROT_READ));
}

static void unmapping(void) {
  section("munmap");
  char* base = mmap(NULL, 5 * PAGE, kRW, kAnon, -1, 0);
  base[PAGE] = 7;
  SHOW(munmap(base + 2 * PAGE, PAGE));
  say("%s %s %s", try_read(base + PAGE), try_read(base + 2 * PAGE), try_read(base + 3 * PAGE));
  SHOW(munmap(base + 2 * PAGE, PAGE));
  SHOW(munmap(base, 5 * PAGE));
  say("%s", try_read(base));
  SHOW(munmap(base, 0));
  SHOW(munmap(base + 1, PAGE));
  SHOW(munmap(base, 1));
  SHOW(munmap(BAD_KERNEL, PAGE));
  SHOW(munmap(BAD_HOLE, PAGE));
  SHOW(munmap(NULL, PAGE));
  SHOW(munmap(NULL, (size_t)-1));
}

// The lines of /proc/self/maps within a range, as sizes and permissions.
static void show_maps(const char* base, size_t length) {
  char* text = read_file("/proc/self/maps");
  for (char* line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    unsigned long start, end, offset;
    char permissions[8];
    if (sscanf(line, "%lx-%lx %7s %lx", &start, &end, permissions, &offset) != 4) continue;
    if (start >= (uintptr_t)base && end <= (uintptr_t)base + length)
      say("  +%lu pages %lu %s offset %lx", (start - (uintptr_t)base) / PAGE, (end - start) / PAGE,
          permissions, offset);
  }
}

static void listing(void) {
  section("/proc/self/maps");
  char* base = mmap(NULL, 10 * PAGE, PROT_NONE, kAnon, -1, 0);
  int fd = (int)MUST(open("f", O_RDWR));
  ftruncate(fd, 4 * (long)PAGE);
  mmap(base + PAGE, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0);
  mmap(base + 3 * PAGE, PAGE, kRW, MAP_SHARED | MAP_FIXED, fd, PAGE);
  mprotect(base + 6 * PAGE, PAGE, PROT_READ | PROT_EXEC);
  munmap(base + 8 * PAGE, PAGE);
  show_maps(base, 10 * PAGE);
  mprotect(base + 6 * PAGE, PAGE, PROT_NONE);  // Neighbours that are alike become one again.
  show_maps(base, 10 * PAGE);
}

static void heap(void) {
  section("brk");
  char* start = (char*)syscall(SYS_brk, 0);
  YES((char*)syscall(SYS_brk, start + 3 * PAGE) == start + 3 * PAGE);
  say("%s", try_write(start + 3 * PAGE - 1));
  YES((char*)syscall(SYS_brk, start + 1) == start + 1);
  YES((char*)syscall(SYS_brk, start + 3 * PAGE) == start + 3 * PAGE);
  YES(start[3 * PAGE - 1] == 0);
  YES((char*)syscall(SYS_brk, 1) == start + 3 * PAGE);
  YES((char*)syscall(SYS_brk, BAD_KERNEL) == start + 3 * PAGE);
  YES((char*)syscall(SYS_brk, start) == start);
  struct rlimit limit = {PAGE, PAGE};
  setrlimit(RLIMIT_DATA, &limit);
  YES((char*)syscall(SYS_brk, start + (1 << 20)) == start);
}

static void address_limit(void) {
  section("RLIMIT_AS");
  struct rlimit limit = {64 << 20, 64 << 20};
  MUST(setrlimit(RLIMIT_AS, &limit));
  MAP(NULL, 8 << 20, kRW, kAnon, -1, 0);
  MAP(NULL, 128 << 20, kRW, kAnon, -1, 0);
  MAP(NULL, 128 << 20, PROT_NONE, kAnon | MAP_NORESERVE, -1, 0);
}

int main(void) {
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  arguments();
  placement();
  protection();
  splitting();
  unmapping();
  listing();
  IN_CHILD(heap);
  IN_CHILD(address_limit);
}
