// SPDX-License-Identifier: MIT
//
// Corners of opening and naming: odd combinations of flags, what an O_PATH descriptor refuses,
// empty paths, trailing slashes and dots in every call that takes a name, links made of
// descriptors, magic links.

#include "abi.h"

#include <poll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#include <linux/openat2.h>

static void combinations(void) {
  section("combinations");
  write_file("f", "text");
  mkdir("d", 0755);
  symlink("f", "l");
  symlink("d", "dl");
  symlink("none", "dangling");
  static const struct {
    const char* name;
    int bits;
  } flags[] = {{"O_CREAT", O_CREAT},       {"O_EXCL", O_EXCL},      {"O_DIRECTORY", O_DIRECTORY},
               {"O_NOFOLLOW", O_NOFOLLOW}, {"O_PATH", O_PATH},      {"O_TRUNC", O_TRUNC},
               {"O_WRONLY", O_WRONLY},     {"O_TMPFILE", O_TMPFILE}};
  static const char* const names[] = {
      "f",        "d",         "l",    "dl", "f/", "d/",    "l/",     "dl/",    "d/.", "f/.",
      "dangling", "dangling/", "d/..", "/",  ".",  "none/", "none/.", "none/x", "f/x"};
  for (unsigned set = 0; set < 1u << COUNT(flags); set++) {
    int bits = 0;
    char label[200] = "";
    int count = 0;
    for (unsigned i = 0; i < COUNT(flags); i++) {
      if ((set & 1u << i) == 0) continue;
      count++;
      bits |= flags[i].bits;
      if (label[0]) strcat(label, "|");
      strcat(label, flags[i].name);
    }
    if (count > 3) continue;
    char line[2000];
    int at = snprintf(line, sizeof line, "%s:", label[0] ? label : "O_RDONLY");
    for (unsigned i = 0; i < COUNT(names); i++) {
      errno = 0;
      int fd = open(names[i], bits, 0600);
      at += snprintf(line + at, sizeof line - (size_t)at, " %s=%s", names[i],
                     fd >= 0 ? "ok" : error_name(errno) + 1);
      if (fd >= 0) close(fd);
      unlink("none");
      unlink("f");
      write_file("f", "text");
    }
    say("%s", line);
  }
}

