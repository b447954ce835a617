// SPDX-License-Identifier: MIT
// Waiting for any of several files (poll(2), select(2)): registers on their queues once, and sleeps
// until one of them may have become ready.
#pragma once

#include "fs/vfs/file.h"
#include "lib/vector.h"

namespace kernel {

class PollSet final : public PollRegistration, public Pinned {
 public:
  PollSet() = default;
  ~PollSet();
  // Called by File::poll.
  void wait_on(WaitQueue& queue) override;
  // Keeps a file, and its queues, until this ends.
  void keep(File& file);

  // Sleeps until a queue was woken since reset(). Errors: RestartSys, TimedOut, NoMem (a
  // registration found no memory).
  Result<> wait(Deadline deadline);
  void reset() { triggered_.store_relaxed(false); }

 private:
  class Entry final : public Waiter {
   public:
    explicit Entry(PollSet& set) : Waiter(on_wake), set_(set) {}
    Entry* next = nullptr;

   private:
    static bool on_wake(Waiter& waiter, uint32_t events);
    PollSet& set_;
  };
  static constexpr size_t kInline = 4;

  Thread& thread_ = current();
  Atomic<bool> triggered_;
  Result<> problem_;
  alignas(Entry) char inline_[kInline][sizeof(Entry)];
  size_t inline_used_ = 0;
  Entry* entries_ = nullptr;  // those that were allocated
  Vector<Ref<File>> files_;
};

}  // namespace kernel
