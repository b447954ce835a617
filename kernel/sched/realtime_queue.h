// SPDX-License-Identifier: MIT
// The POSIX real-time classes: one list for each priority 1..99, a bitmap of those that are not
// empty. Pure data structure; the run queue's lock guards it. The running thread is not in it.
#pragma once

#include "sched/entity.h"

namespace kernel {

class RealtimeQueue : public Pinned {
 public:
  static constexpr Nanoseconds kRoundRobinSlice = 100'000'000;  // Linux's

  constexpr RealtimeQueue() = default;

  bool empty() const { return (occupied_[0] | occupied_[1]) == 0; }
  // Of the first thread in line; 0 when there is none.
  unsigned highest_priority() const {
    if (occupied_[1] != 0) return 64 + top_bit(occupied_[1]);
    return occupied_[0] != 0 ? top_bit(occupied_[0]) : 0;
  }
  bool has_priority(unsigned priority) const {
    return (occupied_[priority / 64] >> (priority % 64) & 1) != 0;
  }
  SchedEntity* first() { return empty() ? nullptr : lists_[highest_priority()].front(); }
  // The one behind `entity`, over all priorities downwards; null at the end.
  SchedEntity* next(SchedEntity& entity) {
    unsigned priority = entity.parameters.rt_priority;
    if (SchedEntity* behind = lists_[priority].next(entity)) return behind;
    while (--priority > 0) {
      if (has_priority(priority)) return lists_[priority].front();
    }
    return nullptr;
  }

  // Preempted threads go back to the front of their priority, all others to the end (sched(7)).
  void push_front(SchedEntity& entity) {
    lists_[mark(entity)].push_front(entity);
  }
  void push_back(SchedEntity& entity) {
    lists_[mark(entity)].push_back(entity);
  }
  void remove(SchedEntity& entity) {
    unsigned priority = entity.parameters.rt_priority;
    lists_[priority].remove(entity);
    entity.queued = false;
    if (lists_[priority].empty()) occupied_[priority / 64] &= ~(uint64_t{1} << (priority % 64));
  }

 private:
  static unsigned top_bit(uint64_t bits) {
    return static_cast<unsigned>(63 - std::countl_zero(bits));
  }
  unsigned mark(SchedEntity& entity) {
    unsigned priority = entity.parameters.rt_priority;
    DCHECK(priority >= 1 && priority <= kMaxRtPriority);
    entity.queued = true;
    occupied_[priority / 64] |= uint64_t{1} << (priority % 64);
    return priority;
  }

  List<SchedEntity> lists_[kMaxRtPriority + 1];
  uint64_t occupied_[2] = {};
};

}  // namespace kernel
