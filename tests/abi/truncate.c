// SPDX-License-Identifier: MIT
//
// truncate, ftruncate, fallocate, fsync and fadvise on a tmpfs file, and what a mapping sees of
// them.

#include "abi.h"

#include <linux/falloc.h>
#include <setjmp.h>

static struct stat st;
static const char* sizes(void) {
  static char text[64];
  stat("f", &st);
  snprintf(text, sizeof text, "size %ld blocks %ld", (long)st.st_size, (long)st.st_blocks);
  return text;
}

static void truncation(void) {
  section("truncate");
  write_file("f", "0123456789");
  SHOW(truncate("f", 5));
  say("%s, %s", sizes(), read_file("f"));
  SHOW(truncate("f", 8000));
  say("%s", sizes());
  SHOW(truncate("f", -1));
  SHOW(truncate("nope", 0));
  SHOW(truncate(".", 0));
  SHOW(truncate("f/x", 0));
  SHOW(truncate(BAD_NULL, 0));
  SHOW(truncate("/dev/null", 0));
  int fd = (int)SHOW(open("f", O_RDONLY));
  SHOW(ftruncate(fd, 0));
  close(fd);
  fd = (int)SHOW(open("f", O_RDWR));
  SHOW(ftruncate(fd, 3));
  SHOW(ftruncate(fd, 10));
  char text[10];
  SHOW(pread(fd, text, 10, 0));
  say("bytes past the cut are zero: %d %d", text[3] == 0, text[9] == 0);
  SHOW(ftruncate(fd, -1));
  SHOW(ftruncate(99, 0));
  int fds[2];
  pipe(fds);
  SHOW(ftruncate(fds[1], 0));
  close(fds[0]);
  close(fds[1]);
  // The file offset stays where it was.
  lseek(fd, 10, SEEK_SET);
  SHOW(ftruncate(fd, 0));
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(write(fd, "x", 1));
  say("%s", sizes());
  SHOW(fsync(fd));
  SHOW(fdatasync(fd));
  SHOW(fsync(99));
  SHOW(sync_file_range(fd, 0, 0, 0));
  SHOW(sync_file_range(fd, 0, 0, 8));
  SHOW(sync_file_range(fd, -1, 0, 0));
  SHOW(syncfs(fd));
  SHOW(syncfs(99));
  SHOW(syscall(SYS_fadvise64, fd, 0, 0, POSIX_FADV_WILLNEED));
  SHOW(syscall(SYS_fadvise64, fd, 0, 0, 77));
  SHOW(syscall(SYS_fadvise64, 99, 0, 0, 0));
  SHOW(syscall(SYS_readahead, fd, 0l, 4096));
  close(fd);
}

static void allocation(void) {
  section("fallocate");
  int fd = (int)SHOW(open("f", O_RDWR | O_CREAT | O_TRUNC, 0600));
  SHOW(fallocate(fd, 0, 0, 10000));
  say("%s", sizes());
  SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 20000, 100));
  say("%s", sizes());
  SHOW(fallocate(fd, 0, -1, 10));
  SHOW(fallocate(fd, 0, 0, 0));
  SHOW(fallocate(fd, 0, 0, -1));
  SHOW(fallocate(fd, 0, INT64_MAX, 10));
  SHOW(fallocate(fd, 0x100, 0, 10));
  SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10));
  char data[10000];
  memset(data, 'd', sizeof data);
  pwrite(fd, data, sizeof data, 0);
  SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 8192));
  say("%s", sizes());
  pread(fd, data, sizeof data, 0);
  say("%d %d %d %d", data[99], data[100], data[8291], data[8292]);
  SHOW(lseek(fd, 0, SEEK_HOLE));
  SHOW(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096));
  SHOW(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 4096));
  SHOW(fallocate(99, 0, 0, 1));
  int reader = open("f", O_RDONLY);
  SHOW(fallocate(reader, 0, 0, 1));
  int directory = open(".", O_RDONLY);
  SHOW(fallocate(directory, 0, 0, 1));
  int fds[2];
  pipe(fds);
  SHOW(fallocate(fds[1], 0, 0, 1));
}

static sigjmp_buf again;
static void on_bus(int signal, siginfo_t* info, void* context UNUSED) {
  say("%s code %d", signal_name(signal), info->si_code);
  siglongjmp(again, 1);
}

static void mapped(void) {
  section("a mapping and the end of its file");
  struct sigaction action = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};
  sigaction(SIGBUS, &action, NULL);
  int fd = (int)SHOW(open("f", O_RDWR | O_CREAT | O_TRUNC, 0600));
  ftruncate(fd, 3 * (long)PAGE);
  volatile char* map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  map[0] = 'a';
  map[2 * PAGE] = 'b';
  SHOW(ftruncate(fd, PAGE + 10));
  say("inside: %c", map[0]);
  say("same page, past the end: %d", map[PAGE + 100]);
  map[PAGE + 100] = 'z';
  if (sigsetjmp(again, 1) == 0) say("not reached %d", map[2 * PAGE]);
  SHOW(ftruncate(fd, 3 * PAGE));
  say("page that came back is zero: %d", map[2 * PAGE] == 0);
  // What was stored past the end is gone when the file grows again: Linux zeroes at the cut, not
  // at the growth, and the store came after the cut; so the byte is looked at after a second cut.
  SHOW(ftruncate(fd, PAGE + 10));
  SHOW(ftruncate(fd, 2 * PAGE));
  say("byte past the cut: %d", map[PAGE + 100]);
}

int main(void) {
  truncation();
  allocation();
  mapped();
}
