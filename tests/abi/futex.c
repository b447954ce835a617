// SPDX-License-Identifier: MIT
//
// futex: wait, wake, bitset, requeue, cmp_requeue, wake_op, private and shared, timeouts on both
// clocks, robust lists. The priority-inheriting operations are only asked whether they exist.

#include "abi.h"

#include <linux/futex.h>
#include <pthread.h>

static uint32_t word, other;

static long futex(uint32_t* at, int operation, uint32_t value, const void* timeout,
                  uint32_t* second, uint32_t third) {
  return syscall(SYS_futex, at, operation, value, timeout, second, third);
}

static void arguments(void) {
  section("arguments");
  word = 5;
  SHOW(futex(&word, FUTEX_WAIT, 4, NULL, NULL, 0));
  SHOW(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
  SHOW(futex((uint32_t*)((char*)&word + 1), FUTEX_WAIT, 5, NULL, NULL, 0));
  SHOW(futex((uint32_t*)((char*)&word + 2), FUTEX_WAKE, 1, NULL, NULL, 0));
  SHOW(futex(BAD_NULL, FUTEX_WAIT, 5, NULL, NULL, 0));
  SHOW(futex(BAD_NULL, FUTEX_WAIT_PRIVATE, 5, NULL, NULL, 0));
  SHOW(futex(BAD_KERNEL, FUTEX_WAIT_PRIVATE, 5, NULL, NULL, 0));
  SHOW(futex(BAD_KERNEL, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
  SHOW(futex(BAD_NULL, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
  SHOW(futex(BAD_NULL, FUTEX_WAKE, 1, NULL, NULL, 0));
  SHOW(futex(page_with(PROT_NONE), FUTEX_WAIT, 5, NULL, NULL, 0));
  SHOW(futex(page_with(PROT_READ), FUTEX_WAIT, 5, NULL, NULL, 0));
  SHOW(futex(page_with(PROT_READ), FUTEX_WAKE, 5, NULL, NULL, 0));
  SHOW(futex(&word, 99, 0, NULL, NULL, 0));
  SHOW(futex(&word, FUTEX_FD, 0, NULL, NULL, 0));
  SHOW(futex(&word, FUTEX_WAIT_BITSET, 5, NULL, NULL, 0));
  SHOW(futex(&word, FUTEX_WAKE_BITSET, 5, NULL, NULL, 0));
  struct timespec bad = {0, 1000000000}, past = {0, 0}, negative = {-1, 0};
  SHOW(futex(&word, FUTEX_WAIT, 5, &bad, NULL, 0));
  SHOW(futex(&word, FUTEX_WAIT, 5, &negative, NULL, 0));
  SHOW(futex(&word, FUTEX_WAIT, 5, BAD_KERNEL, NULL, 0));
  SHOW(futex(&word, FUTEX_WAIT, 5, &past, NULL, 0));
  SHOW(futex(&word, FUTEX_WAIT, 4, &past, NULL, 0));
  SHOW(futex(&word, FUTEX_WAIT_BITSET, 5, &past, NULL, 1));
  SHOW(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 5, &past, NULL, 1));
  SHOW(futex(&word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 5, &past, NULL, 0));
  SHOW(futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 5, NULL, NULL, 0));
  SHOW(futex(&word, FUTEX_CMP_REQUEUE, 1, (void*)1, &other, 4));
  SHOW(futex(&word, FUTEX_CMP_REQUEUE, 1, (void*)1, &other, 5));
  SHOW(futex(&word, FUTEX_CMP_REQUEUE, 1, (void*)1, BAD_KERNEL, 5));
  SHOW(futex(&word, FUTEX_CMP_REQUEUE, -1, (void*)1, &other, 5));
  SHOW(futex(&word, FUTEX_CMP_REQUEUE, 1, (void*)-1, &other, 5));
  SHOW(futex(&word, FUTEX_REQUEUE, 1, (void*)1, &other, 0));
}

static void timeouts(void) {
  section("timeouts");
  word = 5;
  int64_t before = now_ns();
  SHOW(futex(&word, FUTEX_WAIT_PRIVATE, 5, &(struct timespec){0, 30000000}, NULL, 0));
  int64_t took = now_ns() - before;
  YES(took >= 30000000 && took < 2000000000);
  struct timespec deadline;
  clock_gettime(CLOCK_MONOTONIC, &deadline);
  deadline.tv_nsec += 30000000;
  if (deadline.tv_nsec >= 1000000000) deadline.tv_sec++, deadline.tv_nsec -= 1000000000;
  before = now_ns();
  SHOW(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 5, &deadline, NULL, FUTEX_BITSET_MATCH_ANY));
  took = now_ns() - before;
  YES(took > 15000000 && took < 2000000000);
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_nsec += 30000000;
  if (deadline.tv_nsec >= 1000000000) deadline.tv_sec++, deadline.tv_nsec -= 1000000000;
  before = now_ns();
  SHOW(futex(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 5, &deadline, NULL, 1));
  took = now_ns() - before;
  YES(took > 15000000 && took < 2000000000);
}

// Waiters: threads that each wait once and count themselves in when woken.
static int woken, asleep_tids[16];
struct waiter {
  uint32_t* at;
  int operation;
  uint32_t bits;
  int index;
};

static void* wait_once(void* argument) {
  struct waiter waiter = *(struct waiter*)argument;
  __atomic_store_n(&asleep_tids[waiter.index], (int)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
  long result = futex(waiter.at, waiter.operation, __atomic_load_n(waiter.at, __ATOMIC_SEQ_CST),
                      NULL, NULL, waiter.bits);
  if (result == 0) __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

static bool thread_is_asleep(int tid) {
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
  for (int i = 0; i < 1000; i++) {
    int fd = open(path, O_RDONLY);
    if (fd == -1) return false;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    text[length > 0 ? length : 0] = 0;
    char* state = strrchr(text, ')');
    if (state != NULL && state[2] == 'S') return true;
    sleep_ms(1);
  }
  return false;
}

static struct waiter waiters[16];
static pthread_t threads[16];

static void start_waiters(int first, int count, uint32_t* at, int operation, uint32_t bits) {
  for (int i = first; i < first + count; i++) {
    waiters[i] = (struct waiter){at, operation, bits, i};
    asleep_tids[i] = 0;
    pthread_create(&threads[i], NULL, wait_once, &waiters[i]);
    while (__atomic_load_n(&asleep_tids[i], __ATOMIC_SEQ_CST) == 0) sched_yield();
    thread_is_asleep(asleep_tids[i]);
  }
}

// How many had been woken once that many were expected (waits a while for them to run).
static int woken_now(int expected) {
  for (int i = 0; i < 500 && __atomic_load_n(&woken, __ATOMIC_SEQ_CST) < expected; i++) sleep_ms(1);
  sleep_ms(10);
  return __atomic_load_n(&woken, __ATOMIC_SEQ_CST);
}

static void join(int count) {
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
  woken = 0;
}

static void waking(void) {
  section("wake");
  word = 0;
  start_waiters(0, 4, &word, FUTEX_WAIT_PRIVATE, 0);
  SHOW(futex(&word, FUTEX_WAKE_PRIVATE, 0, NULL, NULL, 0));  // Linux wakes one for 0.
  SHOW(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
  SHOW(woken_now(2));
  SHOW(futex(&word, FUTEX_WAKE, 9, NULL, NULL, 0));  // Not private: another key.
  SHOW(futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
  SHOW(woken_now(4));
  join(4);
  section("bitset");
  start_waiters(0, 2, &word, FUTEX_WAIT_BITSET_PRIVATE, 1);
  start_waiters(2, 2, &word, FUTEX_WAIT_BITSET_PRIVATE, 2);
  SHOW(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 4));
  SHOW(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 2));
  SHOW(futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
  join(4);
  section("requeue");
  other = 0;
  start_waiters(0, 5, &word, FUTEX_WAIT_PRIVATE, 0);
  SHOW(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void*)2, &other, 0));
  SHOW(woken_now(1));
  SHOW(futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
  SHOW(futex(&other, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
  join(5);
  start_waiters(0, 3, &word, FUTEX_WAIT_PRIVATE, 0);
  SHOW(futex(&word, FUTEX_REQUEUE_PRIVATE, 0, (void*)9, &other, 0));
  SHOW(futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
  SHOW(futex(&other, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
  SHOW(futex(&other, FUTEX_REQUEUE_PRIVATE, 0, (void*)9, &other, 0));
  SHOW(futex(&other, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
  join(3);
}

static void operating(void) {
  section("wake_op");
  word = other = 0;
  start_waiters(0, 2, &word, FUTEX_WAIT_PRIVATE, 0);
  start_waiters(2, 2, &other, FUTEX_WAIT_PRIVATE, 0);
  SHOW(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void*)9, &other,
             FUTEX_OP(FUTEX_OP_SET, 7, FUTEX_OP_CMP_EQ, 1)));
  say("other %u", other);
  SHOW(futex(&word, FUTEX_WAKE_OP_PRIVATE, 9, (void*)9, &other,
             FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 7)));
  say("other %u", other);
  join(4);
  SHOW(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void*)1, &other,
             FUTEX_OP(FUTEX_OP_OR, 5, FUTEX_OP_CMP_NE, 1)));
  say("other %u", other);
  SHOW(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void*)1, &other,
             FUTEX_OP(FUTEX_OP_ANDN, 6, FUTEX_OP_CMP_LT, 1)));
  say("other %u", other);
  SHOW(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void*)1, &other,
             FUTEX_OP(FUTEX_OP_XOR, 1, FUTEX_OP_CMP_GE, 1)));
  say("other %u", other);
  SHOW(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void*)1, &other,
             FUTEX_OP(FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT, 4, FUTEX_OP_CMP_GE, 1)));
  say("other %u", other);
  SHOW(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void*)1, &other, 0x70000000));
  SHOW(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void*)1, &other, 0x0f000000));
  SHOW(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void*)1, BAD_KERNEL, 0));
  SHOW(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void*)1, page_with(PROT_READ), 0));
}

