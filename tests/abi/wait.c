// SPDX-License-Identifier: MIT
//
// fork, vfork, exit, wait4 and waitid: what a parent learns of its children, with every flag, and
// who inherits the orphans.

#include "abi.h"

#include <sys/prctl.h>
#include <sys/resource.h>

// How a child made by start() goes on: exit with a status below 256, or one of these. A process
// whose group is orphaned ignores SIGTSTP; a group of its own, with its parent in another group of
// the session, makes it stoppable.
enum { kSignal = 256, kSleep = 512, kStoppable = 513 };

static pid_t start(int how) {
  pid_t pid = fork();
  if (pid == 0) {
    if (how < 256) _exit(how);
    if (how == kStoppable) setpgid(0, 0);
    if (how < 512) {
      kill(getpid(), how - 256);
      _exit(77);
    }
    for (;;) pause();
  }
  return pid;
}

static void statuses(void) {
  section("wait4");
  int status = 0;
  struct rusage usage;
  pid_t pid = start(7);
  YES(wait4(pid, &status, 0, &usage) == pid);
  say("%s", status_text(status));
  YES(usage.ru_maxrss > 0 && usage.ru_utime.tv_sec == 0);
  pid = start(kSignal + SIGTERM);
  YES(wait4(pid, &status, 0, NULL) == pid);
  say("%s core %d", status_text(status), WCOREDUMP(status) != 0);
  pid = start(255);
  wait4(pid, &status, 0, NULL);
  say("%s", status_text(status));
  pid = fork();
  if (pid == 0) syscall(SYS_exit_group, 0x1234);
  wait4(pid, &status, 0, NULL);
  say("exit_group(0x1234): %s", status_text(status));
  SHOW(wait4(-1, &status, 0, NULL));
  SHOW(wait4(-1, &status, WNOHANG, NULL));
  pid = start(kSleep);
  SHOW(wait4(pid, &status, WNOHANG, NULL));
  SHOW(wait4(getpid(), &status, WNOHANG, NULL));
  SHOW(wait4(1 << 22, &status, WNOHANG, NULL));
  SHOW(wait4(-getpgrp(), &status, WNOHANG, NULL));
  SHOW(wait4(0, &status, WNOHANG, NULL));
  SHOW(wait4(-(1 << 22), &status, WNOHANG, NULL));
  SHOW(wait4(INT32_MIN, &status, WNOHANG, NULL));
  SHOW(wait4(pid, &status, 0x100, NULL));
  kill(pid, SIGKILL);
  YES(wait4(pid, NULL, 0, NULL) == pid);
  pid = start(3);
  SHOW(wait4(pid, BAD_KERNEL, 0, NULL));  // The child is reaped all the same.
  SHOW(wait4(pid, &status, 0, NULL));
  pid = start(3);
  SHOW(wait4(pid, NULL, 0, BAD_KERNEL));
}

static void stopped(void) {
  section("stop and continue");
  int status;
  pid_t pid = start(kStoppable);
  wait_until_asleep(pid);
  kill(pid, SIGSTOP);
  YES(waitpid(pid, &status, WUNTRACED) == pid);
  say("%s", status_text(status));
  SHOW(waitpid(pid, &status, WUNTRACED | WNOHANG));  // Told once.
  kill(pid, SIGCONT);
  YES(waitpid(pid, &status, WCONTINUED) == pid);
  say("%s", status_text(status));
  SHOW(waitpid(pid, &status, WCONTINUED | WNOHANG));
  kill(pid, SIGTSTP);
  YES(waitpid(pid, &status, WUNTRACED) == pid);
  say("%s", status_text(status));
  kill(pid, SIGTERM);  // Pending until it goes on.
  SHOW(waitpid(pid, &status, WNOHANG));
  kill(pid, SIGCONT);
  YES(waitpid(pid, &status, 0) == pid);
  say("%s", status_text(status));
  pid = start(kSleep);
  kill(pid, SIGSTOP);
  waitpid(pid, &status, WUNTRACED);
  kill(pid, SIGKILL);  // A stopped process dies of it at once.
  YES(waitpid(pid, &status, 0) == pid);
  say("%s", status_text(status));
}

