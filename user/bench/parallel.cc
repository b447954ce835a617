// SPDX-License-Identifier: MIT
//
// Several at once. With one CPU they show what the sharing itself costs; with more, what the CPUs
// cost each other: an operation's instructions are those of all CPUs.
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/row.h"

namespace {

constexpr unsigned kWorkers = 8, kPairs = 4;
constexpr size_t kPage = 4096;

// Runs `work(argument)` in so many threads, and waits for them.
void run_threads(unsigned workers, void* (*work)(void*), void* argument) {
  pthread_t threads[32];
  for (unsigned i = 0; i < workers; ++i)
    expect(pthread_create(&threads[i], nullptr, work, argument) == 0, "pthread_create");
  for (unsigned i = 0; i < workers; ++i) pthread_join(threads[i], nullptr);
}

// Runs `work(count)` in so many processes, and waits for them.
void run_processes(unsigned workers, void (*work)(unsigned), unsigned count) {
  for (unsigned i = 0; i < workers; ++i) {
    pid_t child = fork();
    expect(child >= 0, "fork");
    if (child != 0) continue;
    work(count);
    _exit(0);
  }
  for (unsigned i = 0; i < workers; ++i) {
    int status;
    expect(wait(&status) > 0 && status == 0, "wait");
  }
}

// --- context switches

uint32_t turns_left;

void* yield_until_done(void*) {
  while (static_cast<int32_t>(__atomic_fetch_sub(&turns_left, 1, __ATOMIC_RELAXED)) > 0)
    sched_yield();
  return nullptr;
}

template <unsigned threads>
void switch_loop(unsigned count) {
  turns_left = count;
  run_threads(threads, yield_until_done, nullptr);
}

// --- one address space

struct Shares {
  char* memory;
  size_t size;  // of each
  unsigned taken;
};

void* touch_share(void* argument) {
  auto* shares = static_cast<Shares*>(argument);
  unsigned mine = __atomic_fetch_add(&shares->taken, 1, __ATOMIC_RELAXED);
  volatile char* memory = shares->memory + mine * shares->size;
  for (size_t at = 0; at < shares->size; at += kPage) memory[at] = 1;
  return nullptr;
}

void fault_loop(unsigned count) {
  size_t size = count * kPage;
  void* memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  expect(memory != MAP_FAILED, "mmap");
  Shares shares{static_cast<char*>(memory), size / kWorkers, 0};
  run_threads(kWorkers, touch_share, &shares);
  munmap(memory, size);
}

// --- processes

void fork_some(unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    pid_t child = fork();
    expect(child >= 0, "fork");
    if (child == 0) _exit(0);
    expect(waitpid(child, nullptr, 0) == child, "waitpid");
  }
}

void fork_loop(unsigned count) { run_processes(kWorkers, fork_some, count / kWorkers); }

void pipe_pair(unsigned count) {
  int there[2], back[2];
  expect(pipe(there) == 0 && pipe(back) == 0, "pipe");
  pid_t child = fork();
  expect(child >= 0, "fork");
  char byte = 1;
  if (child == 0) {
    for (unsigned i = 0; i < count; ++i)
      expect(read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1, "echo");
    _exit(0);
  }
  for (unsigned i = 0; i < count; ++i)
    expect(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "round trip");
  expect(waitpid(child, nullptr, 0) == child, "waitpid");
}

void pairs_loop(unsigned count) { run_processes(kPairs, pipe_pair, count / kPairs); }

// --- a wake-up on another CPU: half a round trip between two threads that are kept apart

constexpr int kFutexWait = 0 | 128, kFutexWake = 1 | 128;
uint32_t turn;

bool run_on(unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

void pass_turn(uint32_t next) {
  __atomic_store_n(&turn, next, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, &turn, kFutexWake, 1, nullptr, nullptr, 0);
}

void await_turn(uint32_t mine) {
  for (uint32_t now; (now = __atomic_load_n(&turn, __ATOMIC_SEQ_CST)) != mine;)
    syscall(SYS_futex, &turn, kFutexWait, now, nullptr, nullptr, 0);
}

void* answer(void* argument) {
  expect(run_on(1), "sched_setaffinity");
  for (unsigned left = *static_cast<unsigned*>(argument); left != 0; --left) {
    await_turn(1);
    pass_turn(0);
  }
  return nullptr;
}

bool prepare_apart() {
  cpu_set_t allowed;
  return sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) > 1 &&
         run_on(0);
}

void finish_apart() {
  cpu_set_t all;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) CPU_SET(cpu, &all);
  sched_setaffinity(0, sizeof all, &all);
}

void wake_loop(unsigned count) {
  unsigned rounds = count / 2;
  pthread_t other;
  expect(pthread_create(&other, nullptr, answer, &rounds) == 0, "pthread_create");
  for (unsigned i = 0; i < rounds; ++i) {
    pass_turn(1);
    await_turn(0);
  }
  pthread_join(other, nullptr);
}

// --- timers

constexpr unsigned kNap = 100'000;

bool prepare_naps() { return prctl(PR_SET_TIMERSLACK, 1) == 0; }

void nap_loop(unsigned count) {
  timespec nap = {0, kNap};
  for (unsigned i = 0; i < count; ++i) nanosleep(&nap, nullptr);
}

constexpr Row kRows[] = {
    {"switch among 8 threads", 8000, switch_loop<8>},
    {"switch among 32 threads", 8000, switch_loop<32>},
    {"8 threads fault in one space", 16384, fault_loop},
    {"8 processes fork", 400, fork_loop},
    {"4 pipe pairs, round trip", 4000, pairs_loop},
    {"wake-up on another CPU", 2000, wake_loop, prepare_apart, finish_apart},
    {"a timer's lateness", 200, nap_loop, prepare_naps, nullptr, 0, kNap},
};

}  // namespace

Rows parallel_rows() { return {kRows, sizeof(kRows) / sizeof(kRows[0])}; }
