// SPDX-License-Identifier: MIT
//
// prctl(2): every option, with good and odd arguments.

#include "abi.h"

#include <linux/capability.h>
#include <linux/prctl.h>
#include <sys/personality.h>

static long call(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
  return syscall(SYS_prctl, option, a, b, c, d);
}

static void unknown(void) {
  section("what is not there on this machine");
  static const int options[] = {0,  5,  6,  9,  10, 11, 12, 17, 18, 19,   20, 25, 26, 43, 44,
                                45, 46, 48, 49, 50, 51, 63, 64, 65, 66,   67, 68, 70, 1000, -1};
  for (size_t i = 0; i < COUNT(options); i++) {
    errno = 0;
    long result = call(options[i], 1, 0, 0, 0);
    say("option %d: %ld %s", options[i], result, result == -1 ? error_name(errno) : "");
  }
}

static void names(void) {
  section("names");
  char name[17] = "abcdefghijklmnop";
  SHOW(call(PR_SET_NAME, (long)"0123456789abcdefXYZ", 0, 0, 0));
  SHOW(call(PR_GET_NAME, (long)name, 0, 0, 0));
  say("%s", name);
  SHOW(call(PR_SET_NAME, 0, 0, 0, 0));
  SHOW(call(PR_SET_NAME, (long)edge(3), 0, 0, 0));
  SHOW(call(PR_GET_NAME, (long)edge(15), 0, 0, 0));
  SHOW(call(PR_SET_NAME, (long)"", 1, 2, 3));
  SHOW(call(PR_GET_NAME, (long)name, 0, 0, 0));
  say("\"%s\"", name);
}

