// SPDX-License-Identifier: MIT
//
// What a program that errs is told: the signal, its si_code, whether si_addr is the address it
// touched, and the state it dies with when nobody catches it.

#include "abi.h"

#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf again;
static siginfo_t seen;
static uint64_t seen_pc;

static void on_fault(int signal UNUSED, siginfo_t* info, void* context) {
  seen = *info;
  seen_pc = ((ucontext_t*)context)->uc_mcontext.pc;
  siglongjmp(again, 1);
}

static void report(const char* what, const void* address) {
  say("%-36s %s code %d, si_addr %s, si_errno %d", what, signal_name(seen.si_signo), seen.si_code,
      address == NULL                     ? (seen.si_addr == NULL ? "NULL" : "not NULL")
      : seen.si_addr == address           ? "right"
      : (uint64_t)seen.si_addr == seen_pc ? "the pc"
                                          : "wrong",
      seen.si_errno);
}

#define FAULT(what, address, action) \
  do {                               \
    if (sigsetjmp(again, 1) == 0) {  \
      action;                        \
      say("%-36s no fault", what);   \
    } else {                         \
      report(what, address);         \
    }                                \
  } while (0)

static volatile char sink;
static void load(const volatile void* at) { sink = *(const volatile char*)at; }
static void store(volatile void* at) { *(volatile char*)at = 1; }
static void jump(const void* at) { ((void (*)(void))(uintptr_t)at)(); }

static void memory(void) {
  section("memory");
  char* hole = unmapped();
  FAULT("load from NULL", NULL, load(NULL));
  FAULT("store to NULL", NULL, store(NULL));
  FAULT("call of NULL", NULL, jump(NULL));
  FAULT("load from 8", (void*)8, load((void*)8));
  FAULT("load from a hole", hole + 5, load(hole + 5));
  FAULT("store to a hole", hole, store(hole));
  FAULT("call into a hole", hole + 8, jump(hole + 8));
  char* reading = page_with(PROT_READ);
  FAULT("store to a read-only page", reading + 100, store(reading + 100));
  char* none = page_with(PROT_NONE);
  FAULT("load from PROT_NONE", none + 7, load(none + 7));
  FAULT("call into a page without x", reading, jump(reading));
  FAULT("store to text", (void*)&store, store((void*)&store));
  FAULT("load from the linear map", BAD_KERNEL, load(BAD_KERNEL));
  FAULT("store to the kernel image", (void*)0xffffffff80080000ul,
        store((void*)0xffffffff80080000ul));
  FAULT("call of a kernel address", (void*)0xffff800008000000ul, jump((void*)0xffff800008000000ul));
  FAULT("load past the user half", BAD_HOLE, load(BAD_HOLE));
  FAULT("load from a hole in the middle", (void*)0x7fff000000000000ul,
        load((void*)0x7fff000000000000ul));
  FAULT("load of the last byte", (void*)~0ul, load((void*)~0ul));
  char* tagged = (char*)((uintptr_t)hole | 0x5a00000000000000ul);
  FAULT("load through a tagged pointer", hole, load(tagged));
  char* last = edge(4);
  FAULT("load across a page edge", last + 4, sink = (char)*(volatile uint64_t*)(last));
  FAULT("store pair across an edge", last + 4,
        __asm__ volatile("stp %1, %1, [%0]" ::"r"(last - 4), "r"(0ul)
                         : "memory"));
}

static void files(void) {
  section("files");
  int fd = (int)MUST(open("f", O_RDWR | O_CREAT, 0600));
  ftruncate(fd, 100);
  char* map = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  FAULT("inside the last page", NULL, load(map + 200));
  FAULT("page past the end of the file", map + PAGE + 3, load(map + PAGE + 3));
  FAULT("store past the end", map + 2 * PAGE, store(map + 2 * PAGE));
  char* private = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  FAULT("private, past the end", private + PAGE, store(private + PAGE));
  char* empty = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 1 << 20);
  FAULT("call past the end", empty, jump(empty));
}

