// SPDX-License-Identifier: MIT
//
// eventfd2: a counter that can be waited for.

#include "abi.h"

#include <sys/eventfd.h>

static uint64_t value;

static void counter(void) {
  section("counter");
  SHOW(eventfd(5, EFD_NONBLOCK | EFD_CLOEXEC));
  say("fd flags %d status %#o", fcntl(3, F_GETFD), fcntl(3, F_GETFL));
  SHOW(read(3, &value, 8));
  say("value %lu", value);
  SHOW(read(3, &value, 8));
  value = 3;
  SHOW(write(3, &value, 8));
  value = 4;
  SHOW(write(3, &value, 8));
  char big[16];
  SHOW(read(3, big, 16));
  memcpy(&value, big, 8);
  say("value %lu", value);
  value = UINT64_MAX;
  SHOW(write(3, &value, 8));
  value = UINT64_MAX - 1;
  SHOW(write(3, &value, 8));
  value = 1;
  SHOW(write(3, &value, 8));
  value = 0;
  SHOW(write(3, &value, 8));
  SHOW(read(3, &value, 7));
  SHOW(write(3, &value, 7));
  SHOW(write(3, BAD_NULL, 8));
  SHOW(read(3, BAD_KERNEL, 8));
  SHOW(read(3, edge(7), 8));
  SHOW(read(3, &value, 8));  // The failed reads above: did they take the value?
  SHOW(lseek(3, 0, SEEK_SET));
  SHOW(pread(3, &value, 8, 0));
  close(3);
}

static void semaphore(void) {
  section("semaphore");
  SHOW(eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK));
  SHOW(read(3, &value, 8));
  say("value %lu", value);
  SHOW(read(3, &value, 8));
  SHOW(read(3, &value, 8));
  close(3);
  SHOW(eventfd(0, 0x10));
  SHOW(syscall(SYS_eventfd2, 0xffffffff, 0));
  SHOW(read(3, &value, 8));
  say("value %lu", value);
  close(3);
}

static void nothing(int signal UNUSED) {}

static void blocking(void) {
  section("blocking");
  int fd = eventfd(0, 0);
  pid_t pid = fork();
  if (pid == 0) {
    uint64_t got = 0;
    read(fd, &got, 8);
    _exit((int)got);
  }
  wait_until_asleep(pid);
  value = 9;
  write(fd, &value, 8);
  int status;
  waitpid(pid, &status, 0);
  say("reader: %s", status_text(status));
  value = UINT64_MAX - 1;
  write(fd, &value, 8);
  pid = fork();
  if (pid == 0) {
    uint64_t one = 1;
    _exit((int)write(fd, &one, 8));
  }
  wait_until_asleep(pid);
  SHOW(read(fd, &value, 8));
  waitpid(pid, &status, 0);
  say("writer: %s", status_text(status));
  SHOW(read(fd, &value, 8));
  say("value %lu", value);
  handle_with(SIGALRM, nothing, 0);
  ualarm(kSoon, 0);
  SHOW(read(fd, &value, 8));
  value = UINT64_MAX - 1;
  write(fd, &value, 8);
  ualarm(kSoon, 0);
  SHOW(write(fd, &value, 8));
  char path[64], text[64] = "";
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  readlink(path, text, sizeof text - 1);
  say("%s", text);
}

int main(void) {
  counter();
  semaphore();
  blocking();
}
