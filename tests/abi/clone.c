// SPDX-License-Identifier: MIT
//
// clone and clone3 with their flags raw: what is shared and what is copied, the tid words, the exit
// signal, and the combinations Linux refuses.

#include "abi.h"

#include <linux/sched.h>
#include <sys/syscall.h>

static char stack[65536] __attribute__((aligned(16)));
static char* const stack_top = stack + sizeof stack;

static int global;
static int shared_fd;

static int child_changes(void* unused UNUSED) {
  global = 2;
  close(shared_fd);
  chdir("/");
  umask(0);
  handle_with(SIGUSR2, SIG_IGN, 0);
  return 0;
}

static void observe(const char* what, int flags) {
  char path[256];
  global = 1;
  shared_fd = open("/dev/null", O_RDONLY);
  int start = open(".", O_RDONLY | O_DIRECTORY);
  umask(022);
  handle_with(SIGUSR2, SIG_DFL, 0);
  int pid = clone(child_changes, stack_top, flags | SIGCHLD, NULL);
  if (pid == -1) {
    say("%s: %s", what, error_name(errno));
    return;
  }
  waitpid(pid, NULL, 0);
  struct sigaction action;
  sigaction(SIGUSR2, NULL, &action);
  bool fd_closed = fcntl(shared_fd, F_GETFD) == -1;
  say("%-32s memory %s, files %s, directory %s, umask %s, handlers %s", what,
      global == 2 ? "shared" : "copied", fd_closed ? "shared" : "copied",
      strcmp(getcwd(path, sizeof path), "/") == 0 ? "shared" : "copied",
      umask(022) == 0 ? "shared" : "copied", action.sa_handler == SIG_IGN ? "shared" : "copied");
  if (!fd_closed) close(shared_fd);
  fchdir(start);
  close(start);
}

static void sharing(void) {
  section("sharing");
  observe("nothing", 0);
  observe("CLONE_VM", CLONE_VM);
  observe("CLONE_FILES", CLONE_FILES);
  observe("CLONE_FS", CLONE_FS);
  observe("CLONE_VM|CLONE_SIGHAND", CLONE_VM | CLONE_SIGHAND);
  observe("all of them", CLONE_VM | CLONE_SIGHAND | CLONE_FS | CLONE_FILES);
}

static long raw_clone(unsigned long flags, void* sp, int* parent_tid, unsigned long tls,
                      int* child_tid) {
  return syscall(SYS_clone, flags, sp, parent_tid, tls, child_tid);
}

static void refused(void) {
  section("refused");
  SHOW(raw_clone(CLONE_SIGHAND | SIGCHLD, NULL, NULL, 0, NULL));
  SHOW(raw_clone(CLONE_THREAD | SIGCHLD, NULL, NULL, 0, NULL));
  SHOW(raw_clone(CLONE_THREAD | CLONE_VM, NULL, NULL, 0, NULL));
  SHOW(raw_clone(CLONE_FS | CLONE_NEWNS | SIGCHLD, NULL, NULL, 0, NULL));
  SHOW(raw_clone(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, NULL, &global, 0, NULL));
  SHOW(raw_clone(CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, NULL, &global, 0, NULL));
}

static int exit_after_parent_looks(void* unused UNUSED) {
  sleep_ms(20);
  return 0;
}

static void tids(void) {
  section("tid words");
  int parent_tid = 0, child_tid = 0;
  long pid = raw_clone(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, NULL, &parent_tid, 0,
                       &child_tid);
  if (pid == 0) {
    say("child: own tid in both words %d %d", parent_tid == getpid(), child_tid == getpid());
    _exit(0);
  }
  waitpid((pid_t)pid, NULL, 0);
  say("parent: %d, child word untouched here %d", parent_tid == pid, child_tid == 0);
  child_tid = 1234;
  pid = clone(exit_after_parent_looks, stack_top, CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, NULL,
              NULL, NULL, &child_tid);
  say("before the exit %d", child_tid);
  waitpid((pid_t)pid, NULL, 0);
  say("after the exit %d", child_tid);
  // Bad addresses for the words: the parent's is reported, the child's is not.
  pid = raw_clone(CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, NULL, NULL, 0, BAD_KERNEL);
  if (pid == 0) _exit(5);
  int status;
  waitpid((pid_t)pid, &status, 0);
  say("bad child word: %s", status_text(status));
  YES(syscall(SYS_set_tid_address, &child_tid) == getpid());
  YES(syscall(SYS_set_tid_address, BAD_KERNEL) == getpid());
}

static volatile int signalled;
static void on_signal(int signal) { signalled = signal; }

static int child_exit(void* status) { return (int)(long)status; }

static void exit_signals(void) {
  section("exit signal");
  handle_with(SIGUSR1, on_signal, 0);
  handle_with(SIGCHLD, on_signal, 0);
  int status;
  int pid = clone(child_exit, stack_top, SIGUSR1, (void*)3);
  SHOW(waitpid(pid, &status, WNOHANG));  // Not a SIGCHLD child: needs __WCLONE or __WALL.
  while (waitpid(pid, &status, __WALL) == -1 && errno == EINTR) {
  }
  say("%s, signal %s", status_text(status), signal_name(signalled));
  signalled = 0;
  pid = clone(child_exit, stack_top, 0, (void*)4);
  sleep_ms(30);
  SHOW(waitpid(-1, &status, 0));
  YES(waitpid(-1, &status, __WCLONE) == pid);
  say("%s, signal %s", status_text(status), signal_name(signalled));
  pid = clone(child_exit, stack_top, SIGCHLD, (void*)4);
  SHOW(waitpid(-1, &status, __WCLONE));
  while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {
  }
  say("%s, signal %s", status_text(status), signal_name(signalled));
}