static void instructions(void) {
  section("instructions");
  uint32_t* code =
      mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  code[0] = 0x00000000;   // udf #0
  code[4] = 0x0000ffff;   // udf #65535
  code[8] = 0xd4200000;   // brk #0
  code[12] = 0xd4207d00;  // brk #1000
  code[16] = 0xd4000002;  // hvc #0: undefined at EL0
  code[20] = 0xd4000003;  // smc #0
  code[24] = 0xd5381000;  // mrs x0, sctlr_el1
  code[28] = 0xd5181000;  // msr sctlr_el1, x0
  code[32] = 0xd69f03e0;  // eret
  code[36] = 0xd50342df;  // msr daifset, #2
  code[40] = 0xd4a00001;  // dcps1
  code[44] = 0xd4400000;  // hlt #0
  code[48] = 0xd5087620;  // dc ivac, x0
  code[52] = 0xd508711f;  // ic ialluis
  code[56] = 0xd50e8300;  // tlbi at EL3: a hole in the encoding space
  __builtin___clear_cache((char*)code, (char*)(code + 64));
  static const struct {
    int at;
    const char* name;
  } list[] = {{0, "udf #0"},   {4, "udf #65535"},   {8, "brk #0"},         {12, "brk #1000"},
              {16, "hvc"},     {20, "smc"},         {24, "mrs sctlr_el1"}, {28, "msr sctlr_el1"},
              {32, "eret"},    {36, "msr daifset"}, {40, "dcps1"},         {44, "hlt"},
              {48, "dc ivac"}, {52, "ic ialluis"},  {56, "tlbi alle3"}};
  for (unsigned i = 0; i < COUNT(list); i++)
    FAULT(list[i].name, code + list[i].at, jump(code + list[i].at));
}

static uint32_t* code_page(uint32_t instruction) {
  static uint32_t* code;
  if (code == NULL)
    code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  code[0] = instruction;
  code[1] = 0xd65f03c0;  // ret
  __builtin___clear_cache((char*)code, (char*)(code + 2));
  return code;
}

// Instructions of extensions: what this CPU has not is undefined, hints are nothing at all, and
// what is trapped for the kernel's sake is done for the program.
static void extensions(void) {
  section("hints and extensions");
  static const struct {
    uint32_t instruction;
    const char* name;
  } list[] = {{0xd503245f, "bti c"},
              {0xd503249f, "bti j"},
              {0xd503233f, "paciasp"},
              {0xd50323bf, "autiasp"},
              {0xd50320ff, "xpaclri"},
              {0xdac103e1, "pacia x1, sp"},
              {0xdac113e1, "autia x1, sp"},
              {0x9ac23021, "pacga x1, x1, x2"},
              {0xd65f0bff, "retaa"},
              {0xd63f0bff, "blraaz xzr"},
              {0xf8200401, "ldraa x1, [x0]"},
              {0xd503207f, "wfi"},
              {0xd503205f, "wfe"},
              {0xd503203f, "yield"},
              {0xd50320bf, "sevl"},
              {0xd503221f, "esb"},
              {0xd503225f, "tsb csync"},
              {0xd503229f, "csdb"},
              {0xd5033ff0, "reserved barrier"},
              {0xd50330ff, "sb"},
              {0xd503417f, "msr uao"},
              {0xd500401f, "cfinv"},
              {0xb8200041, "ldadd w0, w1, [x2]"},
              {0x08a07c41, "casb w0, w1, [x2]"},
              {0x04bf5fe0, "rdvl x0, #31"},
              {0x25221c20, "whilels p0.b, w1, w2"},
              {0xd503477f, "smstart"},
              {0x9ac01000, "irg x0, x0"},
              {0xd9200800, "stg x0, [x0]"},
              {0x1e7e0000, "fjcvtzs w0, d0"},
              {0x4e829420, "sdot"},
              {0x0ee0e020, "pmull"},
              {0x19000000, "mops"},
              {0xd5380000, "mrs midr_el1"},
              {0xd53be040, "mrs cntvct_el0"},
              {0xd53be020, "mrs cntpct_el0"},
              {0xd53b9d00, "mrs pmccntr_el0"},
              {0xd53bd0a0, "mrs tpidr2_el0"},
              {0xd51bd060, "msr tpidrro_el0"},
              {0xd5384100, "mrs sp_el0"},
              {0xd5384240, "mrs currentel"},
              {0xd53b2400, "mrs rndr"},
              {0xd5087800, "at s1e1r, x0"},
              {0xd508831f, "tlbi vmalle1is"},
              {0xd50b7520, "ic ivau, x0"},
              {0xd50b7b20, "dc cvau, x0"},
              {0xd50b7e20, "dc civac, x0"},
              {0xd50b7420, "dc zva, x0"},
              {0xd50b7a20, "dc cvac, x0"},
              {0xd50b7c20, "dc cvap, x0"},
              {0xf9800000, "prfm pldl1keep, [x0]"}};
  static char somewhere[256] __attribute__((aligned(128)));
  for (unsigned i = 0; i < COUNT(list); i++) {
    uint32_t* code = code_page(list[i].instruction);
    for (int mapped = 0; mapped < 2; mapped++) {
      char label[64];
      snprintf(label, sizeof label, "%s%s", list[i].name, mapped ? "" : ", bad address");
      char* address = mapped ? somewhere : (char*)8;
      // Only the instruction itself decides whether the address matters.
      if (sigsetjmp(again, 1) == 0) {
        ((void (*)(char*, char*, char*))(uintptr_t)code)(address, address, address);
        say("%-36s no fault", label);
      } else {
        report(label, seen.si_signo == SIGSEGV ? (void*)8 : (void*)code);
      }
    }
  }
}

