// SPDX-License-Identifier: MIT
//
// Who may do what to a file: sticky and setgid directories, what clears the set-id bits, chown and
// chmod by others, protected by capabilities or their absence.

#include "abi.h"

#include <grp.h>
#include <linux/falloc.h>
#include <sys/xattr.h>

static unsigned mode_of(const char* path) {
  struct stat st;
  return lstat(path, &st) == 0 ? st.st_mode & 07777 : 077777;
}

static void become(uid_t user, gid_t group) {
  gid_t groups[1] = {2000};
  MUST(setgroups(1, groups));
  MUST(setresgid(group, group, group));
  MUST(setresuid(user, user, user));
}

static void reset(const char* path, unsigned mode) { chmod(path, mode); }

static void clearing_as_root(void) {
  section("root");
  write_file("f", "text");
  reset("f", 06755);
  int fd = (int)MUST(open("f", O_RDWR));
  write(fd, "x", 1);
  say("write %o", mode_of("f"));
  ftruncate(fd, 0);
  say("ftruncate %o", mode_of("f"));
  fallocate(fd, 0, 0, 100);
  say("fallocate %o", mode_of("f"));
  chown("f", 0, 0);
  say("chown %o", mode_of("f"));
  reset("f", 06755);
  chown("f", -1, -1);
  say("chown -1 -1 %o", mode_of("f"));
  reset("f", 06745);
  chown("f", 0, 0);
  say("chown of 6745 %o", mode_of("f"));
  reset("f", 02644);
  chown("f", 1000, 1000);
  say("chown of 2644 %o", mode_of("f"));
  mkdir("dir", 0755);
  reset("dir", 06755);
  chown("dir", 1000, 1000);
  say("chown of a directory %o", mode_of("dir"));
  chown("dir", 0, 0);
  chown("f", 0, 0);
}

static void clearing_as_user(void) {
  section("user 1000");
  MUST(chown("mine", 1000, 2000));
  become(1000, 1000);
  static const unsigned modes[] = {06777, 04755, 02755, 02745, 06766, 02766, 01777};
  int fd = (int)MUST(open("mine", O_RDWR));
  for (unsigned i = 0; i < COUNT(modes); i++) {
    chmod("mine", modes[i]);
    unsigned before = mode_of("mine");
    pwrite(fd, "x", 1, 0);
    unsigned write_mode = mode_of("mine");
    chmod("mine", modes[i]);
    ftruncate(fd, 5);
    unsigned truncate_mode = mode_of("mine");
    chmod("mine", modes[i]);
    ftruncate(fd, 5);
    unsigned same = mode_of("mine");
    chmod("mine", modes[i]);
    truncate("mine", 3);
    unsigned by_name = mode_of("mine");
    chmod("mine", modes[i]);
    close(open("mine", O_WRONLY | O_TRUNC));
    unsigned opened = mode_of("mine");
    chmod("mine", modes[i]);
    fallocate(fd, 0, 0, 4096);
    unsigned allocated = mode_of("mine");
    chmod("mine", modes[i]);
    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096);
    say("  %o: punch %o", modes[i], mode_of("mine"));
    chmod("mine", modes[i]);
    chown("mine", 1000, 1000);
    unsigned owned = mode_of("mine");
    chown("mine", 1000, 2000);
    chmod("mine", modes[i]);
    pwrite(fd, "", 0, 0);
    unsigned nothing = mode_of("mine");
    say("  %o: %o write %o ftruncate %o again %o truncate %o O_TRUNC %o fallocate %o chown %o "
        "write 0 %o",
        modes[i], before, write_mode, truncate_mode, same, by_name, opened, allocated, owned,
        nothing);
  }
  SHOW(chown("mine", 1001, -1));
  SHOW(chown("mine", -1, 3000));
  SHOW(chown("mine", 1000, 2000));
  SHOW(chown("mine", -1, -1));
  SHOW(chown("roots", -1, -1));
  SHOW(chown("roots", 0, 0));
  SHOW(chmod("roots", 0644));
  SHOW(chmod("roots", 0666));
  SHOW(lchown("link", 1000, 1000));
  SHOW(lchown("link", 1000, 2000));
}

