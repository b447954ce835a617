// SPDX-License-Identifier: MIT
//
// Futexes that inherit priorities: the word, contention and its order, boosting along chains,
// timeouts and signals, deadlocks, owners that end, robust lists, moving from a condition to a
// lock.

#include "abi.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

static volatile uint32_t word, second_word, condition;
static volatile int step;

static pid_t gettid_(void) { return (pid_t)syscall(SYS_gettid); }
static long futex(volatile void* address, int operation, long value, const void* timeout,
                  volatile void* second, long value3) {
  return syscall(SYS_futex, address, operation, value, timeout, second, value3);
}
static long lock(volatile uint32_t* at) { return futex(at, FUTEX_LOCK_PI, 0, NULL, NULL, 0); }
static long unlock(volatile uint32_t* at) { return futex(at, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0); }
static long try_lock(volatile uint32_t* at) {
  return futex(at, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0);
}
static void show_word(const char* when, uint32_t value, pid_t tid) {
  uint32_t owner = value & FUTEX_TID_MASK;
  say("  %s: owner %s%s%s", when, owner == 0 ? "none" : owner == (uint32_t)tid ? "right" : "other",
      value & FUTEX_WAITERS ? ", waiters" : "", value & FUTEX_OWNER_DIED ? ", died" : "");
}
static void wait_step(int wanted) {
  while (step < wanted) sched_yield();
}
// The priority of field 18 of /proc/PID/stat.
static long priority_of(pid_t tid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
  char* text = read_file(path);
  if (text == NULL) return 999;
  long value = 999;
  sscanf(strrchr(text, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %ld",
         &value);
  return value;
}
static void wait_asleep(pid_t tid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
  for (int i = 0; i < 2000; i++) {
    char* text = read_file(path);
    if (text != NULL && strrchr(text, ')')[2] == 'S') return;
    sleep_ms(1);
  }
}

struct contender {
  pthread_t thread;
  volatile pid_t tid;
  volatile uint32_t* word;
  int policy, priority, nice;
  long result;
  int error;
  volatile int order;
};
static volatile int next_order;

static void* contend(void* argument) {
  struct contender* self = argument;
  if (self->policy != 0)
    sched_setscheduler(0, self->policy, &(struct sched_param){self->priority});
  if (self->nice != 0) setpriority(PRIO_PROCESS, (id_t)gettid_(), self->nice);
  self->tid = gettid_();
  errno = 0;
  self->result = lock(self->word);
  self->error = errno;
  if (self->result == 0) {
    self->order = ++next_order;
    unlock(self->word);
  }
  return NULL;
}
static void begin(struct contender* contender, volatile uint32_t* at) {
  contender->word = at;
  pthread_create(&contender->thread, NULL, contend, contender);
  while (contender->tid == 0) sched_yield();
  wait_asleep(contender->tid);
}

static void the_word(void) {
  section("the word");
  pid_t self = gettid_();
  SHOW(lock(&word));
  show_word("locked", word, self);
  SHOW(lock(&word));
  SHOW(try_lock(&word));
  SHOW(unlock(&word));
  show_word("unlocked", word, self);
  SHOW(unlock(&word));
  SHOW(try_lock(&word));
  SHOW(unlock(&word));
  word = FUTEX_OWNER_DIED;
  SHOW(lock(&word));
  show_word("after a dead owner", word, self);
  SHOW(unlock(&word));
  show_word("unlocked", word, self);
  word = 0x3ffffff0;
  SHOW(lock(&word));
  show_word("no such owner", word & ~FUTEX_TID_MASK, self);
  SHOW(try_lock(&word));
  SHOW(unlock(&word));
  word = FUTEX_WAITERS;
  SHOW(lock(&word));
  show_word("a stray bit", word, self);
  word = 0;
  SHOW(lock((volatile uint32_t*)((char*)&word + 1)));
  SHOW(lock(NULL));
  SHOW(lock(BAD_KERNEL));
  SHOW(unlock(NULL));
  SHOW(lock(page_with(PROT_READ)));
  struct timespec bad = {0, 1000000000}, past = {1, 0};
  SHOW(futex(&word, FUTEX_LOCK_PI, 0, &bad, NULL, 0));
  SHOW(futex(&word, FUTEX_LOCK_PI, 0, BAD_KERNEL, NULL, 0));
  SHOW(futex(&word, FUTEX_LOCK_PI, 0, &past, NULL, 0));
  SHOW(unlock(&word));
  SHOW(futex(&word, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0));
  SHOW(futex(&word, FUTEX_LOCK_PI2 | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0));
  SHOW(futex(&word, FUTEX_UNLOCK_PI | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0));
  SHOW(unlock(&word));
}

static void contention(void) {
  section("contention");
  pid_t self = gettid_();
  next_order = 0;
  MUST(lock(&word));
  struct contender first = {0}, second = {0}, urgent = {.policy = SCHED_FIFO, .priority = 7};
  begin(&first, &word);
  show_word("one waits", word, self);
  begin(&second, &word);
  begin(&urgent, &word);
  SHOW(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
  SHOW(futex(&word, FUTEX_REQUEUE, 1, (void*)1, &second_word, 0));
  SHOW(unlock(&word));
  pthread_join(first.thread, NULL);
  pthread_join(second.thread, NULL);
  pthread_join(urgent.thread, NULL);
  say("  in order: urgent %d, first %d, second %d", urgent.order, first.order, second.order);
  show_word("all done", word, self);
  MUST(lock(&word));
  struct contender only = {0};
  begin(&only, &word);
  // Handed over: nobody can take it in between.
  SHOW(unlock(&word));
  pthread_join(only.thread, NULL);
  SHOW(only.result);
}

static void* plain_waiter(void* unused UNUSED) {
  step = 1;
  futex(&word, FUTEX_WAIT, 0x1234, NULL, NULL, 0);
  return NULL;
}
static void mixed(void) {
  section("with plain waiters");
  word = 0x1234;
  step = 0;
  pthread_t thread;
  pthread_create(&thread, NULL, plain_waiter, NULL);
  wait_step(1);
  sleep_ms(50);
  SHOW(lock(&word));
  word = (uint32_t)gettid_();
  SHOW(unlock(&word));
  word = 0;
  SHOW(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
  pthread_join(thread, NULL);
}

static void boosting(void) {
  section("boosting");
  pid_t self = gettid_();
  say("  before: %ld", priority_of(self));
  MUST(lock(&word));
  struct contender nice = {.nice = -5}, urgent = {.policy = SCHED_RR, .priority = 20};
  begin(&nice, &word);
  say("  with a less nice waiter: %ld", priority_of(self));
  begin(&urgent, &word);
  say("  with a real-time waiter: %ld, policy still %d", priority_of(self),
      sched_getscheduler(0));
  MUST(setpriority(PRIO_PROCESS, 0, 3));
  say("  nicer: %ld", priority_of(self));
  MUST(setpriority(PRIO_PROCESS, 0, 0));
  MUST(unlock(&word));
  say("  unlocked: %ld", priority_of(self));
  pthread_join(nice.thread, NULL);
  pthread_join(urgent.thread, NULL);
}

static volatile pid_t middle_tid;
static void* middle(void* unused UNUSED) {
  middle_tid = gettid_();
  MUST(lock(&second_word));
  step = 1;
  SHOW_AS("middle gets the first", lock(&word));
  say("  middle: %ld", priority_of(middle_tid));
  MUST(unlock(&word));
  MUST(unlock(&second_word));
  return NULL;
}
static void chains(void) {
  section("chains");
  pid_t self = gettid_();
  MUST(lock(&word));
  step = 0;
  pthread_t thread;
  pthread_create(&thread, NULL, middle, NULL);
  wait_step(1);
  wait_asleep(middle_tid);
  struct contender urgent = {.policy = SCHED_FIFO, .priority = 30};
  begin(&urgent, &second_word);
  say("  the end of the chain: %ld, the middle: %ld", priority_of(self),
      priority_of(middle_tid));
  MUST(sched_setscheduler(urgent.tid, SCHED_FIFO, &(struct sched_param){40}));
  say("  more urgent: %ld, %ld", priority_of(self), priority_of(middle_tid));
  SHOW(lock(&second_word));  // the circle
  SHOW(try_lock(&second_word));
  MUST(unlock(&word));
  long unlocked = priority_of(self);
  pthread_join(thread, NULL);
  pthread_join(urgent.thread, NULL);
  say("  unlocked: %ld", unlocked);
  SHOW(urgent.result);
}

static void* holder(void* unused UNUSED) {
  MUST(lock(&word));
  step = 1;
  wait_step(2);
  MUST(unlock(&word));
  return NULL;
}
static volatile int handled;
static void on_signal(int signal UNUSED) { handled++; }
static volatile pid_t waiter_tid;
static void* interrupted(void* unused UNUSED) {
  waiter_tid = gettid_();
  SHOW_AS("lock, a signal in between", lock(&word));
  MUST(unlock(&word));
  return NULL;
}
static void timeouts(void) {
  section("timeouts and signals");
  step = 0;
  pthread_t thread, other;
  pthread_create(&thread, NULL, holder, NULL);
  wait_step(1);
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_nsec += 30000000;
  if (end.tv_nsec >= 1000000000) end.tv_sec++, end.tv_nsec -= 1000000000;
  SHOW(futex(&word, FUTEX_LOCK_PI, 0, &end, NULL, 0));
  SHOW(futex(&word, FUTEX_LOCK_PI2 | FUTEX_CLOCK_REALTIME, 0, &end, NULL, 0));
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_nsec += 30000000;
  if (end.tv_nsec >= 1000000000) end.tv_sec++, end.tv_nsec -= 1000000000;
  SHOW(futex(&word, FUTEX_LOCK_PI2, 0, &end, NULL, 0));
  SHOW(try_lock(&word));
  SHOW(unlock(&word));
  handle_with(SIGUSR1, on_signal, 0);
  pthread_create(&other, NULL, interrupted, NULL);
  while (waiter_tid == 0) sched_yield();
  wait_asleep(waiter_tid);
  pthread_kill(other, SIGUSR1);
  while (handled == 0) sched_yield();
  wait_asleep(waiter_tid);
  step = 2;
  pthread_join(thread, NULL);
  pthread_join(other, NULL);
  YES(handled == 1);
}

static void* dies(void* unused UNUSED) {
  MUST(lock(&word));
  step = 1;
  wait_step(2);
  return NULL;
}
static volatile uint32_t seen;
static volatile pid_t heir_tid;
static void* heir(void* unused UNUSED) {
  heir_tid = gettid_();
  SHOW_AS("the heir locks", lock(&word));
  seen = word;
  MUST(unlock(&word));
  return NULL;
}
static void dead_owners(void) {
  section("owners that end");
  for (int waiters = 0; waiters < 2; waiters++) {
    word = 0;
    step = heir_tid = 0;
    pthread_t thread, other;
    pthread_create(&thread, NULL, dies, NULL);
    wait_step(1);
    if (waiters != 0) {
      pthread_create(&other, NULL, heir, NULL);
      while (heir_tid == 0) sched_yield();
      wait_asleep(heir_tid);
    }
    step = 2;
    pthread_join(thread, NULL);
    if (waiters != 0) {
      pthread_join(other, NULL);
      show_word("the heir's", seen, heir_tid);
    } else {
      sleep_ms(20);
      SHOW(lock(&word));
    }
  }
  word = 0;
}

static pthread_mutex_t mutex;
static void* leaves_locked(void* unused UNUSED) {
  MUST(pthread_mutex_lock(&mutex));
  step = 1;
  wait_step(2);
  return NULL;
}
static void mutexes(void) {
  section("mutexes of the C library");
  for (int waits = 0; waits < 2; waits++) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    SHOW(pthread_mutex_init(&mutex, &attributes));
    step = 0;
    pthread_t thread;
    pthread_create(&thread, NULL, leaves_locked, NULL);
    wait_step(1);
    SHOW(pthread_mutex_trylock(&mutex) == EBUSY);
    if (waits == 0) {
      step = 2;
      pthread_join(thread, NULL);
    } else {
      alarm(kHang);
      pid_t child = fork();
      if (child == 0) _exit(0);
      waitpid(child, NULL, 0);
      step = 2;
    }
    SHOW(pthread_mutex_lock(&mutex) == EOWNERDEAD);
    SHOW(pthread_mutex_consistent(&mutex));
    SHOW(pthread_mutex_unlock(&mutex));
    SHOW(pthread_mutex_lock(&mutex));
    SHOW(pthread_mutex_unlock(&mutex));
    if (waits != 0) pthread_join(thread, NULL);
    pthread_mutex_destroy(&mutex);
  }
}

// The owner ends at the moment when another thread comes to wait: whoever is first, the lock has a
// new owner.
static void* leaves_at_once(void* unused UNUSED) {
  MUST(pthread_mutex_lock(&mutex));
  step = 1;
  while (step != 2) continue;
  return NULL;
}
static void ends_at_once(void) {
  section("an owner that ends while it is asked");
  int heirs = 0;
  for (int i = 0; i < 200; i++) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&mutex, &attributes);
    step = 0;
    pthread_t thread;
    pthread_create(&thread, NULL, leaves_at_once, NULL);
    wait_step(1);
    step = 2;
    for (volatile int delay = 0; delay < i % 50 * 20; delay++) continue;
    heirs += pthread_mutex_lock(&mutex) == EOWNERDEAD;
    pthread_mutex_consistent(&mutex);
    pthread_mutex_unlock(&mutex);
    pthread_join(thread, NULL);
    pthread_mutex_destroy(&mutex);
  }
  say("heirs: %d", heirs);
}

