// SPDX-License-Identifier: MIT
//
// openat, openat2, close, close_range and creat: every flag that matters for a tmpfs file, the
// errors in their order, and what O_PATH may and may not be used for.

#include "abi.h"

#include <linux/openat2.h>
#include <sys/ioctl.h>

static void creation(void) {
  section("creation");
  SHOW(open("nope", O_RDONLY));
  SHOW(open("file", O_RDWR | O_CREAT, 0640));
  SHOW(open("file", O_RDWR | O_CREAT | O_EXCL, 0640));
  struct stat st;
  MUST(stat("file", &st));
  say("mode %o", st.st_mode);
  SHOW(write(3, "hello", 5));
  SHOW(close(3));
  SHOW(close(3));
  SHOW(open("file", O_RDONLY | O_TRUNC));
  MUST(stat("file", &st));
  say("size after O_RDONLY|O_TRUNC %ld", (long)st.st_size);
  close(3);
  umask(077);
  SHOW(open("masked", O_WRONLY | O_CREAT, 07777));
  MUST(stat("masked", &st));
  say("mode %o", st.st_mode);
  umask(022);
  SHOW(read(3, &st, 1));
  close(3);
  SHOW(open("readonly", O_RDWR | O_CREAT, 0));
  SHOW(write(3, "x", 1));
  close(3);
  SHOW(open("", O_RDONLY));
  SHOW(open("no/such/dir", O_CREAT | O_RDWR, 0600));
  SHOW(open("file/under", O_RDONLY));
  SHOW(open("file/", O_RDONLY));
  SHOW(open("new/", O_RDWR | O_CREAT, 0600));
}

static void directories(void) {
  section("directories");
  mkdir("dir", 0755);
  SHOW(open("dir", O_RDONLY));
  char byte;
  SHOW(read(3, &byte, 1));
  SHOW(write(3, &byte, 1));
  close(3);
  SHOW(open("dir", O_WRONLY));
  SHOW(open("dir", O_RDWR));
  SHOW(open("dir", O_RDONLY | O_CREAT, 0600));
  SHOW(open("dir", O_RDONLY | O_TRUNC));
  SHOW(open("file", O_RDONLY | O_DIRECTORY));
  SHOW(open("dir", O_RDONLY | O_DIRECTORY));
  close(3);
  SHOW(open("dir/", O_RDONLY));
  close(3);
  SHOW(open("dir/.", O_RDONLY));
  close(3);
  SHOW(open("dir/../file", O_RDONLY));
  close(3);
  SHOW(open("missing", O_DIRECTORY | O_CREAT | O_RDWR, 0600));
  YES(access("missing", F_OK) == 0);
}