// svc: Linux looks at x8 alone.
static void supervisor_calls(void) {
  section("svc");
  static const uint32_t numbers[] = {0, 1, 0x42, 0x1234, 0xffff};
  for (unsigned i = 0; i < COUNT(numbers); i++) {
    long (*call)(void) = (long (*)(void))(uintptr_t)code_page(0xd4000001 | numbers[i] << 5);
    register long number __asm__("x8") = SYS_getppid;
    register long result __asm__("x0") = 0;
    __asm__ volatile("blr %2" : "+r"(result) : "r"(number), "r"(call) : "x30", "memory");
    say("svc #0x%x: %s", numbers[i], result == getppid() ? "a system call" : "something else");
  }
}

// Trap enables that the CPU may not have: then nothing traps.
static void floating_point(void) {
  section("floating point");
  uint64_t old, control = 0x9f00;
  __asm__ volatile("mrs %0, fpcr" : "=r"(old));
  __asm__ volatile("msr fpcr, %0\n\tmrs %0, fpcr" : "+r"(control));
  say("trap enables that stay: 0x%lx", (unsigned long)(control & 0x9f00));
  volatile double zero = 0, one = 1;
  volatile double quotient;
  FAULT("1.0 / 0.0", NULL, quotient = one / zero);
  FAULT("0.0 / 0.0", NULL, quotient = zero / zero);
  (void)quotient;
  __asm__ volatile("msr fpcr, %0" ::"r"(old));
}

static void alignment(void) {
  section("alignment");
  FAULT("pc not aligned", (char*)&alignment + 2, jump((char*)&alignment + 2));
  char* buffer = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  FAULT("unaligned load is fine", NULL, sink = (char)*(volatile uint64_t*)(buffer + 1));
  FAULT("unaligned load-acquire", buffer + 1,
        __asm__ volatile("ldar x9, [%0]" ::"r"(buffer + 1)
                         : "x9", "memory"));
  FAULT("unaligned exclusive", buffer + 4,
        __asm__ volatile("ldxr x9, [%0]" ::"r"(buffer + 4)
                         : "x9", "memory"));
  // A misaligned SP is not tried: QEMU does not check it, silicon does.
}

// A register that only the kernel may read in user mode is emulated or refused, see registers.c.
static void uncaught_load(void) { load(NULL); }
static void uncaught_bus(void) {
  int fd = open("f", O_RDWR);
  load(mmap(NULL, 3 * PAGE, PROT_READ, MAP_SHARED, fd, 0) + PAGE);
}
static void uncaught_udf(void) { __asm__ volatile("udf #0"); }
static void uncaught_brk(void) { __asm__ volatile("brk #0"); }
static void uncaught_misaligned(void) { jump((char*)&uncaught_udf + 2); }
static void ignored_load(void) {
  handle_with(SIGSEGV, SIG_IGN, 0);  // A fault cannot be ignored,
  load(NULL);
}
static void blocked_load(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);  // or blocked.
  load(NULL);
}
static void blocked_with_handler(void) {
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  if (sigsetjmp(again, 1) == 0) load(NULL);
  say("not reached");
}
static void fault_in_handler_again(int signal UNUSED) { load((void*)16); }
static void nested_fault(void) {
  handle_with(SIGSEGV, fault_in_handler_again, 0);
  load(NULL);
}
static int deeper(int depth) {
  volatile char frame[1024];
  frame[0] = (char)depth;
  return deeper(depth + 1) + frame[0];
}
static void stack_overflow(void) { deeper(0); }

static void uncaught(void) {
  section("nobody catches it");
  for (int signal = 1; signal < 32; signal++) handle_with(signal, SIG_DFL, 0);
  IN_CHILD(uncaught_load);
  IN_CHILD(uncaught_bus);
  IN_CHILD(uncaught_udf);
  IN_CHILD(uncaught_brk);
  IN_CHILD(uncaught_misaligned);
  IN_CHILD(ignored_load);
  IN_CHILD(blocked_load);
  IN_CHILD(blocked_with_handler);
  IN_CHILD(nested_fault);
  IN_CHILD(stack_overflow);
}

int main(void) {
  static char stack[65536];
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&alternate, NULL);
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
  sigaction(SIGILL, &action, NULL);
  sigaction(SIGTRAP, &action, NULL);
  sigaction(SIGFPE, &action, NULL);
  memory();
  files();
  instructions();
  extensions();
  supervisor_calls();
  floating_point();
  alignment();
  uncaught();
}
