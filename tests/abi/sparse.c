// SPDX-License-Identifier: MIT
//
// Holes: fallocate's modes on tmpfs, SEEK_HOLE and SEEK_DATA, blocks counted, and file size limits.

#include "abi.h"

#include <linux/falloc.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

static int fd;
static bool allocated;

static void state(const char* what) {
  struct stat st;
  fstat(fd, &st);
  char line[300];
  int at = snprintf(line, sizeof line, "  %-24s size %ld blocks %ld:", what, (long)st.st_size,
                    (long)st.st_blocks);
  off_t place = 0;
  // Pages that fallocate made and nobody wrote to are holes to Linux's tmpfs, data elsewhere:
  // lseek(2) allows both.
  while (at < 250 && !allocated) {
    off_t data = lseek(fd, place, SEEK_DATA);
    if (data < 0) break;
    off_t hole = lseek(fd, data, SEEK_HOLE);
    at += snprintf(line + at, sizeof line - (size_t)at, " %ld-%ld", (long)data, (long)hole);
    place = hole;
  }
  say("%s", line);
}

static void modes(void) {
  fd = (int)MUST(open("f", O_RDWR | O_CREAT | O_TRUNC, 0600));
  state("empty");
  allocated = true;
  SHOW(fallocate(fd, 0, 8192, 4096));
  state("allocate");
  SHOW(pwrite(fd, "x", 1, 20480));
  state("write beyond");
  SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 40960, 8192));
  state("keep size");
  SHOW(ftruncate(fd, 60000));
  state("grow over it");
  SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 20480, 4096));
  state("punch");
  SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8192, 100));
  state("punch a part");
  SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1 << 30));
  allocated = false;
  state("punch all");
  SHOW(pwrite(fd, "hello", 5, 4094));
  SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4095, 2));
  char text[8];
  SHOW(pread(fd, text, 5, 4094));
  say("%d %d %d %d %d", text[0], text[1], text[2], text[3], text[4]);
  state("punch across pages");
  SHOW(ftruncate(fd, 4095));
  state("cut");
  SHOW(ftruncate(fd, 8192));
  SHOW(pread(fd, text, 5, 4092));
  say("%d %d %d %d %d", text[0], text[1], text[2], text[3], text[4]);
  static const int bad[] = {FALLOC_FL_PUNCH_HOLE,
                            FALLOC_FL_COLLAPSE_RANGE,
                            FALLOC_FL_INSERT_RANGE,
                            FALLOC_FL_ZERO_RANGE,
                            FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
                            FALLOC_FL_UNSHARE_RANGE,
                            FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE,
                            FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
                            FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE,
                            FALLOC_FL_NO_HIDE_STALE,
                            0x80,
                            0x100,
                            -1,
                            FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE | FALLOC_FL_NO_HIDE_STALE};
  for (unsigned i = 0; i < COUNT(bad); i++) {
    errno = 0;
    long result = fallocate(fd, bad[i], 0, 4096);
    say("  mode %x: %ld %s", bad[i], result, error_name(errno));
    errno = 0;
    result = fallocate(99, bad[i], -1, 0);
    say("  mode %x bad fd: %ld %s", bad[i], result, error_name(errno));
  }
  SHOW(fallocate(fd, 0x100, -1, 0));
  SHOW(fallocate(fd, 0, LONG_MAX - 10, 10));
  SHOW(fallocate(fd, 0, LONG_MAX - 10, 11));
  SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, LONG_MAX));
  SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, LONG_MAX));
  int appender = (int)MUST(open("f", O_WRONLY | O_APPEND));
  SHOW(fallocate(appender, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 10));
  SHOW(fallocate(appender, 0, 0, 10));
  int null = (int)MUST(open("/dev/null", O_RDWR));
  SHOW(fallocate(null, 0, 0, 10));
  SHOW(lseek(null, 100, SEEK_SET));
  SHOW(lseek(null, 100, SEEK_DATA));
  close(appender);
  close(null);
}

