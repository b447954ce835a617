// SPDX-License-Identifier: MIT
// struct rusage from what tasks count.
#pragma once

#include "syscall/abi/process.h"
#include "task/limits.h"

namespace kernel::syscall {

inline abi::ResourceUsage encode_usage(const ResourceUsage& usage) {
  abi::ResourceUsage encoded{};
  encoded.user = abi::TimeVal::from_ns(usage.user_time_ns);
  encoded.system = abi::TimeVal::from_ns(usage.system_time_ns);
  encoded.max_resident = static_cast<int64_t>(usage.max_resident_kib);
  encoded.minor_faults = static_cast<int64_t>(usage.minor_faults);
  encoded.major_faults = static_cast<int64_t>(usage.major_faults);
  encoded.in_blocks = static_cast<int64_t>(usage.in_blocks);
  encoded.out_blocks = static_cast<int64_t>(usage.out_blocks);
  encoded.voluntary_switches = static_cast<int64_t>(usage.voluntary_switches);
  encoded.involuntary_switches = static_cast<int64_t>(usage.involuntary_switches);
  return encoded;
}

}  // namespace kernel::syscall
