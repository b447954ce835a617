// SPDX-License-Identifier: MIT
//
// rt_sigaction, masks, pending sets, queues, delivery order, SA_* flags, the alternate stack, and
// the frame a handler sees. What signals do to sleeping calls is in restart.c.

#include "abi.h"

#include <setjmp.h>
#include <sys/resource.h>
#include <ucontext.h>

static volatile int order[64], order_count;
static void record(int signal) {
  if (order_count < 64) order[order_count++] = signal;
}

static void show_order(const char* what) {
  char text[512] = "";
  for (int i = 0; i < order_count; i++) {
    strcat(text, " ");
    strcat(text, signal_name(order[i]));
  }
  say("%s:%s", what, text);
  order_count = 0;
}

struct kernel_action {
  void* handler;
  unsigned long flags;
  void* restorer;
  uint64_t mask;
};

static void actions(void) {
  section("rt_sigaction");
  struct kernel_action action = {0}, old;
  SHOW(syscall(SYS_rt_sigaction, SIGUSR1, &action, &old, 8));
  say("default %d flags %lx", old.handler == NULL, old.flags);
  SHOW(syscall(SYS_rt_sigaction, SIGKILL, &action, NULL, 8));
  SHOW(syscall(SYS_rt_sigaction, SIGSTOP, &action, NULL, 8));
  SHOW(syscall(SYS_rt_sigaction, SIGKILL, NULL, &old, 8));
  SHOW(syscall(SYS_rt_sigaction, 0, NULL, &old, 8));
  SHOW(syscall(SYS_rt_sigaction, 65, NULL, &old, 8));
  SHOW(syscall(SYS_rt_sigaction, 64, NULL, &old, 8));
  SHOW(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 8));
  SHOW(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
  SHOW(syscall(SYS_rt_sigaction, SIGUSR1, BAD_KERNEL, NULL, 8));
  SHOW(syscall(SYS_rt_sigaction, SIGUSR1, NULL, BAD_KERNEL, 8));
  action = (struct kernel_action){
      .handler = (void*)record, .flags = 0x00f00000ul | SA_RESTART | SA_NODEFER, .mask = ~0ul};
  SHOW(syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8));
  SHOW(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &old, 8));
  say("flags %lx mask %lx", old.flags,
      old.mask);  // KILL and STOP are taken out; unknown flags too.
}

static void masks(void) {
  section("rt_sigprocmask");
  uint64_t set = ~0ul, old = 0;
  SHOW(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, &old, 8));
  say("old %lx", old);
  SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &old, 8));
  say("all but KILL and STOP: %lx", old);
  set = 1ul << (SIGUSR1 - 1);
  SHOW(syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &set, NULL, 8));
  SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &old, 8));
  say("without USR1: %d", (old & set) == 0);
  SHOW(syscall(SYS_rt_sigprocmask, 77, &set, NULL, 8));
  SHOW(syscall(SYS_rt_sigprocmask, 77, NULL, &old, 8));
  SHOW(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, NULL, 16));
  SHOW(syscall(SYS_rt_sigprocmask, SIG_SETMASK, BAD_KERNEL, NULL, 8));
  SHOW(syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, BAD_KERNEL, 8));
  set = 0;
  SHOW(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, NULL, 8));
  SHOW(syscall(SYS_rt_sigpending, &set, 8));
  SHOW(syscall(SYS_rt_sigpending, &set, 16));
  SHOW(syscall(SYS_rt_sigpending, BAD_KERNEL, 8));
}

