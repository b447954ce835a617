// SPDX-License-Identifier: MIT
//
// The sched_ calls: policies and priorities, affinity, nice, sched_setattr, getcpu, and that a
// real-time thread goes before a fair one.

#include "abi.h"

#include <sys/resource.h>

struct attributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};

static void policies(void) {
  section("policy");
  struct sched_param param = {0};
  SHOW(syscall(SYS_sched_getscheduler, 0));
  SHOW(syscall(SYS_sched_getparam, 0, &param));
  say("priority %d", param.sched_priority);
  static const int kinds[] = {SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE, 4, 9};
  for (unsigned i = 0; i < COUNT(kinds); i++) {
    say("policy %d", kinds[i]);
    SHOW(sched_get_priority_min(kinds[i]));
    SHOW(sched_get_priority_max(kinds[i]));
  }
  param.sched_priority = 10;
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param));
  SHOW(syscall(SYS_sched_getscheduler, 0));
  param.sched_priority = 0;
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param));
  param.sched_priority = 100;
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_RR, &param));
  param.sched_priority = 99;
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_RR | 0x40000000, &param));
  SHOW(syscall(SYS_sched_getscheduler, 0));
  struct timespec slice;
  SHOW(syscall(SYS_sched_rr_get_interval, 0, &slice));
  say("round robin slice %ld.%09ld", (long)slice.tv_sec, slice.tv_nsec);
  param.sched_priority = 5;
  SHOW(syscall(SYS_sched_setparam, 0, &param));
  SHOW(syscall(SYS_sched_getparam, 0, &param));
  say("priority %d", param.sched_priority);
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &param));
  param.sched_priority = 0;
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &param));
  SHOW(syscall(SYS_sched_getscheduler, 0));
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_IDLE, &param));
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &param));
  SHOW(syscall(SYS_sched_setscheduler, 0, 9, &param));
  SHOW(syscall(SYS_sched_setscheduler, 0, -1, &param));
  SHOW(syscall(SYS_sched_setscheduler, -1, SCHED_OTHER, &param));
  SHOW(syscall(SYS_sched_setscheduler, 1 << 22, SCHED_OTHER, &param));
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, BAD_KERNEL));
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, BAD_NULL));
  SHOW(syscall(SYS_sched_getparam, 0, BAD_KERNEL));
  SHOW(syscall(SYS_sched_getparam, 0, BAD_NULL));
  SHOW(syscall(SYS_sched_getscheduler, -1));
  SHOW(syscall(SYS_sched_getscheduler, 1 << 22));
  SHOW(syscall(SYS_sched_rr_get_interval, -1, &slice));
  SHOW(syscall(SYS_sched_rr_get_interval, 0, BAD_KERNEL));
  SHOW(sched_yield());
}

static void extended(void) {
  section("sched_setattr");
  struct attributes attributes;
  memset(&attributes, 0xff, sizeof attributes);
  SHOW(syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0));
  say("size %u policy %u flags %lu nice %d priority %u", attributes.size, attributes.policy,
      attributes.flags, attributes.nice, attributes.priority);
  attributes = (struct attributes){.size = sizeof attributes, .policy = SCHED_OTHER, .nice = 7};
  SHOW(syscall(SYS_sched_setattr, 0, &attributes, 0));
  SHOW(getpriority(PRIO_PROCESS, 0));
  attributes = (struct attributes){.size = sizeof attributes, .policy = SCHED_FIFO, .priority = 3};
  SHOW(syscall(SYS_sched_setattr, 0, &attributes, 0));
  SHOW(syscall(SYS_sched_getscheduler, 0));
  attributes = (struct attributes){.size = sizeof attributes, .flags = 1};  // Reset on fork.
  SHOW(syscall(SYS_sched_setattr, 0, &attributes, 0));
  attributes.flags = 0x1000;
  SHOW(syscall(SYS_sched_setattr, 0, &attributes, 0));
  attributes = (struct attributes){.size = 10};
  SHOW(syscall(SYS_sched_setattr, 0, &attributes, 0));
  say("size written back %u", attributes.size);
  SHOW(syscall(SYS_sched_setattr, 0, &attributes, 1));
  SHOW(syscall(SYS_sched_setattr, 0, BAD_KERNEL, 0));
  SHOW(syscall(SYS_sched_setattr, 0, NULL, 0));
  SHOW(syscall(SYS_sched_getattr, 0, &attributes, 10, 0));
  SHOW(syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 1));
  SHOW(syscall(SYS_sched_getattr, 0, BAD_KERNEL, sizeof attributes, 0));
}

static void reset_on_fork(void) {
  struct sched_param param = {.sched_priority = 4};
  syscall(SYS_sched_setscheduler, 0, SCHED_FIFO | 0x40000000, &param);
  pid_t pid = fork();
  if (pid == 0) {
    say("reset on fork: policy %ld", syscall(SYS_sched_getscheduler, 0));
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  param.sched_priority = 4;
  syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param);
  pid = fork();
  if (pid == 0) {
    say("inherited: policy %ld", syscall(SYS_sched_getscheduler, 0));
    _exit(0);
  }
  waitpid(pid, NULL, 0);
}

