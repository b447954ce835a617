// SPDX-License-Identifier: MIT
//
// stat, fstat, newfstatat, statx, statfs, access, faccessat2, readlinkat, chmod, chown: what a
// file says of itself, and who may change it.

#include "abi.h"

#include <grp.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

static void show(const char* name, const struct stat* st) {
  say("%s: mode %o nlink %ld uid %d gid %d size %ld blocks %ld blksize %ld rdev %x", name,
      st->st_mode, (long)st->st_nlink, st->st_uid, st->st_gid, (long)st->st_size,
      (long)st->st_blocks, (long)st->st_blksize, (unsigned)st->st_rdev);
}

static void kinds(void) {
  section("kinds of file");
  struct stat st;
  write_file("file", "twelve bytes");
  mkdir("dir", 0751);
  symlink("file", "link");
  mkfifo("fifo", 0644);
  mknod("device", S_IFCHR | 0600, makedev(1, 3));
  static const char* const names[] = {"file", "dir", "link", "fifo", "device"};
  for (unsigned i = 0; i < COUNT(names); i++) {
    SHOW(lstat(names[i], &st));
    if (S_ISDIR(st.st_mode)) st.st_size = st.st_blocks = 0;
    show(names[i], &st);
  }
  SHOW(stat("link", &st));
  show("link followed", &st);
  struct stat root, here;
  stat("/dev/null", &root);
  say("/dev/null rdev %x", (unsigned)root.st_rdev);
  stat(".", &here);
  YES(here.st_dev != root.st_dev);
  stat("file", &st);
  YES(here.st_dev == st.st_dev && here.st_ino != st.st_ino);
  YES(st.st_atim.tv_sec > 0 && st.st_mtim.tv_sec == st.st_ctim.tv_sec);
  int fds[2];
  pipe(fds);
  fstat(fds[0], &st);
  say("pipe mode %o nlink %ld size %ld", st.st_mode, (long)st.st_nlink, (long)st.st_size);
  close(fds[0]);
  close(fds[1]);
  mkdir("dir/sub", 0755);
  stat("dir", &st);
  say("dir with one sub: nlink %ld", (long)st.st_nlink);
  rmdir("dir/sub");
}

static void errors(void) {
  section("errors");
  struct stat st;
  SHOW(stat("nope", &st));
  SHOW(stat("", &st));
  SHOW(stat("file/x", &st));
  SHOW(stat(BAD_NULL, &st));
  SHOW(stat("file", BAD_NULL));
  SHOW(stat("file", BAD_KERNEL));
  SHOW(stat("file", (void*)edge(sizeof st - 1)));
  SHOW(stat("file", page_with(PROT_READ)));
  SHOW(fstat(99, &st));
  SHOW(syscall(SYS_newfstatat, AT_FDCWD, "file", &st, 0x8000));
  SHOW(syscall(SYS_newfstatat, AT_FDCWD, "", &st, AT_EMPTY_PATH));
  YES(S_ISDIR(st.st_mode));
  SHOW(syscall(SYS_newfstatat, 1, "", &st, AT_EMPTY_PATH));
  YES(S_ISREG(st.st_mode));
  SHOW(syscall(SYS_newfstatat, 1, "", &st, 0));
  SHOW(syscall(SYS_newfstatat, 1, "file", &st, 0));
  SHOW(syscall(SYS_newfstatat, AT_FDCWD, "link", &st, AT_SYMLINK_NOFOLLOW));
  YES(S_ISLNK(st.st_mode));
}

