// SPDX-License-Identifier: MIT
//
// What a signal says (siginfo_t), who may say what (rt_sigqueueinfo(2), rt_tgsigqueueinfo(2),
// pidfd_send_signal(2)), and the odd arguments of the calls that send, block and take signals.

#include "abi.h"

#include <pthread.h>
#include <sys/prctl.h>

static long queue(pid_t pid, int signal, void* info) {
  return syscall(SYS_rt_sigqueueinfo, pid, signal, info);
}
static long queue_thread(pid_t pid, pid_t tid, int signal, void* info) {
  return syscall(SYS_rt_tgsigqueueinfo, pid, tid, signal, info);
}

static void show(const siginfo_t* info) {
  const uint32_t* words = (const uint32_t*)info;
  char line[512];
  int length = 0;
  for (int i = 0; i < 32; i++) {
    if (words[i] == 0) continue;
    bool own = i > 2 && words[i] == (uint32_t)getpid();
    bool parent = i > 2 && words[i] == (uint32_t)getppid();
    length += snprintf(line + length, sizeof line - (size_t)length, " %d:", i);
    if (own || parent) {
      length += snprintf(line + length, sizeof line - (size_t)length, own ? "pid" : "ppid");
    } else {
      length += snprintf(line + length, sizeof line - (size_t)length, "%x", words[i]);
    }
  }
  say("  words%s", line);
}

static bool take(int signal) {
  sigset_t set;
  sigemptyset(&set);
  if (signal > 0) sigaddset(&set, signal);
  else sigfillset(&set);
  siginfo_t info;
  memset(&info, 0x77, sizeof info);
  struct timespec none = {0, 0};
  if (sigtimedwait(&set, &info, &none) == -1) return false;
  show(&info);
  return true;
}

static void fill(siginfo_t* info, int signal, int code) {
  uint32_t* words = (uint32_t*)info;
  for (int i = 0; i < 32; i++) words[i] = 0;
  words[0] = (uint32_t)signal;
  words[1] = 5;
  words[2] = (uint32_t)code;
  for (int i = 4; i < 10; i++) words[i] = 0x1000u + (uint32_t)i;
}

static void to_self(void) {
  section("to oneself");
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  static const int signals[] = {SIGUSR1, 34,      SIGCHLD, SIGSEGV, SIGIO,
                                SIGSYS,  SIGALRM, SIGTRAP, SIGBUS};
  static const int codes[] = {SI_USER,  SI_QUEUE, SI_TIMER,  SI_MESGQ, SI_ASYNCIO, SI_SIGIO,
                              SI_TKILL, SI_KERNEL, 1, 3, 8};
  siginfo_t info;
  for (size_t i = 0; i < COUNT(signals); i++) {
    for (size_t j = 0; j < COUNT(codes); j++) {
      fill(&info, 40, codes[j]);
      errno = 0;
      long result = queue(getpid(), signals[i], &info);
      say("%s code %d: %ld %s", signal_name(signals[i]), codes[j], result,
          result == -1 ? error_name(errno) : "");
      if (result == 0) take(signals[i]);
    }
  }
  section("codes that nobody knows");
  static const int odd[] = {-8, -59, -60, -61, -100, 100};
  for (size_t j = 0; j < COUNT(odd); j++) {
    fill(&info, SIGUSR1, odd[j]);
    SHOW_AS("words of the kernel's part", queue(getpid(), SIGUSR1, &info));
    take(SIGUSR1);
    ((uint32_t*)&info)[12] = 1;
    SHOW_AS("words behind it", queue(getpid(), SIGUSR1, &info));
    take(SIGUSR1);
  }
  fill(&info, SIGUSR1, SI_QUEUE);
  ((uint32_t*)&info)[12] = 1;
  SHOW_AS("words behind a known code", queue(getpid(), SIGUSR1, &info));
  take(SIGUSR1);
}

