// SPDX-License-Identifier: MIT
//
// mount and umount2 with tmpfs, proc and bind mounts, their flags as the files on them feel them,
// and pivot_root. Everything mounted is taken down again.

#include "abi.h"

#include <sys/mount.h>
#include <sys/statvfs.h>

static void basics(void) {
  section("mount and umount");
  mkdir("m", 0755);
  write_file("m/covered", "below");
  SHOW(mount("none", "m", "tmpfs", 0, "size=64k,mode=0711,nr_inodes=20"));
  struct stat st;
  stat("m", &st);
  say("mode %o covered %d", st.st_mode, access("m/covered", F_OK));
  struct statvfs fs;
  statvfs("m", &fs);
  say("blocks %ld files %ld", (long)fs.f_blocks, (long)fs.f_files);
  SHOW(open("m/file", O_RDWR | O_CREAT, 0600));
  static char data[65536];
  SHOW(write(3, data, sizeof data));
  SHOW(write(3, data, sizeof data));
  SHOW(umount2("m", 0));
  close(3);
  SHOW(rmdir("m"));
  SHOW(rename("m", "m2"));
  SHOW(rename("m/file", "x"));
  SHOW(link("m/file", "x"));
  SHOW(umount2("m", 0));
  SHOW(umount2("m", 0));
  say("below: %s", read_file("m/covered"));
}

static void errors(void) {
  section("errors");
  SHOW(mount("none", "nope", "tmpfs", 0, NULL));
  SHOW(mount("none", "m/covered", "tmpfs", 0, NULL));
  SHOW(mount("none", "m", "nosuchfs", 0, NULL));
  SHOW(mount("none", "m", NULL, 0, NULL));
  SHOW(mount("none", "m", "tmpfs", 0, "size=banana"));
  SHOW(mount("none", "m", "tmpfs", 0, "nosuchoption=1"));
  SHOW(mount(BAD_KERNEL, "m", "tmpfs", 0, NULL));
  SHOW(mount("none", BAD_NULL, "tmpfs", 0, NULL));
  SHOW(mount("none", "m", BAD_KERNEL, 0, NULL));
  SHOW(mount("none", "m", "tmpfs", 0, BAD_KERNEL));
  SHOW(mount("nope", "m", NULL, MS_BIND, NULL));
  SHOW(mount("none", "m", NULL, MS_REMOUNT, NULL));
  SHOW(mount("none", "m", NULL, MS_MOVE, NULL));
  SHOW(umount2("nope", 0));
  SHOW(umount2("m", 0x100));
  SHOW(umount2(BAD_NULL, 0));
  SHOW(umount2("m", MNT_EXPIRE | MNT_FORCE));
}

