// SPDX-License-Identifier: MIT
//
// mremap: growing, shrinking, moving, and the arguments it refuses.

#include "abi.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

enum { kRW = PROT_READ | PROT_WRITE, kAnon = MAP_PRIVATE | MAP_ANONYMOUS };

static char* map(size_t pages) {
  char* base = mmap(NULL, pages * PAGE, kRW, kAnon, -1, 0);
  for (size_t i = 0; i < pages; i++) base[i * PAGE] = (char)('a' + i);
  return base;
}

static long remap(void* old, size_t old_size, size_t new_size, int flags, void* target) {
  return syscall(SYS_mremap, old, old_size, new_size, flags, target);
}
#define REFUSED(...) SHOW_AS("mremap(" #__VA_ARGS__ ")", remap(__VA_ARGS__))

static void sizes(void) {
  section("size");
  char* base = map(4);
  YES((char*)remap(base, 4 * PAGE, 2 * PAGE, 0, NULL) == base);
  REFUSED(base + 2 * PAGE, PAGE, PAGE, 0, NULL);                 // That part is gone.
  YES((char*)remap(base, 2 * PAGE, 4 * PAGE, 0, NULL) == base);  // And there is room again.
  say("grown pages are zero: %d, kept: %c%c", base[2 * PAGE] == 0, base[0], base[PAGE]);
  base = map(4);
  mprotect(base + 2 * PAGE, PAGE, PROT_READ);
  REFUSED(base, 2 * PAGE, 4 * PAGE, 0, NULL);
  char* moved = (char*)remap(base, 2 * PAGE, 8 * PAGE, MREMAP_MAYMOVE, NULL);
  YES(moved != MAP_FAILED && moved != base);
  say("content: %c%c%d", moved[0], moved[PAGE], moved[2 * PAGE]);
  REFUSED(base, PAGE, PAGE, 0, NULL);
  YES((char*)remap(moved, 8 * PAGE, 8 * PAGE, 0, NULL) == moved);
  YES((char*)remap(moved, 100, 5000, MREMAP_MAYMOVE, NULL) != MAP_FAILED);
}

static void moves(void) {
  section("MREMAP_FIXED");
  char* base = map(2);
  char* room = map(4);
  YES((char*)remap(base, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room + PAGE) ==
      room + PAGE);
  say("content: %c %c%c %c", room[0], room[PAGE], room[2 * PAGE], room[3 * PAGE]);
  base = map(3);
  REFUSED(base, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, base + PAGE);
  REFUSED(base, PAGE, PAGE, MREMAP_FIXED, room);
  REFUSED(base, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room + 1);
  REFUSED(base, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, BAD_KERNEL);
  YES((char*)remap(base + PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room) == room);
  say("%c", room[0]);
  section("MREMAP_DONTUNMAP");
  base = map(2);
  char* copy = (char*)remap(base, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
  YES(copy != MAP_FAILED && copy != base);
  say("copy %c%c, old is zero: %d", copy[0], copy[PAGE], base[0] == 0 && base[PAGE] == 0);
  REFUSED(base, 2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
  REFUSED(base, 2 * PAGE, 2 * PAGE, MREMAP_DONTUNMAP, NULL);
}

static void refused(void) {
  section("arguments");
  char* base = map(4);
  REFUSED(base, PAGE, 0, MREMAP_MAYMOVE, NULL);
  REFUSED(base + 1, PAGE, PAGE, MREMAP_MAYMOVE, NULL);
  REFUSED(base, PAGE, PAGE, 0x100, NULL);
  REFUSED(unmapped(), PAGE, 2 * PAGE, MREMAP_MAYMOVE, NULL);
  REFUSED(BAD_KERNEL, PAGE, 2 * PAGE, MREMAP_MAYMOVE, NULL);
  REFUSED(base, 0, PAGE, MREMAP_MAYMOVE, NULL);  // Old size 0 is for shared mappings.
  REFUSED(base, PAGE, (size_t)-1, MREMAP_MAYMOVE, NULL);
  REFUSED(base, PAGE, 1ul << 47, MREMAP_MAYMOVE, NULL);
  mprotect(base + PAGE, PAGE, PROT_READ);
  REFUSED(base, 3 * PAGE, 6 * PAGE, MREMAP_MAYMOVE, NULL);  // Two mappings at once.
  char* shared = mmap(NULL, PAGE, kRW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  shared[0] = 's';
  char* twin = (char*)remap(shared, 0, PAGE, MREMAP_MAYMOVE, NULL);
  YES(twin != MAP_FAILED && twin != shared);
  twin[1] = 't';
  say("%c%c", twin[0], shared[1]);
}

static void files(void) {
  section("file mappings");
  int fd = (int)MUST(open("f", O_RDWR | O_CREAT, 0600));
  ftruncate(fd, 8 * (long)PAGE);
  for (int i = 0; i < 8; i++) pwrite(fd, &(char){(char)('0' + i)}, 1, i * (long)PAGE);
  char* base = mmap(NULL, 2 * PAGE, kRW, MAP_SHARED, fd, 2 * (long)PAGE);
  char* moved = (char*)remap(base, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE, NULL);
  say("%c%c%c%c", moved[0], moved[PAGE], moved[2 * PAGE], moved[3 * PAGE]);
  moved[3 * PAGE] = 'W';
  char byte;
  pread(fd, &byte, 1, 5 * (long)PAGE);
  say("%c", byte);
  base = mmap(NULL, 2 * PAGE, kRW, MAP_PRIVATE, fd, 0);
  base[0] = 'P';
  moved = (char*)remap(base, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, map(2));
  say("%c%c", moved[0], moved[PAGE]);
}

int main(void) {
  sizes();
  moves();
  refused();
  files();
}
