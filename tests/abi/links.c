// SPDX-License-Identifier: MIT
//
// linkat, symlinkat, unlinkat, mkdirat, mknodat, renameat2: names in directories, who may change
// them (sticky directories included) and what happens to a file that loses its last name.

#include "abi.h"

#include <grp.h>
#include <sys/sysmacros.h>

static long nlink_of(const char* path) {
  struct stat st;
  return lstat(path, &st) == -1 ? -1 : (long)st.st_nlink;
}

static void hard(void) {
  section("link");
  write_file("a", "hello");
  SHOW(link("a", "b"));
  say("nlink %ld", nlink_of("a"));
  SHOW(link("a", "b"));
  SHOW(link("nope", "c"));
  SHOW(link("a", "no/dir"));
  mkdir("d", 0755);
  SHOW(link("d", "d2"));
  SHOW(link("a", "d"));
  SHOW(link("a", ""));
  SHOW(link("a", BAD_NULL));
  SHOW(link("a", "x/"));
  symlink("a", "s");
  SHOW(linkat(AT_FDCWD, "s", AT_FDCWD, "s2", 0));
  struct stat st;
  lstat("s2", &st);
  YES(S_ISLNK(st.st_mode));
  SHOW(linkat(AT_FDCWD, "s", AT_FDCWD, "s3", AT_SYMLINK_FOLLOW));
  lstat("s3", &st);
  YES(S_ISREG(st.st_mode));
  SHOW(linkat(AT_FDCWD, "a", AT_FDCWD, "y", 0x4000));
  SHOW(link("/proc/self/status", "y"));
  SHOW(unlink("a"));
  SHOW(unlink("a"));
  say("nlink %ld", nlink_of("b"));
}

static void soft(void) {
  section("symlink");
  SHOW(symlink("target", "t"));
  SHOW(symlink("other", "t"));
  SHOW(symlink("", "e"));
  SHOW(symlink("x", ""));
  SHOW(symlink("x", "t/"));
  SHOW(symlink(BAD_NULL, "e"));
  SHOW(symlink("x", BAD_KERNEL));
  static char target[5000];
  memset(target, 'x', 4095);
  SHOW_AS("symlink(4095 bytes)", symlink(target, "long"));
  target[4095] = 'x';
  SHOW_AS("symlink(4096 bytes)", symlink(target, "longer"));
  struct stat st;
  lstat("t", &st);
  say("mode %o size %ld", st.st_mode, (long)st.st_size);
}

static void removal(void) {
  section("unlink and rmdir");
  mkdir("r", 0755);
  write_file("r/f", "");
  SHOW(rmdir("r"));
  SHOW(unlink("r"));
  SHOW(unlinkat(AT_FDCWD, "r/f", AT_REMOVEDIR));
  SHOW(unlinkat(AT_FDCWD, "r/f", 0x1));
  SHOW(unlink("r/f/"));
  SHOW(unlink("r/f"));
  SHOW(rmdir("r/."));
  SHOW(rmdir("r/.."));
  SHOW(rmdir("."));
  SHOW(rmdir("/"));
  SHOW(rmdir("r/"));
  SHOW(rmdir("r"));
  SHOW(unlink(""));
  SHOW(unlink(BAD_NULL));
  // A file without a name lives as long as somebody has it open.
  int fd = (int)MUST(open("ghost", O_RDWR | O_CREAT, 0600));
  write(fd, "boo", 3);
  SHOW(unlink("ghost"));
  struct stat st;
  fstat(fd, &st);
  char text[4] = "";
  pread(fd, text, 3, 0);
  say("nlink %ld size %ld text %s", (long)st.st_nlink, (long)st.st_size, text);
  SHOW(linkat(fd, "", AT_FDCWD, "revived", AT_EMPTY_PATH));
  close(fd);
  // The current directory may be removed; nothing can be made in it then.
  mkdir("gone", 0755);
  int back = open(".", O_RDONLY);
  chdir("gone");
  SHOW(rmdir("../gone"));
  SHOW(open("x", O_CREAT | O_RDWR, 0600));
  SHOW(mkdir("x", 0700));
  SHOW(open("..", O_RDONLY) >= 0);
  char path[100];
  SHOW(syscall(SYS_getcwd, path, sizeof path));
  fchdir(back);
}

static void making(void) {
  section("mkdir and mknod");
  struct stat st;
  SHOW(mkdir("m", 07777));
  stat("m", &st);
  say("mode %o", st.st_mode);
  SHOW(mkdir("m", 0755));
  SHOW(mkdir("m/", 0755));
  SHOW(mkdir("slash/", 0755));
  SHOW(mkdir("x/y", 0755));
  SHOW(mkdir(".", 0755));
  SHOW(mkdir("", 0755));
  SHOW(mkdir(BAD_KERNEL, 0755));
  SHOW(mknod("n-reg", S_IFREG | 0644, 0));
  SHOW(mknod("n-zero", 0644, 0));
  stat("n-zero", &st);
  say("mode %o", st.st_mode);
  SHOW(mknod("n-dir", S_IFDIR | 0755, 0));
  SHOW(mknod("n-link", S_IFLNK | 0755, 0));
  SHOW(mknod("n-bad", 0030644, 0));
  SHOW(mknod("n-fifo", S_IFIFO | 0644, 0));
  SHOW(mknod("n-blk", S_IFBLK | 0644, makedev(7, 300)));
  stat("n-blk", &st);
  say("rdev %d:%d", major(st.st_rdev), minor(st.st_rdev));
  SHOW(mknod("n-sock", S_IFSOCK | 0644, 0));
  SHOW(open("n-sock", O_RDWR));
  SHOW(mknod("n-null", S_IFCHR | 0644, makedev(1, 3)));
  int fd = (int)SHOW(open("n-null", O_RDWR));
  SHOW(write(fd, "x", 1));
  close(fd);
  SHOW(mknod("n-none", S_IFCHR | 0644, makedev(240, 7)));
  SHOW(open("n-none", O_RDWR));
  SHOW(mknod("n-fifo", S_IFIFO | 0644, 0));
}