static void errors(void) {
  section("errors");
  siginfo_t info;
  fill(&info, 0, SI_QUEUE);
  SHOW(queue(getpid(), 0, &info));
  SHOW(queue(getpid(), 65, &info));
  SHOW(queue(getpid(), -1, &info));
  SHOW(queue(0, 0, &info));
  SHOW(queue(-1, 0, &info));
  SHOW(queue(-getpid(), 0, &info));
  SHOW(queue(1 << 30, 65, &info));
  SHOW(queue(1 << 30, 0, NULL));
  SHOW(queue_thread(0, 0, 0, &info));
  SHOW(queue_thread(getpid(), 0, 0, &info));
  SHOW(queue_thread(-1, 1, 0, NULL));
  SHOW(queue_thread(getpid(), 1, 0, &info));
  SHOW(queue_thread(1, 1, 0, &info));
  SHOW(queue_thread(1, 1, 65, &info));
  fill(&info, 0, SI_USER);
  SHOW(queue(1, 0, &info));
  SHOW(queue(1 << 30, 0, &info));
  SHOW(queue_thread(0, 0, 0, &info));
  SHOW(queue_thread(-1, -1, 0, &info));
  SHOW(queue_thread(1, 1, 0, &info));
  fill(&info, 0, SI_TKILL);
  SHOW(queue(1, 0, &info));
  SHOW(queue(getpid(), 0, &info));
  SHOW(syscall(SYS_tkill, 0, 0));
  SHOW(syscall(SYS_tkill, -1, 0));
  SHOW(syscall(SYS_tkill, getpid(), 65));
  SHOW(syscall(SYS_tkill, 1 << 30, 65));
  SHOW(syscall(SYS_tgkill, 0, getpid(), 0));
  SHOW(syscall(SYS_tgkill, -1, getpid(), 0));
  SHOW(syscall(SYS_tgkill, 1, getpid(), 0));
  SHOW(syscall(SYS_tgkill, getpid(), getpid(), 65));
  SHOW(syscall(SYS_tgkill, getpid(), getpid(), 0));
  SHOW(kill(0, 0));
  SHOW(kill(0, 65));
  SHOW(kill(-1, 65));
  SHOW(kill(INT_MIN, 0));
  SHOW(kill(INT_MIN, 65));
  SHOW(kill(-(1 << 30), 0));
  SHOW(kill(-(1 << 30), 65));
  SHOW(kill(getpid(), -1));

  section("pidfd_send_signal");
  int fd = (int)MUST(syscall(SYS_pidfd_open, getpid(), 0));
  int parent = (int)MUST(syscall(SYS_pidfd_open, getppid(), 0));
  fill(&info, SIGUSR1, SI_USER);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  SHOW(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, &info, 0));
  take(SIGUSR1);
  SHOW(syscall(SYS_pidfd_send_signal, fd, SIGUSR2, &info, 0));
  SHOW(syscall(SYS_pidfd_send_signal, parent, SIGUSR1, &info, 0));
  SHOW(syscall(SYS_pidfd_send_signal, parent, 0, NULL, 0));
  SHOW(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 1));
  SHOW(syscall(SYS_pidfd_send_signal, fd, 65, NULL, 0));
  SHOW(syscall(SYS_pidfd_send_signal, 99, 65, NULL, 0));
  SHOW(syscall(SYS_pidfd_send_signal, 1, 0, NULL, 0));
  SHOW(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, BAD_KERNEL, 0));
  SHOW(syscall(SYS_pidfd_open, getpid(), 1));
  SHOW(syscall(SYS_pidfd_open, 0, 0));
  SHOW(syscall(SYS_pidfd_open, -1, 0));
  SHOW(syscall(SYS_pidfd_open, 1 << 30, 0));
  int blocking = (int)SHOW(syscall(SYS_pidfd_open, getpid(), O_NONBLOCK) > 0);
  (void)blocking;
  close(fd);
  close(parent);

  // /proc/PID is as good as a pidfd here (killall(1) uses it); a thread's directory is not.
  fd = (int)MUST(open("/proc/self", O_RDONLY | O_DIRECTORY));
  SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
  SHOW(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 0));
  take(SIGUSR1);
  SHOW(syscall(SYS_pidfd_getfd, fd, 0, 0));
  close(fd);
  fd = (int)MUST(open("/proc/self", O_PATH));
  SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
  close(fd);
  fd = (int)MUST(open("/proc/thread-self", O_RDONLY));
  SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
  close(fd);
  fd = (int)MUST(open("/proc", O_RDONLY));
  SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
  close(fd);
}

