// SPDX-License-Identifier: MIT
//
// regfuzz CALLS [THREADS [SEED]]: does the kernel keep every register? Threads load x0-x30, v0-v31,
// the flags, FPSR and FPCR with random values, make a random harmless system call (or none, and
// just spin through a few hundred instructions), and compare everything but x0. Meanwhile a timer
// per thread interrupts at 1 kHz with a handler that spoils all it can, and there are more threads
// than CPUs, so that every value crosses preemption, migration and signal frames.

#include "../../abi/abi.h"

#include <pthread.h>
#include <sys/prctl.h>

struct registers {
  uint64_t x[31];       //   0
  uint64_t spin;        // 248: iterations of the loop instead of a call; 0 for a call
  __uint128_t v[32];    // 256
  uint64_t flags;       // 768
  uint64_t fpsr, fpcr;  // 776, 784
  uint64_t tpidr;       // 792
};

void exercise(const struct registers* in, struct registers* out);

// Everything is addressed from sp while the file is loaded: no general register is free.
//   [sp, #0] in  [sp, #8] out  [sp, #16] old FPCR  [sp, #24] spin  [sp, #32..] x0 x1 x2 x3
__asm__(
    ".text\n.global exercise\n.type exercise, %function\nexercise:\n"
    "  stp x29, x30, [sp, #-96]!\n"
    "  stp x19, x20, [sp, #16]\n  stp x21, x22, [sp, #32]\n  stp x23, x24, [sp, #48]\n"
    "  stp x25, x26, [sp, #64]\n  stp x27, x28, [sp, #80]\n"
    "  stp d8, d9, [sp, #-64]!\n  stp d10, d11, [sp, #16]\n"
    "  stp d12, d13, [sp, #32]\n  stp d14, d15, [sp, #48]\n"
    "  sub sp, sp, #64\n"
    "  stp x0, x1, [sp]\n  mrs x2, fpcr\n  str x2, [sp, #16]\n"
    "  ldr x2, [x0, #248]\n  str x2, [sp, #24]\n"
    "  ldr x2, [x0, #768]\n  msr nzcv, x2\n"
    "  ldr x2, [x0, #776]\n  msr fpsr, x2\n  ldr x2, [x0, #784]\n  msr fpcr, x2\n"
    "  add x1, x0, #256\n"
    "  ldp q0, q1, [x1]\n  ldp q2, q3, [x1, #32]\n  ldp q4, q5, [x1, #64]\n  ldp q6, q7, [x1, "
    "#96]\n"
    "  ldp q8, q9, [x1, #128]\n  ldp q10, q11, [x1, #160]\n  ldp q12, q13, [x1, #192]\n"
    "  ldp q14, q15, [x1, #224]\n  ldp q16, q17, [x1, #256]\n  ldp q18, q19, [x1, #288]\n"
    "  ldp q20, q21, [x1, #320]\n  ldp q22, q23, [x1, #352]\n  ldp q24, q25, [x1, #384]\n"
    "  ldp q26, q27, [x1, #416]\n  ldp q28, q29, [x1, #448]\n  ldp q30, q31, [x1, #480]\n"
    "  ldp x2, x3, [x0, #16]\n  ldp x4, x5, [x0, #32]\n  ldp x6, x7, [x0, #48]\n"
    "  ldp x8, x9, [x0, #64]\n  ldp x10, x11, [x0, #80]\n  ldp x12, x13, [x0, #96]\n"
    "  ldp x14, x15, [x0, #112]\n  ldp x16, x17, [x0, #128]\n  ldp x18, x19, [x0, #144]\n"
    "  ldp x20, x21, [x0, #160]\n  ldp x22, x23, [x0, #176]\n  ldp x24, x25, [x0, #192]\n"
    "  ldp x26, x27, [x0, #208]\n  ldp x28, x29, [x0, #224]\n  ldr x30, [x0, #240]\n"
    "  ldp x0, x1, [x0]\n"
    // A call, or a loop that keeps its own counter in memory and uses no flags.
    "  str x0, [sp, #32]\n  ldr x0, [sp, #24]\n  cbnz x0, 1f\n"
    "  ldr x0, [sp, #32]\n  svc #0\n  b 3f\n"
    "1:\n2: sub x0, x0, #1\n  cbnz x0, 2b\n  ldr x0, [sp, #32]\n"
    "3: str x0, [sp, #32]\n  str x1, [sp, #40]\n  ldr x0, [sp, #8]\n"
    "  ldr x1, [sp, #32]\n  str x1, [x0]\n  ldr x1, [sp, #40]\n  str x1, [x0, #8]\n"
    "  stp x2, x3, [x0, #16]\n  stp x4, x5, [x0, #32]\n  stp x6, x7, [x0, #48]\n"
    "  stp x8, x9, [x0, #64]\n  stp x10, x11, [x0, #80]\n  stp x12, x13, [x0, #96]\n"
    "  stp x14, x15, [x0, #112]\n  stp x16, x17, [x0, #128]\n  stp x18, x19, [x0, #144]\n"
    "  stp x20, x21, [x0, #160]\n  stp x22, x23, [x0, #176]\n  stp x24, x25, [x0, #192]\n"
    "  stp x26, x27, [x0, #208]\n  stp x28, x29, [x0, #224]\n  str x30, [x0, #240]\n"
    "  mrs x2, nzcv\n  str x2, [x0, #768]\n  mrs x2, fpsr\n  str x2, [x0, #776]\n"
    "  mrs x2, fpcr\n  str x2, [x0, #784]\n  mrs x2, tpidr_el0\n  str x2, [x0, #792]\n"
    "  add x1, x0, #256\n"
    "  stp q0, q1, [x1]\n  stp q2, q3, [x1, #32]\n  stp q4, q5, [x1, #64]\n  stp q6, q7, [x1, "
    "#96]\n"
    "  stp q8, q9, [x1, #128]\n  stp q10, q11, [x1, #160]\n  stp q12, q13, [x1, #192]\n"
    "  stp q14, q15, [x1, #224]\n  stp q16, q17, [x1, #256]\n  stp q18, q19, [x1, #288]\n"
    "  stp q20, q21, [x1, #320]\n  stp q22, q23, [x1, #352]\n  stp q24, q25, [x1, #384]\n"
    "  stp q26, q27, [x1, #416]\n  stp q28, q29, [x1, #448]\n  stp q30, q31, [x1, #480]\n"
    "  ldr x2, [sp, #16]\n  msr fpcr, x2\n"
    "  add sp, sp, #64\n"
    "  ldp d10, d11, [sp, #16]\n  ldp d12, d13, [sp, #32]\n  ldp d14, d15, [sp, #48]\n"
    "  ldp d8, d9, [sp], #64\n"
    "  ldp x19, x20, [sp, #16]\n  ldp x21, x22, [sp, #32]\n  ldp x23, x24, [sp, #48]\n"
    "  ldp x25, x26, [sp, #64]\n  ldp x27, x28, [sp, #80]\n  ldp x29, x30, [sp], #96\n"
    "  ret\n.size exercise, . - exercise\n");

