// SPDX-License-Identifier: MIT
// getitimer(2), setitimer(2). The timers themselves are in process/process_timers.cc.

#include "process/process_timers.h"
#include "syscall/declarations.h"

namespace kernel::syscall {

namespace {

using process_timers::Interval;

abi::IntervalVal to_abi(const TimerSetting& setting) {
  return {abi::TimeVal::from_ns(setting.interval), abi::TimeVal::from_ns(setting.value)};
}

bool is_known(int32_t which) { return which >= abi::kItimerReal && which <= abi::kItimerProf; }

}  // namespace

Value sys_getitimer(Context& context, int32_t which, UserOut<abi::IntervalVal> value) {
  if (!is_known(which)) return Errno::Inval;
  TRY(value.write(
      to_abi(process_timers::get_interval(context.task.group(), static_cast<Interval>(which)))));
  return 0;
}

// Without a value the timer is switched off: Linux's behaviour, which POSIX does not have.
Value sys_setitimer(Context& context, int32_t which, UserIn<abi::IntervalVal> value,
                    UserOut<abi::IntervalVal> old_value) {
  abi::IntervalVal wanted{};
  if (!value.is_null()) wanted = TRY(value.read());
  if (!wanted.value.is_valid() || !wanted.interval.is_valid() || !is_known(which))
    return Errno::Inval;
  TimerSetting old =
      TRY(process_timers::set_interval(context.task.group(), static_cast<Interval>(which),
                                       {wanted.value.to_ns(), wanted.interval.to_ns()}));
  if (!old_value.is_null()) TRY(old_value.write(to_abi(old)));
  return 0;
}

}  // namespace kernel::syscall
