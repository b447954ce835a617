// SPDX-License-Identifier: MIT
//
// Threads: made with raw clone flags and by glibc; what they share, directed signals, the tid
// address, exit of one and of all, the leader that leaves first, and thread-local storage.

#include "abi.h"

#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>

enum { kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM };

static char stack[4][65536] __attribute__((aligned(16)));
static volatile int tid_word[4];
static volatile int seen_tid[4], seen_pid[4];

// Without glibc's help a thread has no TLS of its own: only raw system calls in here.
static long raw(long number, long a, long b, long c) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory", "cc");
  return x0;
}

static int raw_thread(void* argument) {
  long index = (long)argument;
  seen_tid[index] = (int)raw(SYS_gettid, 0, 0, 0);
  seen_pid[index] = (int)raw(SYS_getpid, 0, 0, 0);
  raw(SYS_exit, 0, 0, 0);
  return 0;
}

static void wait_cleared(volatile int* word) {
  int value;
  while ((value = *word) != 0) syscall(SYS_futex, word, FUTEX_WAIT, value, NULL);
}

static void raw_threads(void) {
  section("raw clone");
  for (long i = 0; i < 4; i++) {
    tid_word[i] = 1;
    int tid = clone(raw_thread, stack[i] + sizeof stack[i],
                    kThread | CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID, (void*)i, &seen_tid[i],
                    NULL, &tid_word[i]);
    if (tid == -1) say("clone: %s", error_name(errno));
    wait_cleared(&tid_word[i]);  // The kernel clears it and wakes whoever waits.
    say("thread %ld: own tid %d, process id shared %d, tid differs %d", i, seen_tid[i] == tid,
        seen_pid[i] == getpid(), tid != getpid());
  }
  SHOW(waitpid(-1, NULL, __WALL));  // Threads are no children.
}

static __thread int local = 5;
static int global;

static void* change(void* argument) {
  local += (int)(long)argument;
  __atomic_add_fetch(&global, local, __ATOMIC_SEQ_CST);
  return (void*)(long)local;
}

static void with_glibc(void) {
  section("pthreads");
  pthread_t threads[8];
  long sum = 0;
  for (long i = 0; i < 8; i++) pthread_create(&threads[i], NULL, change, (void*)i);
  for (int i = 0; i < 8; i++) {
    void* result;
    pthread_join(threads[i], &result);
    sum += (long)result;
  }
  say("thread-local %d, sum %ld, global %d", local, sum, global);
  for (int i = 0; i < 200; i++) {
    pthread_create(&threads[0], NULL, change, NULL);
    pthread_join(threads[0], NULL);
  }
  say("200 more, one after another: global %d", global);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t semaphore;
static int counter, turn;

static void* count_up(void* unused UNUSED) {
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < 2000; i++) {
    pthread_mutex_lock(&mutex);
    counter++;
    pthread_mutex_unlock(&mutex);
  }
  sem_post(&semaphore);
  return NULL;
}
static void* take_turns(void* argument) {
  int me = (int)(long)argument;
  for (int i = 0; i < 100; i++) {
    pthread_mutex_lock(&mutex);
    while (turn != me) pthread_cond_wait(&condition, &mutex);
    turn = (turn + 1) % 3;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

static void synchronized(void) {
  section("mutex, condition, barrier, semaphore");
  pthread_t threads[4];
  pthread_barrier_init(&barrier, NULL, 4);
  sem_init(&semaphore, 0, 0);
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, count_up, NULL);
  for (int i = 0; i < 4; i++) sem_wait(&semaphore);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  say("counter %d", counter);
  for (long i = 0; i < 3; i++) pthread_create(&threads[i], NULL, take_turns, (void*)i);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  say("turn %d", turn);
  struct timespec soon;
  clock_gettime(CLOCK_REALTIME, &soon);
  soon.tv_nsec += 20000000;
  if (soon.tv_nsec >= 1000000000) soon.tv_sec++, soon.tv_nsec -= 1000000000;
  pthread_mutex_lock(&mutex);
  say("timed wait: %s", error_name(pthread_cond_timedwait(&condition, &mutex, &soon)));
  pthread_mutex_unlock(&mutex);
}

static volatile int handler_tid, handler_runs;
static void note_thread(int signal UNUSED) {
  handler_tid = (int)syscall(SYS_gettid);
  handler_runs++;
}
static volatile int sleeper_tid;
static void* sleeper(void* unused UNUSED) {
  sleeper_tid = (int)syscall(SYS_gettid);
  while (handler_runs < 100) sleep_ms(1000);
  return NULL;
}
static void wait_runs(int runs) {
  for (int i = 0; i < 1000 && handler_runs < runs; i++) sleep_ms(1);
}

static void signals(void) {
  section("signals");
  handle_with(SIGUSR1, note_thread, 0);
  pthread_t thread;
  pthread_create(&thread, NULL, sleeper, NULL);
  while (sleeper_tid == 0) sched_yield();
  SHOW(syscall(SYS_tgkill, getpid(), sleeper_tid, SIGUSR1));
  wait_runs(1);
  YES(handler_tid == sleeper_tid);
  SHOW(syscall(SYS_tkill, sleeper_tid, SIGUSR1));
  wait_runs(2);
  YES(handler_tid == sleeper_tid);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  SHOW(kill(getpid(), SIGUSR1));  // The one thread that does not block it takes it.
  wait_runs(3);
  YES(handler_tid == sleeper_tid);
  SHOW(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1));
  sigset_t pending;
  sigpending(&pending);
  YES(sigismember(&pending, SIGUSR1));
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  wait_runs(4);
  YES(handler_tid == getpid());
  handler_runs = 100;
  syscall(SYS_tgkill, getpid(), sleeper_tid, SIGUSR1);
  pthread_join(thread, NULL);
}