static void links(void) {
  section("symbolic links");
  symlink("file", "link");
  symlink("nowhere", "dangling");
  symlink("loop2", "loop1");
  symlink("loop1", "loop2");
  symlink("dir", "dirlink");
  SHOW(open("link", O_RDONLY));
  close(3);
  SHOW(open("link", O_RDONLY | O_NOFOLLOW));
  SHOW(open("dirlink", O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  SHOW(open("dirlink/", O_RDONLY | O_NOFOLLOW));
  close(3);
  SHOW(open("dangling", O_RDONLY));
  SHOW(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0600));
  SHOW(open("dangling", O_RDWR | O_CREAT, 0600));
  close(3);
  YES(access("nowhere", F_OK) == 0);
  SHOW(open("loop1", O_RDONLY));
  SHOW(open("loop1/x", O_RDONLY));
  // 40 links in a path are the limit.
  char path[64] = "file", next[64];
  for (int i = 1; i <= 41; i++) {
    snprintf(next, sizeof next, "chain%d", i);
    symlink(path, next);
    strcpy(path, next);
  }
  SHOW(open("chain40", O_RDONLY));
  close(3);
  SHOW(open("chain41", O_RDONLY));
}

static void names(void) {
  section("names");
  static char longest[5000];
  memset(longest, 'n', 255);
  longest[255] = 0;
  SHOW_AS("open(255 bytes)", open(longest, O_CREAT | O_RDWR, 0600));
  close(3);
  longest[255] = 'n';
  longest[256] = 0;
  SHOW_AS("open(256 bytes)", open(longest, O_CREAT | O_RDWR, 0600));
  for (int i = 0; i < 4998; i += 2) memcpy(longest + i, "./", 2);
  longest[4094] = 0;
  longest[4093] = 'f';
  SHOW_AS("open(4094 bytes)", open(longest, O_RDONLY));
  longest[4094] = 'f';
  longest[4095] = 0;
  SHOW_AS("open(4095 bytes)", open(longest, O_RDONLY));
  longest[4095] = 'f';
  longest[4096] = 0;
  SHOW_AS("open(4096 bytes)", open(longest, O_RDONLY));
  BAD_POINTERS(bad);
  for (unsigned i = 0; i < COUNT(bad); i++) SHOW(open(bad[i], O_RDONLY));
  char* name = edge(4);
  memcpy(name, "file", 4);
  SHOW_AS("open(name without end at an edge)", open(name, O_RDONLY));
  name = edge(5);
  memcpy(name, "file", 5);
  SHOW_AS("open(name that just fits)", open(name, O_RDONLY));
  close(3);
}

static void dirfds(void) {
  section("openat");
  int dir = (int)MUST(open("dir", O_RDONLY | O_DIRECTORY));
  int file = (int)MUST(open("file", O_RDONLY));
  SHOW(openat(dir, "inner", O_CREAT | O_RDWR, 0600));
  close(5);
  SHOW(openat(dir, "../file", O_RDONLY));
  close(5);
  SHOW(openat(file, "inner", O_RDONLY));
  SHOW(openat(99, "inner", O_RDONLY));
  SHOW(openat(-1, "inner", O_RDONLY));
  SHOW(openat(99, "/proc", O_RDONLY));
  close(5);
  close(dir);
  close(file);
}

static void flags(void) {
  section("flags");
  SHOW(open("file", O_RDONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC));
  say("F_GETFL %#o F_GETFD %d", fcntl(3, F_GETFL), fcntl(3, F_GETFD));
  close(3);
  SHOW(open("file", O_WRONLY | O_SYNC | O_NOATIME));
  say("F_GETFL %#o", fcntl(3, F_GETFL));
  close(3);
  SHOW(open("file", O_RDWR | O_DSYNC | O_LARGEFILE | O_NOCTTY));
  say("F_GETFL %#o", fcntl(3, F_GETFL));
  close(3);
  SHOW(open("file", O_RDONLY | O_DIRECT));
  SHOW(open("file", 3));  // Neither readable nor writable: for ioctl only.
  char byte;
  SHOW(read(3, &byte, 1));
  SHOW(write(3, &byte, 1));
  close(3);
  SHOW(open("file", O_RDWR | 0x40000000));  // An unknown bit is ignored by openat.
  close(3);
  SHOW(creat("created", 0600));
  say("F_GETFL %#o", fcntl(3, F_GETFL));
  close(3);
}

static void temporary(void) {
  section("O_TMPFILE");
  struct stat st;
  SHOW(open(".", O_TMPFILE | O_RDWR, 0600));
  SHOW(write(3, "abc", 3));
  fstat(3, &st);
  say("nlink %ld size %ld", (long)st.st_nlink, (long)st.st_size);
  SHOW(linkat(3, "", AT_FDCWD, "given-a-name", AT_EMPTY_PATH));
  fstat(3, &st);
  say("nlink %ld", (long)st.st_nlink);
  close(3);
  SHOW(open(".", O_TMPFILE | O_RDONLY, 0600));
  SHOW(open("file", O_TMPFILE | O_RDWR, 0600));
  SHOW(open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600));
  SHOW(linkat(3, "", AT_FDCWD, "never", AT_EMPTY_PATH));
  close(3);
}

static void path_only(void) {
  section("O_PATH");
  char byte;
  struct stat st;
  SHOW(open("file", O_PATH | O_RDWR | O_TRUNC | O_CLOEXEC));
  say("F_GETFL %#o", fcntl(3, F_GETFL));
  SHOW(read(3, &byte, 1));
  SHOW(write(3, &byte, 1));
  SHOW(lseek(3, 0, SEEK_SET));
  SHOW(ftruncate(3, 0));
  SHOW(fchmod(3, 0600));
  SHOW(fchown(3, 0, 0));
  SHOW(ioctl(3, FIONREAD, &byte));
  SHOW(fstat(3, &st));
  SHOW(fcntl(3, F_SETFL, O_APPEND));
  SHOW(dup(3));
  close(4);
  SHOW(fsync(3));
  SHOW_AS("mmap", mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 3, 0) == MAP_FAILED ? -1 : 0);
  close(3);
  SHOW(open("link", O_PATH | O_NOFOLLOW));
  fstat(3, &st);
  YES(S_ISLNK(st.st_mode));
  char text[16];
  SHOW(readlinkat(3, "", text, sizeof text));
  close(3);
  chmod("masked", 0);
  SHOW(open("masked", O_PATH));
  SHOW(open("/proc/self/fd/3", O_RDWR));
  close(4);
  close(3);
}

static long openat2(int dir, const char* path, uint64_t flags, uint64_t mode, uint64_t resolve) {
  struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
  return syscall(SYS_openat2, dir, path, &how, sizeof how);
}

