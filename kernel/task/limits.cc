// SPDX-License-Identifier: MIT
// Sums of resource usage (getrusage(2)).

#include "task/limits.h"

namespace kernel {

void ResourceUsage::add(const ResourceUsage& other) {
  user_time_ns += other.user_time_ns;
  system_time_ns += other.system_time_ns;
  if (other.max_resident_kib > max_resident_kib) max_resident_kib = other.max_resident_kib;
  minor_faults += other.minor_faults;
  major_faults += other.major_faults;
  in_blocks += other.in_blocks;
  out_blocks += other.out_blocks;
  voluntary_switches += other.voluntary_switches;
  involuntary_switches += other.involuntary_switches;
}

}  // namespace kernel
