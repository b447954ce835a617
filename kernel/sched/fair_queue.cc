// SPDX-License-Identifier: MIT
// See fair_queue.h.
#include "sched/fair_queue.h"

#include <array>

namespace kernel {

namespace {

// 1024 * 1.25^-nice, rounded as Linux publishes it, for nice -20..19.
constexpr std::array<uint32_t, 40> kWeights{
    88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
    9548,  7620,  6100,  4904,  3906,  3121,  2501,  1991,  1586,  1277,
    1024,  820,   655,   526,   423,   335,   272,   215,   172,   137,
    110,   87,    70,    56,    45,    36,    29,    23,    18,    15,
};
static_assert(kWeights.size() == kMaxNice - kMinNice + 1);

uint64_t virtual_time(Nanoseconds time, uint64_t weight) {
  if (weight == kNiceZeroWeight) return time;
  return time * kNiceZeroWeight / weight;
}

int64_t clamp(int64_t value, int64_t limit) {
  if (value > limit) return limit;
  return value < -limit ? -limit : value;
}

bool is_before(uint64_t a, uint64_t b) { return static_cast<int64_t>(a - b) < 0; }

}  // namespace

uint64_t weight_of(const SchedParameters& parameters) {
  if (parameters.policy == SchedPolicy::Idle) return kIdlePolicyWeight;
  return kWeights[static_cast<size_t>(parameters.nice - kMinNice)];
}

void FairQueue::place_new(SchedEntity& entity) {
  place_at(entity, 0);
  // Half a slice: a new thread gets its first turn soon.
  entity.virtual_deadline = entity.virtual_runtime + virtual_time(kSlice / 2, entity.weight);
}

void FairQueue::place_woken(SchedEntity& entity, Nanoseconds slept) {
  int64_t lag = entity.lag;
  if (lag < 0) {
    uint64_t debt = static_cast<uint64_t>(-lag);
    lag = slept >= debt ? 0 : -static_cast<int64_t>(debt - slept);
  }
  place_at(entity, lag);
}

void FairQueue::place_moved(SchedEntity& entity) { place_at(entity, entity.lag); }

// An arrival with lag moves the average by itself. For the lag to be what was promised after it has
// joined: lag * (W + w) / W.
void FairQueue::place_at(SchedEntity& entity, int64_t lag) {
  if (lag != 0) {
    int64_t others = sums().weight;
    if (others == 0) {
      lag = 0;
    } else {
      lag = lag * (others + static_cast<int64_t>(entity.weight)) / others;
    }
  }
  entity.virtual_runtime = average() - static_cast<uint64_t>(lag);
  entity.virtual_deadline = entity.virtual_runtime + virtual_time(kSlice, entity.weight);
}

void FairQueue::insert(SchedEntity& entity) {
  weighted_ += key(entity.virtual_runtime) * static_cast<int64_t>(entity.weight);
  weight_ += static_cast<int64_t>(entity.weight);
  entity.least_runtime = entity.virtual_runtime;
  entity.queued = true;
  tree_.insert(entity);
}

void FairQueue::remove(SchedEntity& entity) {
  tree_.remove(entity);
  entity.queued = false;
  weighted_ -= key(entity.virtual_runtime) * static_cast<int64_t>(entity.weight);
  weight_ -= static_cast<int64_t>(entity.weight);
}

void FairQueue::record_lag(SchedEntity& entity) const {
  auto limit = static_cast<int64_t>(virtual_time(2 * kSlice, entity.weight));
  entity.lag = clamp(static_cast<int64_t>(average() - entity.virtual_runtime), limit);
}

bool FairQueue::charge_current(Nanoseconds time) {
  current_->virtual_runtime += virtual_time(time, current_->weight);
  bool used_up = !is_before(current_->virtual_runtime, current_->virtual_deadline);
  if (used_up) {
    current_->virtual_deadline =
        current_->virtual_runtime + virtual_time(kSlice, current_->weight);
  }
  advance_base();
  return used_up;
}

// Who is behind the average forfeits the rest of its slice; who is ahead has nothing to forfeit,
// and gives way by its later deadline. So a loop of yields costs no more than a slice.
void FairQueue::forfeit_current() {
  uint64_t slice = virtual_time(kSlice, current_->weight);
  if (is_eligible(current_->virtual_runtime, sums())) {
    current_->virtual_runtime = current_->virtual_deadline;
    advance_base();
  }
  current_->virtual_deadline = current_->virtual_runtime + slice;
}

Nanoseconds FairQueue::slice_left() const {
  uint64_t left = current_->virtual_deadline - current_->virtual_runtime;
  return left * current_->weight / kNiceZeroWeight;
}

SchedEntity* FairQueue::pick() const {
  const Sums total = sums();
  SchedEntity* found = nullptr;
  for (SchedEntity* at = tree_.root(); at != nullptr;) {
    SchedEntity* left = EntityTree::left(*at);
    if (left != nullptr && is_eligible(left->least_runtime, total)) {
      at = left;
    } else if (is_eligible(at->virtual_runtime, total)) {
      found = at;
      break;
    } else {
      at = EntityTree::right(*at);
    }
  }
  if (found == nullptr) return current_;
  if (current_ != nullptr && is_eligible(current_->virtual_runtime, total) &&
      is_before(current_->virtual_deadline, found->virtual_deadline)) {
    return current_;
  }
  return found;
}

bool FairQueue::should_preempt(const SchedEntity& arrived) const {
  if (current_ == nullptr) return true;
  SchedPolicy policy = arrived.parameters.policy;
  bool current_is_idle = current_->parameters.policy == SchedPolicy::Idle;
  if (current_is_idle != (policy == SchedPolicy::Idle)) return current_is_idle;
  if (policy != SchedPolicy::Normal) return false;
  return is_before(arrived.virtual_deadline, current_->virtual_deadline) &&
         is_eligible(arrived.virtual_runtime, sums());
}

uint64_t FairQueue::average() const {
  auto [weighted, weight] = sums();
  if (weight == 0) return base_;
  if (weighted < 0) weighted -= weight - 1;  // round down, so that the hindmost is always eligible
  return base_ + static_cast<uint64_t>(weighted / weight);
}

FairQueue::Sums FairQueue::sums() const {
  Sums total{weighted_, weight_};
  if (current_ != nullptr) {
    auto weight = static_cast<int64_t>(current_->weight);
    total.weighted += key(current_->virtual_runtime) * weight;
    total.weight += weight;
  }
  return total;
}

// virtual_runtime <= average, without the division and its rounding.
bool FairQueue::is_eligible(uint64_t virtual_runtime, const Sums& sums) const {
  return sums.weighted >= key(virtual_runtime) * sums.weight;
}

// The base follows the hindmost entity and never goes back.
void FairQueue::advance_base() {
  uint64_t least = current_->virtual_runtime;
  if (SchedEntity* root = tree_.root(); root != nullptr && is_before(root->least_runtime, least)) {
    least = root->least_runtime;
  }
  int64_t step = key(least);
  if (step <= 0) return;
  weighted_ -= step * weight_;
  base_ = least;
}

bool FairQueue::ByDeadline::summarise(SchedEntity& node, SchedEntity* left, SchedEntity* right) {
  uint64_t least = node.virtual_runtime;
  if (left != nullptr && is_before(left->least_runtime, least)) least = left->least_runtime;
  if (right != nullptr && is_before(right->least_runtime, least)) least = right->least_runtime;
  return std::exchange(node.least_runtime, least) != least;
}

}  // namespace kernel
