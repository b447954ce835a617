// SPDX-License-Identifier: MIT
// Structures of processes, credentials and the system (linux/sched.h, linux/resource.h,
// linux/capability.h, linux/utsname.h, linux/sysinfo.h).
#pragma once

#include "syscall/abi/time.h"

namespace kernel::abi {

struct CloneArgs {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
      set_tid_size, cgroup;
};
static_assert(sizeof(CloneArgs) == 88);
inline constexpr size_t kCloneArgsSizeVersion0 = 64, kCloneArgsSizeVersion2 = 88;

struct ResourceLimit {
  uint64_t soft, hard;
};

struct ResourceUsage {
  TimeVal user, system;
  int64_t max_resident, shared_text, unshared_data, unshared_stack, minor_faults, major_faults,
      swaps, in_blocks, out_blocks, messages_sent, messages_received, signals, voluntary_switches,
      involuntary_switches;
};
static_assert(sizeof(ResourceUsage) == 144);

struct UtsName {
  char system[65], node[65], release[65], version[65], machine[65], domain[65];
};
static_assert(sizeof(UtsName) == 390);

struct SystemInfo {
  int64_t uptime;
  uint64_t loads[3], total_ram, free_ram, shared_ram, buffer_ram, total_swap, free_swap;
  uint16_t processes, padding, hole[2];
  uint64_t total_high, free_high;
  uint32_t unit, tail;
};
static_assert(sizeof(SystemInfo) == 112);

struct FutexWaiter {  // struct futex_waitv
  uint64_t value;
  uint64_t address;
  uint32_t flags;
  uint32_t reserved;
};
struct CapabilityHeader {
  uint32_t version;
  int32_t pid;
};
struct CapabilityData {
  uint32_t effective, permitted, inheritable;
};

}  // namespace kernel::abi
