// SPDX-License-Identifier: MIT
//
// chdir, fchdir, getcwd, chroot: where a process is. Where file systems are is in mount.c.

#include "abi.h"

static char path[5000];

static const char* where(void) {
  long length = syscall(SYS_getcwd, path, sizeof path);
  if (length < 0) return error_name(errno);
  const char* base = strstr(path, "/work.");
  return base != NULL ? (strchr(base + 1, '/') ? strchr(base + 1, '/') : "(start)") : path;
}

static void moving(void) {
  section("chdir");
  mkdir("a", 0755);
  mkdir("a/b", 0755);
  write_file("file", "");
  symlink("a/b", "link");
  SHOW(chdir("a"));
  say("%s", where());
  SHOW(chdir("b/.."));
  say("%s", where());
  SHOW(chdir(".."));
  SHOW(chdir("link"));
  say("%s", where());
  SHOW(chdir("../.."));
  say("%s", where());
  SHOW(chdir("file"));
  SHOW(chdir("nope"));
  SHOW(chdir(""));
  SHOW(chdir(BAD_NULL));
  SHOW(chdir(BAD_KERNEL));
  int directory = open("a", O_RDONLY);
  int only_path = open("a", O_PATH);
  int file = open("file", O_RDONLY);
  SHOW(fchdir(directory));
  say("%s", where());
  SHOW(chdir(".."));
  SHOW(fchdir(only_path));
  say("%s", where());
  SHOW(fchdir(file));
  SHOW(fchdir(99));
  chdir("..");
  close(directory);
  close(only_path);
  close(file);
}

static void current(void) {
  section("getcwd");
  SHOW(chdir("/"));
  SHOW(syscall(SYS_getcwd, path, sizeof path));
  say("%s", path);
  SHOW(syscall(SYS_getcwd, path, 2));
  SHOW(syscall(SYS_getcwd, path, 1));
  SHOW(syscall(SYS_getcwd, path, 0));
  SHOW(syscall(SYS_getcwd, BAD_NULL, 100));
  SHOW(syscall(SYS_getcwd, BAD_KERNEL, 100));
  SHOW(chdir("/proc/self"));
  SHOW(syscall(SYS_getcwd, path, sizeof path) > 6);
  SHOW(chdir("/dev"));
  SHOW(syscall(SYS_getcwd, edge(5), 5));
  SHOW(syscall(SYS_getcwd, edge(4), 5));
}

static void too_deep(void) {
  section("a path longer than PATH_MAX");
  char name[201];
  memset(name, 'n', 200);
  name[200] = 0;
  int start = open(".", O_RDONLY);
  for (int i = 0; i < 25; i++) {
    mkdir(name, 0755);
    MUST(chdir(name));
  }
  SHOW(syscall(SYS_getcwd, path, sizeof path));
  SHOW(open(".", O_RDONLY) >= 0);
  SHOW(mkdir("still", 0755));
  rmdir("still");
  for (int i = 0; i < 25; i++) {
    chdir("..");
    rmdir(name);
  }
  fchdir(start);
}

static void jailed(void) {
  section("chroot");
  mkdir("jail", 0755);
  mkdir("jail/in", 0755);
  write_file("jail/in/file", "inside");
  symlink("/in/file", "jail/absolute");
  int outside = open(".", O_RDONLY);
  SHOW(chroot("nope"));
  SHOW(chroot("file"));
  SHOW(chroot(BAD_NULL));
  SHOW(chroot("jail"));
  SHOW(access("/in/file", F_OK));
  SHOW(access("jail/in/file", F_OK));  // The current directory has not moved.
  SHOW(syscall(SYS_getcwd, path, sizeof path) > 0);
  say("%.13s", path);
  SHOW(chdir("/"));
  SHOW(syscall(SYS_getcwd, path, sizeof path));
  SHOW(chdir(".."));
  SHOW(access("in/file", F_OK));
  say("%s", read_file("/absolute"));
  SHOW(access("/proc", F_OK));
  SHOW(fchdir(outside));
  SHOW(access("jail", F_OK));
  SHOW(chroot("."));
  MUST(setresuid(1000, 1000, 1000));
  SHOW(chroot("jail"));
  SHOW(chdir("jail"));
}

static void no_search(void) {
  section("no search permission");
  mkdir("private", 0700);
  mkdir("private/in", 0777);
  MUST(setresgid(1000, 1000, 1000));
  MUST(setresuid(1000, 1000, 1000));
  SHOW(chdir("private"));
  SHOW(chdir("private/in"));
  SHOW(chdir("a"));
}

int main(void) {
  moving();
  too_deep();
  IN_CHILD(jailed);
  IN_CHILD(no_search);
  current();
}