static void places(void) {
  section("O_PATH descriptors");
  int fd = (int)MUST(open("f", O_PATH));
  int directory = (int)MUST(open("d", O_PATH));
  char text[100];
  struct iovec vector = {text, 4};
  struct statfs fs;
  struct pollfd entry = {fd, POLLIN, 0};
  struct stat st;
  struct flock lock = {.l_type = F_RDLCK};
  off_t offset = 0;
  int value = 0, fds[2];
  pipe(fds);
  SHOW(pread(fd, text, 1, 0));
  SHOW(pwrite(fd, text, 1, 0));
  SHOW(readv(fd, &vector, 1));
  SHOW(writev(fd, &vector, 1));
  SHOW(preadv2(fd, &vector, 1, -1, 999));
  SHOW(fstatfs(fd, &fs));
  SHOW(fstat(fd, &st));
  SHOW(fcntl(fd, F_GETFD));
  SHOW(fcntl(fd, F_SETFD, 1));
  say("F_GETFL %o", fcntl(fd, F_GETFL));
  SHOW(fcntl(fd, F_SETFL, 0));
  SHOW(fcntl(fd, F_GETLK, &lock));
  SHOW(fcntl(fd, F_SETLK, &lock));
  SHOW(fcntl(fd, F_GETOWN));
  SHOW(fcntl(fd, F_SETOWN, 0));
  SHOW(fcntl(fd, F_GETSIG));
  SHOW(fcntl(fd, F_GETPIPE_SZ));
  SHOW(fcntl(fd, F_GET_SEALS));
  SHOW(fcntl(fd, 12345));
  SHOW(fcntl(fd, F_DUPFD_CLOEXEC, 50));
  SHOW(close(50));
  SHOW(flock(fd, LOCK_SH));
  SHOW(ioctl(fd, FIOCLEX));
  SHOW(ioctl(fd, FIONBIO, &value));
  SHOW(poll(&entry, 1, 0));
  say("revents %x", entry.revents);
  SHOW(fchdir(fd));
  SHOW(fchdir(directory));
  SHOW(chdir(".."));
  SHOW(syscall(SYS_getdents64, directory, text, 100));
  SHOW(fsync(fd));
  SHOW(fdatasync(fd));
  SHOW(syncfs(fd));
  SHOW(sync_file_range(fd, 0, 0, 0));
  SHOW(syscall(SYS_fadvise64, fd, 0, 0, 0));
  SHOW(readahead(fd, 0, 10));
  SHOW(fallocate(fd, 0, 0, 10));
  SHOW(fgetxattr(fd, "trusted.x", text, 10));
  SHOW(fsetxattr(fd, "trusted.x", text, 1, 0));
  SHOW(flistxattr(fd, text, 10));
  SHOW(fremovexattr(fd, "trusted.x"));
  SHOW(sendfile(fds[1], fd, &offset, 1));
  SHOW(splice(fd, NULL, fds[1], NULL, 1, 0));
  SHOW(splice(fds[0], NULL, fd, NULL, 1, 0));
  SHOW(tee(fd, fds[1], 1, 0));
  SHOW(vmsplice(fd, &vector, 1, 0));
  SHOW(copy_file_range(fd, NULL, fd, NULL, 1, 0));
  SHOW(syscall(SYS_utimensat, fd, NULL, NULL, 0));
  SHOW(utimensat(fd, "", NULL, AT_EMPTY_PATH));
  SHOW(fchownat(fd, "", 0, 0, AT_EMPTY_PATH));
  SHOW(fstatat(fd, "", &st, AT_EMPTY_PATH));
  SHOW(fstatat(fd, "", &st, 0));
  SHOW(faccessat(fd, "", R_OK, 0));
  SHOW(syscall(SYS_faccessat2, fd, "", R_OK, AT_EMPTY_PATH));
  SHOW(syscall(SYS_faccessat2, AT_FDCWD, "", R_OK, AT_EMPTY_PATH));
  SHOW(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, 0x4000));
  SHOW(readlinkat(fd, "", text, 100));
  SHOW(readlinkat(fd, "", text, 0));
  SHOW(readlink("f", text, 100));
  SHOW(readlink("l", text, 0));
  SHOW(syscall(SYS_readlinkat, AT_FDCWD, "l", text, -1));
  SHOW(readlink("l", BAD_KERNEL, 100));
  SHOW(readlink("", text, 100));
  SHOW(readlink("none", text, 100));
  SHOW(readlink("l/", text, 100));
  SHOW(readlink("dl/", text, 100));
  SHOW(openat(fd, "", O_RDONLY));
  SHOW(openat(fd, "x", O_RDONLY));
  SHOW(mkdirat(fd, "x", 0755));
  SHOW(mkdirat(directory, "x", 0755));
  SHOW(unlinkat(directory, "x", AT_REMOVEDIR));
  SHOW(unlinkat(directory, "", AT_REMOVEDIR));
  SHOW(unlinkat(directory, "x", 0x800));
  SHOW(linkat(fd, "", AT_FDCWD, "hard", AT_EMPTY_PATH));
  SHOW(unlink("hard"));
  SHOW(linkat(AT_FDCWD, "", AT_FDCWD, "hard", AT_EMPTY_PATH));
  SHOW(linkat(AT_FDCWD, "f", AT_FDCWD, "", 0));
  SHOW(linkat(AT_FDCWD, "f", AT_FDCWD, "hard", 0x800));
  SHOW(linkat(99, "", AT_FDCWD, "hard", AT_EMPTY_PATH));
  SHOW(linkat(fds[0], "", AT_FDCWD, "hard", AT_EMPTY_PATH));
  SHOW(linkat(directory, "", AT_FDCWD, "hard", AT_EMPTY_PATH));
  SHOW(fchdir(99));
  int link = (int)MUST(open("l", O_PATH | O_NOFOLLOW));
  SHOW(fchownat(link, "", 0, 0, AT_EMPTY_PATH));
  SHOW(linkat(link, "", AT_FDCWD, "hard-link", AT_EMPTY_PATH));
  SHOW(readlink("hard-link", text, 100));
  SHOW(openat(link, "", O_RDONLY));
  SHOW(open("/proc/self/fd/100", O_RDONLY));
  snprintf(text, sizeof text, "/proc/self/fd/%d", link);
  SHOW(open(text, O_RDONLY));
  SHOW(open(text, O_PATH) >= 0);
  SHOW(chmod(text, 0600));
  close(link);
  for (int i = 3; i < 40; i++) close(i);
}

