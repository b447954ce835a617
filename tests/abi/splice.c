// SPDX-License-Identifier: MIT
//
// splice, tee, vmsplice, sendfile and copy_file_range: moving bytes without a buffer of one's own.

#include "abi.h"

#include <sys/sendfile.h>
#include <sys/uio.h>

static char buffer[1 << 17];
static int fds[2], other[2], file;

static void start(void) {
  MUST(pipe2(fds, O_NONBLOCK));
  MUST(pipe2(other, O_NONBLOCK));
  file = (int)MUST(open("f", O_RDWR | O_CREAT | O_TRUNC, 0600));
  for (unsigned i = 0; i < sizeof buffer; i++) buffer[i] = (char)('a' + i % 26);
  MUST(write(file, buffer, 10000));
}

static void drain(int fd) {
  while (read(fd, buffer, sizeof buffer) > 0) {
  }
}

static void splicing(void) {
  section("splice");
  lseek(file, 0, SEEK_SET);
  SHOW(splice(file, NULL, fds[1], NULL, 100, 0));
  SHOW(lseek(file, 0, SEEK_CUR));
  loff_t offset = 26;
  SHOW(splice(file, &offset, fds[1], NULL, 26, 0));
  say("offset %ld", (long)offset);
  SHOW(lseek(file, 0, SEEK_CUR));
  SHOW(read(fds[0], buffer, 200));
  say("%.3s %.3s", buffer, buffer + 100);
  SHOW(splice(fds[0], NULL, file, NULL, 10, 0));
  SHOW(splice(fds[0], NULL, file, NULL, 10, SPLICE_F_NONBLOCK));
  write(fds[1], "spliced", 7);
  offset = 20000;
  SHOW(splice(fds[0], NULL, file, &offset, 100, 0));
  say("offset %ld", (long)offset);
  SHOW(pread(file, buffer, 100, 20000));
  write(fds[1], "onward", 6);
  SHOW(splice(fds[0], NULL, other[1], NULL, 4, 0));
  SHOW(read(fds[0], buffer, 10));
  SHOW(read(other[0], buffer, 10));
  SHOW(splice(file, NULL, file, NULL, 4, 0));
  SHOW(splice(fds[0], NULL, fds[1], NULL, 4, 0));
  offset = 0;
  SHOW(splice(fds[0], &offset, other[1], NULL, 4, 0));
  SHOW(splice(fds[1], NULL, other[1], NULL, 4, 0));
  SHOW(splice(99, NULL, other[1], NULL, 4, 0));
  SHOW(splice(fds[0], NULL, 99, NULL, 4, 0));
  SHOW(splice(fds[0], NULL, other[1], NULL, 4, 0x100));
  SHOW(splice(fds[0], NULL, other[1], NULL, 0, 0));
  SHOW(splice(file, BAD_KERNEL, other[1], NULL, 4, 0));
  offset = -1;
  SHOW(splice(file, &offset, other[1], NULL, 4, 0));
  offset = 1 << 20;
  SHOW(splice(file, &offset, other[1], NULL, 4, 0));
  int append = open("f", O_WRONLY | O_APPEND);
  write(fds[1], "x", 1);
  SHOW(splice(fds[0], NULL, append, NULL, 1, 0));
  close(append);
  drain(fds[0]);
}

static void teeing(void) {
  section("tee");
  write(fds[1], "both", 4);
  SHOW(tee(fds[0], other[1], 100, 0));
  SHOW(read(fds[0], buffer, 10));
  SHOW(read(other[0], buffer, 10));
  say("%.4s", buffer);
  SHOW(tee(fds[0], other[1], 100, 0));
  SHOW(tee(fds[0], fds[1], 100, 0));
  SHOW(tee(file, other[1], 100, 0));
  SHOW(tee(fds[0], other[1], 100, 0x1000));
  SHOW(tee(fds[0], other[1], 0, 0));
}

