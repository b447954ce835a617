// SPDX-License-Identifier: MIT
// futex(2). A key is computed once a call: (address space, address) when private, (memory object,
// offset) when shared. Compare and enqueue happen under one bucket lock (SY1, SY2).
#pragma once

#include "sched/sleeper.h"
#include "vm/address_space.h"

namespace kernel::futex {

enum class Scope : uint8_t { Private, Shared };
inline constexpr uint32_t kMatchAny = ~uint32_t{0};

// Errors: Again when *address != expected, Fault, Inval, TimedOut, RestartSys on a signal.
Result<> wait(UserAddr address, uint32_t expected, Scope scope, uint32_t bitset, Until until);
// futex_waitv: until one of them is woken. Returns which, the last one when there are several.
struct Awaited {
  UserAddr address{};
  uint32_t expected = 0;
  Scope scope = Scope::Private;
};
Result<size_t> wait_any(std::span<const Awaited> awaited, Until until);
// Return the number woken (and, requeue: moved). As on Linux at least one is woken, whatever the
// count.
Result<int> wake(UserAddr address, int count, Scope scope, uint32_t bitset);
Result<int> requeue(UserAddr from, UserAddr to, int wake_count, int requeue_count, Scope scope,
                    const uint32_t* expected);
Result<int> wake_op(UserAddr first, UserAddr second, int wake_count, int wake_count_second,
                    uint32_t operation, Scope scope);
// Thread exit: marks owned robust futexes and wakes one waiter each.
void exit_robust_list(UserAddr head, int32_t tid);

}  // namespace kernel::futex