static void directories(void) {
  section("setgid directory");
  mkdir("group", 0777);
  chown("group", 0, 3000);
  chmod("group", 02777);
  pid_t child = fork();
  if (child == 0) {
    become(1000, 1000);
    umask(0);
    struct stat st;
    int fd = (int)MUST(open("group/file", O_CREAT | O_RDWR, 06777));
    fstat(fd, &st);
    say("file gid %d mode %o", st.st_gid, st.st_mode & 07777);
    fd = (int)MUST(open("group/file2", O_CREAT | O_RDWR, 06767));
    fstat(fd, &st);
    say("file gid %d mode %o", st.st_gid, st.st_mode & 07777);
    SHOW(mkdir("group/sub", 0755));
    stat("group/sub", &st);
    say("directory gid %d mode %o", st.st_gid, st.st_mode & 07777);
    SHOW(mknod("group/fifo", S_IFIFO | 06777, 0));
    stat("group/fifo", &st);
    say("fifo gid %d mode %o", st.st_gid, st.st_mode & 07777);
    SHOW(symlink("x", "group/link"));
    lstat("group/link", &st);
    say("link gid %d mode %o", st.st_gid, st.st_mode & 07777);
    fd = (int)MUST(open("group", O_TMPFILE | O_RDWR, 06777));
    fstat(fd, &st);
    say("unnamed gid %d mode %o links %ld", st.st_gid, st.st_mode & 07777, (long)st.st_nlink);
    umask(022);
    fd = (int)MUST(open("group/file3", O_CREAT | O_RDWR, 02777));
    fstat(fd, &st);
    say("file gid %d mode %o", st.st_gid, st.st_mode & 07777);
    SHOW(chmod("group/sub", 02755));
    say("%o", mode_of("group/sub"));
    SHOW(chmod("group/file", 02755));
    say("%o", mode_of("group/file"));
    _exit(0);
  }
  waitpid(child, NULL, 0);
  mkdir("group/by-root", 07777);
  say("mkdir 7777 by root %o", mode_of("group/by-root"));
  mkdir("plain", 07777);
  say("mkdir 7777 by root %o", mode_of("plain"));
  MUST(mknod("plain-file", S_IFREG | 07777, 0));
  say("mknod 7777 %o", mode_of("plain-file"));
}

