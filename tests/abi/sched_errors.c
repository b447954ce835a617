// SPDX-License-Identifier: MIT
//
// sched(7), setpriority(2), affinity: odd arguments, structures of other sizes, permissions.

#include "abi.h"

#include <sys/resource.h>

struct attributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
  uint32_t util_min, util_max;
  uint64_t tail[4];
};

static long set(struct attributes* attributes) {
  return syscall(SYS_sched_setattr, 0, attributes, 0);
}

static void show(void) {
  struct attributes got;
  memset(&got, 0x55, sizeof got);
  errno = 0;
  long result = syscall(SYS_sched_getattr, 0, &got, sizeof got, 0);
  say("  %ld: size %u policy %u flags %lx nice %d priority %u tail %lx", result, got.size,
      got.policy, got.flags, got.nice, got.priority, got.tail[0]);
}

static void attributes(void) {
  section("sched_setattr");
  struct attributes a = {.size = 48};
  SHOW(syscall(SYS_sched_setattr, 0, NULL, 0));
  SHOW(syscall(SYS_sched_setattr, -1, &a, 0));
  SHOW(syscall(SYS_sched_setattr, 0, &a, 1));
  SHOW(syscall(SYS_sched_setattr, 1 << 30, &a, 0));
  SHOW(syscall(SYS_sched_setattr, 0, BAD_KERNEL, 0));
  a.size = 0;
  SHOW(set(&a));
  a.size = 47;
  SHOW(set(&a));
  SHOW(a.size);
  a.size = 4097;
  SHOW(set(&a));
  SHOW(a.size);
  a.size = sizeof a;
  SHOW(set(&a));
  a.tail[3] = 1;
  SHOW(set(&a));
  SHOW(a.size);
  a = (struct attributes){.size = 48, .policy = 7};
  SHOW(set(&a));
  a.policy = ~0u;
  SHOW(set(&a));
  a.policy = 4;
  SHOW(set(&a));
  a = (struct attributes){.size = 48, .policy = SCHED_FIFO};
  SHOW(set(&a));
  a.priority = 100;
  SHOW(set(&a));
  a.priority = 99;
  SHOW(set(&a));
  show();
  a = (struct attributes){.size = 48, .policy = SCHED_RR, .priority = 1, .flags = 1};
  SHOW(set(&a));
  show();
  a = (struct attributes){.size = 48, .flags = 8, .priority = 7};
  SHOW(set(&a));
  show();
  a = (struct attributes){.size = 48, .flags = 0x18};
  SHOW(set(&a));
  show();
  a = (struct attributes){.size = 48, .flags = 0x10, .policy = SCHED_FIFO};
  SHOW(set(&a));
  show();
  a = (struct attributes){.size = 48, .policy = SCHED_OTHER, .nice = 5};
  SHOW(set(&a));
  show();
  a.nice = 40;
  SHOW(set(&a));
  show();
  a.nice = -40;
  SHOW(set(&a));
  show();
  a.priority = 1;
  SHOW(set(&a));
  a = (struct attributes){.size = 48, .policy = SCHED_BATCH, .nice = 3};
  SHOW(set(&a));
  show();
  a = (struct attributes){.size = 48, .policy = SCHED_IDLE};
  SHOW(set(&a));
  show();
  a.flags = 1ul << 7;
  SHOW(set(&a));
  a.flags = 1ul << 63;
  SHOW(set(&a));
  a.flags = 0x20;
  SHOW(set(&a));

  section("sched_getattr");
  SHOW(syscall(SYS_sched_getattr, 0, NULL, 48, 0));
  SHOW(syscall(SYS_sched_getattr, -1, &a, 48, 0));
  SHOW(syscall(SYS_sched_getattr, 0, &a, 47, 0));
  SHOW(syscall(SYS_sched_getattr, 0, &a, 4097, 0));
  SHOW(syscall(SYS_sched_getattr, 0, &a, 48, 1));
  SHOW(syscall(SYS_sched_getattr, 0, BAD_KERNEL, 48, 0));
  SHOW(syscall(SYS_sched_getattr, 1 << 30, &a, 48, 0));
  a.size = 9;
  SHOW(syscall(SYS_sched_getattr, 0, &a, 48, 0));
  SHOW(a.size);
  SHOW(syscall(SYS_sched_getattr, 0, &a, 52, 0));
  SHOW(a.size);
}