static volatile pid_t mover_tid[2];
static void* mover(void* argument) {
  long index = (long)argument;
  mover_tid[index] = gettid_();
  long result = futex(&condition, FUTEX_WAIT_REQUEUE_PI, 5, NULL, &word, 0);
  int error = errno;
  if (result == 0) {
    say("  moved, and owner: %s", (word & FUTEX_TID_MASK) == (uint32_t)gettid_() ? "yes" : "no");
    unlock(&word);
  } else {
    say("  not moved: %s", error_name(error));
  }
  return NULL;
}
static void moving(void) {
  section("moving to a lock");
  condition = 5;
  struct timespec past = {1, 0}, bad = {0, -1};
  SHOW(futex(&condition, FUTEX_WAIT_REQUEUE_PI, 4, NULL, &word, 0));
  SHOW(futex(&condition, FUTEX_WAIT_REQUEUE_PI, 5, &past, &word, 0));
  SHOW(futex(&condition, FUTEX_WAIT_REQUEUE_PI, 5, &bad, &word, 0));
  SHOW(futex(&condition, FUTEX_WAIT_REQUEUE_PI, 5, NULL, &condition, 0));
  SHOW(futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void*)1, &condition, 5));
  SHOW(futex(&condition, FUTEX_CMP_REQUEUE_PI, 2, (void*)1, &word, 5));
  SHOW(futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void*)1, &word, 4));
  SHOW(futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void*)1, &word, 5));
  for (int locked = 0; locked < 2; locked++) {
    pthread_t threads[2];
    for (long i = 0; i < 2; i++) {
      mover_tid[i] = 0;
      pthread_create(&threads[i], NULL, mover, (void*)i);
      while (mover_tid[i] == 0) sched_yield();
      wait_asleep(mover_tid[i]);
    }
    SHOW(futex(&condition, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void*)1, &second_word, 5));
    if (locked != 0) MUST(lock(&word));
    long moved = futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void*)100, &word, 5);
    if (locked != 0) show_word("two wait", word, gettid_());
    if (locked != 0) MUST(unlock(&word));
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    SHOW(moved);
    show_word("afterwards", word, 0);
    word = 0;
  }
}

int main(void) {
  the_word();
  contention();
  mixed();
  boosting();
  chains();
  timeouts();
  dead_owners();
  mutexes();
  ends_at_once();
  moving();
}