static int show_parent(void* grandparent) {
  say("CLONE_PARENT: parent is the grandparent: %d", getppid() == (pid_t)(long)grandparent);
  return 6;
}

static void parent_flag(void) {
  section("CLONE_PARENT");
  pid_t self = getpid();
  pid_t middle = fork();
  if (middle == 0) {
    clone(show_parent, stack_top, CLONE_PARENT | SIGCHLD, (void*)(long)self);
    _exit(waitpid(-1, NULL, 0) == -1 && errno == ECHILD ? 8 : 9);
  }
  int status, sum = 0;
  while (wait(&status) > 0) sum += WEXITSTATUS(status);
  say("sum of both %d", sum);
}

static long clone3(struct clone_args* arguments, size_t size) {
  return syscall(SYS_clone3, arguments, size);
}

static void third(void) {
  section("clone3");
  int pidfd = -1, parent_tid = 0;
  struct clone_args arguments = {.flags = CLONE_PIDFD | CLONE_PARENT_SETTID,
                                 .pidfd = (uintptr_t)&pidfd,
                                 .parent_tid = (uintptr_t)&parent_tid,
                                 .exit_signal = SIGCHLD};
  long pid = clone3(&arguments, sizeof arguments);
  if (pid == 0) _exit(11);
  YES(pid > 0 && parent_tid == pid && pidfd >= 0);
  say("pidfd flags %d", fcntl(pidfd, F_GETFD));
  siginfo_t info;
  SHOW(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED));
  say("status %d", info.si_status);
  struct clone_args plain = {.exit_signal = SIGCHLD};
  SHOW(clone3(&plain, 0));
  SHOW(clone3(&plain, 63));
  SHOW(clone3(NULL, sizeof plain));
  SHOW(clone3(BAD_KERNEL, sizeof plain));
  SHOW(clone3(&plain, 1 << 20));
  struct {
    struct clone_args args;
    uint64_t more;
  } bigger = {plain, 1};
  SHOW(clone3(&bigger.args, sizeof bigger));
  plain.exit_signal = 100;
  SHOW(clone3(&plain, sizeof plain));
  plain = (struct clone_args){.exit_signal = SIGCHLD, .flags = SIGCHLD};
  SHOW(clone3(&plain, sizeof plain));
  plain = (struct clone_args){.exit_signal = SIGCHLD, .stack = (uintptr_t)stack};
  SHOW(clone3(&plain, sizeof plain));
  plain = (struct clone_args){.exit_signal = SIGCHLD, .stack_size = 4096};
  SHOW(clone3(&plain, sizeof plain));
  plain = (struct clone_args){.exit_signal = SIGCHLD, .flags = 1ul << 40};
  SHOW(clone3(&plain, sizeof plain));
  plain = (struct clone_args){.exit_signal = SIGCHLD,
                              .flags = CLONE_CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM};
  SHOW(clone3(&plain, sizeof plain));
  plain =
      (struct clone_args){.flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, .exit_signal = SIGCHLD};
  SHOW(clone3(&plain, sizeof plain));
  handle_with(SIGUSR1, on_signal, 0);
  handle_with(SIGUSR2, SIG_IGN, 0);
  plain = (struct clone_args){.exit_signal = SIGCHLD, .flags = CLONE_CLEAR_SIGHAND};
  pid = clone3(&plain, sizeof plain);
  if (pid == 0) {
    struct sigaction one, two;
    sigaction(SIGUSR1, NULL, &one);
    sigaction(SIGUSR2, NULL, &two);
    say("CLONE_CLEAR_SIGHAND: handler default %d, ignored kept %d", one.sa_handler == SIG_DFL,
        two.sa_handler == SIG_IGN);
    _exit(0);
  }
  waitpid((pid_t)pid, NULL, 0);
  pid = syscall(SYS_clone, CLONE_VFORK | SIGCHLD, NULL, NULL, 0, NULL);
  if (pid == 0) {
    sleep_ms(30);
    say("the child of CLONE_VFORK first");
    _exit(0);
  }
  say("then the parent");
  waitpid((pid_t)pid, NULL, 0);
}

static void pidfds(void) {
  section("pidfd");
  pid_t pid = fork();
  if (pid == 0) {
    pause();
    _exit(1);
  }
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  YES(fd >= 0);
  SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
  SHOW(syscall(SYS_pidfd_send_signal, fd, 100, NULL, 0));
  SHOW(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 1));
  SHOW(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
  int status;
  while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {
  }
  say("%s", status_text(status));
  SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
  SHOW(syscall(SYS_pidfd_open, pid, 0));
  SHOW(syscall(SYS_pidfd_open, -1, 0));
  SHOW(syscall(SYS_pidfd_open, getpid(), 1));
  SHOW(syscall(SYS_pidfd_send_signal, 1, 0, NULL, 0));
}

int main(void) {
  sharing();
  refused();
  tids();
  exit_signals();
  parent_flag();
  third();
  pidfds();
}
