// SPDX-License-Identifier: MIT
// One CPU's threads that want to run, over all classes: real-time before fair. Pure data structure
// over SchedEntity; the lock of the CPU that owns it guards it (cpu_state.h).
//
// The current entity is not waiting: it is in neither the tree nor a list.
#pragma once

#include "sched/fair_queue.h"
#include "sched/realtime_queue.h"

namespace kernel {

class RunQueue : public Pinned {
 public:
  // How a thread comes: New, Woken after `slept`, or Moved from another queue with its lag.
  enum class Arrival : uint8_t { New, Woken, Moved };

  constexpr RunQueue() = default;

  void add(SchedEntity& entity, Arrival arrival, Nanoseconds slept = 0);
  // A waiting entity leaves: it moves to another CPU.
  void take(SchedEntity& entity);
  // The current entity leaves: it sleeps, moves or ends.
  void drop_current();

  // The current entity ran for `time`. True when its slice is used up and others may be due.
  bool charge(Nanoseconds time);
  // The current entity steps back behind its equals.
  void yield_current();
  // Chooses who runs next and makes it current; null: nobody wants to.
  SchedEntity* pick_next();

  // Whether `arrived`, just added, should replace the current entity at once.
  bool should_preempt(const SchedEntity& arrived) const;
  // New policy, nice or priority, wherever the entity stands (`here`: it is this queue's).
  void change(SchedEntity& entity, const SchedParameters& parameters);

  SchedEntity* current() const { return current_; }
  // Runnable entities, the current one included.
  unsigned count() const { return count_; }
  unsigned waiting() const { return count_ - (current_ != nullptr ? 1 : 0); }
  // Sum of the weights of all runnable entities, the measure for balancing.
  uint64_t load() const { return load_; }
  static uint64_t load_of(const SchedEntity& entity);
  // How long the current entity may run before somebody must look again; kForever when nobody of
  // its class competes.
  Nanoseconds time_to_slice_end() const;
  // Priority of the current entity: 0 for the fair class and for idle.
  unsigned current_priority() const;

  // The waiting entities in the order in which another CPU should take one. Null ends.
  SchedEntity* first_to_move();
  SchedEntity* next_to_move(SchedEntity& entity);

 private:
  void count_in(const SchedEntity& entity);
  void count_out(const SchedEntity& entity);
  void make_current(SchedEntity* entity);
  void put_current_back();
  SchedEntity* choose();

  FairQueue fair_;
  RealtimeQueue realtime_;
  SchedEntity* current_ = nullptr;
  bool current_steps_back_ = false;  // real-time: yielded, or its slice is used up
  unsigned count_ = 0;
  uint64_t load_ = 0;
};

}  // namespace kernel
