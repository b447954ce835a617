// SPDX-License-Identifier: MIT
//
// read, write, their vectored and positioned forms, lseek, O_APPEND and RLIMIT_FSIZE, on a tmpfs
// file. The holes of SEEK_DATA/SEEK_HOLE are page-sized on tmpfs.

#include "abi.h"

#include <sys/resource.h>
#include <sys/uio.h>

static char buffer[65536];

static void plain(void) {
  section("read and write");
  SHOW(open("f", O_RDWR | O_CREAT, 0600));
  SHOW(write(3, "0123456789", 10));
  SHOW(read(3, buffer, 10));
  SHOW(lseek(3, 0, SEEK_SET));
  SHOW(read(3, buffer, 4));
  SHOW(read(3, buffer, 100));
  SHOW(read(3, buffer, 100));
  SHOW(read(3, buffer, 0));
  SHOW(read(3, BAD_NULL, 0));
  SHOW(lseek(3, 0, SEEK_SET));
  SHOW(read(3, BAD_NULL, 10));
  SHOW(read(3, BAD_KERNEL, 10));
  SHOW(read(3, BAD_HIGH, 4096));
  SHOW(read(3, page_with(PROT_READ), 10));
  SHOW(read(3, page_with(PROT_NONE), 10));
  SHOW(lseek(3, 0, SEEK_CUR));
  SHOW(read(3, edge(4), 10));  // Part of it fits.
  SHOW(lseek(3, 0, SEEK_CUR));
  SHOW(write(3, BAD_NULL, 10));
  SHOW(write(3, BAD_KERNEL, 10));
  SHOW(write(3, BAD_NULL, 0));
  SHOW(read(3, buffer, (size_t)-1));
  SHOW(write(3, buffer, (size_t)-1));
  SHOW(read(99, buffer, 1));
  SHOW(write(-1, buffer, 1));
  SHOW(read(99, BAD_NULL, 1));
  close(3);
  SHOW(open("f", O_RDONLY));
  SHOW(write(3, "x", 1));
  close(3);
  SHOW(open("f", O_WRONLY));
  SHOW(read(3, buffer, 1));
  close(3);
}

static void seek(void) {
  section("lseek");
  SHOW(open("s", O_RDWR | O_CREAT | O_TRUNC, 0600));
  SHOW(lseek(3, 100, SEEK_END));
  SHOW(lseek(3, -1, SEEK_SET));
  SHOW(lseek(3, -200, SEEK_CUR));
  SHOW(lseek(3, 0, 99));
  SHOW(lseek(3, INT64_MAX, SEEK_SET));
  SHOW(lseek(3, 1, SEEK_CUR));
  SHOW(write(3, "x", 1));
  SHOW(lseek(3, 0, SEEK_SET));
  SHOW(pwrite(3, "a", 1, 20000));
  SHOW(pread(3, buffer, 10, 19995));
  say("hole then byte: %d %d %c", buffer[0], buffer[4], buffer[5]);
  SHOW(lseek(3, 0, SEEK_DATA));
  SHOW(lseek(3, 0, SEEK_HOLE));
  SHOW(lseek(3, 16384, SEEK_HOLE));
  SHOW(lseek(3, 20000, SEEK_DATA));
  SHOW(lseek(3, 20001, SEEK_DATA));
  SHOW(lseek(3, 20001, SEEK_HOLE));
  SHOW(lseek(3, -1, SEEK_DATA));
  close(3);
  int pipes[2];
  pipe(pipes);
  SHOW(lseek(pipes[0], 0, SEEK_SET));
  SHOW(pread(pipes[0], buffer, 1, 0));
  SHOW(pwrite(pipes[1], buffer, 1, 0));
  SHOW(lseek(99, 0, SEEK_SET));
  close(pipes[0]);
  close(pipes[1]);
}

static void positioned(void) {
  section("pread and pwrite");
  SHOW(open("p", O_RDWR | O_CREAT | O_TRUNC, 0600));
  SHOW(pwrite(3, "abcdef", 6, 2));
  SHOW(lseek(3, 0, SEEK_CUR));
  SHOW(pread(3, buffer, 4, 4));
  say("%.4s", buffer);
  SHOW(pread(3, buffer, 4, 8));
  SHOW(pread(3, buffer, 4, 1 << 20));
  SHOW(pread(3, buffer, 4, -1));
  SHOW(pwrite(3, buffer, 4, -1));
  SHOW(pwrite(3, "x", 1, INT64_MAX));
  SHOW(pread(3, buffer, 1, INT64_MAX));
  SHOW(pread(3, BAD_KERNEL, 1, 4));
  close(3);
}

