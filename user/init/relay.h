// SPDX-License-Identifier: MIT
//
// Moves bytes from one descriptor to another, both non-blocking, through a buffer of its own: the
// flow control of each stream is its own, so a full pipe never stops the control port.
#pragma once

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

class Relay {
 public:
  static constexpr uint64_t kNoLimit = UINT64_MAX;

  void open(int from, int to);

  // The stream is `limit` bytes long in all; after them the relay is done.
  void set_limit(uint64_t limit) { limit_ = limit; }

  // What to wait for now; a descriptor of -1 when nothing.
  pollfd wanted() const;

  // Moves what can be moved without waiting.
  void run();

  // Takes what the source has at this moment and waits until the target has it: for the last bytes.
  void drain();

  bool open() const { return open_; }
  bool source_ended() const { return source_ended_; }
  bool target_ended() const { return target_ended_; }
  bool done() const {
    return target_ended_ || (used() == 0 && (source_ended_ || moved_ == limit_));
  }
  uint64_t moved() const { return moved_; }
  int from() const { return from_; }
  int to() const { return to_; }
  void close() { open_ = false; }

 private:
  static constexpr size_t kSize = 32 * 1024;

  size_t used() const { return end_ - begin_; }
  bool fill();
  bool flush();

  // All zero until it is opened, so that the buffers cost nothing in the file.
  bool open_ = false;
  int from_ = 0;
  int to_ = 0;
  uint64_t limit_ = 0;
  uint64_t taken_ = 0;  // from the source
  uint64_t moved_ = 0;  // to the target
  size_t begin_ = 0;
  size_t end_ = 0;
  bool source_ended_ = false;
  bool target_ended_ = false;
  char buffer_[kSize];
};
