// SPDX-License-Identifier: MIT
//
// getdents64: record layout, small buffers, seeking in a directory, and entries that come and go
// while it is read. Order is the file system's affair, so names are sorted before they are shown.

#include "abi.h"

#include <dirent.h>

struct record {
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[];
};

static char buffer[32768];

static int by_name(const void* a, const void* b) {
  return strcmp(*(char* const*)a, *(char* const*)b);
}

static void list(int fd) {
  static char store[300][64];
  char* names[300];
  int count = 0;
  long got;
  while ((got = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0) {
    for (long at = 0; at < got;) {
      struct record* record = (struct record*)(buffer + at);
      if (record->length % 8 != 0) say("record length is not a multiple of 8");
      if (record->inode == 0) say("inode 0");
      if (count < 300) {
        snprintf(store[count], 64, "%.50s type %d", record->name, record->type);
        names[count] = store[count];
        count++;
      }
      at += record->length;
    }
  }
  if (got < 0) say("getdents64: %s", error_name(errno));
  qsort(names, (size_t)count, sizeof names[0], by_name);
  for (int i = 0; i < count; i++) say("  %s", names[i]);
}

static void kinds(void) {
  section("kinds");
  mkdir("d", 0755);
  mkdir("d/sub", 0755);
  write_file("d/file", "x");
  symlink("file", "d/link");
  mkfifo("d/fifo", 0600);
  mknod("d/char", S_IFCHR | 0600, 0x103);
  mknod("d/socket", S_IFSOCK | 0600, 0);
  SHOW(open("d", O_RDONLY | O_DIRECTORY));
  list(3);
  SHOW(syscall(SYS_getdents64, 3, buffer, sizeof buffer));
  SHOW(lseek(3, 0, SEEK_SET));
  list(3);
  close(3);
}

static void errors(void) {
  section("errors");
  SHOW(open("d", O_RDONLY));
  SHOW(syscall(SYS_getdents64, 3, buffer, 0));
  SHOW(syscall(SYS_getdents64, 3, buffer, 8));
  SHOW(syscall(SYS_getdents64, 3, BAD_NULL, 100));
  SHOW(syscall(SYS_getdents64, 3, BAD_KERNEL, 100));
  SHOW(syscall(SYS_getdents64, 3, page_with(PROT_READ), 100));
  SHOW(syscall(SYS_getdents64, 99, buffer, 100));
  int file = open("d/file", O_RDONLY);
  SHOW(syscall(SYS_getdents64, file, buffer, 100));
  close(file);
  file = open("d", O_PATH);
  SHOW(syscall(SYS_getdents64, file, buffer, 100));
  close(file);
  // "." is 24 bytes with its name; one entry at a time.
  long total = 0, got;
  while ((got = syscall(SYS_getdents64, 3, buffer, 32)) > 0) total++;
  say("entries with a 32 byte buffer: %ld", total);
  close(3);
}

static void resume(void) {
  section("telldir and seekdir");
  mkdir("many", 0755);
  char name[32];
  for (int i = 0; i < 200; i++) {
    snprintf(name, sizeof name, "many/entry-%03d", i);
    close(open(name, O_CREAT | O_WRONLY, 0600));
  }
  SHOW(open("many", O_RDONLY));
  long got = syscall(SYS_getdents64, 3, buffer, 1000);
  YES(got > 0 && got <= 1000);
  struct record* last = NULL;
  int seen = 0;
  for (long at = 0; at < got; at += last->length) {
    last = (struct record*)(buffer + at);
    seen++;
  }
  int64_t position = last->offset;
  YES(lseek(3, 0, SEEK_CUR) == position);
  while ((got = syscall(SYS_getdents64, 3, buffer, 1000)) > 0)
    for (long at = 0; at < got; at += ((struct record*)(buffer + at))->length) seen++;
  say("seen %d", seen);
  SHOW(lseek(3, position, SEEK_SET) == position);
  int again = 0;
  while ((got = syscall(SYS_getdents64, 3, buffer, 1000)) > 0)
    for (long at = 0; at < got; at += ((struct record*)(buffer + at))->length) again++;
  YES(again > 100 && again < 202);
  SHOW(lseek(3, -1, SEEK_SET));
  close(3);
}

static void changing(void) {
  section("removal while reading");
  SHOW(open("many", O_RDONLY));
  int removed = 0;
  long got;
  while ((got = syscall(SYS_getdents64, 3, buffer, 500)) > 0) {
    for (long at = 0; at < got;) {
      struct record* record = (struct record*)(buffer + at);
      if (record->name[0] != '.') removed += unlinkat(3, record->name, 0) == 0;
      at += record->length;
    }
  }
  say("removed %d", removed);
  SHOW(rmdir("many"));
  SHOW(syscall(SYS_getdents64, 3, buffer, 500));
  lseek(3, 0, SEEK_SET);
  SHOW(syscall(SYS_getdents64, 3, buffer, 500));
  close(3);
}

int main(void) {
  kinds();
  errors();
  resume();
  changing();
}
