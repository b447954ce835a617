// SPDX-License-Identifier: MIT
//
// When each of a file's times changes, operation by operation, for files, directories, links, FIFOs
// and devices; and when a read notes itself: relatime, noatime, nodiratime, strictatime, O_NOATIME.

#include "abi.h"

#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/xattr.h>

static struct stat before;

static bool later(struct timespec a, struct timespec b) {
  return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

static void remember(const char* path) {
  sleep_ms(6);
  MUST(lstat(path, &before));
  sleep_ms(6);
}

static void changed(const char* what, const char* path) {
  struct stat after;
  MUST(lstat(path, &after));
  say("%-32s %s%s%s", what, later(before.st_atim, after.st_atim) ? "a" : "-",
      later(before.st_mtim, after.st_mtim) ? "m" : "-",
      later(before.st_ctim, after.st_ctim) ? "c" : "-");
}

#define AFTER(path, call) (remember(path), (void)!(call), changed(#call, path))

static void files(void) {
  section("files");
  write_file("f", "some text");
  int fd = (int)MUST(open("f", O_RDWR)), other = (int)MUST(open("g", O_RDWR | O_CREAT, 0600)),
      fds[2];
  char data[100];
  struct iovec vector = {data, 4};
  off_t zero = 0;
  pipe(fds);
  AFTER("f", pwrite(fd, "x", 1, 0));
  AFTER("f", pread(fd, data, 1, 0));
  AFTER("f", pread(fd, data, 1, 0));
  AFTER("f", pread(fd, data, 0, 0));
  AFTER("f", pread(fd, data, 1, 1000));
  AFTER("f", pwrite(fd, "x", 0, 0));
  AFTER("f", pwritev(fd, &vector, 1, 0));
  AFTER("f", preadv(fd, &vector, 1, 0));
  AFTER("f", ftruncate(fd, 100));
  AFTER("f", ftruncate(fd, 100));
  AFTER("f", truncate("f", 100));
  AFTER("f", fallocate(fd, 0, 0, 100));
  AFTER("f", fallocate(fd, 0, 0, 200));
  AFTER("f", fallocate(fd, 1, 0, 10000));
  AFTER("f", fallocate(fd, 3, 0, 50));
  AFTER("f", fchmod(fd, 0644));
  AFTER("f", fchown(fd, -1, -1));
  AFTER("f", fchown(fd, 0, 0));
  AFTER("f", setxattr("f", "trusted.x", "y", 1, 0));
  AFTER("f", getxattr("f", "trusted.x", data, 10));
  AFTER("f", removexattr("f", "trusted.x"));
  AFTER("f", link("f", "f2"));
  AFTER("f", unlink("f2"));
  AFTER("f", rename("f", "f3") || rename("f3", "f"));
  AFTER("f", utimensat(AT_FDCWD, "f", NULL, 0));
  AFTER("f", sendfile(fds[1], fd, &zero, 5));
  AFTER("f", splice(fds[0], NULL, fd, &zero, 5, 0));
  AFTER("g", copy_file_range(fd, &zero, other, NULL, 5, 0));
  AFTER("f", copy_file_range(fd, &zero, other, NULL, 5, 0));
  AFTER("f", close(open("f", O_RDONLY)));
  AFTER("f", close(open("f", O_WRONLY | O_TRUNC)));
  AFTER("f", close(open("f", O_WRONLY | O_TRUNC)));
  AFTER("f", close(open("f", O_WRONLY | O_CREAT, 0600)));
  AFTER("f", fsync(fd));
  AFTER("f", mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == NULL);
  pwrite(fd, "text", 4, 0);
  char* map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  AFTER("f", msync(map, PAGE, MS_SYNC));
  AFTER("f", access("f", R_OK));
}

static void directories(void) {
  section("directories and links");
  mkdir("d", 0755);
  mkdir("e", 0755);
  AFTER("d", mkdir("d/s", 0755));
  AFTER("d", rmdir("d/s"));
  AFTER("d", mknod("d/n", S_IFIFO | 0600, 0));
  AFTER("d", symlink("x", "d/l"));
  AFTER("d", link("d/n", "d/n2"));
  AFTER("d", unlink("d/n2"));
  AFTER("d", rename("d/n", "d/m"));
  AFTER("d", rename("d/m", "e/m"));
  AFTER("e", rename("e/m", "d/m"));
  AFTER("d", unlink("d/none"));
  AFTER("d", mkdir("d/m", 0755));
  mkdir("d/s", 0755);
  AFTER("d/s", rename("d/s", "d/t") || rename("d/t", "d/s"));
  AFTER("d/s", rename("d/s", "e/s") || rename("e/s", "d/s"));
  AFTER("d/s", mkdir("d/s/deep", 0755));
  int fd = (int)MUST(open("d", O_RDONLY));
  char buffer[1000];
  AFTER("d", syscall(SYS_getdents64, fd, buffer, sizeof buffer));
  AFTER("d", syscall(SYS_getdents64, fd, buffer, sizeof buffer));
  AFTER("d", access("d/m", F_OK));
  AFTER("d/l", readlink("d/l", buffer, 10));
  AFTER("d/l", readlink("d/l", buffer, 10));
  AFTER("d/l", access("d/l", F_OK));
  AFTER("d/l", lchown("d/l", 0, 0));
  AFTER("d/l", rename("d/l", "d/k") || rename("d/k", "d/l"));
}

static void others(void) {
  section("FIFOs and devices");
  mkfifo("p", 0600);
  int fd = (int)MUST(open("p", O_RDWR));
  char byte;
  AFTER("p", write(fd, "x", 1));
  AFTER("p", read(fd, &byte, 1));
  mknod("null", S_IFCHR | 0600, 0x103);
  fd = (int)MUST(open("null", O_RDWR));
  AFTER("null", write(fd, "x", 1));
  AFTER("null", read(fd, &byte, 1));
  mknod("zero", S_IFCHR | 0600, 0x105);
  fd = (int)MUST(open("zero", O_RDWR));
  AFTER("zero", write(fd, "x", 1));
  AFTER("zero", read(fd, &byte, 1));
}

static void readings(void) {
  section("what a read notes");
  static const struct {
    const char* name;
    unsigned long flags;
  } mounts[] = {{"relatime", MS_RELATIME},
                {"noatime", MS_NOATIME},
                {"nodiratime", MS_NODIRATIME},
                {"strictatime", MS_STRICTATIME},
                {"strictatime nodiratime", MS_STRICTATIME | MS_NODIRATIME},
                {"read-only", 0}};
  mkdir("m", 0755);
  for (unsigned i = 0; i < COUNT(mounts); i++) {
    say("%s", mounts[i].name);
    MUST(mount("t", "m", "tmpfs", mounts[i].flags, NULL));
    write_file("m/f", "text");
    mkdir("m/d", 0755);
    write_file("m/d/x", "");
    symlink("f", "m/l");
    if (i == 5) MUST(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    int fd = (int)MUST(open("m/f", O_RDONLY)), quiet = (int)MUST(open("m/f", O_RDONLY | O_NOATIME));
    int directory = (int)MUST(open("m/d", O_RDONLY));
    char buffer[500];
    AFTER("m/f", pread(quiet, buffer, 1, 0));
    AFTER("m/f", pread(fd, buffer, 1, 0));
    AFTER("m/f", pread(fd, buffer, 1, 0));
    AFTER("m/d", syscall(SYS_getdents64, directory, buffer, sizeof buffer));
    lseek(directory, 0, SEEK_SET);
    AFTER("m/d", syscall(SYS_getdents64, directory, buffer, sizeof buffer));
    AFTER("m/l", readlink("m/l", buffer, 10));
    AFTER("m/l", readlink("m/l", buffer, 10));
    AFTER("m/l", close(open("m/l", O_RDONLY)));
    if (i != 5) {
      struct timespec old[2] = {{1000, 0}, {0, UTIME_OMIT}};
      MUST(utimensat(AT_FDCWD, "m/f", old, 0));
      AFTER("m/f", pread(fd, buffer, 1, 0));
    }
    close(fd);
    close(quiet);
    close(directory);
    MUST(umount("m"));
  }
}

int main(void) {
  files();
  directories();
  others();
  readings();
}