static void extended(void) {
  section("statx");
  struct statx sx;
  memset(&sx, 0xff, sizeof sx);
  SHOW(statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS, &sx));
  say("mask has basic %d, mode %o size %ld nlink %d blksize %d", (sx.stx_mask & 0x7ff) == 0x7ff,
      sx.stx_mode, (long)sx.stx_size, sx.stx_nlink, sx.stx_blksize);
  YES_AS("spare fields are cleared", ((uint64_t*)&sx)[31] == 0);
  SHOW(statx(AT_FDCWD, "file", 0, 0, &sx));
  SHOW(statx(AT_FDCWD, "file", 0, STATX_BTIME, &sx));
  say("btime %d", (sx.stx_mask & STATX_BTIME) != 0);
  YES(sx.stx_btime.tv_sec > 0 && sx.stx_btime.tv_sec <= sx.stx_ctime.tv_sec);
  SHOW(statx(AT_FDCWD, "file", 0, 0x80000000u, &sx));
  SHOW(statx(AT_FDCWD, "file", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, 0, &sx));
  SHOW(statx(AT_FDCWD, "file", AT_STATX_DONT_SYNC, STATX_SIZE, &sx));
  SHOW(statx(AT_FDCWD, "file", 0x10, 0, &sx));
  SHOW(statx(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW, STATX_ALL, &sx));
  say("mode %o", sx.stx_mode);
  SHOW(statx(1, "", AT_EMPTY_PATH, STATX_TYPE, &sx));
  SHOW(statx(1, "", 0, STATX_TYPE, &sx));
  SHOW(statx(AT_FDCWD, "nope", 0, 0, &sx));
  SHOW(statx(AT_FDCWD, "file", 0, 0, BAD_KERNEL));
  SHOW(statx(AT_FDCWD, "file", 0, 0, (void*)edge(sizeof sx - 1)));
  SHOW(statx(AT_FDCWD, BAD_NULL, 0, 0, &sx));
  SHOW(statx(AT_FDCWD, "/dev/null", 0, STATX_ALL, &sx));
  say("rdev %d:%d", sx.stx_rdev_major, sx.stx_rdev_minor);
  SHOW(statx(AT_FDCWD, "/proc", 0, STATX_ALL, &sx));
  say("mount root %d of %d", (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0,
      (sx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0);
}

static void file_systems(void) {
  section("statfs");
  struct statfs fs;
  SHOW(statfs(".", &fs));
  say("type %lx bsize %ld namelen %ld frsize %ld", (long)fs.f_type, (long)fs.f_bsize,
      (long)fs.f_namelen, (long)fs.f_frsize);
  YES(fs.f_blocks >= fs.f_bfree && fs.f_bfree >= fs.f_bavail && fs.f_bavail > 0);
  SHOW(statfs("/proc", &fs));
  say("type %lx blocks %ld", (long)fs.f_type, (long)fs.f_blocks);
  SHOW(statfs("/dev/pts", &fs));
  say("type %lx", (long)fs.f_type);
  SHOW(statfs("/sys", &fs));
  say("type %lx", (long)fs.f_type);
  SHOW(fstatfs(1, &fs));
  say("type %lx flags has ST_VALID %d", (long)fs.f_type, (fs.f_flags & 0x20) != 0);
  int fds[2];
  pipe(fds);
  SHOW(fstatfs(fds[0], &fs));
  say("pipe type %lx", (long)fs.f_type);
  SHOW(statfs("nope", &fs));
  SHOW(fstatfs(99, &fs));
  SHOW(statfs(".", BAD_NULL));
  SHOW(statfs(".", (void*)edge(sizeof fs - 1)));
}

static void links(void) {
  section("readlink");
  char text[16];
  memset(text, '.', sizeof text);
  SHOW(readlink("link", text, sizeof text));
  say("%.6s", text);
  SHOW(readlink("link", text, 2));
  SHOW(readlink("link", text, 0));
  SHOW(syscall(SYS_readlinkat, AT_FDCWD, "link", text, -1));
  SHOW(readlink("file", text, sizeof text));
  SHOW(readlink("nope", text, sizeof text));
  SHOW(readlink("link", BAD_NULL, 4));
  SHOW(readlink("link", edge(2), 4));
  SHOW(readlink("", text, sizeof text));
}

static void change_mode(void) {
  section("chmod and chown");
  struct stat st;
  SHOW(chmod("file", 07777));
  stat("file", &st);
  say("%o", st.st_mode);
  SHOW(chmod("file", 0170644));
  stat("file", &st);
  say("%o", st.st_mode);
  SHOW(chmod("nope", 0));
  SHOW(fchmod(99, 0));
  SHOW(syscall(SYS_fchmodat, AT_FDCWD, BAD_NULL, 0));
  // A change of owner takes the set-id bits away, from a directory not.
  chmod("file", 06755);
  SHOW(chown("file", 5, 6));
  stat("file", &st);
  say("%o uid %d gid %d", st.st_mode, st.st_uid, st.st_gid);
  chmod("file", 02644);  // Set-gid without group execute is kept.
  SHOW(chown("file", 7, -1));
  stat("file", &st);
  say("%o uid %d gid %d", st.st_mode, st.st_uid, st.st_gid);
  chmod("dir", 06755);
  SHOW(chown("dir", 5, 6));
  stat("dir", &st);
  say("%o", st.st_mode);
  SHOW(lchown("link", 3, 4));
  lstat("link", &st);
  say("link uid %d gid %d", st.st_uid, st.st_gid);
  stat("file", &st);
  say("file uid %d gid %d", st.st_uid, st.st_gid);
  SHOW(fchownat(AT_FDCWD, "link", 1, 1, AT_SYMLINK_NOFOLLOW));
  SHOW(fchownat(AT_FDCWD, "link", 1, 1, 0x4000));
  SHOW(fchownat(AT_FDCWD, "", 0, 0, AT_EMPTY_PATH));
  SHOW(chown("file", -1, -1));
  // Writing takes the set-id bits away.
  chown("file", 1000, 1000);
  chmod("file", 06777);
  MUST(setresgid(1000, 1000, 1000));
  MUST(setresuid(1000, 1000, 1000));
  int fd = (int)MUST(open("file", O_WRONLY));
  SHOW(write(fd, "x", 1));
  stat("file", &st);
  say("after a write %o", st.st_mode);
  SHOW(chmod("file", 02755));  // In group 1000: kept.
  stat("file", &st);
  say("%o", st.st_mode);
  SHOW(chmod("dir", 0777));
  SHOW(chown("file", 0, -1));
  SHOW(chown("file", -1, 1000));
  SHOW(chown("file", -1, 5));
  SHOW(chown("dir", -1, 1000));
}

static void set_group(void) {
  section("set-gid");
  struct stat st;
  mkdir("shared", 0777);
  chown("shared", 0, 77);
  chmod("shared", 02777);
  write_file("shared/file", "");
  mkdir("shared/dir", 0755);
  stat("shared/file", &st);
  say("file %o gid %d", st.st_mode, st.st_gid);
  stat("shared/dir", &st);
  say("dir %o gid %d", st.st_mode, st.st_gid);
  MUST(setgroups(0, NULL));
  MUST(setresgid(1000, 1000, 1000));
  MUST(setresuid(1000, 1000, 1000));
  int fd = open("shared/exec", O_CREAT | O_WRONLY, 02775);  // Not in group 77: bit dropped.
  fstat(fd, &st);
  say("file %o gid %d", st.st_mode, st.st_gid);
  fchmod(fd, 02755);
  fstat(fd, &st);
  say("file %o", st.st_mode);
}

static void may_access(void) {
  section("access");
  write_file("acc", "");
  chmod("acc", 0640);
  SHOW(access("acc", F_OK));
  SHOW(access("acc", R_OK | W_OK));
  SHOW(access("acc", X_OK));  // Not even root, without any execute bit.
  chmod("acc", 0650);
  SHOW(access("acc", X_OK));
  SHOW(access("acc", 8));
  SHOW(access("nope", F_OK));
  SHOW(access("acc/x", F_OK));
  SHOW(access(BAD_NULL, F_OK));
  SHOW(syscall(SYS_faccessat2, AT_FDCWD, "acc", R_OK, 0x8000));
  SHOW(syscall(SYS_faccessat2, AT_FDCWD, "", R_OK, AT_EMPTY_PATH));
  SHOW(syscall(SYS_faccessat2, 99, "acc", R_OK, 0));
  // access asks for the real uid, AT_EACCESS for the effective one.
  MUST(setresuid(1000, 0, 0));
  SHOW(syscall(SYS_faccessat, AT_FDCWD, "acc", R_OK));
  SHOW(syscall(SYS_faccessat2, AT_FDCWD, "acc", R_OK, AT_EACCESS));
  MUST(setresuid(1000, 1000, 1000));
  SHOW(access("acc", R_OK));
  SHOW(access("/bin", W_OK));
  SHOW(access("dir", X_OK));
}

int main(void) {
  kinds();
  errors();
  extended();
  file_systems();
  links();
  IN_CHILD(may_access);
  IN_CHILD(set_group);
  IN_CHILD(change_mode);
}
