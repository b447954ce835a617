// SPDX-License-Identifier: MIT
//
// preadv2 and pwritev2: each flag on each kind of file, and RESOLVE_CACHED of openat2.

#include "abi.h"

#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <linux/openat2.h>

#define NOWAIT 8
#define DSYNC 2
#define SYNC 4
#define HIPRI 1
#define APPEND 16

static char data[8192];
static struct iovec one = {data, 5};

static void all_flags(const char* name, int reader, int writer) {
  say("%s", name);
  static const int flags[] = {0, HIPRI, DSYNC, SYNC, NOWAIT, APPEND, 32, NOWAIT | HIPRI, -1};
  for (unsigned i = 0; i < COUNT(flags); i++) {
    errno = 0;
    long wrote = pwritev2(writer, &one, 1, -1, flags[i]);
    const char* write_error = wrote == -1 ? error_name(errno) : "";
    errno = 0;
    long got = wrote > 0 ? preadv2(reader, &one, 1, -1, flags[i]) : 0;
    const char* read_error = got == -1 ? error_name(errno) : "";
    say("  flags %x: write %ld %s read %ld %s", flags[i], wrote, write_error, got, read_error);
  }
}

static void kinds(void) {
  section("kinds");
  int fds[2];
  MUST(pipe(fds));
  all_flags("pipe", fds[0], fds[1]);
  close(fds[0]);
  close(fds[1]);
  int file = (int)MUST(open("f", O_RDWR | O_CREAT, 0600));
  int again = (int)MUST(open("f", O_RDONLY));
  all_flags("file", again, file);
  int null = (int)MUST(open("/dev/null", O_RDWR));
  all_flags("null", null, null);
  int zero = (int)MUST(open("/dev/zero", O_RDWR));
  all_flags("zero", zero, zero);
  int random = (int)MUST(open("/dev/urandom", O_RDWR));
  all_flags("urandom", random, random);
  all_flags("full", zero, (int)MUST(open("/dev/full", O_RDWR)));
  int memory = memfd_create("m", 0);
  all_flags("memfd", memory, memory);
  int event = eventfd(1, 0);
  struct iovec eight = {data, 8};
  SHOW(preadv2(event, &eight, 1, -1, NOWAIT));
  SHOW(preadv2(event, &eight, 1, -1, NOWAIT) == -1 && errno == EAGAIN);
  SHOW(pwritev2(event, &eight, 1, -1, 0));
  SHOW(pwritev2(event, &eight, 1, -1, NOWAIT));
  int proc = (int)MUST(open("/proc/self/stat", O_RDONLY));
  SHOW(preadv2(proc, &one, 1, 0, NOWAIT));
  SHOW(preadv2(proc, &one, 1, 0, HIPRI));
  int directory = (int)MUST(open(".", O_RDONLY));
  SHOW(preadv2(directory, &one, 1, 0, 0));
  SHOW(preadv2(directory, &one, 1, 0, NOWAIT));
}

static void without_waiting(void) {
  section("RWF_NOWAIT");
  int fds[2];
  MUST(pipe(fds));
  SHOW(preadv2(fds[0], &one, 1, -1, NOWAIT));
  SHOW(preadv2(fds[0], &one, 1, 0, NOWAIT));
  SHOW(pwritev2(fds[1], &one, 1, -1, NOWAIT));
  SHOW(preadv2(fds[0], &one, 1, -1, NOWAIT));
  MUST(fcntl(fds[1], F_SETPIPE_SZ, 4096));
  struct iovec much = {data, 8192};
  SHOW(pwritev2(fds[1], &much, 1, -1, NOWAIT));
  SHOW(pwritev2(fds[1], &one, 1, -1, NOWAIT));
  say("still blocking: %d", (fcntl(fds[1], F_GETFL) & O_NONBLOCK) == 0);
  close(fds[1]);
  SHOW(preadv2(fds[0], &much, 1, -1, NOWAIT));
  SHOW(preadv2(fds[0], &much, 1, -1, NOWAIT));
  int file = (int)MUST(open("g", O_RDWR | O_CREAT, 0600));
  SHOW(pwritev2(file, &much, 1, 0, NOWAIT));
  SHOW(pwritev2(file, &much, 1, 0, 0));
  SHOW(preadv2(file, &much, 1, 0, NOWAIT));
  SHOW(preadv2(file, &much, 1, 8000, NOWAIT));
  SHOW(preadv2(file, &much, 1, 9000, NOWAIT));
  MUST(ftruncate(file, 100000));
  SHOW(preadv2(file, &much, 1, 50000, NOWAIT));
}

