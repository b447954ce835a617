// SPDX-License-Identifier: MIT
//
// User mode against the kernel's half: loads, stores and calls at many kernel addresses end in a
// signal for this process; system calls with such pointers end in EFAULT. No address gives a byte.

#include "abi.h"

#include <setjmp.h>
#include <sys/uio.h>

static sigjmp_buf again;
static volatile int signal_seen, code_seen;
static void on_fault(int signal, siginfo_t* info, void* context UNUSED) {
  signal_seen = signal;
  code_seen = info->si_code;
  siglongjmp(again, 1);
}

static unsigned long addresses[4096];
static unsigned address_count;

static void collect(void) {
  // Each area the kernel may use, densely at its start, then in strides; and the holes between.
  static const unsigned long starts[] = {0xffff000000000000, 0xffff000040000000, 0xffff000040080000,
                                         0xffff000040200000, 0xffff800000000000, 0xffff800008000000,
                                         0xffff800010000000, 0xffffffff80000000, 0xffffffff80080000,
                                         0xffffffffffff0000, 0x0001000000000000, 0x80ff000000000000,
                                         0xfffe000000000000, 0xffff7fffffff0000};
  for (unsigned i = 0; i < COUNT(starts); i++)
    for (unsigned j = 0; j < 16; j++) {
      addresses[address_count++] = starts[i] + j * 4096ul;
      addresses[address_count++] = starts[i] + (1ul << (12 + j * 2)) + 8;
    }
}

static int attempts(int kind) {
  volatile int silent = 0, odd = 0;
  for (volatile unsigned i = 0; i < address_count; i++) {
    if (sigsetjmp(again, 1) == 0) {
      volatile char* at = (volatile char*)addresses[i];
      if (kind == 0) (void)*at;
      if (kind == 1) *at = 1;
      if (kind == 2) ((void (*)(void))addresses[i])();
      silent++;
    } else if (signal_seen != SIGSEGV || code_seen != SEGV_MAPERR) {
      // A call of an address that is not a multiple of four is a SIGBUS; none here.
      odd++;
    }
  }
  return silent * 10000 + odd;
}

static void directly(void) {
  section("directly");
  say("addresses %u", address_count);
  say("loads that went through, times 10000, or ended oddly: %d", attempts(0));
  say("stores: %d", attempts(1));
  say("calls: %d", attempts(2));
}

static void through_calls(void) {
  section("through system calls");
  int fds[2], zero = open("/dev/zero", O_RDONLY), wrong = 0;
  pipe(fds);
  fcntl(fds[1], F_SETFL, O_NONBLOCK);
  for (unsigned i = 0; i < address_count; i++) {
    void* at = (void*)addresses[i];
    struct iovec vector = {at, 8};
    wrong += !(read(zero, at, 8) == -1 && errno == EFAULT);
    wrong += !(write(fds[1], at, 8) == -1 && errno == EFAULT);
    wrong += !(readv(zero, &vector, 1) == -1 && errno == EFAULT);
    wrong += !(syscall(SYS_openat, AT_FDCWD, at, O_RDONLY) == -1 && errno == EFAULT);
    wrong += !(syscall(SYS_uname, at) == -1 && errno == EFAULT);
    wrong += !(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, at) == -1 && errno == EFAULT);
    wrong += !(syscall(SYS_newfstatat, AT_FDCWD, "/", at, 0) == -1 && errno == EFAULT);
    wrong += !(syscall(SYS_rt_sigaction, SIGUSR1, at, NULL, 8) == -1 && errno == EFAULT);
    wrong += !(syscall(SYS_futex, (unsigned long)at & ~3ul, 0, 0, NULL) == -1 && errno == EFAULT);
    wrong += !(syscall(SYS_execve, "/bin/busybox", at, NULL) == -1 && errno == EFAULT);
  }
  say("wrong %d", wrong);
  // A range that begins in the user half and ends in the kernel's.
  SHOW(read(zero, (void*)(0x0001000000000000ul - 8), 4096));
  SHOW(write(fds[1], (void*)(0x0001000000000000ul - 8), 4096));
  SHOW(read(zero, (void*)~0ul, 1));
  SHOW(read(zero, (void*)(~0ul - 7), 8));
}

static void tagged(void) {
  section("tagged pointers");
  char* memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char* with_tag = (char*)((unsigned long)memory | 0x7700000000000000ul);
  with_tag[0] = 't';
  say("%c", memory[0]);
  int zero = open("/dev/zero", O_RDONLY);
  SHOW(read(zero, with_tag, 8));  // Refused without PR_SET_TAGGED_ADDR_CTRL.
}

int main(void) {
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
  sigaction(SIGILL, &action, NULL);
  collect();
  directly();
  through_calls();
  tagged();
}