static void* in_thread(void* unused) {
  siginfo_t info;
  pid_t tid = (pid_t)syscall(SYS_gettid);
  fill(&info, 0, SI_USER);
  say("thread: to its process: %s", queue(getpid(), 0, &info) == 0 ? "ok" : error_name(errno));
  say("thread: to its number: %s", queue(tid, 0, &info) == 0 ? "ok" : error_name(errno));
  say("thread: to itself: %s",
      queue_thread(getpid(), tid, 0, &info) == 0 ? "ok" : error_name(errno));
  say("thread: to the leader: %s",
      queue_thread(getpid(), getpid(), 0, &info) == 0 ? "ok" : error_name(errno));
  SHOW(syscall(SYS_pidfd_open, tid, 0));
  SHOW(getpgid(tid) == getpgrp());
  SHOW(setpgid(tid, 0));
  SHOW(setpgid(tid, tid));
  return unused;
}

static void as_user(void) {
  MUST(setresuid(1000, 1000, 1000));
  siginfo_t info;
  fill(&info, 0, SI_QUEUE);
  SHOW(queue(1, 0, &info));
  SHOW(queue(1, 65, &info));
  SHOW(queue_thread(1, 1, 0, &info));
  SHOW(queue_thread(1, 1, 65, &info));
  SHOW(kill(1, 0));
  SHOW(kill(1, 65));
  SHOW(kill(1, SIGCONT));
  SHOW(kill(getppid(), 0));
  SHOW(kill(getppid(), SIGCONT));
  SHOW(syscall(SYS_tkill, 1, 0));
  SHOW(syscall(SYS_tkill, 1, 65));
  SHOW(syscall(SYS_tgkill, getppid(), getppid(), SIGCONT));
}

static void masks(void) {
  section("masks and actions");
  uint64_t set = ~0ul, old = 1;
  SHOW(syscall(SYS_rt_sigprocmask, 9, NULL, &old, 8));
  SHOW(syscall(SYS_rt_sigprocmask, 9, &set, &old, 8));
  SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, &old, 4));
  SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, BAD_KERNEL, &old, 8));
  SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, BAD_KERNEL, 8));
  SHOW(syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &old, 8));
  say("%lx", old);
  set = 0;
  SHOW(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, &old, 8));
  SHOW(syscall(SYS_rt_sigpending, &old, 9));
  SHOW(syscall(SYS_rt_sigpending, &old, 0));
  SHOW(syscall(SYS_rt_sigpending, BAD_KERNEL, 0));
  SHOW(syscall(SYS_rt_sigpending, BAD_KERNEL, 4));
  SHOW(syscall(SYS_rt_sigpending, &old, 4));
  struct timespec bad = {0, 1000000000}, none = {0, 0}, before = {-1, 0};
  SHOW(syscall(SYS_rt_sigtimedwait, &set, NULL, &bad, 8));
  SHOW(syscall(SYS_rt_sigtimedwait, &set, NULL, &before, 8));
  SHOW(syscall(SYS_rt_sigtimedwait, &set, NULL, &none, 8));
  SHOW(syscall(SYS_rt_sigtimedwait, &set, NULL, &none, 16));
  SHOW(syscall(SYS_rt_sigtimedwait, NULL, NULL, &none, 8));
  SHOW(syscall(SYS_rt_sigtimedwait, &set, NULL, BAD_KERNEL, 8));
  SHOW(syscall(SYS_rt_sigsuspend, &set, 16));
  SHOW(syscall(SYS_rt_sigsuspend, NULL, 8));
  struct { uint64_t handler, flags, restorer, mask; } action = {0, ~0ul, 0x1234, ~0ul}, got;
  SHOW(syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8));
  SHOW(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &got, 8));
  say("%lx %lx %lx %lx", got.handler, got.flags, got.restorer, got.mask);
  SHOW(syscall(SYS_rt_sigaction, SIGKILL, &action, NULL, 8));
  SHOW(syscall(SYS_rt_sigaction, SIGKILL, NULL, &got, 8));
  SHOW(syscall(SYS_rt_sigaction, SIGSTOP, NULL, &got, 8));
  SHOW(syscall(SYS_rt_sigaction, 0, NULL, &got, 8));
  SHOW(syscall(SYS_rt_sigaction, 65, NULL, &got, 8));
  SHOW(syscall(SYS_rt_sigaction, 65, BAD_KERNEL, &got, 8));
  SHOW(syscall(SYS_rt_sigaction, SIGUSR1, BAD_KERNEL, &got, 8));
  SHOW(syscall(SYS_rt_sigaction, SIGUSR1, NULL, BAD_KERNEL, 8));
  SHOW(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &got, 4));
}