static void queues(void) {
  section("pending");
  int real_time = SIGRTMIN + 3;
  handle_with(SIGUSR1, record, 0);
  handle_with(SIGUSR2, record, 0);
  handle_with(SIGHUP, record, 0);
  handle_with(real_time, record, 0);
  handle_with(real_time + 1, record, 0);
  sigset_t all, old, pending;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &old);
  for (int i = 0; i < 3; i++) {
    kill(getpid(), SIGUSR2);
    kill(getpid(), real_time + 1);
    kill(getpid(), SIGHUP);
    kill(getpid(), real_time);
  }
  sigpending(&pending);
  say("pending USR2 %d HUP %d USR1 %d RT %d", sigismember(&pending, SIGUSR2),
      sigismember(&pending, SIGHUP), sigismember(&pending, SIGUSR1),
      sigismember(&pending, real_time));
  sigprocmask(SIG_SETMASK, &old, NULL);
  // Handlers nest as each is delivered before the first runs; the last delivered runs first, and
  // each blocks only itself.
  show_order("order of handlers");
  struct sigaction action = {.sa_handler = record};
  sigfillset(&action.sa_mask);
  sigaction(SIGUSR2, &action, NULL);
  sigaction(SIGHUP, &action, NULL);
  sigaction(real_time, &action, NULL);
  sigaction(real_time + 1, &action, NULL);
  sigprocmask(SIG_SETMASK, &all, &old);
  for (int i = 0; i < 2; i++) {
    kill(getpid(), real_time + 1);
    kill(getpid(), SIGUSR2);
    kill(getpid(), real_time);
    kill(getpid(), SIGHUP);
  }
  sigprocmask(SIG_SETMASK, &old, NULL);
  show_order("one at a time, lowest first");
  // Ignoring a pending signal throws it away.
  sigprocmask(SIG_SETMASK, &all, &old);
  kill(getpid(), SIGUSR2);
  handle_with(SIGUSR2, SIG_IGN, 0);
  sigpending(&pending);
  say("pending after it was ignored: %d", sigismember(&pending, SIGUSR2));
  handle_with(SIGUSR2, record, 0);
  sigprocmask(SIG_SETMASK, &old, NULL);
  show_order("nothing");
  // SIGCONT takes pending stops away, and the other way round.
  sigprocmask(SIG_SETMASK, &all, &old);
  kill(getpid(), SIGTSTP);
  sigpending(&pending);
  say("TSTP pending %d", sigismember(&pending, SIGTSTP));
  kill(getpid(), SIGCONT);
  sigpending(&pending);
  say("TSTP pending %d, CONT pending %d", sigismember(&pending, SIGTSTP),
      sigismember(&pending, SIGCONT));
  kill(getpid(), SIGTTIN);
  sigpending(&pending);
  say("TTIN pending %d, CONT pending %d", sigismember(&pending, SIGTTIN),
      sigismember(&pending, SIGCONT));
  kill(getpid(), SIGCONT);
  sigprocmask(SIG_SETMASK, &old, NULL);
}

static siginfo_t last;
static void record_info(int signal, siginfo_t* info, void* context UNUSED) {
  record(signal);
  last = *info;
}

static void information(void) {
  section("siginfo");
  struct sigaction action = {.sa_sigaction = record_info, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  sigaction(SIGRTMIN, &action, NULL);
  sigaction(SIGCHLD, &action, NULL);
  kill(getpid(), SIGUSR1);
  say("kill: signo %d code %d, own pid %d uid %d", last.si_signo, last.si_code,
      last.si_pid == getpid(), last.si_uid);
  raise(SIGUSR1);
  say("tgkill: code %d, own pid %d", last.si_code, last.si_pid == getpid());
  sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 4711});
  say("sigqueue: code %d value %d", last.si_code, last.si_value.sival_int);
  siginfo_t made = {.si_code = -60};
  made.si_value.sival_ptr = (void*)0x123456789abcul;
  SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &made));
  say("own code %d value %lx signo %d", last.si_code, (long)last.si_value.sival_ptr, last.si_signo);
  made.si_code = 5;
  SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &made));
  SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), 0, &made));
  SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), 65, &made));
  SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, BAD_KERNEL));
  pid_t pid = fork();
  if (pid == 0) _exit(17);
  while (waitpid(pid, NULL, 0) == -1) {
  }
  for (int i = 0; i < 100 && last.si_signo != SIGCHLD; i++) sleep_ms(1);
  say("child: signo %d code %d status %d, its pid %d", last.si_signo, last.si_code, last.si_status,
      last.si_pid == pid);
  handle_with(SIGCHLD, SIG_DFL, 0);
  order_count = 0;
}

static volatile int depth, deepest, left;
static void nest(int signal) {
  if (++depth > deepest) deepest = depth;
  if (--left > 0) raise(signal);
  depth--;
}

static void flags(void) {
  section("SA_ flags");
  handle_with(SIGUSR1, nest, 0);
  deepest = 0, left = 3;
  raise(SIGUSR1);
  say("depth without SA_NODEFER %d", deepest);
  handle_with(SIGUSR1, nest, SA_NODEFER);
  deepest = 0, left = 3;
  raise(SIGUSR1);
  say("depth with SA_NODEFER %d", deepest);
  handle_with(SIGUSR1, record, SA_RESETHAND);
  raise(SIGUSR1);
  struct sigaction now;
  sigaction(SIGUSR1, NULL, &now);
  show_order("SA_RESETHAND");
  say("default again %d", now.sa_handler == SIG_DFL);
}

static volatile uintptr_t handler_sp;
static volatile int on_alternate;
static char alternate[32768] __attribute__((aligned(16)));
static volatile long change_while_on;

static void where(int signal UNUSED, siginfo_t* info UNUSED, void* context) {
  char here;
  handler_sp = (uintptr_t)&here;
  stack_t now;
  sigaltstack(NULL, &now);
  on_alternate = now.ss_flags;
  ucontext_t* user = context;
  say("uc_stack is the alternate one %d size %ld", user->uc_stack.ss_sp == alternate,
      (long)user->uc_stack.ss_size);
  errno = 0;
  change_while_on = sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL) == -1 ? errno : 0;
}