static void policies(void) {
  section("sched_setscheduler");
  struct sched_param param = {0};
  SHOW(syscall(SYS_sched_setscheduler, 0, -1, &param));
  SHOW(syscall(SYS_sched_setscheduler, 0, 7, &param));
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NULL));
  SHOW(syscall(SYS_sched_setscheduler, -1, SCHED_OTHER, &param));
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, BAD_KERNEL));
  SHOW(syscall(SYS_sched_setscheduler, 1 << 30, 77, &param));
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_DEADLINE, &param));
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param));
  param.sched_priority = 1;
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &param));
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO | 0x40000000, &param));
  SHOW(syscall(SYS_sched_getscheduler, 0));
  pid_t pid = fork();
  if (pid == 0) {
    SHOW_AS("child's policy", syscall(SYS_sched_getscheduler, 0));
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  param.sched_priority = 0;
  SHOW(syscall(SYS_sched_setparam, 0, &param));
  param.sched_priority = 50;
  SHOW(syscall(SYS_sched_setparam, 0, &param));
  SHOW(syscall(SYS_sched_setparam, 0, NULL));
  SHOW(syscall(SYS_sched_setparam, -1, &param));
  SHOW(syscall(SYS_sched_getparam, 0, &param));
  SHOW(param.sched_priority);
  SHOW(syscall(SYS_sched_getparam, 0, NULL));
  SHOW(syscall(SYS_sched_getparam, -1, &param));
  SHOW(syscall(SYS_sched_getparam, 0, BAD_KERNEL));
  SHOW(syscall(SYS_sched_getparam, 1 << 30, &param));
  SHOW(syscall(SYS_sched_getscheduler, -1));
  SHOW(syscall(SYS_sched_getscheduler, 1 << 30));
  for (int policy = -1; policy < 8; policy++)
    say("policy %d: %ld %ld", policy, syscall(SYS_sched_get_priority_min, policy),
        syscall(SYS_sched_get_priority_max, policy));
  struct timespec slice;
  SHOW(syscall(SYS_sched_rr_get_interval, 0, &slice));
  SHOW(slice.tv_sec + slice.tv_nsec);
  SHOW(syscall(SYS_sched_rr_get_interval, -1, &slice));
  SHOW(syscall(SYS_sched_rr_get_interval, 1 << 30, &slice));
  SHOW(syscall(SYS_sched_rr_get_interval, 0, BAD_KERNEL));
  param.sched_priority = 4;
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_RR, &param));
  SHOW(syscall(SYS_sched_rr_get_interval, 0, &slice));
  SHOW(slice.tv_nsec);
}

static void affinities(void) {
  section("affinity");
  unsigned long mask[128] = {0};
  SHOW(syscall(SYS_sched_getaffinity, 0, 0, mask));
  SHOW(syscall(SYS_sched_getaffinity, 0, 7, mask));
  SHOW(syscall(SYS_sched_getaffinity, 0, 12, mask));
  OK(syscall(SYS_sched_getaffinity, 0, sizeof mask, mask));
  OK(syscall(SYS_sched_getaffinity, 0, 8, mask));
  SHOW(syscall(SYS_sched_getaffinity, -1, sizeof mask, mask));
  SHOW(syscall(SYS_sched_getaffinity, 1 << 30, sizeof mask, mask));
  SHOW(syscall(SYS_sched_getaffinity, 0, sizeof mask, BAD_KERNEL));
  SHOW(syscall(SYS_sched_getaffinity, 1 << 30, 7, mask));
  unsigned long wanted[128] = {1};
  SHOW(syscall(SYS_sched_setaffinity, 0, 8, wanted));
  SHOW(syscall(SYS_sched_setaffinity, 0, 1, wanted));
  SHOW(syscall(SYS_sched_setaffinity, 0, 0, wanted));
  SHOW(syscall(SYS_sched_setaffinity, 0, 8, BAD_KERNEL));
  SHOW(syscall(SYS_sched_setaffinity, 0, 8, NULL));
  SHOW(syscall(SYS_sched_setaffinity, -1, 8, wanted));
  SHOW(syscall(SYS_sched_setaffinity, 1 << 30, 8, wanted));
  wanted[0] = 0;
  SHOW(syscall(SYS_sched_setaffinity, 0, 8, wanted));
  wanted[1] = 1;
  SHOW(syscall(SYS_sched_setaffinity, 0, 16, wanted));
  wanted[0] = ~0ul;
  SHOW(syscall(SYS_sched_setaffinity, 0, sizeof wanted, wanted));
  unsigned cpu, node = 9;
  SHOW(syscall(SYS_getcpu, &cpu, &node, NULL));
  SHOW(node);
  SHOW(syscall(SYS_getcpu, NULL, NULL, BAD_KERNEL));
  SHOW(syscall(SYS_getcpu, BAD_KERNEL, NULL, NULL));
  SHOW(syscall(SYS_getcpu, NULL, BAD_KERNEL, NULL));
}

