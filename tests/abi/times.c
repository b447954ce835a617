// SPDX-License-Identifier: MIT
//
// utimensat, and which operations touch which of a file's three times.

#include "abi.h"

#include <grp.h>
#include <sys/time.h>

static struct stat before, after;

static int later(struct timespec a, struct timespec b) {
  return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

static void changed(const char* what, const char* path) {
  lstat(path, &after);
  say("%-28s atime %s mtime %s ctime %s", what, later(before.st_atim, after.st_atim) ? "new" : "-",
      later(before.st_mtim, after.st_mtim) ? "new" : "-",
      later(before.st_ctim, after.st_ctim) ? "new" : "-");
}

static void remember(const char* path) {
  lstat(path, &before);
  sleep_ms(12);  // Linux stamps files with its tick: 4 ms at 250 Hz.
}

static void explicit_times(void) {
  section("utimensat");
  write_file("f", "x");
  struct timespec times[2] = {{1000, 500}, {2000, 999999999}};
  SHOW(utimensat(AT_FDCWD, "f", times, 0));
  stat("f", &after);
  say("atime %ld.%ld mtime %ld.%ld", (long)after.st_atim.tv_sec, after.st_atim.tv_nsec,
      (long)after.st_mtim.tv_sec, after.st_mtim.tv_nsec);
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_sec = 3000;
  SHOW(utimensat(AT_FDCWD, "f", times, 0));
  stat("f", &after);
  say("atime %ld mtime %ld", (long)after.st_atim.tv_sec, (long)after.st_mtim.tv_sec);
  times[0].tv_nsec = UTIME_NOW;
  times[1].tv_nsec = UTIME_OMIT;
  SHOW(utimensat(AT_FDCWD, "f", times, 0));
  stat("f", &after);
  say("atime is recent %d, mtime %ld", after.st_atim.tv_sec > 3000, (long)after.st_mtim.tv_sec);
  SHOW(utimensat(AT_FDCWD, "f", NULL, 0));
  stat("f", &after);
  YES(after.st_mtim.tv_sec > 3000);
  times[0] = (struct timespec){-5, 0};
  times[1] = (struct timespec){-1, 1};
  SHOW(utimensat(AT_FDCWD, "f", times, 0));
  stat("f", &after);
  say("atime %ld mtime %ld.%ld", (long)after.st_atim.tv_sec, (long)after.st_mtim.tv_sec,
      after.st_mtim.tv_nsec);
  times[0].tv_nsec = 1000000000;
  SHOW(utimensat(AT_FDCWD, "f", times, 0));
  times[0].tv_nsec = -1;
  SHOW(utimensat(AT_FDCWD, "f", times, 0));
  times[0].tv_nsec = times[1].tv_nsec = UTIME_OMIT;
  SHOW(utimensat(AT_FDCWD, "nope", times, 0));  // Nothing to do: the name is not looked up.
  times[0].tv_nsec = 1;
  SHOW(utimensat(AT_FDCWD, "nope", times, 0));
  SHOW(utimensat(AT_FDCWD, "f", times, 0x4000));
  SHOW(utimensat(AT_FDCWD, "f", BAD_KERNEL, 0));
  SHOW(syscall(SYS_utimensat, AT_FDCWD, BAD_KERNEL, times, 0));
  symlink("f", "l");
  times[0] = (struct timespec){77, 0};
  times[1] = (struct timespec){88, 0};
  SHOW(utimensat(AT_FDCWD, "l", times, AT_SYMLINK_NOFOLLOW));
  lstat("l", &after);
  say("link mtime %ld", (long)after.st_mtim.tv_sec);
  int fd = open("f", O_RDONLY);
  SHOW(syscall(SYS_utimensat, fd, NULL, times, 0));
  stat("f", &after);
  say("file mtime %ld", (long)after.st_mtim.tv_sec);
  SHOW(syscall(SYS_utimensat, fd, NULL, times, AT_SYMLINK_NOFOLLOW));
  SHOW(syscall(SYS_utimensat, AT_FDCWD, NULL, times, 0));
  SHOW(syscall(SYS_utimensat, 99, NULL, times, 0));
  SHOW(utimensat(fd, "", times, AT_EMPTY_PATH));
  close(fd);
}

static void implicit_times(void) {
  section("what touches what");
  write_file("g", "hello");
  mkdir("d", 0755);
  remember("g");
  write_file("g", "hello");
  changed("truncate and write", "g");
  remember("g");
  chmod("g", 0600);
  changed("chmod", "g");
  remember("g");
  chown("g", 0, 0);
  changed("chown", "g");
  remember("g");
  link("g", "g2");
  changed("link", "g");
  remember("g");
  rename("g2", "g3");
  changed("rename", "g");
  remember("g");
  unlink("g3");
  changed("unlink of another name", "g");
  remember("g");
  truncate("g", 5);
  changed("truncate to the same size", "g");
  remember("g");
  truncate("g", 3);
  changed("truncate", "g");
  remember("g");
  int fd = open("g", O_RDWR);
  ftruncate(fd, 3);
  changed("ftruncate to the same size", "g");
  remember("g");
  write(fd, "", 0);
  changed("write of nothing", "g");
  close(fd);
  remember("d");
  write_file("d/x", "");
  changed("create in a directory", "d");
  remember("d");
  write_file("d/x", "abc");
  changed("write to a file in it", "d");
  remember("d");
  rename("d/x", "d/y");
  changed("rename in it", "d");
  remember("d");
  unlink("d/y");
  changed("unlink in it", "d");
  // relatime: a read moves atime when that is not newer than mtime.
  write_file("g", "hello");
  remember("g");
  read_file("g");
  changed("first read", "g");
  remember("g");
  read_file("g");
  changed("second read", "g");
  write_file("g", "hello");
  remember("g");
  fd = open("g", O_RDONLY | O_NOATIME);
  char byte;
  read(fd, &byte, 1);
  close(fd);
  changed("read with O_NOATIME", "g");
}

static void by_others(void) {
  section("not the owner");
  write_file("roots", "");
  chmod("roots", 0666);
  write_file("closed", "");
  setgroups(0, NULL);
  MUST(setresgid(1000, 1000, 1000));
  MUST(setresuid(1000, 1000, 1000));
  struct timespec times[2] = {{1, 0}, {2, 0}};
  SHOW(utimensat(AT_FDCWD, "roots", times, 0));
  SHOW(utimensat(AT_FDCWD, "roots", NULL, 0));
  times[0].tv_nsec = times[1].tv_nsec = UTIME_NOW;
  SHOW(utimensat(AT_FDCWD, "roots", times, 0));
  SHOW(utimensat(AT_FDCWD, "closed", NULL, 0));
  times[1].tv_nsec = UTIME_OMIT;
  SHOW(utimensat(AT_FDCWD, "roots", times, 0));
}

int main(void) {
  explicit_times();
  implicit_times();
  IN_CHILD(by_others);
}
