// SPDX-License-Identifier: MIT
// Reading clocks: clock_gettime(2), gettimeofday(2), times(2). The vDSO answers most of
// it in user space (arch/aarch64/vdso).

#include "process/clock_id.h"
#include "syscall/declarations.h"

namespace kernel::syscall {

namespace {

using Purpose = ClockId::Purpose;

int64_t ticks_of(Nanoseconds time) { return static_cast<int64_t>(time / 10'000'000); }  // USER_HZ

}  // namespace

Value sys_clock_gettime(Context& context, int32_t clock, UserOut<abi::TimeSpec> time) {
  ClockId id = TRY(ClockId::resolve(clock, context.task, Purpose::Read));
  TRY(time.write(abi::TimeSpec::from_ns(id.now())));
  return 0;
}

Value sys_clock_getres(Context& context, int32_t clock, UserOut<abi::TimeSpec> resolution) {
  ClockId id = TRY(ClockId::resolve(clock, context.task, Purpose::Read));
  if (!resolution.is_null()) TRY(resolution.write(abi::TimeSpec::from_ns(id.resolution())));
  return 0;
}

Value sys_gettimeofday(Context&, UserOut<abi::TimeVal> time, UserOut<abi::TimeZone> zone) {
  if (!time.is_null()) TRY(time.write(abi::TimeVal::from_ns(clock::realtime())));
  if (!zone.is_null()) {
    clock::TimeZone present = clock::time_zone();
    TRY(zone.write({present.minutes_west, present.dst_time}));
  }
  return 0;
}

Value sys_times(Context& context, UserOut<abi::Tms> buffer) {
  if (!buffer.is_null()) {
    ThreadGroup& group = context.task.group();
    ResourceUsage mine = task::usage_of(group);
    ResourceUsage children;
    {
      Guard guard(task::tree_lock);
      children = group.reaped_children;
    }
    TRY(buffer.write({ticks_of(mine.user_time_ns), ticks_of(mine.system_time_ns),
                      ticks_of(children.user_time_ns), ticks_of(children.system_time_ns)}));
  }
  return ticks_of(clock::monotonic());
}

}  // namespace kernel::syscall