static void unnamed(void) {
  section("files without names");
  char path[100];
  struct stat st;
  int fd = (int)MUST(open("d", O_TMPFILE | O_RDWR, 0640));
  fstat(fd, &st);
  say("links %ld mode %o", (long)st.st_nlink, st.st_mode);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "d/named", AT_SYMLINK_FOLLOW));
  fstat(fd, &st);
  say("links %ld", (long)st.st_nlink);
  SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "d/again", AT_SYMLINK_FOLLOW));
  SHOW(unlink("d/named"));
  SHOW(unlink("d/again"));
  SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "d/again", AT_SYMLINK_FOLLOW));
  SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "d/symlink", 0));
  int again = (int)OK(open(path, O_RDWR));
  close(again);
  close(fd);
  fd = (int)MUST(open("d", O_TMPFILE | O_RDWR | O_EXCL, 0640));
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "d/named", AT_SYMLINK_FOLLOW));
  close(fd);
  SHOW(open("none", O_TMPFILE | O_RDWR, 0600));
  SHOW(open("l", O_TMPFILE | O_RDWR, 0600));
  SHOW(open("/proc", O_TMPFILE | O_RDWR, 0600));
  SHOW(open("/dev", O_TMPFILE | O_RDWR, 0600) >= 0);
  SHOW(open("/dev/pts", O_TMPFILE | O_RDWR, 0600));
  SHOW(open("/proc/self/fd", O_CREAT | O_RDWR, 0600));
  SHOW(open("d", O_TMPFILE | O_RDWR | O_TRUNC, 0600) >= 0);
  SHOW(open("d", O_TMPFILE | O_WRONLY | O_APPEND, 0600) >= 0);
  SHOW(open("d", O_TMPFILE | O_WRONLY | O_NOFOLLOW, 0600) >= 0);
  SHOW(open("dl", O_TMPFILE | O_WRONLY | O_NOFOLLOW, 0600) >= 0);
  SHOW(open("d", O_TMPFILE | O_WRONLY | O_PATH, 0600) >= 0);
  SHOW(open("d", (O_TMPFILE & ~O_DIRECTORY) | O_WRONLY, 0600));
  SHOW(open("d", O_TMPFILE | 3, 0600) >= 0);
  for (int i = 3; i < 40; i++) close(i);
}