static void gifts(void) {
  section("vmsplice");
  struct iovec parts[2] = {{"one", 3}, {"two", 3}};
  SHOW(vmsplice(fds[1], parts, 2, 0));
  SHOW(read(fds[0], buffer, 10));
  say("%.6s", buffer);
  write(fds[1], "back", 4);
  char into[10] = "";
  struct iovec target = {into, 10};
  SHOW(vmsplice(fds[0], &target, 1, 0));
  say("%s", into);
  SHOW(vmsplice(fds[1], parts, 0, 0));
  SHOW(vmsplice(fds[1], parts, 1025, 0));
  SHOW(vmsplice(fds[1], BAD_KERNEL, 1, 0));
  parts[0].iov_base = BAD_NULL;
  SHOW(vmsplice(fds[1], parts, 1, 0));
  SHOW(vmsplice(file, parts, 1, 0));
  SHOW(vmsplice(fds[1], parts, 1, 0x100));
  drain(fds[0]);
}

static void sending(void) {
  section("sendfile");
  off_t offset = 5;
  SHOW(sendfile(fds[1], file, &offset, 10));
  say("offset %ld", (long)offset);
  SHOW(read(fds[0], buffer, 20));
  say("%.10s", buffer);
  lseek(file, 0, SEEK_SET);
  SHOW(sendfile(fds[1], file, NULL, 10));
  SHOW(lseek(file, 0, SEEK_CUR));
  drain(fds[0]);
  int copy = (int)MUST(open("copy", O_RDWR | O_CREAT | O_TRUNC, 0600));
  offset = 0;
  SHOW(sendfile(copy, file, &offset, 5000));
  SHOW(lseek(copy, 0, SEEK_END));
  pread(copy, buffer, 5000, 0);
  int wrong = 0;
  for (int i = 26; i < 5000; i++) wrong += buffer[i] != 'a' + i % 26;
  say("wrong %d", wrong);
  SHOW(sendfile(copy, fds[0], NULL, 10));
  SHOW(sendfile(99, file, NULL, 10));
  SHOW(sendfile(copy, 99, NULL, 10));
  SHOW(sendfile(copy, file, BAD_KERNEL, 10));
  offset = -1;
  SHOW(sendfile(copy, file, &offset, 10));
  offset = 1 << 20;
  SHOW(sendfile(copy, file, &offset, 10));
  SHOW(sendfile(copy, file, &offset, 0));
  int append = open("copy", O_WRONLY | O_APPEND);
  SHOW(sendfile(append, file, NULL, 10));
  close(append);
  int reader = open("copy", O_RDONLY);
  SHOW(sendfile(reader, file, NULL, 10));
  close(reader);
  close(copy);
}

static void copying(void) {
  section("copy_file_range");
  int copy = (int)MUST(open("copy2", O_RDWR | O_CREAT | O_TRUNC, 0600));
  lseek(file, 0, SEEK_SET);
  SHOW(copy_file_range(file, NULL, copy, NULL, 100, 0));
  SHOW(lseek(file, 0, SEEK_CUR));
  SHOW(lseek(copy, 0, SEEK_CUR));
  loff_t in = 26, out = 8000;
  SHOW(copy_file_range(file, &in, copy, &out, 52, 0));
  say("in %ld out %ld", (long)in, (long)out);
  SHOW(pread(copy, buffer, 100, 8000));
  say("%.5s", buffer);
  in = 30000;
  SHOW(copy_file_range(file, &in, copy, &out, 52, 0));
  in = 0, out = 10;
  SHOW(copy_file_range(file, &in, file, &out, 100, 0));
  in = 0, out = 1000;
  SHOW(copy_file_range(file, &in, file, &out, 100, 0));
  SHOW(copy_file_range(file, &in, copy, &out, 100, 1));
  in = -1;
  SHOW(copy_file_range(file, &in, copy, &out, 100, 0));
  in = 0;
  SHOW(copy_file_range(fds[0], NULL, copy, &out, 100, 0));
  SHOW(copy_file_range(file, &in, fds[1], NULL, 100, 0));
  SHOW(copy_file_range(99, &in, copy, &out, 100, 0));
  SHOW(copy_file_range(file, BAD_KERNEL, copy, &out, 100, 0));
  int directory = open(".", O_RDONLY);
  SHOW(copy_file_range(directory, NULL, copy, &out, 100, 0));
  int append = open("copy2", O_WRONLY | O_APPEND);
  SHOW(copy_file_range(file, &in, append, NULL, 100, 0));
  int reader = open("copy2", O_RDONLY);
  SHOW(copy_file_range(file, &in, reader, NULL, 100, 0));
  SHOW(copy_file_range(append, NULL, copy, NULL, 100, 0));
}

int main(void) {
  start();
  splicing();
  teeing();
  gifts();
  sending();
  copying();
}
