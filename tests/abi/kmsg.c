// SPDX-License-Identifier: MIT
//
// /dev/kmsg: records, positions, prefixes, what a write may say, and the small devices beside it.

#include "abi.h"

#include <poll.h>
#include <sys/klog.h>
#include <sys/uio.h>

static char buffer[8192];

static void show(int fd) {
  long length = read(fd, buffer, sizeof buffer - 1);
  if (length == -1) {
    say("  %s", error_name(errno));
    return;
  }
  buffer[length] = 0;
  int priority, used = 0;
  unsigned long sequence, time;
  char flag;
  if (sscanf(buffer, "%d,%lu,%lu,%c%n", &priority, &sequence, &time, &flag, &used) != 4) {
    say("  ? %s", buffer);
    return;
  }
  for (char* at = buffer; *at; at++)
    if (*at == '\n') *at = '|';
  say("  priority %d flag %c rest %s", priority, flag, buffer + used);
}

static void records(void) {
  section("records");
  int fd = (int)MUST(open("/dev/kmsg", O_RDWR | O_NONBLOCK));
  MUST(lseek(fd, 0, SEEK_END));
  show(fd);
  // Each ends its line: Linux keeps one that does not open for more. Ten in five seconds is all it
  // takes.
  static const char* const texts[] = {
      "plain\n",        "<3>error\n",   "<14>user facility\n",
      "<30>facility\n", "<>empty\n",    "<x>odd\n",
      "<3\n",           "two\nlines\n", "control \x01\x7f\x80 back\\slash\n"};
  for (unsigned i = 0; i < COUNT(texts); i++) {
    long wrote = write(fd, texts[i], strlen(texts[i]));
    say("write %ld", wrote);
    show(fd);
  }
  static char big[2000];
  memset(big, 'b', sizeof big);
  SHOW(write(fd, big, 992));
  SHOW(write(fd, big, 993));
  SHOW(write(fd, big, 976));
  SHOW(write(fd, big, 977));
  SHOW(write(fd, big, 1024));
  SHOW(write(fd, big, 1500));
  SHOW(lseek(fd, 0, SEEK_END));
  SHOW(read(fd, buffer, 100));
  struct pollfd entry = {fd, POLLIN | POLLOUT, 0};
  SHOW(poll(&entry, 1, 0));
  say("%x", entry.revents);
  SHOW(lseek(fd, 0, SEEK_SET));
  SHOW(lseek(fd, 0, SEEK_DATA));
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(lseek(fd, 1, SEEK_SET));
  SHOW(lseek(fd, 0, SEEK_HOLE));
  SHOW(pread(fd, buffer, 10, 0) == -1 ? -1 : 0);
  SHOW(pwrite(fd, "x", 1, 0));
  SHOW(ftruncate(fd, 0));
  SHOW(fsync(fd));
  close(fd);
  fd = (int)MUST(open("/dev/kmsg", O_WRONLY));
  SHOW(read(fd, buffer, 10));
  SHOW(write(fd, "x", 1));
  fd = (int)MUST(open("/dev/kmsg", O_RDONLY));
  SHOW(write(fd, "x", 1));
}

static void small(void) {
  section("small devices");
  static const char* const names[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                                      "/dev/urandom"};
  for (unsigned i = 0; i < COUNT(names); i++) {
    say("%s", names[i]);
    int fd = (int)MUST(open(names[i], O_RDWR));
    struct stat st;
    fstat(fd, &st);
    say("  mode %o rdev %lx size %ld", st.st_mode, (long)st.st_rdev, (long)st.st_size);
    SHOW(read(fd, buffer, 10));
    SHOW(write(fd, "x", 1));
    SHOW(write(fd, "", 0));
    SHOW(pread(fd, buffer, 10, 1000));
    SHOW(pwrite(fd, "x", 1, 1000));
    SHOW(lseek(fd, 1000, SEEK_SET));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(fd, -1, SEEK_SET));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(read(fd, BAD_KERNEL, 10));
    SHOW(write(fd, BAD_KERNEL, 10));
    SHOW(ftruncate(fd, 0));
    SHOW(fsync(fd));
    SHOW(fallocate(fd, 0, 0, 10));
    SHOW(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
    SHOW(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
    close(fd);
    SHOW(open(names[i], O_RDONLY | O_DIRECT));
    SHOW(open(names[i], O_RDONLY | O_DIRECTORY));
    SHOW(truncate(names[i], 0));
    fd = (int)SHOW(open(names[i], O_WRONLY | O_TRUNC | O_CREAT, 0600));
    close(fd);
  }
  mknod("none", S_IFCHR | 0600, 0xfe01);
  SHOW(open("none", O_RDONLY));
  mknod("block", S_IFBLK | 0600, 0xfe01);
  SHOW(open("block", O_RDONLY));
}

int main(void) {
  records();
  small();
}
