// SPDX-License-Identifier: MIT
//
// What user mode may read of the machine: the identification registers, which Linux emulates with
// only the features it tells of; the counters; and what HWCAP says beside it.

#include "abi.h"

#include <setjmp.h>
#include <sys/auxv.h>

static sigjmp_buf again;
static void on_ill(int signal UNUSED) { siglongjmp(again, 1); }

#define READ(name)                                     \
  do {                                                 \
    uint64_t value;                                    \
    if (sigsetjmp(again, 1) == 0) {                    \
      __asm__ volatile("mrs %0, " name : "=r"(value)); \
      say("%-20s %016lx", name, value);                \
    } else {                                           \
      say("%-20s SIGILL", name);                       \
    }                                                  \
  } while (0)

// The value itself depends on when or where it is read.
#define READABLE(name)                                 \
  do {                                                 \
    uint64_t value;                                    \
    if (sigsetjmp(again, 1) == 0) {                    \
      __asm__ volatile("mrs %0, " name : "=r"(value)); \
      say("%-20s readable", name);                     \
    } else {                                           \
      say("%-20s SIGILL", name);                       \
    }                                                  \
  } while (0)

static void identification(void) {
  section("identification");
  READ("midr_el1");
  READ("revidr_el1");
  READ("mpidr_el1");
  READ("id_aa64pfr0_el1");
  READ("id_aa64pfr1_el1");
  READ("id_aa64dfr0_el1");
  READ("id_aa64dfr1_el1");
  READ("id_aa64isar0_el1");
  READ("id_aa64isar1_el1");
  READ("s3_0_c0_c6_2");  // ID_AA64ISAR2_EL1
  READ("id_aa64mmfr0_el1");
  READ("id_aa64mmfr1_el1");
  READ("id_aa64mmfr2_el1");
  READ("s3_0_c0_c4_4");  // ID_AA64ZFR0_EL1
  READ("id_aa64afr0_el1");
  READ("id_pfr0_el1");
  READ("id_isar0_el1");
  READ("s3_0_c0_c3_7");  // Reserved: reads as zero.
  READ("s3_0_c0_c7_7");
  READ("ctr_el0");
  READ("dczid_el0");
}

static void others(void) {
  section("others");
  READABLE("cntvct_el0");
  READABLE("cntfrq_el0");
  READABLE("cntpct_el0");
  READABLE("tpidr_el0");
  READABLE("tpidrro_el0");
  READABLE("fpcr");
  READABLE("fpsr");
  READABLE("nzcv");
  READABLE("daif");
  READABLE("currentel");
  READABLE("sp_el0");
  READABLE("tpidr_el1");
  READABLE("ttbr0_el1");
  READABLE("vbar_el1");
  READABLE("esr_el1");
  READABLE("cntv_ctl_el0");
  READABLE("cntv_cval_el0");
  READABLE("cntkctl_el1");
  READABLE("pmccntr_el0");
  READABLE("pmuserenr_el0");
  READABLE("ccsidr_el1");
  READABLE("clidr_el1");
  READABLE("actlr_el1");
  READABLE("s3_3_c2_c4_0");  // RNDR
}

static void counter(void) {
  section("the counter");
  bool agrees = false;
  for (int attempt = 0; attempt < 20 && !agrees;
       attempt++) {  // One without an interruption will do.
    uint64_t before, after, frequency;
    __asm__ volatile("isb\n mrs %0, cntvct_el0" : "=r"(before));
    int64_t start = now_ns();
    sleep_ms(20);
    int64_t elapsed = now_ns() - start;
    __asm__ volatile("isb\n mrs %0, cntvct_el0\n mrs %1, cntfrq_el0"
                     : "=r"(after), "=r"(frequency));
    double counted = (double)(after - before) * 1e9 / (double)frequency;
    agrees = counted > (double)elapsed - 1e6 && counted < (double)elapsed + 2e6;
  }
  say("it runs as CLOCK_MONOTONIC does: %d", agrees);
}

static void maintenance(void) {
  section("cache maintenance from user mode");
  static char line[128] __attribute__((aligned(64)));
#define DO(name, code)                                     \
  do {                                                     \
    if (sigsetjmp(again, 1) == 0) {                        \
      __asm__ volatile(code ::"r"(line) : "x9", "memory"); \
      say("%-10s ok", name);                               \
    } else {                                               \
      say("%-10s SIGILL", name);                           \
    }                                                      \
  } while (0)
  DO("dc cvau", "dc cvau, %0");
  DO("dc cvac", "dc cvac, %0");
  DO("dc civac", "dc civac, %0");
  DO("ic ivau", "ic ivau, %0");
  memset(line, 1, sizeof line);
  DO("dc zva", "dc zva, %0");
  say("zeroed %d", line[0] == 0);
  DO("wfe", "sevl\n wfe\n mov x9, %0");
  DO("wfi", "wfi\n mov x9, %0");
  DO("yield", "yield\n mov x9, %0");
}

static void thread_pointer(void) {
  section("thread pointer");
  uint64_t old, value;
  __asm__ volatile("mrs %0, tpidr_el0" : "=r"(old));
  __asm__ volatile("msr tpidr_el0, %0" ::"r"(0x1234567887654321ul));
  for (int i = 0; i < 100; i++) {
    register long x8 __asm__("x8") = SYS_sched_yield;
    register long x0 __asm__("x0");
    __asm__ volatile("svc #0" : "=r"(x0) : "r"(x8) : "memory");
  }
  __asm__ volatile("mrs %0, tpidr_el0" : "=r"(value));
  __asm__ volatile("msr tpidr_el0, %0" ::"r"(old));
  say("kept over 100 switches %d", value == 0x1234567887654321ul);
}

// svc leaves every register but x0 alone, whatever the immediate says.
static void system_call(void) {
  section("svc");
  uint64_t x1, x7, x9, x15, x16, x17, x18, x28, flags, x0;
  __asm__ volatile(
      "mov x1, #101\n mov x7, #107\n mov x9, #109\n mov x15, #115\n mov x16, #116\n mov x17, #117\n"
      "mov x18, #118\n mov x28, #128\n mov x8, #172\n mov x10, #0xf0000000\n msr nzcv, x10\n"
      "svc #0x1234\n"
      "mrs x10, nzcv\n mov %0, x0\n mov %1, x1\n mov %2, x7\n mov %3, x9\n mov %4, x15\n mov %5, "
      "x16\n"
      "mov %6, x17\n mov %7, x18\n mov %8, x28\n mov %9, x10\n"
      : "=&r"(x0), "=&r"(x1), "=&r"(x7), "=&r"(x9), "=&r"(x15), "=&r"(x16), "=&r"(x17), "=&r"(x18),
        "=&r"(x28), "=&r"(flags)
      :
      : "x0", "x1", "x7", "x8", "x9", "x10", "x15", "x16", "x17", "x18", "x28", "memory", "cc");
  say("pid %d, others %lu %lu %lu %lu %lu %lu %lu %lu flags %lx", x0 == (uint64_t)getpid(), x1, x7,
      x9, x15, x16, x17, x18, x28, flags);
  SHOW(syscall(-1));
  SHOW(syscall(451));
  SHOW(syscall(100000));
  SHOW(syscall(0x100000000 + SYS_getpid) > 0);  // Only the low half counts.
  SHOW(syscall(244));                           // A hole in the table.
}

int main(void) {
  handle_with(SIGILL, on_ill, 0);
  section("HWCAP");
  say("%lx %lx", getauxval(AT_HWCAP), getauxval(AT_HWCAP2));
  identification();
  others();
  counter();
  maintenance();
  thread_pointer();
  system_call();
}
