// SPDX-License-Identifier: MIT
// Limits of System V IPC (proc(5), /proc/sys/kernel), which root may change.
#pragma once

#include "lib/atomic.h"
#include "lib/types.h"

namespace kernel::ipc {

inline constexpr uint64_t kMostObjects = 32768;  // of a kind: what an identifier has room for

struct Limits {
  Atomic<uint64_t> segment_size{UINT64_MAX - (uint64_t{1} << 24)};    // shmmax
  Atomic<uint64_t> segment_pages{UINT64_MAX - (uint64_t{1} << 24)};   // shmall
  Atomic<uint64_t> segments{4096};                                    // shmmni
  Atomic<uint64_t> message_size{8192};                                // msgmax
  Atomic<uint64_t> message_queues{32000};                             // msgmni
  Atomic<uint64_t> queue_bytes{16384};                                // msgmnb
  // kernel.sem, in its order.
  Atomic<uint64_t> set_size{32000};
  Atomic<uint64_t> semaphores{1'024'000'000};
  Atomic<uint64_t> operations{500};
  Atomic<uint64_t> semaphore_sets{32000};
};
inline constinit Limits limits;

}  // namespace kernel::ipc
