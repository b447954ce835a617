// SPDX-License-Identifier: MIT
// futex(2). A key is computed once a call: (address space, address) when private, (memory object,
// offset) when shared. Compare and enqueue happen under one bucket lock (SY1, SY2).
#pragma once

#include "sched/sleeper.h"
#include "vm/address_space.h"

namespace kernel {
class Task;
}

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
// Locks that inherit priorities. Errors: DeadLk, Srch (no such owner), Inval (the word and the
// kernel disagree), Perm (not the owner), Again (a try), TimedOut, RestartNoIntr, Fault, NoMem.
enum class LockMode : uint8_t { Wait, Try };
Result<> lock_pi(UserAddr address, Scope scope, LockMode mode, Until until);
Result<> unlock_pi(UserAddr address, Scope scope);
// Waits like wait(), to be moved to `lock` and to own it on return.
Result<> wait_requeue_pi(UserAddr address, uint32_t expected, Scope scope, UserAddr lock,
                         Until until);
Result<int> requeue_pi(UserAddr from, UserAddr lock, int wake_count, int move_count, Scope scope,
                       uint32_t expected);
// Thread exit, behind its robust list: others get the locks that it owns.
void exit_pi(Task& task);
// Thread exit: marks owned robust futexes and wakes one waiter each.
void exit_robust_list(UserAddr head, int32_t tid);

}  // namespace kernel::futex