static void names(void) {
  section("dots and slashes");
  static const char* const paths[] = {
      ".",   "..", "d/.", "d/..",   "/",  "d/",       "f/",        "none/", "none/.", "l/",
      "dl/", "",   "f/x", "none/x", "dl", "dangling", "dangling/", "l",     "f"};
  for (unsigned i = 0; i < COUNT(paths); i++) {
    const char* path = paths[i];
    int errors[16], count = 0;
    mkdir("d", 0755);
    if (access("f", F_OK)) write_file("f", "text");
#define TRIED(call) (errno = 0, (call), errors[count++] = errno)
    TRIED(mkdir(path, 0755));
    TRIED(mknod(path, S_IFREG | 0600, 0));
    TRIED(symlink("x", path));
    TRIED(link("f", path));
    TRIED(link(path, "new"));
    unlink("new");
    TRIED(rename("f", path));
    if (access("f", F_OK)) write_file("f", "text");
    TRIED(rename("d", path));
    mkdir("d", 0755);
    TRIED(renameat2(AT_FDCWD, "f", AT_FDCWD, path, RENAME_NOREPLACE));
    if (access("f", F_OK)) write_file("f", "text");
    TRIED(renameat2(AT_FDCWD, path, AT_FDCWD, "new", RENAME_NOREPLACE));
    renameat2(AT_FDCWD, "new", AT_FDCWD, path, 0);
    TRIED(renameat2(AT_FDCWD, path, AT_FDCWD, "f", RENAME_EXCHANGE));
    renameat2(AT_FDCWD, path, AT_FDCWD, "f", RENAME_EXCHANGE);
    char line[600];
    int at = snprintf(line, sizeof line, "\"%s\":", path);
    static const char* const labels[] = {"mkdir",  "mknod",     "symlink",   "link", "linkof",
                                         "rename", "renamedir", "noreplace", "from", "exchange"};
    for (int j = 0; j < count; j++)
      at += snprintf(line + at, sizeof line - (size_t)at, " %s=%s", labels[j],
                     errors[j] ? error_name(errors[j]) + 1 : "ok");
    say("%s", line);
    if (strcmp(path, "none/") == 0) rmdir("none");
    struct stat st;
    if (lstat("l", &st) || !S_ISLNK(st.st_mode)) {
      unlink("l");
      symlink("f", "l");
    }
    if (lstat("dl", &st) || !S_ISLNK(st.st_mode)) {
      unlink("dl");
      symlink("d", "dl");
    }
    if (lstat("dangling", &st) || !S_ISLNK(st.st_mode)) {
      unlink("dangling");
      rmdir("dangling");
      symlink("none", "dangling");
    }
    if (lstat("f", &st) || !S_ISREG(st.st_mode)) {
      unlink("f");
      rmdir("f");
      write_file("f", "text");
    }
    rmdir("none");
    unlink("none");
  }
  for (unsigned i = 0; i < COUNT(paths); i++) {
    const char* path = paths[i];
    int errors[16], count = 0;
    mkdir("t", 0755);
    mkdir("t/d", 0755);
    write_file("t/f", "x");
    symlink("f", "t/l");
    symlink("d", "t/dl");
    symlink("none", "t/dangling");
    if (path[0] == '/') continue;
    chdir("t");
    TRIED(unlink(path));
    mkdir("d", 0755);
    write_file("f", "x");
    symlink("f", "l");
    symlink("d", "dl");
    TRIED(rmdir(path));
    mkdir("d", 0755);
    TRIED(truncate(path, 0));
    TRIED(chdir(path));
    chdir("..");
    chdir(strcmp(path, "..") == 0 || strcmp(path, "d/..") == 0 || strcmp(path, ".") == 0 ? "."
                                                                                         : ".");
    struct stat st;
    TRIED(lstat(path, &st));
    TRIED(access(path, F_OK));
    TRIED(readlink(path, (char[10]){0}, 10));
    TRIED(chmod(path, 0755));
    TRIED(lchown(path, 0, 0));
    char line[600];
    int at = snprintf(line, sizeof line, "\"%s\":", path);
    static const char* const labels[] = {"unlink", "rmdir",    "truncate", "chdir", "lstat",
                                         "access", "readlink", "chmod",    "lchown"};
    for (int j = 0; j < count; j++)
      at += snprintf(line + at, sizeof line - (size_t)at, " %s=%s", labels[j],
                     errors[j] ? error_name(errors[j]) + 1 : "ok");
    say("%s", line);
    (void)!chdir(getenv("ABI_START"));
  }
}

static void magic(void) {
  section("magic links");
  char text[200];
  SHOW(open("/proc/self/exe", O_RDONLY | O_NOFOLLOW));
  SHOW(open("/proc/self/exe", O_WRONLY));
  SHOW(open("/proc/self/exe", O_RDONLY | O_CREAT, 0600) >= 0);
  SHOW(open("/proc/self/cwd/f", O_RDONLY) >= 0);
  SHOW(open("/proc/self/root/dev/null", O_RDONLY) >= 0);
  int fds[2];
  pipe(fds);
  snprintf(text, sizeof text, "/proc/self/fd/%d", fds[0]);
  SHOW(open(text, O_WRONLY | O_NONBLOCK) >= 0);
  SHOW(open(text, O_RDONLY | O_EXCL) >= 0);
  SHOW(open(text, O_RDONLY | O_CREAT | O_EXCL, 0600));
  SHOW(open(text, O_RDONLY | O_CREAT, 0600) >= 0);
  SHOW(open(text, O_RDONLY | O_DIRECTORY));
  SHOW(rename(text, "x"));
  SHOW(link(text, "x"));
  SHOW(linkat(AT_FDCWD, text, AT_FDCWD, "x", AT_SYMLINK_FOLLOW));
  SHOW(chmod(text, 0600));
  SHOW(truncate(text, 0));
  struct stat st, direct;
  fstat(fds[0], &direct);
  stat(text, &st);
  YES(st.st_ino == direct.st_ino && st.st_mode == direct.st_mode);
  say("mode %o", st.st_mode);
  struct statfs fs;
  SHOW(statfs(text, &fs));
  say("type %lx bsize %ld namelen %ld", (long)fs.f_type, (long)fs.f_bsize, (long)fs.f_namelen);
  snprintf(text, sizeof text, "/proc/self/fd/%d/x", fds[0]);
  SHOW(open(text, O_RDONLY));
  for (int i = 3; i < 60; i++) close(i);
}

