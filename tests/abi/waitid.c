// SPDX-License-Identifier: MIT
//
// wait4(2) and waitid(2) as the kernel gives them: what is written on which error, and the options.

#include "abi.h"

#include <sys/resource.h>

static long waitid_raw(int which, int who, void* info, int options, void* usage) {
  return syscall(SYS_waitid, which, who, info, options, usage);
}

static void show(const char* label, int which, int who, int options) {
  siginfo_t info;
  memset(&info, 0x55, sizeof info);
  errno = 0;
  long result = waitid_raw(which, who, &info, options, NULL);
  say("%s: %ld %s signo %x errno %x code %x status %x uid %x tail %x", label, result,
      result == -1 ? error_name(errno) : "", info.si_signo, info.si_errno, info.si_code,
      info.si_status, info.si_uid, ((unsigned char*)&info)[40]);
}

static pid_t child(int code) {
  pid_t pid = fork();
  if (pid == 0) _exit(code);
  return pid;
}

int main(void) {
  section("errors write the structure too");
  show("nobody", P_ALL, 0, WEXITED);
  show("nobody, nohang", P_ALL, 0, WEXITED | WNOHANG);
  show("bad options", P_ALL, 0, 0);
  show("unknown options", P_ALL, 0, WEXITED | 0x100);
  show("bad which", 9, 0, WEXITED);
  show("pid 0", P_PID, 0, WEXITED);
  show("group -1", P_PGID, -1, WEXITED);
  show("pidfd -1", 3, -1, WEXITED);
  show("pidfd closed", 3, 77, WEXITED);
  show("pidfd no pidfd", 3, 1, WEXITED);
  SHOW(waitid_raw(P_ALL, 0, BAD_KERNEL, 0, NULL));
  SHOW(waitid_raw(P_ALL, 0, BAD_KERNEL, WEXITED, NULL));
  SHOW(waitid_raw(P_ALL, 0, NULL, WEXITED, NULL));

  section("a child");
  child(3);
  show("keep", P_ALL, 0, WEXITED | WNOWAIT);
  show("stopped only", P_ALL, 0, WSTOPPED | WNOHANG);
  show("clone children", P_ALL, 0, WEXITED | __WCLONE);
  show("all children", P_ALL, 0, WEXITED | __WALL | WNOWAIT);
  show("all and clone", P_ALL, 0, WEXITED | __WALL | __WCLONE | __WNOTHREAD);
  child(4);
  SHOW(waitid_raw(P_ALL, 0, BAD_KERNEL, WEXITED, NULL));
  show("was it reaped", P_ALL, 0, WEXITED);
  pid_t pid = child(5);
  SHOW(waitid_raw(P_PID, pid, NULL, WEXITED, BAD_KERNEL));
  show("was it reaped", P_PID, pid, WEXITED);

  section("wait4");
  int status = -1;
  struct rusage usage;
  SHOW(syscall(SYS_wait4, -1, &status, 0x100, NULL));
  SHOW(syscall(SYS_wait4, -1, &status, WEXITED, NULL));
  SHOW(syscall(SYS_wait4, -1, &status, WNOWAIT, NULL));
  SHOW(syscall(SYS_wait4, INT_MIN, &status, 0, NULL));
  SHOW(syscall(SYS_wait4, INT_MIN, &status, 0x100, NULL));
  SHOW(syscall(SYS_wait4, 1, &status, 0, NULL));
  SHOW(syscall(SYS_wait4, 0, &status, 0, NULL));
  SHOW(syscall(SYS_wait4, -getpgrp(), &status, 0, NULL));
  SHOW(syscall(SYS_wait4, getpid(), &status, 0, NULL));
  pid = child(6);
  SHOW(syscall(SYS_wait4, pid, BAD_KERNEL, 0, NULL));
  SHOW(syscall(SYS_wait4, pid, &status, 0, NULL));
  pid = child(7);
  SHOW(syscall(SYS_wait4, pid, &status, 0, BAD_KERNEL));
  say("%s", status_text(status));
  SHOW(syscall(SYS_wait4, pid, &status, 0, &usage));

  section("a process's time is its parent's children's time");
  pid = fork();
  if (pid == 0) {
    pid_t inner = fork();
    if (inner == 0) {
      int64_t end = now_ns() + 60000000;
      while (now_ns() < end) {
      }
      _exit(0);
    }
    waitpid(inner, NULL, 0);
    getrusage(RUSAGE_CHILDREN, &usage);
    say("child: children used time: %d", usage.ru_utime.tv_usec + usage.ru_stime.tv_usec > 10000);
    _exit(0);
  }
  memset(&usage, 0, sizeof usage);
  SHOW(syscall(SYS_wait4, pid, &status, 0, &usage) == pid);
  YES(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec > 10000);
  YES(usage.ru_maxrss > 0);
  memset(&usage, 0, sizeof usage);
  getrusage(RUSAGE_CHILDREN, &usage);
  YES(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec > 10000);

  section("stopped and continued");
  pid = fork();
  if (pid == 0) {
    for (;;) pause();
  }
  kill(pid, SIGSTOP);
  show("stopped, keep", P_PID, pid, WSTOPPED | WNOWAIT);
  show("stopped, exited only", P_PID, pid, WEXITED | WNOHANG);
  show("stopped", P_PID, pid, WSTOPPED);
  show("stopped again", P_PID, pid, WSTOPPED | WNOHANG);
  kill(pid, SIGCONT);
  show("continued, keep", P_PID, pid, WCONTINUED | WNOWAIT);
  show("continued", P_PID, pid, WCONTINUED);
  show("continued again", P_PID, pid, WCONTINUED | WNOHANG);
  kill(pid, SIGSTOP);
  SHOW(syscall(SYS_wait4, pid, &status, WUNTRACED, NULL) == pid);
  say("%s", status_text(status));
  kill(pid, SIGKILL);
  show("killed", P_PID, pid, WEXITED);

  section("ignored SIGCHLD");
  signal(SIGCHLD, SIG_IGN);
  child(1);
  show("nobody left", P_ALL, 0, WEXITED);
  handle_with(SIGCHLD, ignore_signal, SA_NOCLDWAIT | SA_RESTART);
  child(1);
  show("nobody left", P_ALL, 0, WEXITED);
  return 0;
}