static void extended(void) {
  section("openat2");
  SHOW(openat2(AT_FDCWD, "file", O_RDONLY, 0, 0));
  close(3);
  SHOW(openat2(AT_FDCWD, "file", O_RDONLY, 0600, 0));
  SHOW(openat2(AT_FDCWD, "file", O_RDONLY | 0x40000000, 0, 0));
  SHOW(openat2(AT_FDCWD, "file", 1ul << 40, 0, 0));
  SHOW(openat2(AT_FDCWD, "new2", O_CREAT | O_RDWR, 010000, 0));
  SHOW(openat2(AT_FDCWD, "new2", O_CREAT | O_RDWR, 0600, 0));
  close(3);
  SHOW(openat2(AT_FDCWD, "file", O_PATH | O_RDWR, 0, 0));
  SHOW(openat2(AT_FDCWD, "file", O_RDONLY, 0, 1ul << 30));
  SHOW(openat2(AT_FDCWD, "link", O_RDONLY, 0, RESOLVE_NO_SYMLINKS));
  SHOW(openat2(AT_FDCWD, "dirlink/inner", O_RDONLY, 0, RESOLVE_NO_SYMLINKS));
  SHOW(openat2(AT_FDCWD, "dir/../file", O_RDONLY, 0, RESOLVE_BENEATH));
  close(3);
  SHOW(openat2(AT_FDCWD, "../x", O_RDONLY, 0, RESOLVE_BENEATH));
  SHOW(openat2(AT_FDCWD, "/proc", O_RDONLY, 0, RESOLVE_BENEATH));
  SHOW(openat2(AT_FDCWD, "/file", O_RDONLY, 0, RESOLVE_IN_ROOT));
  close(3);
  SHOW(openat2(AT_FDCWD, "../../../file", O_RDONLY, 0, RESOLVE_IN_ROOT));
  close(3);
  SHOW(openat2(AT_FDCWD, "/proc", O_RDONLY, 0, RESOLVE_IN_ROOT));
  SHOW(openat2(AT_FDCWD, "/proc/self/exe", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS));
  SHOW(openat2(AT_FDCWD, "/proc/self/status", O_RDONLY, 0, RESOLVE_NO_XDEV));
  SHOW(openat2(AT_FDCWD, "file", O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT));
  struct open_how how = {.flags = O_RDONLY};
  SHOW(syscall(SYS_openat2, AT_FDCWD, "file", &how, 0));
  SHOW(syscall(SYS_openat2, AT_FDCWD, "file", &how, sizeof how - 1));
  SHOW(syscall(SYS_openat2, AT_FDCWD, "file", NULL, sizeof how));
  SHOW(syscall(SYS_openat2, AT_FDCWD, "file", &how, 1 << 20));
  char bigger[64] = {0};
  SHOW(syscall(SYS_openat2, AT_FDCWD, "file", bigger, sizeof bigger));
  close(3);
  bigger[63] = 1;
  SHOW(syscall(SYS_openat2, AT_FDCWD, "file", bigger, sizeof bigger));
}

static void closing(void) {
  section("close_range");
  for (int i = 0; i < 6; i++) open("file", O_RDONLY);
  SHOW(syscall(SYS_close_range, 4, 5, 0));
  for (int fd = 3; fd < 9; fd++) say("fd %d %s", fd, fcntl(fd, F_GETFD) == -1 ? "closed" : "open");
  SHOW(syscall(SYS_close_range, 6, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */));
  say("fd 6 flags %d", fcntl(6, F_GETFD));
  SHOW(syscall(SYS_close_range, 5, 4, 0));
  SHOW(syscall(SYS_close_range, 3, ~0u, 8));
  SHOW(syscall(SYS_close_range, 3, ~0u, 2 /* CLOSE_RANGE_UNSHARE */));
  SHOW(fcntl(3, F_GETFD));
  SHOW(close(-1));
  SHOW(close(1 << 30));
}

static void permissions(void) {
  section("permissions");
  write_file("secret", "x");
  chmod("secret", 0600);
  mkdir("closed", 0700);
  write_file("closed/inside", "x");
  chmod(".", 0755);
  MUST(setresgid(1000, 1000, 1000));
  MUST(setresuid(1000, 1000, 1000));
  SHOW(open("secret", O_RDONLY));
  SHOW(open("file", O_WRONLY));
  SHOW(open("file", O_RDONLY | O_TRUNC));
  SHOW(open("file", O_RDONLY | O_NOATIME));
  SHOW(open("closed/inside", O_RDONLY));
  SHOW(open("closed/missing", O_RDONLY));
  SHOW(open("cannot-create", O_CREAT | O_RDWR, 0600));
  SHOW(open("secret", O_CREAT | O_RDWR, 0600));
  SHOW(open(".", O_TMPFILE | O_RDWR, 0600));
}

static void limit(void) {
  section("EMFILE");
  struct {
    unsigned long soft, hard;
  } now;
  struct {
    unsigned long soft, hard;
  } few = {5, 100};
  MUST(syscall(SYS_prlimit64, 0, 7, &few, &now));
  SHOW(open("file", O_RDONLY));
  SHOW(open("file", O_RDONLY));
  SHOW(open("file", O_RDONLY));
  SHOW(dup(0));
  SHOW(fcntl(0, F_DUPFD, 5));
  SHOW(dup2(0, 5));
  close(3);
  SHOW(open("file", O_RDONLY));
  close(3);
  close(4);
}

int main(void) {
  creation();
  directories();
  links();
  names();
  dirfds();
  flags();
  temporary();
  path_only();
  extended();
  closing();
  IN_CHILD(limit);
  IN_CHILD(permissions);
}
