// SPDX-License-Identifier: MIT
// futex(2). A key is computed once a call: (address space, address) when private, (memory object,
// offset) when shared. Compare and enqueue happen under one bucket lock (SY1, SY2).
#pragma once

#include "sched/clock.h"
#include "vm/address_space.h"

namespace kernel::futex {

enum class Scope : uint8_t { Private, Shared };
inline constexpr uint32_t kMatchAny = ~uint32_t{0};

// Errors: Again when *address != expected, Fault, TimedOut, RestartSys on a signal.
Result<> wait(UserAddr address, uint32_t expected, Scope scope, uint32_t bitset, Deadline deadline);
// Return the number woken (and, requeue: moved).
Result<int> wake(UserAddr address, int count, Scope scope, uint32_t bitset);
Result<int> requeue(UserAddr from, UserAddr to, int wake_count, int requeue_count, Scope scope,
                    const uint32_t* expected);
Result<int> wake_op(UserAddr first, UserAddr second, int wake_count, int wake_count_second,
                    uint32_t operation, Scope scope);
// Thread exit: marks owned robust futexes and wakes one waiter each; then clear_child_tid.
void exit_robust_list(UserAddr head, int32_t tid);

}  // namespace kernel::futex
