// SPDX-License-Identifier: MIT
//
// Two that wait for each other: round trips by each means.
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/row.h"

namespace {

// futex(2): the private forms of its two operations. musl has no header for them.
constexpr int kFutexWait = 0 | 128, kFutexWake = 1 | 128;

pid_t partner;
int to_partner = -1, from_partner = -1;

// The child runs `serve(in, out)` until it is killed.
bool start_partner(int in, int out, int ours_out, int ours_in, void (*serve)(int, int)) {
  to_partner = ours_out;
  from_partner = ours_in;
  partner = fork();
  if (partner != 0) return partner > 0;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  serve(in, out);
  _exit(1);
}

void stop_partner() {
  kill(partner, SIGKILL);
  waitpid(partner, nullptr, 0);
  close(to_partner);
  close(from_partner);
}

void echo(int in, int out) {
  char byte;
  while (read(in, &byte, 1) == 1 && write(out, &byte, 1) == 1) {
  }
}

bool prepare_pipes() {
  int there[2], back[2];
  if (pipe(there) != 0 || pipe(back) != 0) return false;
  return start_partner(there[0], back[1], there[1], back[0], echo);
}

bool prepare_sockets() {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return false;
  return start_partner(pair[1], pair[1], pair[0], dup(pair[0]), echo);
}

void round_trip_loop(unsigned count) {
  char byte = 1;
  for (unsigned i = 0; i < count; ++i) {
    expect(write(to_partner, &byte, 1) == 1 && read(from_partner, &byte, 1) == 1, "round trip");
  }
}

void await_event(int set, int event) {
  epoll_event ready;
  uint64_t value;
  expect(epoll_wait(set, &ready, 1, -1) == 1 && read(event, &value, 8) == 8, "epoll_wait");
}

void send_event(int event) {
  uint64_t one = 1;
  expect(write(event, &one, 8) == 8, "write to an eventfd");
}

int watch(int event) {
  int set = epoll_create1(0);
  epoll_event wanted = {EPOLLIN, {}};
  if (set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, event, &wanted) != 0) return -1;
  return set;
}

void echo_events(int in, int out) {
  int set = watch(in);
  for (;;) {
    await_event(set, in);
    send_event(out);
  }
}

int event_set = -1;

bool prepare_events() {
  int there = eventfd(0, 0), back = eventfd(0, 0);
  event_set = watch(back);
  return event_set >= 0 && start_partner(there, back, there, back, echo_events);
}

void finish_events() {
  close(event_set);
  stop_partner();
}

void event_loop(unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    send_event(to_partner);
    await_event(event_set, from_partner);
  }
}

// Whose turn it is: 0 the main thread's, 1 the other's; 2 ends it.
uint32_t turn;

void pass_turn(uint32_t next) {
  __atomic_store_n(&turn, next, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, &turn, kFutexWake, 1, nullptr, nullptr, 0);
}

void await_turn(uint32_t not_mine) {
  while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) == not_mine) {
    syscall(SYS_futex, &turn, kFutexWait, not_mine, nullptr, nullptr, 0);
  }
}

void* other_thread(void*) {
  for (;;) {
    await_turn(0);
    if (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) == 2) return nullptr;
    pass_turn(0);
  }
}

pthread_t other;
bool prepare_futex() {
  turn = 0;
  return pthread_create(&other, nullptr, other_thread, nullptr) == 0;
}

void finish_futex() {
  pass_turn(2);
  pthread_join(other, nullptr);
}

void futex_loop(unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    pass_turn(1);
    await_turn(1);
  }
}

void yield_forever(int, int) {
  for (;;) sched_yield();
}

bool prepare_yield() { return start_partner(-1, -1, -1, -1, yield_forever); }

// Each call lets the partner run, and the partner's lets us: two switches.
void yield_loop(unsigned count) {
  for (unsigned i = 0; i < count; i += 2) sched_yield();
}

constexpr Row kRows[] = {
    {"pipe round trip", 2000, round_trip_loop, prepare_pipes, stop_partner},
    {"AF_UNIX round trip", 1000, round_trip_loop, prepare_sockets, stop_partner},
    {"epoll and eventfd round trip", 1000, event_loop, prepare_events, finish_events},
    {"futex round trip", 2000, futex_loop, prepare_futex, finish_futex},
    {"sched_yield switch", 5000, yield_loop, prepare_yield, stop_partner},
};

}  // namespace

Rows wait_rows() { return {kRows, sizeof(kRows) / sizeof(kRows[0])}; }
