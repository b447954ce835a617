// SPDX-License-Identifier: MIT
//
// clone(2) and clone3(2) by their raw structures: sizes, tails, set_tid, exit signals, stacks, and
// which complaint comes first.

#include "abi.h"

#include <linux/sched.h>
#include <sys/prctl.h>

struct longer {
  struct clone_args known;
  uint64_t tail[4];
};

static long clone3(void* arguments, size_t size) { return syscall(SYS_clone3, arguments, size); }

// A child ends at once; the parent reaps it whatever its exit signal.
static long run(void* arguments, size_t size) {
  long pid = clone3(arguments, size);
  if (pid == 0) _exit(7);
  if (pid == -1) return -1;
  int status;
  MUST(waitpid((pid_t)pid, &status, __WALL));
  return WEXITSTATUS(status);
}

static void sizes(void) {
  section("sizes");
  struct longer big;
  memset(&big, 0, sizeof big);
  big.known.exit_signal = SIGCHLD;
  SHOW(run(&big, 0));
  SHOW(run(&big, 63));
  SHOW(run(&big, CLONE_ARGS_SIZE_VER0));
  SHOW(run(&big, 72));
  SHOW(run(&big, CLONE_ARGS_SIZE_VER1));
  SHOW(run(&big, CLONE_ARGS_SIZE_VER2));
  SHOW(run(&big, sizeof big));
  big.tail[3] = 1ul << 56;
  SHOW(run(&big, sizeof big));
  SHOW(run(&big, sizeof big - 1));
  SHOW(run(&big, 4096));
  SHOW(run(&big, 4097));
  SHOW(run(NULL, 64));
  SHOW(run(NULL, 63));
  SHOW(run(BAD_KERNEL, 88));
  struct clone_args* edged = (struct clone_args*)edge(64);
  memset(edged, 0, 64);
  edged->exit_signal = SIGCHLD;
  SHOW_AS("64 bytes at the edge", run(edged, 64));
  SHOW_AS("72 bytes over the edge", run(edged, 72));
}

static void one(const char* label, struct clone_args arguments) {
  SHOW_AS(label, run(&arguments, sizeof arguments));
}

static void arguments(void) {
  section("arguments");
  pid_t tids[40] = {0};
  char stack[256];
  (void)stack;
  one("exit_signal 64", (struct clone_args){.exit_signal = 64});
  one("exit_signal 65", (struct clone_args){.exit_signal = 65});
  one("exit_signal 256", (struct clone_args){.exit_signal = 256});
  one("exit_signal 0", (struct clone_args){0});
  one("exit_signal 1<<32", (struct clone_args){.exit_signal = 1ul << 32});
  one("flags with a signal", (struct clone_args){.flags = SIGCHLD});
  one("CLONE_DETACHED", (struct clone_args){.flags = 0x400000});
  one("bit 34", (struct clone_args){.flags = 1ul << 34});
  one("bit 63", (struct clone_args){.flags = 1ul << 63});
  one("CLONE_THREAD and a signal", (struct clone_args){.flags = CLONE_THREAD, .exit_signal = 1});
  one("CLONE_PARENT and a signal", (struct clone_args){.flags = CLONE_PARENT, .exit_signal = 1});
  one("CLONE_THREAD alone", (struct clone_args){.flags = CLONE_THREAD});
  one("CLONE_SIGHAND alone", (struct clone_args){.flags = CLONE_SIGHAND});
  one("CLONE_SIGHAND, CLEAR",
      (struct clone_args){.flags = CLONE_VM | CLONE_SIGHAND | CLONE_CLEAR_SIGHAND});
  one("CLONE_FS, CLONE_NEWNS", (struct clone_args){.flags = CLONE_FS | CLONE_NEWNS});
  one("CLONE_FS, CLONE_NEWUSER", (struct clone_args){.flags = CLONE_FS | CLONE_NEWUSER});
  one("stack without size", (struct clone_args){.stack = (uintptr_t)stack, .exit_signal = 17});
  one("size without stack", (struct clone_args){.stack_size = 64, .exit_signal = 17});
  one("stack in the kernel", (struct clone_args){.stack = ~0ul << 12, .stack_size = 64});
  one("set_tid without size", (struct clone_args){.set_tid = (uintptr_t)tids});
  one("size without set_tid", (struct clone_args){.set_tid_size = 1});
  one("set_tid 33 levels", (struct clone_args){.set_tid = (uintptr_t)tids, .set_tid_size = 33});
  one("set_tid 2 levels", (struct clone_args){.set_tid = (uintptr_t)tids, .set_tid_size = 2});
  one("set_tid 0", (struct clone_args){.set_tid = (uintptr_t)tids, .set_tid_size = 1});
  one("set_tid unreadable", (struct clone_args){.set_tid = 8, .set_tid_size = 1});
  one("set_tid unreadable, bad flags",
      (struct clone_args){.set_tid = 8, .set_tid_size = 1, .flags = 1ul << 40});
  tids[0] = -5;
  one("set_tid -5", (struct clone_args){.set_tid = (uintptr_t)tids, .set_tid_size = 1});
  tids[0] = 1;
  one("set_tid 1", (struct clone_args){.set_tid = (uintptr_t)tids, .set_tid_size = 1});
  tids[0] = getpid();
  one("set_tid taken", (struct clone_args){.set_tid = (uintptr_t)tids, .set_tid_size = 1});
  tids[0] = 1 << 30;
  one("set_tid too big", (struct clone_args){.set_tid = (uintptr_t)tids, .set_tid_size = 1});
  one("cgroup -1", (struct clone_args){.flags = CLONE_INTO_CGROUP, .cgroup = ~0ul});
  one("cgroup 99", (struct clone_args){.flags = CLONE_INTO_CGROUP, .cgroup = 99});
  struct clone_args old = {.flags = CLONE_INTO_CGROUP, .cgroup = 99};
  SHOW_AS("cgroup in a short structure", run(&old, CLONE_ARGS_SIZE_VER1));
  // The number may be chosen.
  pid_t free_pid = getpid() < 16000 ? getpid() + 9000 : getpid() - 9000;
  tids[0] = free_pid;
  struct clone_args chosen = {.set_tid = (uintptr_t)tids, .set_tid_size = 1, .exit_signal = 17};
  long pid = clone3(&chosen, sizeof chosen);
  if (pid == 0) _exit(getpid() == free_pid ? 3 : 4);
  int status;
  waitpid(free_pid, &status, 0);
  say("chosen number: %s, %s", pid == free_pid ? "yes" : "no", status_text(status));
}