static void stacks(void) {
  section("alternate stacks");
  char* area = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stack_t stack = {area, SS_DISABLE, 1 << 16}, old;
  SHOW(sigaltstack(&stack, &old));
  SHOW(old.ss_flags);
  SHOW(sigaltstack(NULL, &old));
  say("%d %zu %d", old.ss_flags, old.ss_size, old.ss_sp == NULL);
  stack = (stack_t){area, 0, 5119};
  SHOW(sigaltstack(&stack, NULL));
  stack.ss_size = 5120;
  SHOW(sigaltstack(&stack, NULL));
  stack.ss_flags = 4;
  SHOW(sigaltstack(&stack, NULL));
  stack.ss_flags = SS_ONSTACK;
  SHOW(sigaltstack(&stack, &old));
  SHOW(sigaltstack(NULL, &old));
  SHOW(old.ss_flags);
  stack.ss_flags = (int)(1u << 31);
  SHOW(sigaltstack(&stack, NULL));
  SHOW(sigaltstack(NULL, &old));
  say("%x", old.ss_flags);
  stack.ss_flags = (int)(1u << 31 | SS_DISABLE);
  SHOW(sigaltstack(&stack, NULL));
  SHOW(sigaltstack(NULL, &old));
  say("%x %zu", old.ss_flags, old.ss_size);
  SHOW(sigaltstack(BAD_KERNEL, NULL));
  SHOW(sigaltstack(NULL, BAD_KERNEL));
  stack = (stack_t){NULL, 0, 1 << 16};
  SHOW(sigaltstack(&stack, NULL));
  stack = (stack_t){NULL, 7, 10};
  SHOW(sigaltstack(&stack, NULL));
}

// PR_SET_PDEATHSIG: what comes, when the maker ends.
static void death_signal(void) {
  section("a parent's death");
  int ends[2];
  MUST(pipe(ends));
  pid_t middle = fork();
  if (middle == 0) {
    pid_t inner = fork();
    if (inner == 0) {
      sigset_t set;
      sigfillset(&set);
      sigprocmask(SIG_BLOCK, &set, NULL);
      prctl(PR_SET_PDEATHSIG, SIGUSR1);
      pid_t before = getppid();
      MUST(write(ends[1], "x", 1));
      siginfo_t info;
      struct timespec wait = {5, 0};
      int got = sigtimedwait(&set, &info, &wait);
      say("%s code %d from the parent %d uid %d", signal_name(got), info.si_code,
          info.si_pid == before, info.si_uid);
      MUST(write(ends[1], "y", 1));
      _exit(0);
    }
    char byte;
    MUST(read(ends[0], &byte, 1));
    _exit(0);
  }
  waitpid(middle, NULL, 0);
  char byte;
  MUST(read(ends[0], &byte, 1));
  close(ends[0]);
  close(ends[1]);
}

int main(void) {
  IN_CHILD(to_self);
  IN_CHILD(errors);
  pthread_t thread;
  section("from a thread");
  pthread_create(&thread, NULL, in_thread, NULL);
  pthread_join(thread, NULL);
  section("as a user");
  IN_CHILD(as_user);
  IN_CHILD(masks);
  IN_CHILD(stacks);
  death_signal();
  return 0;
}
