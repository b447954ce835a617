// SPDX-License-Identifier: MIT
//
// Calls on another process: kcmp(2), pidfd_getfd(2), process_madvise(2).

#include "abi.h"

#include <sys/prctl.h>
#include <sys/uio.h>

static long compare(pid_t a, pid_t b, int type, unsigned long x, unsigned long y) {
  errno = 0;
  long result = syscall(SYS_kcmp, a, b, type, x, y);
  return result == 1 || result == 2 ? 12 : result;  // an order, of no meaning here
}

static __attribute__((noreturn)) int wait_forever(void* unused UNUSED) {
  for (;;) pause();
}

static pid_t with_flags(int flags) {
  static char stack[65536] __attribute__((aligned(16)));
  return (pid_t)MUST(clone(wait_forever, stack + sizeof stack, flags | SIGCHLD, NULL));
}

static void end(pid_t pid) {
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
}

static void types(void) {
  section("kcmp");
  pid_t self = getpid();
  static const int flags[] = {0, CLONE_VM, CLONE_FILES, CLONE_FS, CLONE_VM | CLONE_SIGHAND};
  for (size_t i = 0; i < COUNT(flags); i++) {
    pid_t pid = with_flags(flags[i]);
    char line[256];
    int at = 0;
    for (int type = 1; type < 7; type++)
      at += snprintf(line + at, sizeof line - (size_t)at, " %ld", compare(self, pid, type, 0, 0));
    say("flags %x:%s", flags[i], line);
    end(pid);
  }
  int first = (int)MUST(open("/dev/null", O_RDONLY)), twin = dup(first);
  int other = (int)MUST(open("/dev/null", O_RDONLY));
  unsigned long f = (unsigned long)first;
  SHOW(compare(self, self, 0, f, f));
  SHOW(compare(self, self, 0, f, (unsigned long)twin));
  SHOW(compare(self, self, 0, f, (unsigned long)other));
  SHOW(compare(self, self, 0, f, 99));
  SHOW(compare(self, self, 0, 99, f));
  SHOW(compare(self, self, 0, f, 1ul << 40));
  long one = syscall(SYS_kcmp, self, self, 0, f, other);
  long two = syscall(SYS_kcmp, self, self, 0, other, f);
  YES(one + two == 3);
  SHOW(compare(self, self, 8, 0, 0));
  SHOW(compare(self, self, -1, 0, 0));
  SHOW(compare(self, 1 << 30, 0, 0, 0));
  SHOW(compare(1 << 30, self, 99, 0, 0));
  SHOW(compare(-1, self, 0, 0, 0));
  MUST(setresuid(1000, 1000, 1000));
  SHOW(compare(getpid(), 1, 1, 0, 0));
  SHOW(compare(1, getpid(), 99, 0, 0));
  SHOW(compare(getpid(), getpid(), 1, 0, 0));
}

static void descriptors(void) {
  section("pidfd_getfd");
  int ends[2], ready[2];
  MUST(pipe(ready));
  pid_t pid = fork();
  if (pid == 0) {
    MUST(pipe(ends));
    MUST(write(ends[1], "hello", 5));
    MUST(write(ready[1], ends, sizeof ends));
    for (;;) pause();
  }
  MUST(read(ready[0], ends, sizeof ends));
  int fd = (int)MUST(syscall(SYS_pidfd_open, pid, 0));
  SHOW(syscall(SYS_pidfd_getfd, fd, ends[0], 1));
  SHOW(syscall(SYS_pidfd_getfd, -1, ends[0], 0));
  SHOW(syscall(SYS_pidfd_getfd, 1, ends[0], 0));
  SHOW(syscall(SYS_pidfd_getfd, fd, -1, 0));
  SHOW(syscall(SYS_pidfd_getfd, fd, 99, 0));
  int got = (int)syscall(SYS_pidfd_getfd, fd, ends[0], 0);
  YES(got >= 0);
  SHOW(fcntl(got, F_GETFD));
  char text[6] = {0};
  SHOW(read(got, text, 5));
  say("%s", text);
  int own = (int)MUST(syscall(SYS_pidfd_open, getpid(), 0));
  SHOW(syscall(SYS_pidfd_getfd, own, 1, 0) > 0);

  section("process_madvise");
  char* area = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct iovec vectors[3] = {{area, PAGE}, {area + PAGE, 2 * PAGE}, {area, 0}};
  SHOW(syscall(SYS_process_madvise, own, vectors, 2, MADV_COLD, 1));
  SHOW(syscall(SYS_process_madvise, own, vectors, 2, MADV_COLD, 0));
  SHOW(syscall(SYS_process_madvise, own, vectors, 3, MADV_PAGEOUT, 0));
  SHOW(syscall(SYS_process_madvise, own, vectors, 2, MADV_WILLNEED, 0));
  SHOW(syscall(SYS_process_madvise, own, vectors, 0, MADV_COLD, 0));
  SHOW(syscall(SYS_process_madvise, own, vectors, 1025, MADV_COLD, 0));
  SHOW(syscall(SYS_process_madvise, own, NULL, 1, MADV_COLD, 0));
  SHOW(syscall(SYS_process_madvise, own, vectors, 2, MADV_DONTNEED, 0));
  SHOW(syscall(SYS_process_madvise, own, vectors, 2, 99, 0));
  SHOW(syscall(SYS_process_madvise, 1, vectors, 2, MADV_COLD, 0));
  SHOW(syscall(SYS_process_madvise, -1, vectors, 2, MADV_COLD, 0));
  vectors[1].iov_base = area + 1;
  SHOW(syscall(SYS_process_madvise, own, vectors, 2, MADV_COLD, 0));
  vectors[0].iov_base = area + 1;
  SHOW(syscall(SYS_process_madvise, own, vectors, 2, MADV_COLD, 0));
  vectors[0].iov_base = area;
  SHOW(syscall(SYS_process_madvise, fd, vectors, 1, MADV_COLD, 0));
  int init = (int)MUST(syscall(SYS_pidfd_open, 1, 0));
  prctl(PR_SET_DUMPABLE, 1);
  if (fork() == 0) {
    MUST(setresuid(1000, 1000, 1000));
    SHOW(syscall(SYS_pidfd_getfd, fd, ends[0], 0));
    SHOW(syscall(SYS_pidfd_getfd, init, 0, 0));
    SHOW(syscall(SYS_process_madvise, init, vectors, 1, MADV_COLD, 0));
    _exit(0);
  }
  wait(NULL);
  end(pid);
  SHOW(syscall(SYS_pidfd_getfd, fd, ends[0], 0));
  SHOW(syscall(SYS_process_madvise, fd, vectors, 1, MADV_COLD, 0));
}

int main(void) {
  IN_CHILD(types);
  IN_CHILD(descriptors);
  return 0;
}
