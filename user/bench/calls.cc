// SPDX-License-Identifier: MIT
//
// System calls that wait for nothing and change little.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench/row.h"

namespace {

void getpid_loop(unsigned count) {
  for (unsigned i = 0; i < count; ++i) syscall(SYS_getpid);
}

void brk_loop(unsigned count) {
  for (unsigned i = 0; i < count; ++i) syscall(SYS_brk, 0);
}

void vdso_loop(unsigned count) {
  timespec time;
  for (unsigned i = 0; i < count; ++i) clock_gettime(CLOCK_MONOTONIC, &time);
}

constexpr int kPolled = 100;
pollfd polled[kPolled];
int poll_pipe[2];

bool prepare_poll() {
  if (pipe(poll_pipe) != 0) return false;
  for (pollfd& each : polled) each = {dup(poll_pipe[0]), POLLIN, 0};
  return true;
}

void finish_poll() {
  for (pollfd& each : polled) close(each.fd);
  close(poll_pipe[0]);
  close(poll_pipe[1]);
}

void poll_loop(unsigned count) {
  for (unsigned i = 0; i < count; ++i) expect(poll(polled, kPolled, 0) == 0, "poll");
}

void on_signal(int) {}

bool prepare_signal() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  return sigaction(SIGUSR1, &action, nullptr) == 0;
}

void signal_loop(unsigned count) {
  auto process = static_cast<pid_t>(syscall(SYS_getpid));
  auto thread = static_cast<pid_t>(syscall(SYS_gettid));
  for (unsigned i = 0; i < count; ++i) syscall(SYS_tgkill, process, thread, SIGUSR1);
}

constexpr Row kRows[] = {
    {"getpid", 10000, getpid_loop},
    {"brk without effect", 10000, brk_loop},
    {"clock_gettime, vDSO", 10000, vdso_loop},
    {"poll of 100 descriptors", 500, poll_loop, prepare_poll, finish_poll},
    {"signal: raise, handle, return", 2000, signal_loop, prepare_signal},
};

}  // namespace

Rows call_rows() { return {kRows, sizeof(kRows) / sizeof(kRows[0])}; }
