// SPDX-License-Identifier: MIT
// nanosleep(2), clock_nanosleep(2), and restart_syscall(2), by which an interrupted relative sleep
// goes on for the time that was left.

#include "process/clock_id.h"
#include "sched/wait_queue.h"
#include "syscall/declarations.h"

namespace kernel::syscall {

namespace {

// Until the deadline. Error: RestartSys when a signal came first.
Result<> sleep(Deadline deadline) {
  WaitQueue nobody;
  Result<> slept = nobody.wait([] { return false; }, WaitMode::Interruptible, deadline);
  if (slept.failed_with(Errno::TimedOut)) return {};
  return slept;
}

// Until the wall clock shows `time`: whoever sets it wakes the sleepers, and they look again.
Result<> sleep_on_wall_clock(const ClockId& clock, Nanoseconds time) {
  for (;;) {
    uint32_t seen = clock::realtime_changes();
    Result<> waited =
        clock::realtime_waiters().wait([seen] { return clock::realtime_changes() != seen; },
                                       WaitMode::Interruptible, clock.deadline_of(time));
    if (waited.failed_with(Errno::TimedOut)) return {};
    if (!waited.ok()) return waited.error();
  }
}

// Until the process has used that much CPU time. Its threads can use no more than all CPUs' time:
// there is no need to look before that has passed.
Result<> sleep_on_cpu_time(const ClockId& clock, Nanoseconds time) {
  constexpr Nanoseconds kLeastPause = 1'000'000;
  for (Nanoseconds now; (now = clock.now()) < time;) {
    Nanoseconds pause = (time - now) / sched::online_cpu_count();
    TRY(sleep(Deadline::after(pause > kLeastPause ? pause : kLeastPause)));
  }
  return {};
}

Result<> sleep_until(const ClockId& clock, Nanoseconds time) {
  if (clock.is_cpu()) return sleep_on_cpu_time(clock, time);
  if (clock.base == ClockId::Base::Monotonic) return sleep({time});
  return sleep_on_wall_clock(clock, time);
}

// Restart data of a relative sleep: when it ends, where the time left goes, on which clock.
enum : size_t { kEnd, kRemaining, kClock };

int64_t continue_sleep(Task& task, Task::Restart& restart);

// A relative sleep on a wall clock is one on the monotonic clock: setting the time does not change
// it.
Value relative_sleep(Task& task, int32_t clock_id, Nanoseconds end,
                     UserOut<abi::TimeSpec> remaining) {
  bool on_cpu_time = clock_id == abi::kClockProcessCpu || clock_id < 0;
  ClockId clock;
  if (on_cpu_time) clock = TRY(ClockId::resolve(clock_id, task, ClockId::Purpose::Timer));
  if (sleep_until(clock, end).ok()) return 0;
  Nanoseconds now = clock.now();
  if (now >= end) return 0;
  if (!remaining.is_null()) TRY(remaining.write(abi::TimeSpec::from_ns(end - now)));
  task.restart = {continue_sleep,
                  {end, raw(remaining.address()), static_cast<uint64_t>(int64_t{clock_id})}};
  return Errno::RestartBlock;
}

int64_t continue_sleep(Task& task, Task::Restart& restart) {
  Task::Restart saved = restart;
  Value result = relative_sleep(task, static_cast<int32_t>(saved.data[kClock]), saved.data[kEnd],
                                UserOut<abi::TimeSpec>(UserAddr{saved.data[kRemaining]}));
  return result.ok() ? *result : -static_cast<int64_t>(result.error());
}

Nanoseconds end_after(Nanoseconds now, Nanoseconds duration) {
  Nanoseconds end;
  return __builtin_add_overflow(now, duration, &end) ? kForever : end;
}

}  // namespace

Value sys_nanosleep(Context& context, UserIn<abi::TimeSpec> request,
                    UserOut<abi::TimeSpec> remaining) {
  abi::TimeSpec duration = TRY(request.read());
  if (!duration.is_valid()) return Errno::Inval;
  Nanoseconds end = end_after(clock::monotonic(), duration.to_ns());
  return relative_sleep(context.task, abi::kClockMonotonic, end, remaining);
}

// Flags other than TIMER_ABSTIME are not looked at, as on Linux.
Value sys_clock_nanosleep(Context& context, int32_t clock_id, int32_t flags,
                          UserIn<abi::TimeSpec> request, UserOut<abi::TimeSpec> remaining) {
  auto resolve = [&] {
    return ClockId::resolve(clock_id, context.task, ClockId::Purpose::Timer);
  };
  // Whether a numbered clock can be slept on comes first, whom a CPU clock measures last.
  if (ClockId::is_dynamic(clock_id)) return Errno::OpNotSupp;
  if (clock_id >= 0) {
    ClockId numbered = TRY(resolve());
    if (numbered.coarse || numbered.raw || numbered.base == ClockId::Base::ThreadCpu)
      return Errno::OpNotSupp;
  }
  abi::TimeSpec wanted = TRY(request.read());
  if (!wanted.is_valid()) return Errno::Inval;
  ClockId clock = TRY(resolve());
  bool own_thread = clock.base == ClockId::Base::ThreadCpu;
  // A thread that waits for its own CPU time would wait for ever.
  if (own_thread && clock.task.get() == &context.task) return Errno::Inval;
  if ((flags & abi::kTimerAbsolute) == 0) {
    Nanoseconds now = clock.is_cpu() ? clock.now() : clock::monotonic();
    return relative_sleep(context.task, clock_id, end_after(now, wanted.to_ns()), remaining);
  }
  if (!sleep_until(clock, wanted.to_ns()).ok()) return Errno::RestartNoHand;
  return 0;
}

Value sys_restart_syscall(Context& context) {
  Task::Restart restart = context.task.restart;
  context.task.restart = {};
  if (restart.function == nullptr) return Errno::Intr;
  int64_t result = restart.function(context.task, restart);
  if (result < 0) return static_cast<Errno>(-result);
  return result;
}

Value sys_sched_yield(Context&) {
  sched::yield();
  return 0;
}

}  // namespace kernel::syscall
