// SPDX-License-Identifier: MIT
//
// Advice about the page cache and its write-back: what each call accepts, on files, directories,
// pipes and through descriptors of the wrong mode; the settings in /proc/sys/vm.

#include "abi.h"

#include <sys/mman.h>
#include <sys/socket.h>

static void advice(void) {
  section("posix_fadvise");
  write_file("f", "some text");
  int fd = open("f", O_RDWR);
  for (int value = -1; value <= 7; value++) {
    long result = syscall(SYS_fadvise64, fd, 0, 4, value);
    say("advice %d: %s", value, error_name(result < 0 ? errno : 0));
  }
  SHOW(syscall(SYS_fadvise64, fd, 1 << 20, 4096, POSIX_FADV_WILLNEED));
  SHOW(syscall(SYS_fadvise64, fd, 0, -1L, POSIX_FADV_NORMAL));
  SHOW(syscall(SYS_fadvise64, fd, -5L, 10, POSIX_FADV_DONTNEED));
  SHOW(syscall(SYS_fadvise64, fd, 0, 0, POSIX_FADV_DONTNEED));
  SHOW(syscall(SYS_fadvise64, -1, 0, 0, POSIX_FADV_NORMAL));
  int ends[2];
  pipe(ends);
  SHOW(syscall(SYS_fadvise64, ends[0], 0, 0, POSIX_FADV_NORMAL));
  SHOW(syscall(SYS_fadvise64, ends[0], 0, 0, 99));
  int directory = open(".", O_RDONLY | O_DIRECTORY);
  SHOW(syscall(SYS_fadvise64, directory, 0, 0, POSIX_FADV_NORMAL));
  char text[20] = "";
  SHOW(pread(fd, text, 9, 0));
  say("%s", text);

  section("readahead");
  SHOW(readahead(fd, 0, 100));
  SHOW(readahead(fd, 1 << 20, 100));
  SHOW(readahead(fd, 0, 0));
  SHOW(readahead(fd, 0, (size_t)-1));
  SHOW(readahead(fd, -4096, 10));
  SHOW(readahead(directory, 0, 10));
  SHOW(readahead(ends[0], 0, 10));
  SHOW(readahead(-1, 0, 10));
  int writer = open("f", O_WRONLY);
  SHOW(readahead(writer, 0, 10));
  close(writer);

  section("sync_file_range");
  for (unsigned flags = 0; flags <= 8; flags++)
    say("flags %u: %s", flags, error_name(sync_file_range(fd, 0, 4096, flags) < 0 ? errno : 0));
  SHOW(sync_file_range(fd, -1, 4096, 2));
  SHOW(sync_file_range(fd, 0, -1, 2));
  SHOW(sync_file_range(fd, INT64_MAX, 1, 2));
  SHOW(sync_file_range(ends[0], 0, 1, 2));
  SHOW(sync_file_range(directory, 0, 1, 2));
  SHOW(sync_file_range(-1, 0, 1, 2));

  section("fsync");
  SHOW(fsync(fd));
  SHOW(fdatasync(fd));
  SHOW(syncfs(fd));
  SHOW(fsync(directory));
  SHOW(fsync(ends[0]));
  SHOW(syncfs(ends[0]));
  sync();
  SHOW(open("f", O_RDWR | O_DIRECT));
  SHOW(fcntl(fd, F_SETFL, O_DIRECT));
  int synchronous = open("f", O_RDWR | O_SYNC);
  SHOW(write(synchronous, "SYNC", 4));
  SHOW(pwrite(synchronous, "x", 1, 5000));
  SHOW(lseek(synchronous, 0, SEEK_END));
  close(synchronous);
  close(fd);
  close(directory);
  close(ends[0]);
  close(ends[1]);
}

static void mapped(void) {
  section("msync");
  int fd = open("m", O_RDWR | O_CREAT, 0600);
  ftruncate(fd, 3 * 4096);
  char* shared = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  shared[0] = 'a';
  for (int flags = 0; flags <= 8; flags++)
    say("flags %d: %s", flags, error_name(msync(shared, 3 * 4096, flags) < 0 ? errno : 0));
  SHOW(msync(shared + 1, 4096, MS_SYNC));
  SHOW(msync(shared, 0, MS_SYNC));
  SHOW(msync(shared, (size_t)-4096, MS_SYNC));
  munmap(shared + 4096, 4096);
  SHOW(msync(shared, 3 * 4096, MS_SYNC));
  SHOW(msync(shared, 3 * 4096, MS_ASYNC));
  SHOW(mlock(shared, 4096));
  SHOW(msync(shared, 4096, MS_SYNC | MS_INVALIDATE));
  SHOW(msync(shared, 4096, MS_SYNC));
  char byte = 0;
  SHOW(pread(fd, &byte, 1, 0));
  say("%c", byte);

  section("madvise");
  static const int kinds[] = {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED};
  for (unsigned i = 0; i < COUNT(kinds); i++) {
    say("advice %d: %s, over a hole: %s", kinds[i],
        error_name(madvise(shared, 4096, kinds[i]) < 0 ? errno : 0),
        error_name(madvise(shared, 3 * 4096, kinds[i]) < 0 ? errno : 0));
  }
  munmap(shared, 3 * 4096);
  close(fd);
}

static void show_setting(const char* name) {
  char path[100], text[64] = "";
  snprintf(path, sizeof path, "/proc/sys/vm/%s", name);
  int fd = open(path, O_RDONLY);
  ssize_t size = read(fd, text, sizeof text - 1);
  if (size > 0) text[size - 1] = 0;
  say("%s: %s", name, fd < 0 ? "absent" : text);
  close(fd);
}

static void set(const char* name, const char* value) {
  char path[100];
  snprintf(path, sizeof path, "/proc/sys/vm/%s", name);
  int fd = open(path, O_WRONLY);
  say("%s = %s: %s", name, value, error_name(write(fd, value, strlen(value)) < 0 ? errno : 0));
  close(fd);
}

static void settings(void) {
  section("settings");
  static const char* const names[] = {"dirty_background_bytes", "dirty_background_ratio",
                                      "dirty_bytes",            "dirty_ratio",
                                      "dirty_expire_centisecs", "dirty_writeback_centisecs"};
  for (unsigned i = 0; i < COUNT(names); i++) show_setting(names[i]);
  set("dirty_bytes", "16777216");
  show_setting("dirty_bytes");
  show_setting("dirty_ratio");
  set("dirty_ratio", "20");
  show_setting("dirty_bytes");
  show_setting("dirty_ratio");
  set("dirty_ratio", "101");
  set("dirty_ratio", "-1");
  set("dirty_bytes", "4096");
  set("dirty_background_ratio", "x");
  set("dirty_writeback_centisecs", "0");
  show_setting("dirty_writeback_centisecs");
  set("dirty_writeback_centisecs", "500");
  for (unsigned i = 0; i < COUNT(names); i++) show_setting(names[i]);
}

int main(void) {
  advice();
  mapped();
  settings();
  return 0;
}
