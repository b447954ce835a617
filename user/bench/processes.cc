// SPDX-License-Identifier: MIT
//
// Threads and processes that come and go.
#include <pthread.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/row.h"

namespace {

constexpr char kNothing[] = "/tmp/bench-nothing";  // a static program that only exits
constexpr size_t kDirty = 64 << 20;
char* dirty;

void* nothing(void*) { return nullptr; }

void thread_loop(unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    pthread_t thread;
    expect(pthread_create(&thread, nullptr, nothing, nullptr) == 0, "pthread_create");
    pthread_join(thread, nullptr);
  }
}

void wait_for(pid_t child) {
  int status;
  expect(waitpid(child, &status, 0) == child && status == 0, "waitpid");
}

void fork_loop(unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    pid_t child = fork();
    expect(child >= 0, "fork");
    if (child == 0) _exit(0);
    wait_for(child);
  }
}

bool prepare_dirty() {
  dirty = static_cast<char*>(
      mmap(nullptr, kDirty, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (dirty == MAP_FAILED) return false;
  for (size_t at = 0; at < kDirty; at += 4096) dirty[at] = 1;
  return true;
}

void finish_dirty() { munmap(dirty, kDirty); }

bool prepare_spawn() { return access(kNothing, X_OK) == 0; }

void spawn_loop(unsigned count) {
  char* arguments[] = {const_cast<char*>(kNothing), nullptr};
  for (unsigned i = 0; i < count; ++i) {
    pid_t child;
    expect(posix_spawn(&child, kNothing, nullptr, nullptr, arguments, arguments + 1) == 0,
           "posix_spawn");
    wait_for(child);
  }
}

constexpr Row kRows[] = {
    {"thread create and join", 300, thread_loop},
    {"fork, exit, wait", 200, fork_loop},
    {"fork, exit, wait with 64 MiB", 50, fork_loop, prepare_dirty, finish_dirty},
    {"posix_spawn, tiny program", 200, spawn_loop, prepare_spawn},
};

}  // namespace

Rows process_rows() { return {kRows, sizeof(kRows) / sizeof(kRows[0])}; }