static uint64_t next(uint64_t* state) {  // xorshift64*
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * 2685821657736338717ul;
}

// Calls that random arguments cannot turn into harm: a descriptor far out of range, pointers that
// are never valid, or no arguments at all. arguments: how many of x0.. are fixed.
static const struct {
  int number, arguments;
  uint64_t fixed[6];
} kCalls[] = {
    {SYS_getpid, 0, {0}},
    {SYS_gettid, 0, {0}},
    {SYS_getuid, 0, {0}},
    {SYS_getppid, 0, {0}},
    {SYS_sched_yield, 0, {0}},
    {SYS_sched_yield, 0, {0}},
    {SYS_read, 1, {0x40000000}},
    {SYS_write, 1, {0x40000000}},
    {SYS_close, 1, {0x40000000}},
    {SYS_lseek, 1, {0x40000000}},
    {SYS_openat, 2, {0x40000000, 0xffff000000000000ul}},
    {SYS_uname, 1, {0xffff000000000000ul}},
    {SYS_clock_gettime, 2, {1, 0xffff000000000000ul}},
    {SYS_futex, 3, {0xffff000000000000ul, 129, 1}},
    {SYS_munmap, 2, {1, 0}},
    {SYS_rt_sigaction, 2, {SIGUSR1, 0xffff000000000000ul}},
    {451, 0, {0}},
    {0x7fffffff, 0, {0}},
    {SYS_nanosleep, 1, {0xffff000000000000ul}},
    {SYS_umask, 1, {022}},
    {SYS_getpriority, 2, {0, 0}},
    {SYS_futex, 4, {0, 128, 0, 0}},  // Sleeps for a moment; the pointers are filled in.
};

static long calls_wanted;
static volatile long calls_done, differences, handled;
static uint32_t futex_word;
static const struct timespec kMoment = {0, 20000};

