// SPDX-License-Identifier: MIT
//
// One direction of one stream; see relay.h.
#include "relay.h"

#include <errno.h>
#include <unistd.h>

void Relay::open(int from, int to) {
  from_ = from;
  to_ = to;
  limit_ = kNoLimit;
  open_ = true;
}

pollfd Relay::wanted() const {
  if (!open_ || done()) {
    return {-1, 0, 0};
  }
  if (used() > 0) {
    return {to_, POLLOUT, 0};
  }
  return {from_, POLLIN, 0};
}

void Relay::run() {
  if (!open_ || done()) {
    return;
  }
  if (used() > 0 && !flush()) {
    return;
  }
  // A port gives one page at a time: several for each wait, but the other streams have their turn.
  constexpr int kTurns = 16;
  for (int turn = 0; turn < kTurns && fill() && flush(); ++turn) {
  }
}

void Relay::drain() {
  // Others may still write, without end: what the program itself wrote fits the largest pipe there
  // is.
  constexpr uint64_t kMost = 1024 * 1024 + kSize;
  const uint64_t start = moved_;
  while (open_ && !target_ended_ && moved_ - start < kMost) {
    if (used() == 0 && !fill()) {
      return;
    }
    if (!flush()) {
      pollfd entry{to_, POLLOUT, 0};
      poll(&entry, 1, -1);
    }
  }
}

// Takes one buffer from the source; false when there is nothing at the moment, or for ever.
bool Relay::fill() {
  uint64_t left = limit_ - taken_;
  if (source_ended_ || left == 0) {
    return false;
  }
  ssize_t got = read(from_, buffer_, left < kSize ? static_cast<size_t>(left) : kSize);
  if (got > 0) {
    begin_ = 0;
    end_ = static_cast<size_t>(got);
    taken_ += static_cast<uint64_t>(got);
    return true;
  }
  // A pseudo terminal whose last user has gone answers EIO.
  if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
    source_ended_ = true;
  }
  return false;
}

// Gives the buffer to the target; true when it is empty.
bool Relay::flush() {
  while (used() > 0) {
    ssize_t put = write(to_, buffer_ + begin_, used());
    if (put < 0) {
      if (errno == EINTR) {
        continue;
      }
      target_ended_ = errno != EAGAIN;
      return false;
    }
    begin_ += static_cast<size_t>(put);
    moved_ += static_cast<uint64_t>(put);
  }
  return true;
}