static const char* info_text(const siginfo_t* info) {
  static char text[100];
  snprintf(text, sizeof text, "signo %d code %d status %d pid %s uid %d", info->si_signo,
           info->si_code, info->si_status, info->si_pid > 0 ? "set" : "0", info->si_uid);
  return text;
}

static void with_info(void) {
  section("waitid");
  siginfo_t info;
  pid_t pid = start(9);
  memset(&info, 0xff, sizeof info);
  SHOW(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
  say("%s, the right pid %d", info_text(&info), info.si_pid == pid);
  SHOW(waitid(P_PID, (id_t)pid, &info, WEXITED));
  say("%s", info_text(&info));
  SHOW(waitid(P_PID, (id_t)pid, &info, WEXITED));
  pid = start(kSignal + SIGQUIT);
  SHOW(waitid(P_ALL, 0, &info, WEXITED));
  say("%s", info_text(&info));
  pid = start(kSleep);
  memset(&info, 0xff, sizeof info);
  SHOW(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG));
  say("%s", info_text(&info));
  kill(pid, SIGSTOP);
  SHOW(waitid(P_PID, (id_t)pid, &info, WSTOPPED));
  say("%s", info_text(&info));
  kill(pid, SIGCONT);
  SHOW(waitid(P_PID, (id_t)pid, &info, WCONTINUED));
  say("%s", info_text(&info));
  SHOW(waitid(P_PGID, (id_t)getpgrp(), &info, WEXITED | WNOHANG));
  SHOW(waitid(P_PGID, 0, &info, WEXITED | WNOHANG));
  SHOW(waitid(P_PID, 0, &info, WEXITED | WNOHANG));
  SHOW(waitid(P_PID, (id_t)-1, &info, WEXITED | WNOHANG));
  SHOW(waitid(P_PID, (id_t)pid, &info, 0));
  SHOW(waitid(P_PID, (id_t)pid, &info, WNOHANG));
  SHOW(waitid(P_PID, (id_t)pid, &info, WEXITED | 0x100));
  SHOW(waitid(99, (id_t)pid, &info, WEXITED));
  SHOW(syscall(SYS_waitid, P_PID, pid, BAD_KERNEL, WEXITED | WNOHANG, NULL));
  kill(pid, SIGKILL);
  SHOW(syscall(SYS_waitid, P_PID, pid, NULL, WEXITED, NULL));
  int pidfd = (int)syscall(SYS_pidfd_open, pid = start(5), 0);
  YES(pidfd >= 0);
  SHOW(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED));
  say("%s", info_text(&info));
  SHOW(waitid(P_PIDFD, 99, &info, WEXITED));
}

static void families(void) {
  section("who is whose child");
  pid_t parent = getpid();
  int fds[2];
  pipe(fds);
  pid_t pid = fork();
  if (pid == 0) {
    YES_AS("the child's parent is the parent", getppid() == parent);
    YES_AS("same group", getpgrp() == getpgid(parent));
    pid_t middle = getpid();
    if (fork() == 0) {
      for (int i = 0; i < 500 && getppid() == middle; i++) sleep_ms(2);
      char gone = getppid() != middle;
      write(fds[1], &gone, 1);
    }
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  char gone;
  read(fds[0], &gone, 1);
  say("orphan was adopted: %d", gone);
  SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1));
  pid = fork();
  if (pid == 0) {
    pid_t middle = getpid();
    if (fork() == 0) {
      for (int i = 0; i < 500 && getppid() == middle; i++) sleep_ms(2);
      _exit(getppid() == parent ? 42 : 43);
    }
    _exit(1);
  }
  int status;
  waitpid(pid, &status, 0);
  say("child %s", status_text(status));
  YES(waitpid(-1, &status, 0) > 0);
  say("grandchild, reaped by the subreaper: %s", status_text(status));
  int value = 0;
  SHOW(prctl(PR_GET_CHILD_SUBREAPER, &value));
  say("%d", value);
}

static volatile int told;
static void on_child(int signal UNUSED) { told++; }

// The signal may come a moment after the wait that tells the same.
static void wait_until_told(int times) {
  for (int i = 0; i < 1000 && told < times; i++) sleep_ms(1);
}

