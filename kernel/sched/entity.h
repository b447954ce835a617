// SPDX-License-Identifier: MIT
// What the run queues know of a thread: its class, its weight, its place in virtual time. No
// thread, no CPU and no lock in here, so that the host tests the policies alone. Each entity is
// guarded by the lock of the run queue that its thread belongs to.
#pragma once

#include "lib/list.h"
#include "lib/tree.h"
#include "sched/clock.h"

namespace kernel {

class Thread;

// Linux's numbers (sched(7)).
enum class SchedPolicy : uint8_t { Normal = 0, Fifo = 1, RoundRobin = 2, Batch = 3, Idle = 5 };

struct SchedParameters {
  SchedPolicy policy = SchedPolicy::Normal;
  int8_t nice = 0;            // -20..19, fair classes
  uint8_t rt_priority = 0;    // 1..99, real-time classes
  bool reset_on_fork = false;

  constexpr bool is_realtime() const {
    return policy == SchedPolicy::Fifo || policy == SchedPolicy::RoundRobin;
  }
  // These, but at least as urgent as `donor`.
  constexpr SchedParameters inheriting(const SchedParameters& donor) const {
    SchedParameters result = *this;
    if (donor.is_realtime()) {
      if (!is_realtime()) result.policy = SchedPolicy::Fifo;
      if (donor.rt_priority > rt_priority) result.rt_priority = donor.rt_priority;
    } else if (!is_realtime()) {
      if (donor.nice < nice) result.nice = donor.nice;
      if (policy == SchedPolicy::Idle && donor.policy != policy) result.policy = donor.policy;
    }
    return result;
  }
  friend constexpr bool operator==(const SchedParameters&, const SchedParameters&) = default;
};

inline constexpr int8_t kMinNice = -20;
inline constexpr int8_t kMaxNice = 19;
inline constexpr uint8_t kMaxRtPriority = 99;
inline constexpr uint64_t kNiceZeroWeight = 1024;
inline constexpr uint64_t kIdlePolicyWeight = 3;

// The share of a thread: each step of nice is a factor of 1.25 (sched(7)).
uint64_t weight_of(const SchedParameters& parameters);

struct SchedEntity : TreeNode<SchedEntity>, ListNode<SchedEntity> {
  Thread* thread = nullptr;
  SchedParameters parameters;

  // Fair class (fair_queue.h). Virtual times wrap; compare them by signed difference.
  uint64_t weight = kNiceZeroWeight;
  uint64_t virtual_runtime = 0;
  uint64_t virtual_deadline = 0;
  uint64_t least_runtime = 0;  // of the subtree below, this one included
  int64_t lag = 0;             // virtual time owed to it (or by it) while it is off the queue

  // Real-time class: what is left of a RoundRobin slice.
  Nanoseconds slice_left = 0;

  bool queued = false;         // in the tree or in a list
  Nanoseconds accounted = 0;   // up to when its present run is charged
  Nanoseconds runtime = 0;     // CPU time so far, up to `accounted`

  bool is_realtime() const { return parameters.is_realtime(); }
};

}  // namespace kernel