static void* exit_all(void* unused UNUSED) {
  sleep_ms(20);
  syscall(SYS_exit_group, 33);
  return NULL;
}
static void* sleep_long(void* unused UNUSED) {
  sleep_ms(15000);
  return NULL;
}
static void thread_ends_all(void) {
  pthread_t thread;
  for (int i = 0; i < 5; i++) pthread_create(&thread, NULL, sleep_long, NULL);
  pthread_create(&thread, NULL, exit_all, NULL);
  sleep_ms(15000);
}
static void* exit_later(void* unused UNUSED) {
  sleep_ms(50);
  say("the leader is gone, getpid still tells its id: %d", getpid() != (int)syscall(SYS_gettid));
  syscall(SYS_exit, 12);
  return NULL;
}
static void leader_leaves(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, exit_later, NULL);
  syscall(SYS_exit, 11);  // The process's status is that of the thread that left last.
}
static void* fault(void* unused UNUSED) {
  sleep_ms(10);
  *(volatile char*)NULL = 1;
  return NULL;
}
static void thread_faults(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, fault, NULL);
  sleep_ms(15000);
}
static void* fork_in_thread(void* unused UNUSED) {
  pid_t pid = fork();
  if (pid == 0) {
    // Only the forking thread is there, and it is the leader now.
    say("child of a thread: tid is pid %d", getpid() == (int)syscall(SYS_gettid));
    _exit(9);
  }
  int status;
  waitpid(pid, &status, 0);
  return (void*)(long)WEXITSTATUS(status);
}

static void endings(void) {
  section("endings");
  IN_CHILD(thread_ends_all);
  IN_CHILD(leader_leaves);
  IN_CHILD(thread_faults);
  pthread_t thread;
  pthread_create(&thread, NULL, fork_in_thread, NULL);
  void* result;
  pthread_join(thread, &result);
  say("waited for by the thread: %ld", (long)result);
  pthread_create(&thread, NULL, sleep_long, NULL);
  pthread_cancel(thread);
  pthread_join(thread, &result);
  YES(result == PTHREAD_CANCELED);
}

static void* wait_for_sibling(void* pid) {
  int status = 0;
  long got = waitpid((pid_t)(long)pid, &status, 0);
  return (void*)(long)(got == (long)pid ? WEXITSTATUS(status) : -1);
}
static void* close_later(void* fd) {
  sleep_ms(30);
  close((int)(long)fd);
  return NULL;
}
static void* read_one(void* fd) {
  char byte;
  return (void*)read((int)(long)fd, &byte, 1);
}

static void shared_things(void) {
  section("what threads share");
  pid_t pid = fork();
  if (pid == 0) {
    sleep_ms(20);
    _exit(8);
  }
  pthread_t thread;
  void* result;
  pthread_create(&thread, NULL, wait_for_sibling, (void*)(long)pid);
  pthread_join(thread, &result);
  say("a thread waits for another's child: %ld", (long)result);
  SHOW(waitpid(pid, NULL, __WNOTHREAD));
  pid = fork();
  if (pid == 0) _exit(8);
  pthread_create(&thread, NULL, (void* (*)(void*))(void*)wait_for_sibling, (void*)(long)pid);
  pthread_join(thread, &result);
  // A descriptor closed under a reader: the reader keeps its file.
  int fds[2];
  pipe(fds);
  pthread_t closer;
  pthread_create(&thread, NULL, read_one, (void*)(long)fds[0]);
  pthread_create(&closer, NULL, close_later, (void*)(long)fds[0]);
  pthread_join(closer, NULL);
  handle_with(SIGPIPE, SIG_IGN, 0);
  SHOW(fcntl(fds[0], F_GETFD));
  SHOW(write(fds[1], "x", 1));
  pthread_join(thread, &result);
  say("reader got %ld", (long)result);
  SHOW(write(fds[1], "x", 1));
}

static void count_tasks(void) {
  section("/proc/self/task");
  pthread_t thread[3];
  for (int i = 0; i < 3; i++) pthread_create(&thread[i], NULL, sleep_long, NULL);
  char* line = NULL;
  for (int i = 0; i < 500; i++) {  // One that was joined may not be gone entirely.
    line = strstr(read_file("/proc/self/status"), "Threads:");
    if (atoi(line + 8) == 4) break;
    sleep_ms(1);
  }
  say("%.10s", line);
  struct stat st;
  stat("/proc/self/task", &st);
  say("task has %ld links", (long)st.st_nlink);
  for (int i = 0; i < 3; i++) {
    pthread_cancel(thread[i]);
    pthread_join(thread[i], NULL);
  }
}

int main(void) {
  raw_threads();
  with_glibc();
  synchronized();
  signals();
  endings();
  shared_things();
  count_tasks();
}