static void renaming(void) {
  section("rename");
  write_file("r1", "one");
  write_file("r2", "two");
  SHOW(rename("r1", "r2"));
  say("%s", read_file("r2"));
  SHOW(rename("nope", "r3"));
  SHOW(rename("r2", "no/where"));
  SHOW(rename("r2", "r2"));
  link("r2", "r3");
  SHOW(rename("r2", "r3"));  // Two names of one file: nothing happens.
  say("nlink %ld", nlink_of("r2"));
  mkdir("da", 0755);
  mkdir("db", 0755);
  mkdir("db/sub", 0755);
  SHOW(rename("da", "db"));
  SHOW(rename("r2", "da"));
  SHOW(rename("da", "r2"));
  SHOW(rename("db", "da"));
  SHOW(rename("da", "da/sub/x"));
  SHOW(rename("da/sub", "da"));
  SHOW(rename(".", "x"));
  SHOW(rename("da/..", "x"));
  SHOW(rename("r2", "."));
  SHOW(rename("r2", "x/"));
  SHOW(rename("da/", "dc/"));
  SHOW(rename("r2", "/proc/x"));
  SHOW(rename(BAD_NULL, "x"));
  SHOW(rename("r2", BAD_NULL));
  SHOW(rename("", "x"));
  symlink("r2", "sl");
  SHOW(rename("sl", "sl2"));
  struct stat st;
  lstat("sl2", &st);
  YES(S_ISLNK(st.st_mode));
  say("dc nlink %ld", nlink_of("dc"));
}

static void renaming2(void) {
  section("renameat2");
  write_file("x1", "one");
  write_file("x2", "two");
  SHOW(renameat2(AT_FDCWD, "x1", AT_FDCWD, "x2", RENAME_NOREPLACE));
  SHOW(renameat2(AT_FDCWD, "x1", AT_FDCWD, "x3", RENAME_NOREPLACE));
  SHOW(renameat2(AT_FDCWD, "x3", AT_FDCWD, "x2", RENAME_EXCHANGE));
  say("x2 now %s", read_file("x2"));
  SHOW(renameat2(AT_FDCWD, "x3", AT_FDCWD, "none", RENAME_EXCHANGE));
  mkdir("xd", 0755);
  SHOW(renameat2(AT_FDCWD, "x3", AT_FDCWD, "xd", RENAME_EXCHANGE));
  struct stat st;
  stat("x3", &st);
  YES(S_ISDIR(st.st_mode));
  SHOW(renameat2(AT_FDCWD, "xd", AT_FDCWD, "x3/in", RENAME_EXCHANGE));
  SHOW(renameat2(AT_FDCWD, "x2", AT_FDCWD, "x4", RENAME_EXCHANGE | RENAME_NOREPLACE));
  SHOW(renameat2(AT_FDCWD, "x2", AT_FDCWD, "x4", 1 << 10));
  SHOW(renameat2(AT_FDCWD, "x2", AT_FDCWD, "x4", RENAME_WHITEOUT | RENAME_EXCHANGE));
  SHOW(renameat2(99, "x2", AT_FDCWD, "x4", 0));
}

static void sticky(void) {
  section("sticky");
  mkdir("sticky", 01777);
  chmod("sticky", 01777);
  write_file("sticky/roots", "");
  mkdir("plain", 0777);
  chmod("plain", 0777);
  write_file("plain/roots", "");
  setgroups(0, NULL);
  MUST(setresgid(1000, 1000, 1000));
  MUST(setresuid(1000, 1000, 1000));
  SHOW(unlink("sticky/roots"));
  SHOW(rename("sticky/roots", "sticky/mine"));
  write_file("sticky/own", "");
  SHOW(rename("sticky/own", "sticky/roots"));
  SHOW(unlink("sticky/own"));
  SHOW(unlink("plain/roots"));
  SHOW(mknod("plain/dev", S_IFCHR | 0600, 0x103));
  SHOW(mknod("plain/fifo", S_IFIFO | 0600, 0));
  SHOW(mkdir("forbidden", 0755));
  SHOW(rmdir("sticky"));
  SHOW(symlink("x", "forbidden"));
  SHOW(link("plain/fifo", "forbidden"));
  // protected_hardlinks is the distribution's choice; a file of one's own may always be linked.
  SHOW(link("plain/fifo", "plain/fifo2"));
}

int main(void) {
  hard();
  soft();
  removal();
  making();
  renaming();
  renaming2();
  IN_CHILD(sticky);
}
