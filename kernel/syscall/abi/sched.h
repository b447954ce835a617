// SPDX-License-Identifier: MIT
// Scheduling structures and values of the Linux ABI (linux/sched.h, linux/sched/types.h).
#pragma once

#include "lib/types.h"

namespace kernel::abi {

struct SchedParam {
  int32_t priority;
};

struct SchedAttributes {  // struct sched_attr, its second published version
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
  uint32_t util_min;
  uint32_t util_max;
};
static_assert(sizeof(SchedAttributes) == 56);
inline constexpr uint32_t kSchedAttributesFirstSize = 48;

inline constexpr int32_t kSchedNormal = 0, kSchedFifo = 1, kSchedRoundRobin = 2, kSchedBatch = 3,
                         kSchedIdle = 5, kSchedDeadline = 6;
inline constexpr int32_t kSchedResetOnFork = 0x40000000;

inline constexpr uint64_t kSchedFlagResetOnFork = 1, kSchedFlagReclaim = 2, kSchedFlagDlOverrun = 4,
                          kSchedFlagKeepPolicy = 8, kSchedFlagKeepParams = 0x10,
                          kSchedFlagUtilClamp = 0x60;

inline constexpr int32_t kPrioProcess = 0, kPrioProcessGroup = 1, kPrioUser = 2;

}  // namespace kernel::abi
