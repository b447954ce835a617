// SPDX-License-Identifier: MIT
// See run_queue.h.
#include "sched/run_queue.h"

namespace kernel {

void RunQueue::add(SchedEntity& entity, Arrival arrival, Nanoseconds slept) {
  DCHECK(!entity.queued);
  count_in(entity);
  if (entity.is_realtime()) {
    realtime_.push_back(entity);
    return;
  }
  switch (arrival) {
    case Arrival::New: fair_.place_new(entity); break;
    case Arrival::Woken: fair_.place_woken(entity, slept); break;
    case Arrival::Moved: fair_.place_moved(entity); break;
  }
  fair_.insert(entity);
}

void RunQueue::take(SchedEntity& entity) {
  DCHECK(entity.queued && &entity != current_);
  if (entity.is_realtime()) {
    realtime_.remove(entity);
  } else {
    fair_.record_lag(entity);
    fair_.remove(entity);
  }
  count_out(entity);
}

void RunQueue::drop_current() {
  SchedEntity& entity = *current_;
  if (!entity.is_realtime()) fair_.record_lag(entity);
  make_current(nullptr);
  count_out(entity);
}

bool RunQueue::charge(Nanoseconds time) {
  if (!current_->is_realtime()) return fair_.charge_current(time) && count_ > 1;
  if (current_->parameters.policy != SchedPolicy::RoundRobin) return false;
  if (current_->slice_left > time) {
    current_->slice_left -= time;
    return false;
  }
  current_->slice_left = RealtimeQueue::kRoundRobinSlice;
  current_steps_back_ = true;
  return realtime_.has_priority(current_->parameters.rt_priority);
}

void RunQueue::yield_current() {
  if (current_->is_realtime()) {
    current_steps_back_ = true;
  } else if (count_ > 1) {
    fair_.forfeit_current();
  }
}

SchedEntity* RunQueue::pick_next() {
  SchedEntity* chosen = choose();
  if (chosen == current_) {
    current_steps_back_ = false;
    return chosen;
  }
  if (current_ != nullptr) put_current_back();
  if (chosen != nullptr) {
    if (chosen->is_realtime()) {
      realtime_.remove(*chosen);
    } else {
      fair_.remove(*chosen);
    }
  }
  make_current(chosen);
  return chosen;
}

SchedEntity* RunQueue::choose() {
  unsigned waiting = realtime_.highest_priority();
  unsigned running = current_priority();
  if (running != 0) {
    bool stays = running > waiting || (running == waiting && !current_steps_back_);
    return stays ? current_ : realtime_.first();
  }
  return waiting != 0 ? realtime_.first() : fair_.pick();
}

bool RunQueue::should_preempt(const SchedEntity& arrived) const {
  if (current_ == nullptr) return true;
  if (arrived.is_realtime()) return arrived.parameters.rt_priority > current_priority();
  return !current_->is_realtime() && fair_.should_preempt(arrived);
}

void RunQueue::change(SchedEntity& entity, const SchedParameters& parameters) {
  bool waits = entity.queued;
  bool runs = &entity == current_;
  if (waits) {
    take(entity);
  } else if (runs) {
    drop_current();
  }
  bool was_realtime = entity.is_realtime();
  uint64_t old_weight = entity.weight;
  entity.parameters = parameters;
  entity.weight = weight_of(parameters);
  entity.slice_left = RealtimeQueue::kRoundRobinSlice;
  // The lag is virtual time: what it is worth in CPU time stays the same.
  entity.lag = was_realtime ? 0
                            : entity.lag * static_cast<int64_t>(old_weight) /
                                  static_cast<int64_t>(entity.weight);
  if (waits) {
    add(entity, Arrival::Moved);
  } else if (runs) {
    count_in(entity);
    if (!entity.is_realtime()) fair_.place_moved(entity);
    make_current(&entity);
  }
}

Nanoseconds RunQueue::time_to_slice_end() const {
  if (current_ == nullptr || count_ <= 1) return kForever;
  if (!current_->is_realtime()) return fair_.slice_left();
  if (current_->parameters.policy == SchedPolicy::Fifo) return kForever;
  return realtime_.has_priority(current_->parameters.rt_priority) ? current_->slice_left : kForever;
}

unsigned RunQueue::current_priority() const {
  return current_ != nullptr && current_->is_realtime() ? current_->parameters.rt_priority : 0;
}

uint64_t RunQueue::load_of(const SchedEntity& entity) {
  // More than any fair thread: real-time threads are spread first.
  return entity.is_realtime() ? uint64_t{1} << 18 : entity.weight;
}

SchedEntity* RunQueue::first_to_move() {
  if (SchedEntity* first = realtime_.first()) return first;
  return fair_.last();
}

SchedEntity* RunQueue::next_to_move(SchedEntity& entity) {
  if (!entity.is_realtime()) return FairQueue::previous(entity);
  if (SchedEntity* next = realtime_.next(entity)) return next;
  return fair_.last();
}

void RunQueue::count_in(const SchedEntity& entity) {
  ++count_;
  load_ += load_of(entity);
}

void RunQueue::count_out(const SchedEntity& entity) {
  --count_;
  load_ -= load_of(entity);
}

void RunQueue::make_current(SchedEntity* entity) {
  current_ = entity;
  current_steps_back_ = false;
  fair_.set_current(entity != nullptr && !entity->is_realtime() ? entity : nullptr);
}

void RunQueue::put_current_back() {
  SchedEntity& entity = *current_;
  bool steps_back = current_steps_back_;
  make_current(nullptr);
  if (!entity.is_realtime()) {
    fair_.insert(entity);
  } else if (steps_back) {
    realtime_.push_back(entity);
  } else {
    realtime_.push_front(entity);
  }
}

}  // namespace kernel