static void flags(void) {
  section("flags");
  SHOW(mount("none", "m", "tmpfs", 0, NULL));
  write_file("m/script", "#!/bin/sh\n");
  chmod("m/script", 0755);
  mknod("m/null", S_IFCHR | 0666, 0x103);
  SHOW(mount("none", "m", NULL, MS_REMOUNT | MS_RDONLY | MS_NOEXEC | MS_NODEV | MS_NOSUID, NULL));
  SHOW(open("m/new", O_CREAT | O_RDWR, 0600));
  SHOW(open("m/script", O_RDWR));
  SHOW(unlink("m/script"));
  SHOW(mkdir("m/d", 0755));
  SHOW(mkdir("m/script", 0755));
  SHOW(chmod("m/script", 0700));
  SHOW(access("m/script", W_OK));
  SHOW(access("m/script", X_OK));
  SHOW(open("m/null", O_RDONLY));
  SHOW(truncate("m/script", 0));
  SHOW(rename("m/script", "m/other"));
  execl("m/script", "script", NULL);
  say("execve on noexec: %s", error_name(errno));
  struct statvfs fs;
  statvfs("m", &fs);
  say("f_flag %lx", fs.f_flag & ~(unsigned long)(ST_RELATIME | 0x20));
  SHOW(mount("none", "m", NULL, MS_REMOUNT, NULL));
  int fd = (int)SHOW(open("m/script", O_RDWR));
  SHOW(mount("none", "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
  SHOW(umount2("m", 0));
  SHOW(umount2("m", MNT_DETACH));
  SHOW(write(fd, "x", 1));
  YES(access("m/script", F_OK) == 0);
  close(fd);
}

static void binding(void) {
  section("bind and move");
  mkdir("source", 0755);
  write_file("source/file", "text");
  mkdir("target", 0755);
  SHOW(mount("source", "target", NULL, MS_BIND, NULL));
  say("%s", read_file("target/file"));
  struct stat a, b;
  stat("source/file", &a);
  stat("target/file", &b);
  YES(a.st_dev == b.st_dev && a.st_ino == b.st_ino);
  SHOW(rename("source/file", "target/file2"));
  SHOW(link("source/file", "target/file2"));
  SHOW(mount(NULL, "target", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  SHOW(open("target/file", O_RDWR));
  SHOW(open("source/file", O_RDWR) >= 0);
  SHOW(umount2("target", 0));
  write_file("onto", "");
  SHOW(mount("source/file", "onto", NULL, MS_BIND, NULL));
  say("%s", read_file("onto"));
  SHOW(unlink("onto"));
  SHOW(umount2("onto", 0));
  SHOW(mount("source", "onto", NULL, MS_BIND, NULL));
  SHOW(mount("source/file", "target", NULL, MS_BIND, NULL));
  mkdir("moved", 0755);
  SHOW(mount("none", "target", "tmpfs", 0, NULL));
  write_file("target/here", "moved");
  SHOW(mount("target", "moved", NULL, MS_MOVE, NULL));
  say("%s", read_file("moved/here"));
  YES(access("target/here", F_OK) == 0);
  SHOW(mount("moved", "moved", NULL, MS_MOVE, NULL));
  SHOW(umount2("moved", 0));
  // UMOUNT_NOFOLLOW and stacking: the last mount is the one seen, and the first to go.
  symlink("target", "tlink");
  SHOW(mount("a", "target", "tmpfs", 0, NULL));
  write_file("target/first", "");
  SHOW(mount("b", "target", "tmpfs", 0, NULL));
  YES(access("target/first", F_OK) == 0);
  SHOW(umount2("tlink", 8 /* UMOUNT_NOFOLLOW */));
  SHOW(umount2("tlink", 0));
  YES(access("target/first", F_OK) == 0);
  SHOW(umount2("target", 0));
}

static void recursive(void) {
  section("recursive bind");
  mkdir("tree", 0755);
  SHOW(mount("t", "tree", "tmpfs", 0, NULL));
  mkdir("tree/sub", 0755);
  SHOW(mount("s", "tree/sub", "tmpfs", 0, NULL));
  write_file("tree/sub/leaf", "leaf");
  mkdir("copy", 0755);
  SHOW(mount("tree", "copy", NULL, MS_BIND, NULL));
  YES(access("copy/sub/leaf", F_OK) == 0);
  SHOW(umount2("copy", 0));
  SHOW(mount("tree", "copy", NULL, MS_BIND | MS_REC, NULL));
  YES(access("copy/sub/leaf", F_OK) == 0);
  SHOW(umount2("copy", 0));
  SHOW(umount2("copy", MNT_DETACH));
  SHOW(umount2("tree", 0));
  SHOW(umount2("tree/sub", 0));
  SHOW(umount2("tree", 0));
}

static void listed(void) {
  section("/proc/mounts");
  mkdir("name with space", 0755);
  SHOW(mount("the\tsource", "name with space", "tmpfs", MS_NOSUID | MS_NODEV, "mode=700"));
  char* line = strstr(read_file("/proc/self/mounts"), "the\\011source");
  if (line != NULL) {
    char* end = strchr(line, '\n');
    *end = 0;
    char* name = strstr(line, "name\\040with\\040space");
    char* inodes = strstr(line, ",inode64");  // A matter of the kernel's configuration.
    if (inodes != NULL) memmove(inodes, inodes + 8, strlen(inodes + 8) + 1);
    say("%.13s ... %s", line, name != NULL ? name : line);
  } else {
    say("not listed");
  }
  SHOW(umount2("name with space", 0));
}

static void unprivileged(void) {
  section("without CAP_SYS_ADMIN");
  MUST(setresuid(1000, 1000, 1000));
  SHOW(mount("none", "m", "tmpfs", 0, NULL));
  SHOW(umount2("/proc", 0));
  SHOW(syscall(SYS_pivot_root, ".", "."));
}

static void pivot(void) {
  section("pivot_root");
  SHOW(syscall(SYS_pivot_root, "nope", "m"));
  SHOW(syscall(SYS_pivot_root, "m", BAD_NULL));
  SHOW(syscall(SYS_pivot_root, "m/covered", "m"));
  SHOW(syscall(SYS_pivot_root, "m", "m"));
}

// The root of a process must be a mount for this, and not the first one (the initramfs): so a
// chroot into one tmpfs, and a second in it that becomes the new root.
static void pivoted(void) {
  MUST(chroot("outer"));
  MUST(chdir("/"));
  mkdir("/new/old", 0755);
  SHOW(syscall(SYS_pivot_root, "/plain", "/plain"));
  SHOW(syscall(SYS_pivot_root, "/new", "/plain"));
  SHOW(syscall(SYS_pivot_root, "/new", "/new/old"));
  SHOW(access("/in-new", F_OK));  // The root has moved,
  SHOW(access("/old/in-outer", F_OK));
  char path[64];
  SHOW(syscall(SYS_getcwd, path, sizeof path));
  say("%s", path);  // and the current directory with it.
  SHOW(umount2("/old", 0));
  SHOW(umount2("/old", MNT_DETACH));
  SHOW(access("/old/in-outer", F_OK));
  SHOW(rmdir("/old"));
}

static void pivot_for_real(void) {
  section("pivot_root that succeeds");
  mkdir("outer", 0755);
  SHOW(mount("o", "outer", "tmpfs", 0, NULL));
  write_file("outer/in-outer", "");
  mkdir("outer/plain", 0755);
  mkdir("outer/new", 0755);
  SHOW(mount("n", "outer/new", "tmpfs", 0, NULL));
  write_file("outer/new/in-new", "");
  IN_CHILD(pivoted);
  SHOW(access("outer/in-new", F_OK));  // Seen from outside: the new root is where the old one was.
  SHOW(umount2("outer", 0));
  SHOW(umount2("outer", 0));
}

int main(void) {
  basics();
  errors();
  flags();
  binding();
  recursive();
  listed();
  IN_CHILD(unprivileged);
  IN_CHILD(pivot);
  pivot_for_real();
}
