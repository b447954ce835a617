// SPDX-License-Identifier: MIT
// Sequence counter: readers never wait, they try again when a writer was active. Writers are
// serialised by a lock of their own. The guarded fields are Atomic<>, read relaxed.
#pragma once

#include "arch/cpu.h"

namespace kernel {

class SequenceCounter : public Pinned {
 public:
  uint32_t begin_read() const {
    uint32_t sequence;
    while (((sequence = sequence_.load_acquire()) & 1) != 0) arch::spin_hint();
    return sequence;
  }
  bool must_retry(uint32_t begun) const {
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return sequence_.load_relaxed() != begun;
  }
  void begin_write() {
    sequence_.store_relaxed(sequence_.load_relaxed() + 1);
    __atomic_thread_fence(__ATOMIC_RELEASE);
  }
  void end_write() { sequence_.store_release(sequence_.load_relaxed() + 1); }

 private:
  Atomic<uint32_t> sequence_;
};

}  // namespace kernel