static void stacks(void) {
  section("sigaltstack");
  stack_t now, set = {.ss_sp = alternate, .ss_size = sizeof alternate};
  SHOW(sigaltstack(NULL, &now));
  say("flags %d size %ld", now.ss_flags, (long)now.ss_size);
  SHOW(sigaltstack(&set, NULL));
  SHOW(sigaltstack(NULL, &now));
  say("flags %d, same %d size %ld", now.ss_flags, now.ss_sp == alternate, (long)now.ss_size);
  struct sigaction action = {.sa_sigaction = where, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
  say("handler ran on it %d, flags there %d, change there: %s",
      handler_sp > (uintptr_t)alternate && handler_sp < (uintptr_t)alternate + sizeof alternate,
      on_alternate, error_name((int)change_while_on));
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
  say("without SA_ONSTACK %d",
      handler_sp > (uintptr_t)alternate && handler_sp < (uintptr_t)alternate + sizeof alternate);
  set.ss_flags = (int)(1u << 31);  // SS_AUTODISARM
  SHOW(sigaltstack(&set, NULL));
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
  say("SS_AUTODISARM: flags there %d, change there: %s", on_alternate,
      error_name((int)change_while_on));
  SHOW(sigaltstack(NULL, &now));
  say("armed again %d", now.ss_sp == alternate);
  set = (stack_t){.ss_sp = alternate, .ss_size = 100};
  SHOW(sigaltstack(&set, NULL));
  set = (stack_t){.ss_sp = alternate, .ss_size = sizeof alternate, .ss_flags = 8};
  SHOW(sigaltstack(&set, NULL));
  set.ss_flags = SS_ONSTACK;
  SHOW(sigaltstack(&set, NULL));
  SHOW(syscall(SYS_sigaltstack, BAD_KERNEL, NULL));
  SHOW(syscall(SYS_sigaltstack, NULL, BAD_KERNEL));
  SHOW(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL));
}

static void change_registers(int signal UNUSED, siginfo_t* info UNUSED, void* context) {
  mcontext_t* machine = &((ucontext_t*)context)->uc_mcontext;
  machine->regs[19] = 0x1111;
  machine->pc += 4;
}

static void frame(void) {
  section("the frame");
  struct sigaction action = {.sa_sigaction = change_registers, .sa_flags = SA_SIGINFO};
  sigaction(SIGILL, &action, NULL);
  uint64_t value;
  __asm__ volatile("mov x19, #5\n udf #0\n mov %0, x19" : "=r"(value)::"x19");
  say("a handler may change registers and go on: %lx", value);
  handle_with(SIGILL, SIG_DFL, 0);
}

static volatile int records_found;
static void walk_frame(int signal UNUSED, siginfo_t* info UNUSED, void* context) {
  ucontext_t* user = context;
  say("context aligned %d, siginfo before it %d", (uintptr_t)context % 16 == 0,
      (char*)info < (char*)context);
  unsigned char* at = (unsigned char*)user->uc_mcontext.__reserved;
  for (int i = 0; i < 10; i++) {
    uint32_t magic, size;
    memcpy(&magic, at, 4);
    memcpy(&size, at + 4, 4);
    say("  record %08x size %u", magic, size);
    if (magic == 0) break;
    at += size;
  }
  say("pstate condition bits only %d, sp aligned %d",
      (user->uc_mcontext.pstate & 0x0fffffff) == 0x1000 ||
          (user->uc_mcontext.pstate & 0x0fffffff) == 0,
      user->uc_mcontext.sp % 16 == 0);
}