static void seeks(void) {
  section("lseek");
  ftruncate(fd, 0);
  SHOW(lseek(fd, 0, SEEK_DATA));
  SHOW(lseek(fd, 0, SEEK_HOLE));
  ftruncate(fd, 10000);
  SHOW(lseek(fd, 0, SEEK_DATA));
  SHOW(lseek(fd, 0, SEEK_HOLE));
  SHOW(lseek(fd, 9999, SEEK_HOLE));
  SHOW(lseek(fd, 10000, SEEK_HOLE));
  SHOW(lseek(fd, 10001, SEEK_HOLE));
  SHOW(lseek(fd, -1, SEEK_HOLE));
  SHOW(lseek(fd, -1, SEEK_DATA));
  SHOW(pwrite(fd, "x", 1, 5000));
  SHOW(lseek(fd, 0, SEEK_DATA));
  SHOW(lseek(fd, 4500, SEEK_DATA));
  SHOW(lseek(fd, 4500, SEEK_HOLE));
  SHOW(lseek(fd, 8192, SEEK_DATA));
  SHOW(lseek(fd, 0, SEEK_END));
  SHOW(lseek(fd, -10001, SEEK_END));
  SHOW(lseek(fd, LONG_MAX, SEEK_END));
  SHOW(lseek(fd, LONG_MIN, SEEK_CUR));
  SHOW(lseek(fd, 0, 5));
  SHOW(lseek(fd, 0, -1));
  SHOW(lseek(fd, LONG_MIN, SEEK_SET));
  int fds[2];
  pipe(fds);
  SHOW(lseek(fds[0], 0, SEEK_CUR));
  SHOW(lseek(fds[0], 0, 77));
  SHOW(lseek(99, 0, 77));
  int directory = open(".", O_RDONLY);
  SHOW(lseek(directory, 0, SEEK_END));
  SHOW(lseek(directory, 0, SEEK_DATA));
  SHOW(lseek(directory, 5, SEEK_SET));
  int proc = open("/proc/self/stat", O_RDONLY);
  SHOW(lseek(proc, 5, SEEK_SET));
  SHOW(lseek(proc, 0, SEEK_END));
  SHOW(lseek(proc, 0, SEEK_DATA));
  SHOW(lseek(proc, 2, SEEK_CUR));
  SHOW(lseek(proc, -1, SEEK_SET));
  // Reading a hole does not fill it.
  char page[4096];
  ftruncate(fd, 0);
  ftruncate(fd, 40960);
  read(fd, page, 4096);
  pread(fd, page, 4096, 4096);
  state("after reading a hole");
  char* map = mmap(NULL, 40960, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  volatile char byte = map[8192];
  (void)byte;
  state("after mapping and reading");
  map[16384] = 1;
  state("after writing through it");
  munmap(map, 40960);
}

static volatile int limit_signals;
static void on_limit(int signal UNUSED) { limit_signals++; }

// The limit holds for the output of this program too, so it is lifted before each line.
static void limited(const char* what, long (*call)(void)) {
  struct rlimit limit = {1000, RLIM_INFINITY};
  setrlimit(RLIMIT_FSIZE, &limit);
  limit_signals = 0;
  errno = 0;
  long result = call();
  int error = errno;
  limit.rlim_cur = RLIM_INFINITY;
  setrlimit(RLIMIT_FSIZE, &limit);
  say("  %s = %ld %s, %d signals", what, result, result == -1 ? error_name(error) : "",
      limit_signals);
}

static char data[2000];
static int fds[2];
#define LIMITED(call)                      \
  ({                                       \
    long body(void) { return (long)call; } \
    limited(#call, body);                  \
  })

static void limits(void) {
  section("RLIMIT_FSIZE");
  signal(SIGXFSZ, on_limit);
  ftruncate(fd, 0);
  pipe(fds);
  LIMITED(pwrite(fd, data, 2000, 0));
  LIMITED(pwrite(fd, data, 2000, 500));
  LIMITED(pwrite(fd, data, 1, 1000));
  LIMITED(pwrite(fd, data, 0, 1000));
  LIMITED(ftruncate(fd, 1000));
  LIMITED(ftruncate(fd, 1001));
  LIMITED(truncate("f", 1001));
  LIMITED(fallocate(fd, 0, 0, 1000));
  LIMITED(fallocate(fd, 0, 0, 1001));
  LIMITED(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 1001));
  LIMITED(write(fds[1], data, 2000));
  LIMITED(lseek(fd, 0, SEEK_SET));
  LIMITED(splice(fds[0], NULL, fd, NULL, 2000, 0));
  LIMITED(splice(fds[0], NULL, fd, NULL, 2000, SPLICE_F_NONBLOCK));
}

static void full(void) {
  section("a full file system");
  mkdir("m", 0755);
  MUST(mount("none", "m", "tmpfs", 0, "size=64k"));
  close(fd);
  fd = (int)MUST(open("m/f", O_RDWR | O_CREAT, 0600));
  allocated = true;
  SHOW(fallocate(fd, 0, 0, 32768));
  state("half");
  SHOW(fallocate(fd, 0, 0, 100000));
  state("too much");
  struct statvfs fs;
  statvfs("m", &fs);
  say("bsize %ld frsize %ld blocks %ld free %ld avail %ld namemax %ld", (long)fs.f_bsize,
      (long)fs.f_frsize, (long)fs.f_blocks, (long)fs.f_bfree, (long)fs.f_bavail,
      (long)fs.f_namemax);
  static char much[70000];
  SHOW(pwrite(fd, much, 70000, 0));
  SHOW(pwrite(fd, data, 1, 0));
  SHOW(pwrite(fd, data, 1, 65536));
  SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
  SHOW(pwrite(fd, data, 1, 65536));
  SHOW(ftruncate(fd, 1 << 30));
  char* map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  pid_t child = fork();
  if (child == 0) {
    map[1 << 19] = 1;
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  say("%s", status_text(status));
  munmap(map, 1 << 20);
  close(fd);
  SHOW(umount("m"));
}

int main(void) {
  modes();
  seeks();
  limits();
  full();
}