static void affinity(void) {
  section("affinity");
  uint64_t mask[16] = {0};
  long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
  YES(bytes >= 8 && bytes % 8 == 0);
  YES((mask[0] & 1) != 0);
  SHOW(syscall(SYS_sched_getaffinity, 0, 7, mask));
  SHOW(syscall(SYS_sched_getaffinity, 0, 0, mask));
  SHOW(syscall(SYS_sched_getaffinity, 0, sizeof mask, BAD_KERNEL));
  SHOW(syscall(SYS_sched_getaffinity, 1 << 22, sizeof mask, mask));
  uint64_t one = 1, none = 0, far = 1ul << 63;
  SHOW(syscall(SYS_sched_setaffinity, 0, sizeof one, &one));
  mask[0] = 0;
  syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
  YES(mask[0] == 1);
  unsigned cpu = 99, node = 99;
  SHOW(syscall(SYS_getcpu, &cpu, &node, NULL));
  say("cpu %u node %u", cpu, node);
  SHOW(syscall(SYS_getcpu, NULL, NULL, NULL));
  SHOW(syscall(SYS_getcpu, BAD_KERNEL, NULL, NULL));
  SHOW(syscall(SYS_sched_setaffinity, 0, sizeof none, &none));
  SHOW(syscall(SYS_sched_setaffinity, 0, sizeof far, &far));
  SHOW(syscall(SYS_sched_setaffinity, 0, 0, &one));
  SHOW(syscall(SYS_sched_setaffinity, 0, sizeof one, BAD_KERNEL));
  SHOW(syscall(SYS_sched_setaffinity, 1 << 22, sizeof one, &one));
  pid_t pid = fork();
  if (pid == 0) {
    mask[0] = 0;
    syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
    say("inherited %d", mask[0] == 1);
    MUST(setresuid(1000, 1000, 1000));
    SHOW(syscall(SYS_sched_setaffinity, getppid(), sizeof one, &one));
    SHOW(syscall(SYS_sched_setaffinity, 0, sizeof one, &one));
    _exit(0);
  }
  waitpid(pid, NULL, 0);
}

static void niceness(void) {
  section("nice");
  SHOW(setpriority(PRIO_PROCESS, 0, 5));
  SHOW(syscall(SYS_getpriority, PRIO_PROCESS, 0));  // The raw call tells 20 minus nice.
  SHOW(getpriority(PRIO_PROCESS, 0));
  SHOW(setpriority(PRIO_PROCESS, 0, -100));
  SHOW(getpriority(PRIO_PROCESS, 0));
  SHOW(setpriority(PRIO_PROCESS, 0, 100));
  SHOW(getpriority(PRIO_PROCESS, 0));
  SHOW(setpriority(PRIO_PGRP, 0, 3));
  SHOW(getpriority(PRIO_PGRP, 0));
  SHOW(setpriority(9, 0, 0));
  SHOW(getpriority(9, 0));
  SHOW(setpriority(PRIO_PROCESS, 1 << 22, 0));
  SHOW(getpriority(PRIO_PROCESS, 1 << 22));
  SHOW(getpriority(PRIO_USER, 55555));
}

static void unprivileged(void) {
  MUST(setresuid(1000, 1000, 1000));
  struct sched_param param = {.sched_priority = 1};
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param));
  param.sched_priority = 0;
  SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &param));
  SHOW(setpriority(PRIO_PROCESS, 0, 10));
  SHOW(setpriority(PRIO_PROCESS, 0, 9));
  SHOW(setpriority(PRIO_PROCESS, 1, 10));
  SHOW(setpriority(PRIO_USER, 0, 10));
  struct rlimit limit = {15, 15};
  SHOW(setrlimit(RLIMIT_NICE, &limit));
}

// On one CPU: a real-time child that becomes ready runs before its fair parent goes on.
static void real_time_first(void) {
  section("real time goes first");
  uint64_t one = 1;
  syscall(SYS_sched_setaffinity, 0, sizeof one, &one);
  volatile int* shared =
      mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int fds[2];
  pipe(fds);
  pid_t pid = fork();
  if (pid == 0) {
    struct sched_param param = {.sched_priority = 1};
    syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param);
    shared[0] = 1;
    char byte;
    read(fds[0], &byte, 1);
    shared[1] = 1;
    int64_t until = now_ns() + 50000000;
    while (now_ns() < until) {
    }
    shared[2] = 1;
    _exit(0);
  }
  while (shared[0] == 0) sched_yield();
  wait_until_asleep(pid);
  write(fds[1], "x", 1);
  say("after the write: woken %d, finished %d", shared[1], shared[2]);
  waitpid(pid, NULL, 0);
}

int main(void) {
  IN_CHILD(policies);
  IN_CHILD(extended);
  IN_CHILD(reset_on_fork);
  IN_CHILD(affinity);
  IN_CHILD(niceness);
  IN_CHILD(unprivileged);
  IN_CHILD(real_time_first);
}
