// SPDX-License-Identifier: MIT
// Resource limits (getrlimit(2)) and usage (getrusage(2)).
#pragma once

#include "lib/types.h"

namespace kernel {

enum class Resource : uint8_t {
  Cpu, FileSize, Data, Stack, Core, Rss, Processes, OpenFiles, MemLock, AddressSpace, Locks,
  SigPending, MsgQueue, Nice, RtPriority, RtTime,
};
inline constexpr size_t kResourceCount = 16;
inline constexpr uint64_t kUnlimited = ~uint64_t{0};

struct Limit {
  uint64_t soft = kUnlimited;
  uint64_t hard = kUnlimited;
};

struct ResourceUsage {
  uint64_t user_time_ns = 0;
  uint64_t system_time_ns = 0;
  uint64_t max_resident_kib = 0;
  uint64_t minor_faults = 0;
  uint64_t major_faults = 0;
  uint64_t in_blocks = 0;
  uint64_t out_blocks = 0;
  uint64_t voluntary_switches = 0;
  uint64_t involuntary_switches = 0;

  void add(const ResourceUsage& other);
};

}  // namespace kernel