static void unprivileged(void) {
  MUST(setresuid(1000, 1000, 1000));
  pid_t tids[1] = {12345};
  one("set_tid as a user", (struct clone_args){.set_tid = (uintptr_t)tids, .set_tid_size = 1});
  one("CLONE_NEWNS as a user", (struct clone_args){.flags = CLONE_NEWNS});
  one("CLONE_NEWPID as a user", (struct clone_args){.flags = CLONE_NEWPID});
}

static void pidfds(void) {
  section("CLONE_PIDFD");
  int fd = -1;
  one("no place", (struct clone_args){.flags = CLONE_PIDFD, .exit_signal = 17});
  one("a place in the kernel",
      (struct clone_args){.flags = CLONE_PIDFD, .pidfd = ~0ul << 20, .exit_signal = 17});
  one("with CLONE_THREAD",
      (struct clone_args){.flags = CLONE_PIDFD | CLONE_THREAD | CLONE_VM | CLONE_SIGHAND,
                          .pidfd = (uintptr_t)&fd});
  one("same place as the tid", (struct clone_args){.flags = CLONE_PIDFD | CLONE_PARENT_SETTID,
                                                   .pidfd = (uintptr_t)&fd,
                                                   .parent_tid = (uintptr_t)&fd,
                                                   .exit_signal = 17});
  struct clone_args good = {.flags = CLONE_PIDFD, .pidfd = (uintptr_t)&fd, .exit_signal = SIGCHLD};
  long pid = clone3(&good, sizeof good);
  if (pid == 0) {
    sleep_ms(20);
    _exit(fcntl(fd, F_GETFD) == -1 ? 5 : 6);
  }
  SHOW(fcntl(fd, F_GETFD));
  YES((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
  siginfo_t info = {0};
  SHOW(waitid((idtype_t)3, (id_t)fd, &info, WEXITED));
  YES(info.si_pid == pid);
  SHOW(info.si_status);
  SHOW(waitid((idtype_t)3, (id_t)fd, &info, WEXITED));
  SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
  SHOW(read(fd, &info, 1));
  close(fd);
}

static volatile int got;
static void count(int signal) { got = signal; }

static void exit_signals(void) {
  section("exit signals of clone");
  static const int signals[] = {0, SIGUSR1, SIGCHLD, 64, 65, 127, 255};
  for (size_t i = 0; i < COUNT(signals); i++) {
    got = -1;
    if (signals[i] > 0 && signals[i] <= 64) handle_with(signals[i], count, SA_RESTART);
    long pid = syscall(SYS_clone, signals[i], 0, 0, 0, 0);
    if (pid == 0) _exit(2);
    if (pid == -1) {
      say("clone with signal %d: %s", signals[i], error_name(errno));
      continue;
    }
    int status = 0;
    errno = 0;
    long plain = waitpid((pid_t)pid, &status, 0);
    const char* first = plain == -1 ? error_name(errno) : "reaped";
    if (plain == -1) waitpid((pid_t)pid, &status, __WCLONE);
    say("signal %d: plain wait %s, %s, got %d", signals[i], first, status_text(status), got);
  }
  SHOW(syscall(SYS_clone, CLONE_VM | 0x400000 | CLONE_PIDFD, 0, &got, 0, 0));
  long pid = syscall(SYS_clone, 0x400000 | SIGCHLD | (1ul << 40), 0, 0, 0, 0);
  if (pid == 0) _exit(1);
  YES(pid > 0);
  SHOW(waitpid((pid_t)pid, NULL, 0) == pid);
}

// A child made by a child with CLONE_PARENT is ours, with the exit signal of its maker.
static void siblings(void) {
  section("CLONE_PARENT");
  int ends[2];
  MUST(pipe(ends));
  pid_t maker = fork();
  if (maker == 0) {
    long pid = syscall(SYS_clone, CLONE_PARENT | SIGUSR2, 0, 0, 0, 0);
    if (pid == 0) _exit(9);
    MUST(write(ends[1], &pid, sizeof pid));
    _exit(waitpid((pid_t)pid, NULL, 0) == -1 && errno == ECHILD ? 1 : 2);
  }
  long sibling = 0;
  MUST(read(ends[0], &sibling, sizeof sibling));
  int status;
  SHOW(waitpid((pid_t)sibling, &status, 0) == sibling);
  say("sibling: %s", status_text(status));
  waitpid(maker, &status, 0);
  say("maker: %s", status_text(status));
  close(ends[0]);
  close(ends[1]);
}

int main(void) {
  handle_with(64, ignore_signal, SA_RESTART);
  sizes();
  arguments();
  IN_CHILD(unprivileged);
  pidfds();
  exit_signals();
  siblings();
  return 0;
}