static void records(void) {
  section("the records of the frame");
  struct sigaction action = {.sa_sigaction = walk_frame, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
}

// Vector registers are the interrupted code's again after the handler used them all.
static void spoil_vectors(int signal UNUSED) {
  __asm__ volatile(
      "movi v0.16b, #0xee\n movi v8.16b, #0xee\n movi v31.16b, #0xee\n"
      "msr fpsr, xzr" ::
          : "v0", "v8", "v31");
}
static void vectors(void) {
  section("vector registers");
  handle_with(SIGUSR1, spoil_vectors, 0);
  uint64_t a, b, c, status;
  long pid = getpid(), number = SYS_kill, signal = SIGUSR1;
  __asm__ volatile(
      "movi v0.16b, #1\n movi v8.16b, #2\n movi v31.16b, #3\n mov x0, #0x10\n msr fpsr, x0\n"
      "mov x8, %4\n mov x0, %5\n mov x1, %6\n svc #0\n"
      "umov %0, v0.d[1]\n umov %1, v8.d[0]\n umov %2, v31.d[1]\n mrs %3, fpsr\n"
      : "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(status)
      : "r"(number), "r"(pid), "r"(signal)
      : "x0", "x1", "x8", "v0", "v8", "v31", "memory");
  say("%lx %lx %lx fpsr %lx", a, b, c, status);
}

static void bad_frame_child(void) {
  // A signal return with a stack that holds nothing sensible kills.
  __asm__ volatile(
      "mov x9, sp\n mov sp, %0\n mov x8, #139\n svc #0\n mov sp, x9" ::"r"((uintptr_t)alternate)
      : "x8", "x9", "memory");
  say("not reached");
}
static void bad_stack_child(void) {
  handle_with(SIGUSR1, record, 0);
  // No room for the frame: SIGSEGV instead.
  long pid = getpid();
  __asm__ volatile(
      "mov x9, sp\n mov sp, %1\n mov x0, %0\n mov x1, #10\n mov x8, #129\n svc #0\n mov sp, x9" ::
          "r"(pid),
      "r"(edge(0) - PAGE + 64)
      : "x0", "x1", "x8", "x9", "memory");
  say("not reached");
}
static void privileged_state(int signal UNUSED, siginfo_t* info UNUSED, void* context) {
  ((ucontext_t*)context)->uc_mcontext.pstate = 0x3c5;  // EL1h, interrupts off.
}
static void privileged_child(void) {
  struct sigaction action = {.sa_sigaction = privileged_state, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
  say("not reached");
}
static void kernel_pc(int signal UNUSED, siginfo_t* info UNUSED, void* context) {
  ((ucontext_t*)context)->uc_mcontext.pc = 0xffff800008000000ul;
}
static void kernel_pc_child(void) {
  struct sigaction action = {.sa_sigaction = kernel_pc, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
  say("not reached");
}

static void bad_frames(void) {
  section("bad frames");
  IN_CHILD(bad_frame_child);
  IN_CHILD(bad_stack_child);
  IN_CHILD(privileged_child);
  IN_CHILD(kernel_pc_child);
}

static int default_signal;
static void die(void) {
  raise(default_signal);
  _exit(55);
}

static void defaults(void) {
  section("default actions");
  for (int signal = 1; signal < 65; signal++) {
    if (signal == 32 || signal == 33 || signal == SIGSTOP || signal == SIGTSTP ||
        signal == SIGTTIN || signal == SIGTTOU)
      continue;
    if (signal > 36 && signal < 64) continue;
    handle_with(signal, SIG_DFL, 0);
    default_signal = signal;
    say("%d: %s", signal, status_text(in_child(die)));
  }
}

static void limits(void) {
  section("RLIMIT_SIGPENDING");
  struct rlimit limit = {5, 5};
  MUST(setresuid(2345, 2345, 2345));
  MUST(setrlimit(RLIMIT_SIGPENDING, &limit));
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  for (int i = 0; i < 7; i++)
    say("%d: %s", i,
        sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == 0 ? "ok" : error_name(errno));
  SHOW(kill(getpid(), SIGRTMIN + 1));
  SHOW(kill(getpid(), SIGUSR1));
}

static void sending(void) {
  section("kill and tgkill");
  SHOW(kill(getpid(), 0));
  SHOW(kill(getpid(), 65));
  SHOW(kill(getpid(), -1));
  SHOW(kill(1 << 22, 0));
  SHOW(kill(INT32_MIN, 0));
  SHOW(kill(-(1 << 22), 0));
  SHOW(kill(0, 0));
  SHOW(kill(-getpgrp(), 0));
  SHOW(syscall(SYS_tgkill, getpid(), getpid(), 0));
  SHOW(syscall(SYS_tgkill, getpid(), 1, 0));
  SHOW(syscall(SYS_tgkill, -1, getpid(), 0));
  SHOW(syscall(SYS_tgkill, getpid(), 0, 0));
  SHOW(syscall(SYS_tgkill, getpid(), getpid(), 65));
  SHOW(syscall(SYS_tkill, getpid(), 0));
  SHOW(syscall(SYS_tkill, 0, 0));
  SHOW(syscall(SYS_tkill, 1 << 22, 0));
  pid_t pid = fork();
  if (pid == 0) {
    MUST(setresuid(1000, 1000, 1000));
    SHOW(kill(getppid(), 0));
    SHOW(kill(getppid(), SIGTERM));
    SHOW(kill(1, SIGTERM));
    SHOW(kill(getpid(), 0));
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  pid = fork();
  if (pid == 0) _exit(0);
  siginfo_t info;
  waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
  SHOW(kill(pid, SIGTERM));  // A zombie may be signalled.
  waitpid(pid, NULL, 0);
  SHOW(kill(pid, SIGTERM));
}

int main(void) {
  actions();
  masks();
  queues();
  information();
  flags();
  stacks();
  frame();
  records();
  vectors();
  bad_frames();
  defaults();
  sending();
  IN_CHILD(limits);
}
