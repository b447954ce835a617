// SPDX-License-Identifier: MIT
// Things that drivers find and a higher layer takes: those found before the taker exists wait for
// it.
#pragma once

#include "lib/list.h"
#include "sched/mutex.h"

namespace kernel {

template <class T>
class Registry : public Pinned {
 public:
  using Sink = Result<> (*)(T& found);
  constexpr Registry() = default;

  Result<> add(T& found) {
    Sink sink;
    {
      Guard guard(lock_);
      sink = sink_;
      if (sink == nullptr) waiting_.push_back(found);
    }
    return sink == nullptr ? Result<>() : sink(found);
  }

  // Once; what waits is handed over first.
  Result<> set_sink(Sink sink) {
    {
      Guard guard(lock_);
      sink_ = sink;
    }
    while (T* found = take()) TRY(sink(*found));
    return {};
  }

 private:
  T* take() {
    Guard guard(lock_);
    return waiting_.pop_front();
  }

  Mutex<LockRank::DriverThread> lock_;
  List<T> waiting_ GUARDED_BY(lock_);
  Sink sink_ GUARDED_BY(lock_) = nullptr;
};

}  // namespace kernel