static void sticky(void) {
  section("sticky directory");
  mkdir("sticky", 0777);
  chmod("sticky", 01777);
  write_file("sticky/roots", "");
  mkdir("sticky/roots-dir", 0777);
  write_file("sticky/others", "");
  chown("sticky/others", 1001, 1001);
  write_file("sticky/mine", "");
  chown("sticky/mine", 1000, 1000);
  mkdir("theirs", 0777);
  chmod("theirs", 01777);
  chown("theirs", 1000, 1000);
  write_file("theirs/roots", "");
  write_file("loose", "");
  pid_t child = fork();
  if (child == 0) {
    become(1000, 1000);
    SHOW(unlink("sticky/roots"));
    SHOW(rmdir("sticky/roots-dir"));
    SHOW(unlink("sticky/roots-dir"));
    SHOW(unlink("sticky/others"));
    SHOW(rename("sticky/others", "sticky/x"));
    SHOW(rename("sticky/mine", "sticky/others"));
    SHOW(rename("sticky/mine", "sticky/renamed"));
    SHOW(renameat2(AT_FDCWD, "sticky/renamed", AT_FDCWD, "sticky/roots", RENAME_EXCHANGE));
    SHOW(unlink("sticky/renamed"));
    SHOW(unlink("theirs/roots"));
    SHOW(unlink("sticky/nothing"));
    SHOW(rmdir("sticky/nothing"));
    SHOW(link("sticky/roots", "sticky/l"));
    SHOW(open("sticky/roots", O_WRONLY | O_CREAT, 0600));
    chmod("sticky/roots", 0666);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  // fs.protected_regular and friends: what the defaults say.
  chmod("sticky/roots", 0666);
  mkfifo("sticky/fifo", 0666);
  chmod("sticky/fifo", 0666);
  symlink("roots", "sticky/link");
  lchown("sticky/link", 1001, 1001);
  child = fork();
  if (child == 0) {
    become(1000, 1000);
    OK(open("sticky/roots", O_WRONLY | O_CREAT, 0600));
    OK(open("sticky/roots", O_WRONLY));
    OK(open("sticky/fifo", O_RDWR | O_CREAT, 0600));
    OK(open("sticky/link", O_RDONLY));
    SHOW(link("sticky/others", "sticky/another"));
    _exit(0);
  }
  waitpid(child, NULL, 0);
}

static void permissions(void) {
  section("permissions");
  write_file("secret", "x");
  chmod("secret", 0600);
  mkdir("closed", 0700);
  mkdir("noexec", 0666);
  chmod("noexec", 0666);
  write_file("closed/in", "");
  mkdir("nowrite", 0755);
  write_file("nowrite/in", "");
  chmod("nowrite/in", 0666);
  pid_t child = fork();
  if (child == 0) {
    become(1000, 1000);
    struct stat st;
    SHOW(stat("closed/in", &st));
    SHOW(stat("noexec/in", &st));
    OK(open("noexec", O_RDONLY));
    SHOW(mkdir("noexec/x", 0755));
    SHOW(mkdir("nowrite/x", 0755));
    SHOW(mkdir("nowrite/in", 0755));
    SHOW(unlink("nowrite/in"));
    SHOW(unlink("nowrite/nothing"));
    SHOW(rmdir("nowrite/in"));
    SHOW(rename("nowrite/in", "nowrite/y"));
    SHOW(rename("nowrite/nothing", "nowrite/y"));
    SHOW(link("secret", "sticky/secret"));
    SHOW(symlink("x", "nowrite/in"));
    SHOW(symlink("x", "nowrite/y"));
    SHOW(mknod("sticky/device", S_IFCHR | 0666, 0x103));
    SHOW(mknod("nowrite/device", S_IFCHR | 0666, 0x103));
    SHOW(mknod("sticky/node", S_IFREG | 0666, 0));
    SHOW(mknod("sticky/directory", S_IFDIR | 0777, 0));
    SHOW(mknod("sticky/odd", 0xf000 | 0777, 0));
    SHOW(chdir("closed"));
    SHOW(chdir("noexec"));
    SHOW(chroot("."));
    SHOW(access("secret", R_OK));
    SHOW(access("secret", F_OK));
    SHOW(access("secret", 8));
    SHOW(faccessat(AT_FDCWD, "secret", R_OK, AT_EACCESS));
    SHOW(truncate("nowrite/in", 0));
    SHOW(truncate("secret", 0));
    SHOW(setxattr("nowrite/in", "trusted.x", "x", 1, 0));
    SHOW(setxattr("nowrite/in", "security.x", "x", 1, 0));
    SHOW(getxattr("nowrite/in", "security.x", &st, 1));
    _exit(0);
  }
  waitpid(child, NULL, 0);
}

static void move_directory(void) {
  section("moving a directory that may not be written");
  mkdir("from", 0777);
  chmod("from", 0777);
  mkdir("to", 0777);
  chmod("to", 0777);
  mkdir("from/d", 0555);
  chown("from/d", 1000, 1000);
  pid_t child = fork();
  if (child == 0) {
    become(1000, 1000);
    SHOW(rename("from/d", "to/d"));
    SHOW(rename("from/d", "from/e"));
    SHOW(chmod("from/e", 0755));
    SHOW(rename("from/e", "to/d"));
    _exit(0);
  }
  waitpid(child, NULL, 0);
}

int main(void) {
  chmod(".", 0777);
  write_file("mine", "text");
  write_file("roots", "text");
  symlink("mine", "link");
  lchown("link", 1000, 1000);
  clearing_as_root();
  IN_CHILD(clearing_as_user);
  directories();
  sticky();
  permissions();
  move_directory();
}
