// SPDX-License-Identifier: MIT
// futex(2), futex_waitv, set_robust_list(2), get_robust_list(2): arguments and timeouts. A relative
// wait that a signal interrupts goes on after the handler for the time that is left; an absolute
// one is called again.

#include "process/clock_id.h"
#include "process/observe.h"
#include "syscall/declarations.h"
#include "vm/futex.h"

namespace kernel::syscall {
namespace {

using futex::Scope;

enum Operation : int32_t {
  kWait = 0,
  kWake = 1,
  kRequeue = 3,
  kCmpRequeue = 4,
  kWakeOp = 5,
  kWaitBitset = 9,
  kWakeBitset = 10,
  kLockPi = 6,
  kUnlockPi = 7,
  kTryLockPi = 8,
  kWaitRequeuePi = 11,
  kCmpRequeuePi = 12,
  kLockPi2 = 13,
};
constexpr int32_t kPrivateFlag = 128, kClockRealtime = 256;

int64_t continue_wait(Task& task, Task::Restart& restart);

enum : size_t { kAddress, kExpected, kScope, kEnd };

Value relative_wait(Task& task, UserAddr address, uint32_t expected, Scope scope, Nanoseconds end) {
  Result<> waited = futex::wait(address, expected, scope, futex::kMatchAny, {{end}, false});
  if (waited.ok()) return 0;
  if (!waited.failed_with(Errno::RestartSys)) return waited.error();
  task.restart = {continue_wait, {raw(address), expected, static_cast<uint64_t>(scope), end}};
  return Errno::RestartBlock;
}

int64_t continue_wait(Task& task, Task::Restart& restart) {
  Task::Restart saved = restart;
  Value result = relative_wait(task, UserAddr{saved.data[kAddress]},
                               static_cast<uint32_t>(saved.data[kExpected]),
                               static_cast<Scope>(saved.data[kScope]), saved.data[kEnd]);
  return result.ok() ? *result : -static_cast<int64_t>(result.error());
}

Result<std::optional<Nanoseconds>> read_timeout(uint64_t argument) {
  if (argument == 0) return std::optional<Nanoseconds>();
  abi::TimeSpec time = TRY(UserIn<abi::TimeSpec>(UserAddr{argument}).read());
  if (!time.is_valid()) return Errno::Inval;
  return std::optional<Nanoseconds>(time.to_ns());
}

Value wait(Context& context, UserAddr address, uint32_t expected, Scope scope,
           uint64_t timeout_argument) {
  std::optional<Nanoseconds> timeout = TRY(read_timeout(timeout_argument));
  if (timeout)
    return relative_wait(context.task, address, expected, scope, Deadline::after(*timeout).at);
  TRY(futex::wait(address, expected, scope, futex::kMatchAny, {}));
  return 0;
}

// The end is a time of the wall clock, or of the monotonic one.
Result<Until> read_end(uint64_t timeout_argument, bool wall_clock) {
  std::optional<Nanoseconds> end = TRY(read_timeout(timeout_argument));
  return end ? Until{{*end}, wall_clock} : Until{};
}

Value wait_bitset(UserAddr address, uint32_t expected, Scope scope, uint64_t timeout_argument,
                  uint32_t bitset, bool wall_clock) {
  Until until = TRY(read_end(timeout_argument, wall_clock));
  TRY(futex::wait(address, expected, scope, bitset, until));
  return 0;
}

Value lock_pi(UserAddr address, Scope scope, uint64_t timeout_argument, bool wall_clock) {
  Until until = TRY(read_end(timeout_argument, wall_clock));
  TRY(futex::lock_pi(address, scope, futex::LockMode::Wait, until));
  return 0;
}

Value wait_requeue_pi(UserAddr address, uint32_t expected, Scope scope, UserAddr lock,
                      uint64_t timeout_argument, bool wall_clock) {
  Until until = TRY(read_end(timeout_argument, wall_clock));
  TRY(futex::wait_requeue_pi(address, expected, scope, lock, until));
  return 0;
}

Result<futex::Awaited> parse_waiter(UserIn<abi::FutexWaiter> waiters, size_t index) {
  constexpr uint32_t kSize32 = 2;
  abi::FutexWaiter given = TRY(waiters.read(index));
  bool known = (given.flags & ~(kSize32 | uint32_t{kPrivateFlag})) == 0 && given.reserved == 0;
  if (!known || (given.flags & kSize32) == 0) return Errno::Inval;
  return futex::Awaited{
      UserAddr{given.address}, static_cast<uint32_t>(given.value),
      (given.flags & uint32_t{kPrivateFlag}) != 0 ? Scope::Private : Scope::Shared};
}

}  // namespace

Value sys_futex(Context& context, UserAddr address, int32_t operation, uint32_t value,
                uint64_t timeout_or_count, UserAddr second, uint32_t value3) {
  int32_t command = operation & ~(kPrivateFlag | kClockRealtime);
  Scope scope = (operation & kPrivateFlag) != 0 ? Scope::Private : Scope::Shared;
  bool wall_clock = (operation & kClockRealtime) != 0;
  if (wall_clock && command != kWaitBitset && command != kWaitRequeuePi && command != kLockPi2)
    return Errno::NoSys;
  int count = static_cast<int>(value);
  int second_count = static_cast<int>(static_cast<uint32_t>(timeout_or_count));
  switch (command) {
    case kWait: return wait(context, address, value, scope, timeout_or_count);
    case kWaitBitset:
      return wait_bitset(address, value, scope, timeout_or_count, value3, wall_clock);
    case kWake: return TRY(futex::wake(address, count, scope, futex::kMatchAny));
    case kWakeBitset: return TRY(futex::wake(address, count, scope, value3));
    case kRequeue: return TRY(futex::requeue(address, second, count, second_count, scope, nullptr));
    case kCmpRequeue:
      return TRY(futex::requeue(address, second, count, second_count, scope, &value3));
    case kLockPi: return lock_pi(address, scope, timeout_or_count, /*wall_clock=*/true);
    case kLockPi2: return lock_pi(address, scope, timeout_or_count, wall_clock);
    case kTryLockPi: TRY(futex::lock_pi(address, scope, futex::LockMode::Try, {})); return 0;
    case kUnlockPi: TRY(futex::unlock_pi(address, scope)); return 0;
    case kWaitRequeuePi:
      return wait_requeue_pi(address, value, scope, second, timeout_or_count, wall_clock);
    case kCmpRequeuePi:
      return TRY(futex::requeue_pi(address, second, count, second_count, scope, value3));
    case kWakeOp: return TRY(futex::wake_op(address, second, count, second_count, value3, scope));
    default: return Errno::NoSys;
  }
}

// The timeout is absolute, and looked at before the list is.
Value sys_futex_waitv(Context&, UserIn<abi::FutexWaiter> waiters, uint32_t count, Flags32 flags,
                      UserIn<abi::TimeSpec> timeout, int32_t clock) {
  constexpr uint32_t kMost = 128;
  if (flags.bits() != 0 || count == 0 || count > kMost || waiters.is_null()) return Errno::Inval;
  Until until;
  if (!timeout.is_null()) {
    if (clock != abi::kClockRealtime && clock != abi::kClockMonotonic) return Errno::Inval;
    std::optional<Nanoseconds> end = TRY(read_timeout(raw(timeout.address())));
    until = {{*end}, clock == abi::kClockRealtime};
  }
  Vector<futex::Awaited> awaited;
  TRY(awaited.reserve(count));
  for (uint32_t i = 0; i < count; ++i) awaited.append_reserved(TRY(parse_waiter(waiters, i)));
  return static_cast<int64_t>(TRY(futex::wait_any(awaited.span(), until)));
}

Value sys_set_robust_list(Context& context, UserAddr head, uint64_t size) {
  constexpr uint64_t kHeadSize = 24;
  if (size != kHeadSize) return Errno::Inval;
  context.task.robust_list = head;
  return 0;
}

Value sys_get_robust_list(Context& context, int32_t pid, UserOut<uint64_t> head,
                          UserOut<uint64_t> size) {
  constexpr uint64_t kHeadSize = 24;
  uint64_t list = raw(context.task.robust_list);
  if (pid != 0 && pid != context.task.tid()) {
    Optional<Ref<Task>> target = task::find_task(pid);
    if (!target) return Errno::Srch;
    if (!may_trace(context.task, *target, IdsFrom::Real)) return Errno::Perm;
    list = raw(target->robust_list);
  }
  TRY(size.write(kHeadSize));
  TRY(head.write(list));
  return 0;
}

}  // namespace kernel::syscall