static void how(void) {
  section("openat2");
  struct open_how how = {0};
#define OPEN2(path, f, m, r)                                           \
  (how = (struct open_how){.flags = (f), .mode = (m), .resolve = (r)}, \
   OK(syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how)))
  OPEN2("f", O_RDONLY, 0, 1ul << 33);
  OPEN2("f", O_RDONLY | O_TMPFILE, 0600, 0);
  OPEN2("d", O_RDWR | O_TMPFILE, 0600, 0);
  OPEN2("d", O_RDWR | O_TMPFILE | O_CREAT, 0600, 0);
  OPEN2("f", O_RDONLY | O_CREAT | O_DIRECTORY, 0600, 0);
  OPEN2("f", O_RDONLY | O_DIRECT, 0, 0);
  OPEN2("f", O_PATH | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY, 0, 0);
  OPEN2("f", O_PATH | O_NOATIME, 0, 0);
  OPEN2("f", 3, 0, 0);
  OPEN2("f", O_RDONLY | 0x8000000000000000ul, 0, 0);
  OPEN2("f", O_CREAT | O_RDWR, 07777, 0);
  OPEN2("f", O_CREAT | O_RDWR, 1ul << 32 | 0600, 0);
  OPEN2("/proc/self/cwd/f", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS);
  OPEN2("/proc/self/cwd", O_RDONLY | O_NOFOLLOW, 0, RESOLVE_NO_MAGICLINKS);
  OPEN2("/proc/self/cwd", O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_MAGICLINKS);
  OPEN2("l", O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS);
  OPEN2("dl/.", O_RDONLY, 0, RESOLVE_NO_SYMLINKS);
  OPEN2("d/..", O_RDONLY, 0, RESOLVE_BENEATH);
  OPEN2("d/../..", O_RDONLY, 0, RESOLVE_BENEATH);
  OPEN2("l", O_RDONLY, 0, RESOLVE_BENEATH);
  symlink("/f", "absolute");
  OPEN2("absolute", O_RDONLY, 0, RESOLVE_BENEATH);
  OPEN2("absolute", O_RDONLY, 0, RESOLVE_IN_ROOT);
  OPEN2("absolute", O_RDONLY | O_CREAT, 0600, RESOLVE_IN_ROOT);
  OPEN2("none2", O_RDONLY | O_CREAT, 0600, RESOLVE_BENEATH);
  OPEN2("..", O_RDONLY, 0, RESOLVE_BENEATH);
  OPEN2("..", O_RDONLY, 0, RESOLVE_IN_ROOT);
  OPEN2("/dev/null", O_RDONLY, 0, RESOLVE_NO_XDEV);
  OPEN2("/proc/self/root/dev", O_RDONLY, 0, RESOLVE_NO_XDEV);
  OPEN2("", O_RDONLY, 0, 0);
  char* at = edge(sizeof how);
  memset(at, 0, sizeof how);
  OK(syscall(SYS_openat2, AT_FDCWD, "f", at, sizeof how));
  OK(syscall(SYS_openat2, AT_FDCWD, "f", at, sizeof how + 8));
  OK(syscall(SYS_openat2, AT_FDCWD, "f", at + 1, sizeof how - 1));
  OK(syscall(SYS_openat2, 99, "f", NULL, 3));
  OK(syscall(SYS_openat2, AT_FDCWD, NULL, &how, sizeof how));
  char* page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  OK(syscall(SYS_openat2, AT_FDCWD, "f", page, PAGE));
  OK(syscall(SYS_openat2, AT_FDCWD, "f", page, PAGE + 1));
}

int main(void) {
  char start[4096];
  getcwd(start, sizeof start);
  setenv("ABI_START", start, 1);
  combinations();
  places();
  unnamed();
  names();
  magic();
  how();
}