static void flags(void) {
  section("flags of a process");
  int value = -1;
  SHOW(call(PR_SET_PDEATHSIG, 64, 0, 0, 0));
  SHOW(call(PR_SET_PDEATHSIG, 65, 0, 0, 0));
  SHOW(call(PR_SET_PDEATHSIG, -1ul, 0, 0, 0));
  SHOW(call(PR_SET_PDEATHSIG, 1ul << 32, 0, 0, 0));
  SHOW(call(PR_GET_PDEATHSIG, (long)&value, 0, 0, 0));
  SHOW(value);
  SHOW(call(PR_GET_PDEATHSIG, 0, 0, 0, 0));
  SHOW(call(PR_SET_PDEATHSIG, 0, 0, 0, 0));
  SHOW(call(PR_GET_DUMPABLE, 7, 7, 7, 7));
  SHOW(call(PR_SET_DUMPABLE, 2, 0, 0, 0));
  SHOW(call(PR_SET_DUMPABLE, 0, 9, 9, 9));
  SHOW(call(PR_GET_DUMPABLE, 0, 0, 0, 0));
  SHOW(call(PR_SET_DUMPABLE, 1, 0, 0, 0));
  SHOW(call(PR_SET_CHILD_SUBREAPER, 5, 9, 9, 9));
  SHOW(call(PR_GET_CHILD_SUBREAPER, (long)&value, 0, 0, 0));
  SHOW(value);
  SHOW(call(PR_GET_CHILD_SUBREAPER, 8, 0, 0, 0));
  SHOW(call(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0));
  SHOW(call(PR_GET_KEEPCAPS, 1, 1, 1, 1));
  SHOW(call(PR_SET_KEEPCAPS, 2, 0, 0, 0));
  SHOW(call(PR_SET_KEEPCAPS, 1, 5, 5, 5));
  SHOW(call(PR_GET_KEEPCAPS, 0, 0, 0, 0));
  SHOW(call(PR_SET_KEEPCAPS, 0, 0, 0, 0));
  SHOW(call(PR_GET_TIMING, 1, 1, 1, 1));
  SHOW(call(PR_SET_TIMING, 1, 0, 0, 0));
  SHOW(call(PR_SET_TIMING, 0, 1, 1, 1));
  SHOW(call(PR_GET_TIMERSLACK, 1, 1, 1, 1));
  SHOW(call(PR_SET_TIMERSLACK, 77, 1, 1, 1));
  SHOW(call(PR_GET_TIMERSLACK, 0, 0, 0, 0));
  SHOW(call(PR_SET_TIMERSLACK, 0, 0, 0, 0));
  SHOW(call(PR_GET_TIMERSLACK, 0, 0, 0, 0));
  SHOW(call(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
  SHOW(call(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
  SHOW(call(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
  SHOW(call(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  uint64_t address = 1;
  SHOW(call(PR_GET_TID_ADDRESS, (long)&address, 0, 0, 0));
  SHOW(call(PR_GET_TID_ADDRESS, 8, 0, 0, 0));
}

static void memory(void) {
  section("memory");
  SHOW(call(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0));
  SHOW(call(PR_MCE_KILL_GET, 0, 0, 0, 0));
  SHOW(call(PR_MCE_KILL_GET, 1, 0, 0, 0));
  SHOW(call(PR_MCE_KILL, PR_MCE_KILL_SET, 3, 0, 0));
  SHOW(call(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 1, 0, 0));
  SHOW(call(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0));
  SHOW(call(PR_MCE_KILL, 2, 0, 0, 0));
  SHOW(call(PR_SET_THP_DISABLE, 1, 1, 0, 0));
  SHOW(call(PR_SET_THP_DISABLE, 8, 0, 0, 0));
  SHOW(call(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  SHOW(call(PR_GET_THP_DISABLE, 0, 0, 1, 0));
  SHOW(call(PR_SET_THP_DISABLE, 0, 0, 0, 0));
  SHOW(call(PR_SET_TAGGED_ADDR_CTRL, 1, 0, 0, 0));
  SHOW(call(PR_GET_TAGGED_ADDR_CTRL, 0, 0, 0, 0));
  SHOW(call(PR_GET_TAGGED_ADDR_CTRL, 1, 0, 0, 0));
  SHOW(call(PR_SET_TAGGED_ADDR_CTRL, 1, 1, 0, 0));
  SHOW(call(PR_SET_TAGGED_ADDR_CTRL, 1ul << 20, 0, 0, 0));
  SHOW(call(PR_SET_TAGGED_ADDR_CTRL, 0, 0, 0, 0));
  SHOW(call(PR_SET_MM, 0, 0, 0, 0));
  SHOW(call(PR_SET_MM, 99, 4096, 0, 0));
  void* page = page_with(PROT_READ | PROT_WRITE);
  SHOW(call(PR_SET_VMA, 0, (long)page, 4096, (long)"name"));
  SHOW(call(PR_SET_VMA, 1, (long)page, 4096, (long)"name"));
}

static void unprivileged(void) {
  MUST(setresuid(1000, 1000, 1000));
  SHOW(call(PR_CAPBSET_DROP, 3, 0, 0, 0));
  SHOW(call(PR_CAPBSET_DROP, 99, 0, 0, 0));
  SHOW(call(PR_CAPBSET_READ, 99, 0, 0, 0));
  SHOW(call(PR_SET_SECUREBITS, 0, 0, 0, 0));
  SHOW(call(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

static void other(void) {
  section("others");
  SHOW(call(PR_GET_SECCOMP, 1, 1, 1, 1));
  SHOW(call(PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0));
  SHOW(call(PR_SVE_GET_VL, 0, 0, 0, 0));
  SHOW(call(PR_SVE_SET_VL, 16, 0, 0, 0));
  SHOW(call(PR_PAC_RESET_KEYS, 0, 0, 0, 0));
  SHOW(call(PR_PAC_SET_ENABLED_KEYS, 0, 0, 0, 0));
  SHOW(call(PR_PAC_GET_ENABLED_KEYS, 0, 0, 0, 0));
  SHOW(call(PR_SCHED_CORE, 0, 0, 0, 0));
  SHOW(call(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0));
  SHOW(call(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 41, 0, 0));
  SHOW(call(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 1, 0, 0));
  SHOW(call(PR_CAP_AMBIENT, 9, 1, 0, 0));
  SHOW(call(PR_CAP_AMBIENT, 9, 99, 0, 0));
}

int main(void) {
  unknown();
  names();
  flags();
  memory();
  other();
  IN_CHILD(unprivileged);
  return 0;
}
