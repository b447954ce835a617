// SPDX-License-Identifier: MIT
// A list that is walked without its lock: the element that a visitor stands on is counted, and
// whoever takes it off the list waits until nobody does.
#pragma once

#include "lib/list.h"
#include "sched/wait_queue.h"

namespace kernel {

struct VisitedTag {};

template <class T>
class VisitedNode : public ListNode<T, VisitedTag> {
 private:
  template <class>
  friend class VisitedList;
  uint32_t visitors_ = 0;  // the list's lock
};

template <class T>
class VisitedList : public Pinned {
 public:
  void add(T& element) {
    Guard guard(lock_);
    list_.push_back(element);
  }
  // Sleeps while it is visited.
  void remove(T& element) {
    auto removed = [&] {
      Guard guard(lock_);
      if (visitors(element) != 0) return false;
      list_.remove(element);
      return true;
    };
    ignore(visits_ended_.wait(removed, WaitMode::Uninterruptible));
  }
  // One after the other, from null to null.
  T* next(T* before) {
    T* next;
    {
      Guard guard(lock_);
      next = before == nullptr ? list_.front() : list_.next(*before);
      if (next != nullptr) ++visitors(*next);
      if (before != nullptr) --visitors(*before);
    }
    if (before != nullptr) visits_ended_.wake_all();
    return next;
  }

 private:
  static uint32_t& visitors(VisitedNode<T>& element) { return element.visitors_; }

  SpinLock<LockRank::Leaf> lock_;
  List<T, VisitedTag> list_ GUARDED_BY(lock_);
  WaitQueue visits_ended_;
};

}  // namespace kernel