static void appending(void) {
  section("RWF_APPEND");
  int file = (int)MUST(open("h", O_RDWR | O_CREAT, 0600));
  SHOW(pwritev2(file, &one, 1, -1, 0));
  SHOW(pwritev2(file, &one, 1, 0, APPEND));
  SHOW(lseek(file, 0, SEEK_CUR));
  SHOW(lseek(file, 0, SEEK_END));
  SHOW(lseek(file, 2, SEEK_SET));
  SHOW(pwritev2(file, &one, 1, -1, APPEND));
  SHOW(lseek(file, 0, SEEK_CUR));
  SHOW(lseek(file, 0, SEEK_END));
  SHOW(preadv2(file, &one, 1, 0, APPEND));
  int appender = (int)MUST(open("h", O_WRONLY | O_APPEND));
  SHOW(pwrite(appender, "xyz", 3, 0));
  SHOW(lseek(appender, 0, SEEK_END));
}

static void precedence(void) {
  section("precedence");
  int file = (int)MUST(open("h", O_RDONLY));
  SHOW(preadv2(99, &one, 1, -2, 999));
  SHOW(preadv2(99, &one, 1, -1, 999));
  SHOW(preadv2(file, &one, 1, -2, 999));
  SHOW(preadv2(file, &one, 2000, -1, 999));
  SHOW(preadv2(file, BAD_KERNEL, 1, -1, 999));
  SHOW(preadv2(file, BAD_KERNEL, 1, -1, 0));
  SHOW(preadv2(file, &one, 0, -1, 999));
  SHOW(preadv2(file, &one, 0, -1, 0));
  SHOW(pwritev2(file, &one, 1, -1, 999));
  SHOW(pwritev2(file, BAD_KERNEL, 1, -1, 0));
  SHOW(writev(file, BAD_KERNEL, 1));
  SHOW(readv(file, &one, -1));
  SHOW(readv(file, &one, 1025));
  struct iovec negative[2] = {{data, 10}, {data, -1}};
  SHOW(readv(file, negative, 2));
  struct iovec bad[2] = {{data, 2}, {BAD_KERNEL, 2}};
  SHOW(readv(file, bad, 2));
  SHOW(pread(file, data, 10, -1));
  SHOW(pread(99, data, 10, -1));
  SHOW(preadv(99, &one, 1, -1));
  SHOW(preadv2(file, &one, 1, LONG_MAX, 0));
  SHOW(pread(file, data, 5, LONG_MAX));
  SHOW(pread(file, data, 5, LONG_MAX - 2));
  SHOW(lseek(file, LONG_MAX, SEEK_SET) == LONG_MAX);
  SHOW(read(file, data, 5));
  SHOW(lseek(file, 1, SEEK_CUR));
  int writer = (int)MUST(open("h", O_WRONLY));
  SHOW(pwrite(writer, "x", 1, LONG_MAX));
  SHOW(pwrite(writer, "xx", 2, LONG_MAX - 1));
  SHOW(lseek(writer, LONG_MAX, SEEK_SET) == LONG_MAX);
  SHOW(write(writer, "x", 1));
  SHOW(write(writer, "", 0));
  SHOW(ftruncate(writer, LONG_MAX));
}

static long cached(const char* path, unsigned long flags, unsigned long resolve) {
  struct open_how how = {.flags = flags, .mode = 0, .resolve = resolve | 0x20};
  if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) how.mode = 0600;
  return syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

static void resolve_cached(void) {
  section("RESOLVE_CACHED");
  mkdir("dir", 0755);
  write_file("dir/file", "x");
  symlink("file", "dir/link");
  // Following a link whose time of access is due to be written (relatime) is not a cached lookup,
  // and times are written in ticks: the link is read once, a tick after it was made.
  sleep_ms(20);
  char target[8];
  OK(readlink("dir/link", target, sizeof target));
  OK(cached("dir/file", O_RDONLY, 0));
  OK(cached("dir/file", O_RDWR, 0));
  OK(cached("dir", O_RDONLY | O_DIRECTORY, 0));
  OK(cached("dir/link", O_RDONLY, 0));
  OK(cached("dir/link", O_RDONLY, RESOLVE_NO_SYMLINKS));
  OK(cached("dir/link", O_PATH | O_NOFOLLOW, 0));
  OK(cached("dir/file", O_RDONLY, RESOLVE_BENEATH));
  OK(cached("dir/../dir/file", O_RDONLY, RESOLVE_IN_ROOT));
  OK(cached("dir/file", O_RDONLY | O_TRUNC, 0));
  OK(cached("dir/new", O_RDWR | O_CREAT, 0));
  OK(cached("dir/file", O_RDWR | O_CREAT, 0));
  OK(cached(".", O_RDWR | O_TMPFILE, 0));
  OK(cached("dir/nothing", O_RDONLY, 0));
  OK(cached("dir/nothing", O_RDONLY, 0));
  OK(cached("dir/file/x", O_RDONLY, 0));
  OK(cached("/", O_RDONLY, 0));
  OK(cached("/dev/null", O_RDWR, 0));
  OK(cached("/proc/self/exe", O_RDONLY, 0));
  OK(cached("", O_RDONLY, 0));
}

int main(void) {
  kinds();
  without_waiting();
  appending();
  signal(SIGXFSZ, SIG_IGN);
  precedence();
  resolve_cached();
}