static void vectors(void) {
  section("vectors");
  SHOW(open("v", O_RDWR | O_CREAT | O_TRUNC, 0600));
  struct iovec out[3] = {{"one", 3}, {BAD_NULL, 0}, {"three", 5}};
  SHOW(writev(3, out, 3));
  SHOW(lseek(3, 0, SEEK_SET));
  char a[4], b[10];
  struct iovec in[2] = {{a, 4}, {b, 10}};
  SHOW(readv(3, in, 2));
  say("%.4s|%.4s", a, b);
  SHOW(readv(3, in, 0));
  SHOW(readv(3, in, -1));
  SHOW(readv(3, in, 1025));
  SHOW(readv(3, BAD_NULL, 1));
  SHOW(readv(3, BAD_KERNEL, 1));
  SHOW(readv(3, (void*)edge(15), 1));
  struct iovec overflow[2] = {{a, SSIZE_MAX}, {b, SSIZE_MAX}};
  SHOW(readv(3, overflow, 2));
  struct iovec negative[1] = {{a, (size_t)-1}};
  SHOW(readv(3, negative, 1));
  struct iovec half[2] = {{a, 4}, {BAD_NULL, 4}};
  lseek(3, 0, SEEK_SET);
  SHOW(readv(3, half, 2));
  struct iovec bad_out[2] = {{"good", 4}, {BAD_NULL, 4}};
  SHOW(writev(3, bad_out, 2));
  SHOW(preadv(3, in, 2, 1));
  SHOW(pwritev(3, out, 3, 1));
  SHOW(preadv(3, in, 2, -1));
  SHOW(preadv2(3, in, 2, 0, 0));
  SHOW(preadv2(3, in, 2, -1, 0));
  SHOW(lseek(3, 0, SEEK_CUR));
  SHOW(preadv2(3, in, 2, 0, 0x1000));
  SHOW(pwritev2(3, out, 3, 0, RWF_APPEND));
  SHOW(lseek(3, 0, SEEK_END));
  SHOW(pwritev2(3, out, 3, 0, RWF_DSYNC));
  SHOW(preadv2(3, in, 2, 0, RWF_APPEND));
  close(3);
}

static void append(void) {
  section("O_APPEND");
  SHOW(open("app", O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600));
  SHOW(write(3, "one", 3));
  SHOW(lseek(3, 0, SEEK_SET));
  SHOW(write(3, "two", 3));
  SHOW(lseek(3, 0, SEEK_CUR));
  SHOW(pwrite(3, "three", 5, 0));  // Linux appends all the same.
  SHOW(lseek(3, 0, SEEK_END));
  SHOW(pread(3, buffer, 20, 0));
  say("%.11s", buffer);
  close(3);
  // Four writers, 100 records each: none is lost or torn.
  unlink("app");
  for (int child = 0; child < 4; child++) {
    if (fork() == 0) {
      int fd = open("app", O_WRONLY | O_CREAT | O_APPEND, 0600);
      char record[10];
      memset(record, 'a' + child, sizeof record);
      for (int i = 0; i < 100; i++) write(fd, record, sizeof record);
      _exit(0);
    }
  }
  while (wait(NULL) > 0) {
  }
  SHOW(open("app", O_RDONLY));
  SHOW(read(3, buffer, sizeof buffer));
  int torn = 0, count[4] = {0};
  for (int i = 0; i < 4000; i += 10) {
    for (int j = 1; j < 10; j++) torn += buffer[i + j] != buffer[i];
    if (buffer[i] >= 'a' && buffer[i] <= 'd') count[buffer[i] - 'a']++;
  }
  say("torn %d, records %d %d %d %d", torn, count[0], count[1], count[2], count[3]);
  close(3);
}

static void big(void) {
  section("over many pages");
  SHOW(open("big", O_RDWR | O_CREAT | O_TRUNC, 0600));
  for (unsigned i = 0; i < sizeof buffer; i++) buffer[i] = (char)(i * 7 + i / 256);
  SHOW(pwrite(3, buffer, sizeof buffer, 4095));
  static char back[sizeof buffer];
  SHOW(pread(3, back, sizeof back, 4095));
  YES(memcmp(buffer, back, sizeof buffer) == 0);
  SHOW(pread(3, back, 100000, 4095 + 60000));
  YES(memcmp(buffer + 60000, back, 5536) == 0);
  struct stat st;
  fstat(3, &st);
  say("size %ld blocks %ld", (long)st.st_size, (long)st.st_blocks);
  close(3);
}

static void size_limit(void) {
  section("RLIMIT_FSIZE");
  struct rlimit limit = {100, 100};
  MUST(setrlimit(RLIMIT_FSIZE, &limit));
  SHOW(open("limited", O_RDWR | O_CREAT | O_TRUNC, 0600));
  handle_with(SIGXFSZ, SIG_IGN, 0);
  SHOW(write(3, buffer, 60));
  SHOW(write(3, buffer, 60));
  SHOW(write(3, buffer, 60));
  SHOW(ftruncate(3, 200));
  SHOW(ftruncate(3, 50));
  SHOW(pwrite(3, buffer, 10, 100));
  handle_with(SIGXFSZ, SIG_DFL, 0);
  write(3, buffer, 60);
  write(3, buffer, 60);
  say("not reached");
}

int main(void) {
  plain();
  seek();
  positioned();
  vectors();
  append();
  big();
  IN_CHILD(size_limit);
}
