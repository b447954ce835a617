// SPDX-License-Identifier: MIT
//
// futex(2): odd arguments of every operation, and futex_waitv(2).

#include "abi.h"

#include <linux/futex.h>
#include <pthread.h>

static uint32_t word, second;

static long call(void* address, int operation, uint32_t value, const void* timeout, void* other,
                 uint32_t value3) {
  return syscall(SYS_futex, address, operation, value, timeout, other, value3);
}

static void odd(void) {
  struct timespec none = {0, 0}, bad = {0, 1000000000}, negative = {-1, 0};
  SHOW(call(&word, FUTEX_WAIT, 1, NULL, NULL, 0));
  SHOW(call(&word, FUTEX_WAIT, 0, &none, NULL, 0));
  SHOW(call(&word, FUTEX_WAIT, 0, &bad, NULL, 0));
  SHOW(call(&word, FUTEX_WAIT, 0, &negative, NULL, 0));
  SHOW(call(&word, FUTEX_WAIT, 0, BAD_KERNEL, NULL, 0));
  SHOW(call(&word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0));
  SHOW(call((char*)&word + 1, FUTEX_WAIT, 0, NULL, NULL, 0));
  SHOW(call((char*)&word + 2, FUTEX_WAKE, 0, NULL, NULL, 0));
  SHOW(call(NULL, FUTEX_WAIT, 0, NULL, NULL, 0));
  SHOW(call(NULL, FUTEX_WAKE, 1, NULL, NULL, 0));
  SHOW(call(NULL, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
  SHOW(call(BAD_KERNEL, FUTEX_WAKE, 1, NULL, NULL, 0));
  SHOW(call(BAD_KERNEL, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
  SHOW(call(BAD_KERNEL, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0));
  SHOW(call(unmapped(), FUTEX_WAKE, 1, NULL, NULL, 0));
  SHOW(call(unmapped(), FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
  SHOW(call(page_with(PROT_READ), FUTEX_WAKE, 1, NULL, NULL, 0));
  SHOW(call(page_with(PROT_READ), FUTEX_WAIT, 1, NULL, NULL, 0));
  SHOW(call(page_with(PROT_NONE), FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0));
  SHOW(call(&word, FUTEX_WAKE, -1u, NULL, NULL, 0));
  SHOW(call(&word, FUTEX_WAIT_BITSET, 0, &none, NULL, 0));
  SHOW(call(&word, FUTEX_WAIT_BITSET, 0, &none, NULL, 1));
  SHOW(call(&word, FUTEX_WAIT_BITSET, 1, &none, NULL, 1));
  SHOW(call(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &none, NULL, 1));
  SHOW(call(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
  SHOW(call(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 1));
  SHOW(call(&word, FUTEX_WAKE_BITSET | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 1));
  SHOW(call(&word, FUTEX_FD, 1, NULL, NULL, 1));
  SHOW(call(&word, 14, 1, NULL, NULL, 1));
  SHOW(call(&word, 100, 1, NULL, NULL, 1));
  SHOW(call(&word, FUTEX_REQUEUE, 1, (void*)1, &second, 0));
  SHOW(call(&word, FUTEX_REQUEUE, -1u, (void*)1, &second, 0));
  SHOW(call(&word, FUTEX_REQUEUE, 1, (void*)-1ul, &second, 0));
  SHOW(call(&word, FUTEX_REQUEUE, 1, (void*)1, NULL, 0));
  SHOW(call(&word, FUTEX_REQUEUE, 1, (void*)1, &word, 0));
  SHOW(call(&word, FUTEX_CMP_REQUEUE, 1, (void*)1, &second, 1));
  SHOW(call(&word, FUTEX_CMP_REQUEUE, 1, (void*)1, &second, 0));
  SHOW(call(&word, FUTEX_CMP_REQUEUE, 1, (void*)1, (char*)&second + 1, 0));

  section("FUTEX_WAKE_OP");
  for (uint32_t operation = 0; operation < 16; operation++) {
    second = 6;
    errno = 0;
    long result = call(&word, FUTEX_WAKE_OP, 1, (void*)1, &second, operation << 28 | 5 << 12 | 6);
    say("operation %u: %ld %s now %u", operation, result, result == -1 ? error_name(errno) : "",
        second);
  }
  for (uint32_t compare = 0; compare < 16; compare++) {
    second = 6;
    errno = 0;
    long result = call(&word, FUTEX_WAKE_OP, 1, (void*)1, &second, compare << 24 | 7 << 12 | 6);
    say("compare %u: %ld %s now %u", compare, result, result == -1 ? error_name(errno) : "",
        second);
  }
  second = 0;
  SHOW(call(&word, FUTEX_WAKE_OP, 1, (void*)1, &second, 1u << 28 | 0xfff << 12 | 0));
  say("%x", second);
  SHOW(call(&word, FUTEX_WAKE_OP, 1, (void*)1, &second, 0x8u << 28 | 40 << 12 | 0));
  say("%x", second);
  SHOW(call(&word, FUTEX_WAKE_OP, 1, (void*)1, page_with(PROT_READ), 0));
  SHOW(call(&word, FUTEX_WAKE_OP, 1, (void*)1, NULL, 0));

  section("robust lists");
  SHOW(syscall(SYS_set_robust_list, NULL, 24));
  SHOW(syscall(SYS_set_robust_list, NULL, 23));
  SHOW(syscall(SYS_set_robust_list, 8, 24));
  void* head;
  size_t size;
  SHOW(syscall(SYS_get_robust_list, 0, &head, &size));
  say("%p %zu", head, size);
  SHOW(syscall(SYS_get_robust_list, getpid(), &head, &size));
  SHOW(syscall(SYS_get_robust_list, 0, NULL, &size));
  SHOW(syscall(SYS_get_robust_list, 0, &head, NULL));
  SHOW(syscall(SYS_get_robust_list, -1, &head, &size));
  SHOW(syscall(SYS_get_robust_list, 1 << 30, &head, &size));
  SHOW(syscall(SYS_set_robust_list, NULL, 24));
}

struct waiter {
  uint64_t value, address;
  uint32_t flags, reserved;
};
static uint32_t words[130];
static struct waiter waiters[130];

static long waitv(struct waiter* list, unsigned count, unsigned flags, const void* timeout,
                  int clock) {
  return syscall(SYS_futex_waitv, list, count, flags, timeout, clock);
}

static void prepare(void) {
  for (int i = 0; i < 130; i++) {
    words[i] = 0;
    waiters[i] = (struct waiter){0, (uintptr_t)&words[i], 2 | FUTEX_PRIVATE_FLAG, 0};
  }
}

static void* waker(void* index) {
  sleep_ms(30);
  while (call(&words[(intptr_t)index], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 0) sleep_ms(1);
  return NULL;
}

static void on_alarm(int signal) { say("caught %s", signal_name(signal)); }

static void several(void) {
  section("futex_waitv");
  struct timespec none = {0, 0}, bad = {0, -1}, soon;
  prepare();
  SHOW(waitv(NULL, 1, 0, NULL, 0));
  SHOW(waitv(waiters, 0, 0, NULL, 0));
  SHOW(waitv(waiters, 129, 0, NULL, 0));
  SHOW(waitv(waiters, 1, 1, NULL, 0));
  SHOW(waitv(waiters, 1, 0, &none, CLOCK_MONOTONIC));
  SHOW(waitv(waiters, 128, 0, &none, CLOCK_REALTIME));
  SHOW(waitv(waiters, 1, 0, &none, CLOCK_TAI));
  SHOW(waitv(waiters, 1, 0, &bad, CLOCK_MONOTONIC));
  SHOW(waitv(waiters, 1, 0, BAD_KERNEL, CLOCK_MONOTONIC));
  SHOW(waitv(waiters, 1, 0, BAD_KERNEL, 77));
  SHOW(waitv(BAD_KERNEL, 1, 0, &none, CLOCK_MONOTONIC));
  waiters[3].flags = 0;
  SHOW(waitv(waiters, 4, 0, &none, CLOCK_MONOTONIC));
  waiters[3].flags = 2 | 0x40;
  SHOW(waitv(waiters, 4, 0, &none, CLOCK_MONOTONIC));
  prepare();
  waiters[3].reserved = 1;
  SHOW(waitv(waiters, 4, 0, &none, CLOCK_MONOTONIC));
  prepare();
  waiters[3].value = 1;
  SHOW(waitv(waiters, 4, 0, &none, CLOCK_MONOTONIC));
  waiters[3].value = 1ul << 32;
  SHOW(waitv(waiters, 4, 0, &none, CLOCK_MONOTONIC));
  prepare();
  waiters[2].address = 8;
  SHOW(waitv(waiters, 4, 0, &none, CLOCK_MONOTONIC));
  waiters[2].address = (uintptr_t)&words[2] + 1;
  SHOW(waitv(waiters, 4, 0, &none, CLOCK_MONOTONIC));
  prepare();
  clock_gettime(CLOCK_MONOTONIC, &soon);
  soon.tv_nsec += 20000000;
  if (soon.tv_nsec >= 1000000000) soon.tv_sec++, soon.tv_nsec -= 1000000000;
  SHOW(waitv(waiters, 4, 0, &soon, CLOCK_MONOTONIC));
  for (intptr_t i = 0; i < 128; i += 42) {
    pthread_t thread;
    pthread_create(&thread, NULL, waker, (void*)i);
    SHOW(waitv(waiters, 128, 0, NULL, 0));
    pthread_join(thread, NULL);
  }
  waiters[0].flags = 2;
  words[0] = 0;
  SHOW(waitv(waiters, 1, 0, &none, CLOCK_MONOTONIC));
  handle_with(SIGALRM, on_alarm, 0);
  ualarm(kSoon, 0);
  SHOW(waitv(waiters, 2, 0, NULL, 0));
  soon.tv_sec += 1000;
  ualarm(kSoon, 0);
  SHOW(waitv(waiters, 2, 0, &soon, CLOCK_MONOTONIC));
}

int main(void) {
  odd();
  several();
  return 0;
}