static void ignored(void) {
  section("SIGCHLD");
  handle_with(SIGCHLD, SIG_IGN, 0);
  pid_t pid = start(3);
  SHOW(waitpid(pid, NULL, 0));  // Sleeps until it is gone, then there is nothing to report.
  handle_with(SIGCHLD, SIG_DFL, SA_NOCLDWAIT);
  pid = start(3);
  SHOW(waitpid(-1, NULL, 0));
  handle_with(SIGCHLD, on_child, 0);
  pid = start(3);
  while (waitpid(pid, NULL, 0) == -1) {
  }
  wait_until_told(1);
  say("told %d", told);
  told = 0;
  pid = start(kSleep);
  kill(pid, SIGSTOP);
  while (waitpid(pid, NULL, WUNTRACED) == -1) {
  }
  wait_until_told(1);
  kill(pid, SIGCONT);
  while (waitpid(pid, NULL, WCONTINUED) == -1) {
  }
  wait_until_told(2);
  say("told of stop and continue: %d", told);
  handle_with(SIGCHLD, on_child, SA_NOCLDSTOP);
  told = 0;
  kill(pid, SIGSTOP);
  while (waitpid(pid, NULL, WUNTRACED) == -1) {
  }
  sleep_ms(20);
  say("told with SA_NOCLDSTOP: %d", told);
  kill(pid, SIGKILL);
  while (waitpid(pid, NULL, 0) == -1) {
  }
  wait_until_told(1);
  say("told of the death: %d", told);
  handle_with(SIGCHLD, SIG_DFL, 0);
}

static void nothing(int signal UNUSED) {}

static void interrupted(void) {
  section("interrupted");
  pid_t pid = start(kSleep);
  handle_with(SIGALRM, nothing, 0);
  ualarm(30000, 30000);
  SHOW(waitpid(pid, NULL, 0));
  handle_with(SIGALRM, nothing, SA_RESTART);
  ualarm(30000, 30000);
  pid_t killer = fork();
  if (killer == 0) {
    sleep_ms(100);
    kill(pid, SIGTERM);
    _exit(0);
  }
  int status;
  YES(waitpid(pid, &status, 0) == pid);
  say("%s", status_text(status));
  waitpid(killer, NULL, 0);
  alarm(kHang);
}

static void virtual_fork(void) {
  section("vfork");
  volatile int shared = 1;
  pid_t pid = vfork();
  if (pid == 0) {
    shared = 2;
    _exit(4);
  }
  say("memory is shared: %d", shared);  // And the parent waited for the exit.
  int status;
  waitpid(pid, &status, 0);
  say("%s", status_text(status));
  pid = vfork();
  if (pid == 0) {
    execl("/bin/busybox", "busybox", "false", NULL);
    _exit(99);
  }
  waitpid(pid, &status, 0);
  say("%s", status_text(status));
}

static void limited(void) {
  struct rlimit limit = {4, 4};
  MUST(setresuid(4321, 4321, 4321));
  MUST(setrlimit(RLIMIT_NPROC, &limit));
  int made = 0;
  pid_t pids[10];
  for (int i = 0; i < 10; i++) {
    pid_t pid = (fork)();
    if (pid == 0) {
      for (;;) pause();
    }
    if (pid == -1) {
      say("fork %d: %s", i, error_name(errno));
      break;
    }
    pids[made++] = pid;
  }
  for (int i = 0; i < made; i++) kill(pids[i], SIGKILL);
}

static void nested(int depth) {
  if (depth == 0) _exit(1);
  pid_t pid = fork();
  if (pid == 0) nested(depth - 1);
  int status;
  waitpid(pid, &status, 0);
  _exit(WEXITSTATUS(status) + 1);
}

static void many(void) {
  section("many");
  pid_t pid = fork();
  if (pid == 0) nested(20);
  int status;
  waitpid(pid, &status, 0);
  say("nested: %s", status_text(status));
  int sum = 0;
  for (int i = 0; i < 50; i++) start(i);
  while (wait(&status) > 0) sum += WEXITSTATUS(status);
  say("sum %d", sum);
  IN_CHILD(limited);
}

int main(void) {
  statuses();
  stopped();
  with_info();
  ignored();
  interrupted();
  virtual_fork();
  many();
  families();
}
