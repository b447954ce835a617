// SPDX-License-Identifier: MIT
// IoBuffer: a cursor over the memory that a read fills or a write empties: a user buffer, a user
// iovec or a kernel buffer. The one type that the I/O path passes down; file systems do not care
// which it is.
#pragma once

#include <span>

#include "lib/vector.h"
#include "vm/user_copy.h"

namespace kernel {

class IoBuffer {
 public:
  struct Segment {
    uint64_t address;
    size_t size;
  };

  static IoBuffer user(UserAddr start, size_t size) {
    IoBuffer buffer;
    buffer.current_ = {raw(start), size};
    buffer.remaining_ = size;
    return buffer;
  }
  static IoBuffer kernel(void* start, size_t size);
  static IoBuffer kernel(const void* start, size_t size);  // source of a write only
  // readv and friends: segments already checked (count <= 1024, sum <= SSIZE_MAX).
  static IoBuffer user_segments(Vector<Segment> segments);

  size_t remaining() const { return remaining_; }
  size_t moved() const { return moved_; }
  // How this one transfer differs from the open file's own flags (preadv2(2)): RWF_NOWAIT,
  // RWF_APPEND.
  struct Manner {
    bool no_wait = false;
    bool append = false;
  };
  Manner manner() const { return manner_; }
  void set_manner(Manner manner) { manner_ = manner; }

  // Data to the buffer (a read) / from the buffer (a write); advances the cursor. A user's may
  // sleep: no lock held. Returns bytes moved; Fault only when none could be.
  Result<size_t> put(const void* from, size_t size);
  Result<size_t> take(void* to, size_t size);
  Result<size_t> put_zeros(size_t size);
  // Under a lock: move what is possible without a fault (kernel buffers: all). Zero means: drop the
  // locks, fault_in(), try again.
  size_t put_nofault(const void* from, size_t size);
  size_t take_nofault(void* to, size_t size);
  // Makes the next bytes accessible. Error: Fault. `for_put`: they will be written to.
  Result<> fault_in(bool for_put);
  void skip(size_t size);
  // Goes back by what was taken but could not be used.
  void rewind(size_t size);
  // A cursor of its own over the next bytes; this one stays where it is. Within the current
  // segment, so it may be shorter.
  IoBuffer first(size_t size) const;
  // Whether every piece begins at a multiple of `address` and is a multiple of `size` long (powers
  // of two): O_DIRECT.
  bool is_aligned(uint64_t address, uint64_t size) const;
  // Limits what remains (a pipe's or file's room).
  void truncate(size_t remaining);

 private:
  IoBuffer() = default;
  void skip_empty();
  size_t part(size_t size) const;
  void advance(size_t size);
  template <class Move>
  size_t transfer(size_t size, Move move);

  bool is_kernel_ = false;
  Segment current_{};            // the part of the segment at the cursor
  size_t next_segment_ = 0;
  Vector<Segment> segments_;     // empty for a single segment
  size_t remaining_ = 0;
  size_t moved_ = 0;
  Manner manner_;
};

}  // namespace kernel
