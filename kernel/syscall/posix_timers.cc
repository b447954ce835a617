// SPDX-License-Identifier: MIT
// timer_create(2), timer_settime(2), timer_gettime(2), timer_getoverrun(2), timer_delete(2). The
// timers themselves are in process/posix_timer.cc.

#include "process/process_timers.h"
#include "syscall/declarations.h"

namespace kernel::syscall {

namespace {

abi::IntervalSpec to_abi(const TimerSetting& setting) {
  return {abi::TimeSpec::from_ns(setting.interval), abi::TimeSpec::from_ns(setting.value)};
}

Result<TimerNotification> parse(const Context& context, const abi::SignalEvent& event) {
  TimerNotification notification;
  switch (event.notify) {
    case abi::kSigevThreadId: {
      Optional<Ref<Task>> task = task::find_task(event.thread_id);
      if (!task || &task->group() != &context.task.group()) return Errno::Inval;
      notification.kind = TimerNotification::Kind::Thread;
      notification.thread = std::move(task);
      break;
    }
    case abi::kSigevNone: notification.kind = TimerNotification::Kind::None; break;
    case abi::kSigevSignal:
    case abi::kSigevThread: break;  // the C library makes threads out of signals
    default: return Errno::Inval;
  }
  if (notification.kind != TimerNotification::Kind::None) {
    if (event.signal <= 0 || event.signal > static_cast<int32_t>(kSignalCount)) return Errno::Inval;
    notification.signal = static_cast<Signal>(event.signal);
  }
  notification.value = event.value;
  return notification;
}

}  // namespace

// Order of the checks as Linux has it: event readable, clock, event sensible, id writable.
Value sys_timer_create(Context& context, int32_t clock, UserIn<abi::SignalEvent> event,
                       UserOut<int32_t> id) {
  abi::SignalEvent given{};
  if (!event.is_null()) given = TRY(event.read());
  if (ClockId::is_dynamic(clock)) return Errno::OpNotSupp;
  bool of_cpu = clock < 0;
  ClockId resolved;
  if (!of_cpu) {
    resolved = TRY(ClockId::resolve(clock, context.task, ClockId::Purpose::Timer));
    if (resolved.coarse || resolved.raw) return Errno::OpNotSupp;
    if (resolved.alarm && !context.task.credentials().has(Capability::WakeAlarm))
      return Errno::Perm;
  }
  TimerNotification notification;
  if (event.is_null()) {
    notification.value_is_id = true;
  } else {
    notification = TRY(parse(context, given));
  }
  TRY(id.write(0));
  if (of_cpu) resolved = TRY(ClockId::resolve(clock, context.task, ClockId::Purpose::Timer));
  ThreadGroup& group = context.task.group();
  int32_t made = TRY(process_timers::create(group, std::move(resolved), std::move(notification)));
  Result<> written = id.write(made);
  if (!written.ok()) {
    ignore(process_timers::destroy(group, made));  // just made: it is there
    return written.error();
  }
  return 0;
}

Value sys_timer_settime(Context& context, int32_t id, int32_t flags,
                        UserIn<abi::IntervalSpec> value, UserOut<abi::IntervalSpec> old_value) {
  if (value.is_null()) return Errno::Inval;
  abi::IntervalSpec wanted = TRY(value.read());
  if (!wanted.value.is_valid() || !wanted.interval.is_valid()) return Errno::Inval;
  auto when = (flags & abi::kTimerAbsolute) != 0 ? process_timers::When::Absolute
                                                 : process_timers::When::Relative;
  TimerSetting old = TRY(process_timers::set(
      context.task.group(), id, {wanted.value.to_ns(), wanted.interval.to_ns()}, when));
  if (!old_value.is_null()) TRY(old_value.write(to_abi(old)));
  return 0;
}

Value sys_timer_gettime(Context& context, int32_t id, UserOut<abi::IntervalSpec> value) {
  TRY(value.write(to_abi(TRY(process_timers::get(context.task.group(), id)))));
  return 0;
}

Value sys_timer_getoverrun(Context& context, int32_t id) {
  return int64_t{TRY(process_timers::overrun(context.task.group(), id))};
}

Value sys_timer_delete(Context& context, int32_t id) {
  TRY(process_timers::destroy(context.task.group(), id));
  return 0;
}

}  // namespace kernel::syscall
