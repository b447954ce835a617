// SPDX-License-Identifier: MIT
//
// How much goes through a pipe and a socket: a child writes 64 KiB at a time, we read.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/row.h"

namespace {

constexpr size_t kChunk = 64 << 10;
alignas(4096) char buffer[kChunk];
pid_t writer;
int input = -1;

bool start_writer(int in, int out) {
  input = in;
  writer = fork();
  if (writer != 0) {
    close(out);
    return writer > 0;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  while (write(out, buffer, kChunk) > 0) {
  }
  _exit(1);
}

bool prepare_pipe() {
  int ends[2];
  return pipe(ends) == 0 && start_writer(ends[0], ends[1]);
}

bool prepare_socket() {
  int ends[2];
  return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && start_writer(ends[0], ends[1]);
}

void stop_writer() {
  kill(writer, SIGKILL);
  waitpid(writer, nullptr, 0);
  close(input);
}

void read_loop(unsigned count) {
  for (size_t left = count * kChunk; left != 0;) {
    ssize_t got = read(input, buffer, left < kChunk ? left : kChunk);
    expect(got > 0, "read");
    left -= static_cast<size_t>(got);
  }
}

constexpr Row kRows[] = {
    {"pipe, 64 KiB chunks", 256, read_loop, prepare_pipe, stop_writer, kChunk},
    {"AF_UNIX, 64 KiB chunks", 256, read_loop, prepare_socket, stop_writer, kChunk},
};

}  // namespace

Rows stream_rows() { return {kRows, sizeof(kRows) / sizeof(kRows[0])}; }