static void spoil(int signal UNUSED) {
  volatile double a = 1.5, b = 3.25;
  a = a * b + b / a;
  __asm__ volatile(
      "movi v0.16b, #0xaa\n movi v5.16b, #0xab\n movi v8.16b, #0xac\n movi v17.16b, #0xad\n"
      "movi v31.16b, #0xae\n mov x9, #-1\n mov x10, #-2\n mov x16, #-3\n mov x17, #-4\n"
      "msr fpsr, x9\n msr nzcv, xzr\n" ::
          : "v0", "v5", "v8", "v17", "v31", "x9", "x10", "x16", "x17", "cc");
  __atomic_add_fetch(&handled, 1, __ATOMIC_RELAXED);
}

static void compare(const struct registers* in, const struct registers* out, uint64_t tpidr) {
  long wrong = 0;
  for (int i = in->spin ? 0 : 1; i < 31; i++) {
    if (in->x[i] == out->x[i]) continue;
    if (wrong++ == 0)
      say("x%d was %lx is %lx (call %lu spin %lu)", i, in->x[i], out->x[i], in->x[8], in->spin);
  }
  for (int i = 0; i < 32; i++) {
    if (in->v[i] == out->v[i]) continue;
    if (wrong++ == 0)
      say("v%d was %lx%016lx is %lx%016lx (call %lu)", i, (uint64_t)(in->v[i] >> 64),
          (uint64_t)in->v[i], (uint64_t)(out->v[i] >> 64), (uint64_t)out->v[i], in->x[8]);
  }
  if (in->flags != out->flags && wrong++ == 0) say("flags were %lx are %lx", in->flags, out->flags);
  if (in->fpsr != out->fpsr && wrong++ == 0) say("fpsr was %lx is %lx", in->fpsr, out->fpsr);
  if (in->fpcr != out->fpcr && wrong++ == 0) say("fpcr was %lx is %lx", in->fpcr, out->fpcr);
  if (tpidr != out->tpidr && wrong++ == 0) say("tpidr_el0 changed");
  if (!in->spin && (int64_t)out->x[0] < -4095 && wrong++ == 0) say("result %lx", out->x[0]);
  if (wrong && __atomic_add_fetch(&differences, wrong, __ATOMIC_SEQ_CST) > 20) exit(1);
}

static void* fuzz(void* seed) {
  uint64_t state = (uint64_t)seed * 0x9e3779b97f4a7c15ul + 1, tpidr;
  __asm__("mrs %0, tpidr_el0" : "=r"(tpidr));
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR2};
  event._sigev_un._tid = (int)syscall(SYS_gettid);
  int timer;
  if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) == 0)
    syscall(SYS_timer_settime, timer, 0, &(struct itimerspec){{0, 1000000}, {0, 1000000}}, NULL);
  static __thread struct registers in, out;
  while (__atomic_fetch_add(&calls_done, 1, __ATOMIC_RELAXED) < calls_wanted) {
    for (int i = 0; i < 31; i++) in.x[i] = next(&state);
    for (int i = 0; i < 32; i++) in.v[i] = (__uint128_t)next(&state) << 64 | next(&state);
    in.flags = next(&state) & 0xf0000000;
    in.fpsr = next(&state) & 0x0800009f;
    in.fpcr = next(&state) & 0x07c00000;
    in.spin = next(&state) % 16 == 0 ? next(&state) % 2000 + 1 : 0;
    unsigned which = (unsigned)(next(&state) % COUNT(kCalls));
    in.x[8] = (uint64_t)kCalls[which].number;
    for (int i = 0; i < kCalls[which].arguments; i++) in.x[i] = kCalls[which].fixed[i];
    if (which == COUNT(kCalls) - 1) {
      if (next(&state) % 64 != 0) continue;  // Sleeping is slow; a few are enough.
      in.x[0] = (uint64_t)&futex_word;
      in.x[3] = (uint64_t)&kMoment;
    }
    exercise(&in, &out);
    compare(&in, &out, tpidr);
  }
  return NULL;
}

int main(int argc, char** argv) {
  alarm(0);
  calls_wanted = argc > 1 ? atol(argv[1]) : 100000;
  int threads = argc > 2 ? atoi(argv[2]) : 8;
  uint64_t seed = argc > 3 ? strtoul(argv[3], NULL, 0) : 1;
  handle_with(SIGUSR2, spoil, SA_RESTART);
  pthread_t thread[64];
  for (int i = 0; i < threads && i < 64; i++)
    pthread_create(&thread[i], NULL, fuzz, (void*)(seed * 1000 + (uint64_t)i));
  for (int i = 0; i < threads && i < 64; i++) pthread_join(thread[i], NULL);
  say("calls %ld, differences %ld, signals %s", calls_wanted, differences,
      handled > 0 ? "handled" : "none");
  if (differences == 0) say("ok");
  return differences != 0;
}