static void across_processes(void) {
  section("processes");
  uint32_t* shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t pid = fork();
  if (pid == 0) _exit(futex(shared, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 1 : 2);
  wait_until_asleep(pid);
  SHOW(futex(shared, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0));
  SHOW(futex(shared, FUTEX_WAKE, 9, NULL, NULL, 0));
  int status;
  waitpid(pid, &status, 0);
  say("%s", status_text(status));
  // The same address in another process, private memory: no cross wake-up.
  word = 0;
  pid = fork();
  if (pid == 0)
    _exit(futex(&word, FUTEX_WAIT, 0, &(struct timespec){0, 100000000}, NULL, 0) == 0 ? 1 : 2);
  wait_until_asleep(pid);
  SHOW(futex(&word, FUTEX_WAKE, 9, NULL, NULL, 0));
  waitpid(pid, &status, 0);
  say("%s", status_text(status));
  // One file mapped at two addresses: one key.
  int fd = (int)MUST(open("f", O_RDWR | O_CREAT, 0600));
  ftruncate(fd, (long)PAGE);
  uint32_t* here = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  pid = fork();
  if (pid == 0) {
    uint32_t* there = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    _exit(futex(there + 1, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 1 : 2);
  }
  wait_until_asleep(pid);
  SHOW(futex(here, FUTEX_WAKE, 9, NULL, NULL, 0));
  SHOW(futex(here + 1, FUTEX_WAKE, 9, NULL, NULL, 0));
  waitpid(pid, &status, 0);
  say("%s", status_text(status));
}

struct node {
  struct robust_list list;
  uint32_t lock;
};

static void die_with_locks(struct node* nodes) {
  static struct robust_list_head head;
  head.list.next = &nodes[0].list;
  nodes[0].list.next = &nodes[1].list;
  nodes[1].list.next = &head.list;
  head.futex_offset = offsetof(struct node, lock);
  head.list_op_pending = &nodes[2].list;
  syscall(SYS_set_robust_list, &head, sizeof head);
  for (int i = 0; i < 4; i++) nodes[i].lock = (uint32_t)getpid();
  nodes[1].lock |= FUTEX_WAITERS;
  _exit(0);
}

static void robust(void) {
  section("robust list");
  struct node* nodes = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t pid = fork();
  if (pid == 0) die_with_locks(nodes);
  waitpid(pid, NULL, 0);
  for (int i = 0; i < 4; i++)
    say("lock %d: died %d waiters %d owner kept %d", i, (nodes[i].lock & FUTEX_OWNER_DIED) != 0,
        (nodes[i].lock & FUTEX_WAITERS) != 0, (nodes[i].lock & FUTEX_TID_MASK) == (uint32_t)pid);
  struct robust_list_head* head;
  size_t length;
  SHOW(syscall(SYS_get_robust_list, 0, &head, &length));
  say("length %ld", (long)length);
  SHOW(syscall(SYS_get_robust_list, 1 << 22, &head, &length));
  SHOW(syscall(SYS_get_robust_list, 0, BAD_KERNEL, &length));
  SHOW(syscall(SYS_set_robust_list, &word, 8));
  // A list in a circle, and one that leads nowhere: the exit is not held up.
  pid = fork();
  if (pid == 0) {
    static struct robust_list_head circle;
    static struct node loop;
    circle.list.next = &loop.list;
    loop.list.next = &loop.list;
    syscall(SYS_set_robust_list, &circle, sizeof circle);
    _exit(3);
  }
  int status;
  waitpid(pid, &status, 0);
  say("circle: %s", status_text(status));
  pid = fork();
  if (pid == 0) {
    syscall(SYS_set_robust_list, BAD_KERNEL, sizeof *head);
    _exit(4);
  }
  waitpid(pid, &status, 0);
  say("bad head: %s", status_text(status));
}

static void killed(void) {
  section("a waiter that is killed leaves nothing behind");
  uint32_t* shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t pid = fork();
  if (pid == 0) {
    futex(shared, FUTEX_WAIT, 0, NULL, NULL, 0);
    _exit(1);
  }
  wait_until_asleep(pid);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  SHOW(futex(shared, FUTEX_WAKE, 9, NULL, NULL, 0));
}

static void with_pthreads(void) {
  section("glibc on top: robust, shared mutex");
  pthread_mutex_t* mutex =
      mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(mutex, &attributes);
  pid_t pid = fork();
  if (pid == 0) {
    pthread_mutex_lock(mutex);
    sleep_ms(50);
    _exit(0);
  }
  sleep_ms(20);
  int result = pthread_mutex_lock(mutex);
  say("lock of the dead: %s", result == 0 ? "0" : error_name(result));
  SHOW(pthread_mutex_consistent(mutex));
  SHOW(pthread_mutex_unlock(mutex));
  waitpid(pid, NULL, 0);
}

int main(void) {
  arguments();
  timeouts();
  waking();
  operating();
  across_processes();
  robust();
  killed();
  with_pthreads();
}