static void priorities(void) {
  section("priority");
  SHOW(syscall(SYS_getpriority, -1, 0));
  SHOW(syscall(SYS_getpriority, 3, 0));
  SHOW(syscall(SYS_getpriority, PRIO_PROCESS, 0));
  SHOW(syscall(SYS_getpriority, PRIO_PROCESS, -1));
  SHOW(syscall(SYS_getpriority, PRIO_PROCESS, 1 << 30));
  SHOW(syscall(SYS_getpriority, PRIO_PGRP, 0));
  SHOW(syscall(SYS_getpriority, PRIO_PGRP, -1));
  SHOW(syscall(SYS_getpriority, PRIO_PGRP, 1 << 30));
  SHOW(syscall(SYS_getpriority, PRIO_USER, 4242));
  SHOW(syscall(SYS_getpriority, PRIO_USER, -1));
  SHOW(syscall(SYS_setpriority, 3, 0, 0));
  SHOW(syscall(SYS_setpriority, PRIO_PROCESS, 1 << 30, 0));
  SHOW(syscall(SYS_setpriority, PRIO_PROCESS, 0, 100));
  SHOW(syscall(SYS_getpriority, PRIO_PROCESS, 0));
  SHOW(syscall(SYS_setpriority, PRIO_PROCESS, 0, -100));
  SHOW(syscall(SYS_getpriority, PRIO_PROCESS, 0));
  SHOW(syscall(SYS_setpriority, PRIO_PROCESS, 0, 5));
  MUST(setresuid(1000, 1000, 1000));
  SHOW(syscall(SYS_setpriority, PRIO_PROCESS, 0, 4));
  SHOW(syscall(SYS_setpriority, PRIO_PROCESS, 0, 5));
  SHOW(syscall(SYS_setpriority, PRIO_PROCESS, 0, 6));
  SHOW(syscall(SYS_setpriority, PRIO_PROCESS, 1, 6));
  SHOW(syscall(SYS_setpriority, PRIO_USER, 0, 7));
  SHOW(syscall(SYS_getpriority, PRIO_USER, 1000));
  struct attributes a = {.size = 48, .policy = SCHED_OTHER, .nice = 0};
  SHOW(set(&a));
  a.nice = 10;
  SHOW(set(&a));
  a.policy = SCHED_IDLE;
  SHOW(set(&a));
  a.policy = SCHED_OTHER;
  SHOW(set(&a));
  struct sched_param param = {1};
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param));
  param.sched_priority = 0;
  SHOW(syscall(SYS_sched_setscheduler, 1, SCHED_OTHER, &param));
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER | 0x40000000, &param));
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &param));
  unsigned long one = 1;
  SHOW(syscall(SYS_sched_setaffinity, 1, 8, &one));
}

int main(void) {
  IN_CHILD(attributes);
  IN_CHILD(policies);
  IN_CHILD(affinities);
  IN_CHILD(priorities);
  return 0;
}
