// SPDX-License-Identifier: MIT
// Setting clocks, and their pace: clock_settime(2), settimeofday(2), adjtimex(2).

#include "process/clock_id.h"
#include "process/process_timers.h"
#include "syscall/declarations.h"

namespace kernel::syscall {
namespace {

using Purpose = ClockId::Purpose;

// As far as clocks can be set (Linux's TIME_SETTOD_SEC_MAX): 30 years before nanoseconds overflow.
constexpr int64_t kLatestSettable = 8'277'292'036;

bool may_set_time(const Context& context) {
  return context.task.credentials().has(Capability::SysTime);
}

// The monotonic clock began at 0: the epoch cannot have come later (clock_settime(2), EINVAL).
Result<> set_realtime(const Context& context, abi::TimeSpec time) {
  if (!time.is_valid() || time.seconds >= kLatestSettable) return Errno::Inval;
  if (!may_set_time(context)) return Errno::Perm;
  if (time.to_ns() < clock::monotonic()) return Errno::Inval;
  clock::set_realtime(time.to_ns());
  process_timers::realtime_changed();
  return {};
}

Result<> set_zone(const Context& context, abi::TimeZone zone, bool with_time) {
  constexpr int32_t kFarthest = 15 * 60;
  if (!may_set_time(context)) return Errno::Perm;
  if (zone.minutes_west > kFarthest || zone.minutes_west < -kFarthest) return Errno::Inval;
  static constinit Atomic<bool> was_set;
  clock::set_time_zone({zone.minutes_west, zone.dst_time});
  // The first call with a zone and no time tells that the hardware clock ran on local time.
  if (!was_set.exchange_acq_rel(true) && !with_time && zone.minutes_west != 0) {
    Nanoseconds now = clock::realtime() +
                      static_cast<uint64_t>(int64_t{zone.minutes_west} * 60) * kNanosPerSecond;
    clock::set_realtime(now);
    process_timers::realtime_changed();
  }
  return {};
}

// timex.modes (adjtimex(2)).
constexpr uint32_t kAdjOffset = 0x1, kAdjFrequency = 0x2, kAdjMaxError = 0x4, kAdjEstError = 0x8,
                   kAdjStatus = 0x10, kAdjTimeConst = 0x20, kAdjTai = 0x80, kAdjSetOffset = 0x100,
                   kAdjNano = 0x2000, kAdjTick = 0x4000, kAdjTime = 0x8000,
                   kAdjReadOnlyShot = 0xa001;
constexpr int32_t kStatusUnsynchronised = 0x40, kStatusNano = 0x2000, kStatusReadOnly = 0xff00;
constexpr int64_t kTimeError = 5;  // what the call returns while the clock is not synchronised

// What a time daemon keeps here for others to read.
struct Discipline {
  int64_t max_error = 16'000'000;
  int64_t estimated_error = 16'000'000;
  int32_t status = kStatusUnsynchronised;
};
constinit SpinLock<LockRank::Leaf> discipline_lock;
constinit Discipline discipline GUARDED_BY(discipline_lock);

Discipline update_discipline(const abi::Timex& wanted) {
  Guard guard(discipline_lock);
  if ((wanted.modes & kAdjMaxError) != 0) discipline.max_error = wanted.max_error;
  if ((wanted.modes & kAdjEstError) != 0) discipline.estimated_error = wanted.estimated_error;
  if ((wanted.modes & kAdjStatus) != 0) discipline.status = wanted.status & ~kStatusReadOnly;
  return discipline;
}

bool asks_for_change(uint32_t modes) { return modes != 0 && modes != kAdjReadOnlyShot; }

// ADJ_SETOFFSET: `time` is added to the clock.
Result<> shift_realtime(const Context& context, const abi::Timex& wanted) {
  int64_t fraction = wanted.time.microseconds;
  int64_t unit = (wanted.modes & kAdjNano) != 0 ? 1 : 1000;
  if (fraction < 0 || fraction * unit >= static_cast<int64_t>(kNanosPerSecond)) return Errno::Inval;
  Nanoseconds now = clock::realtime();
  auto shifted = static_cast<__int128>(now) +
                 static_cast<__int128>(wanted.time.seconds) * 1'000'000'000 + fraction * unit;
  if (shifted < 0 || shifted / 1'000'000'000 >= kLatestSettable) return Errno::Inval;
  return set_realtime(context, abi::TimeSpec::from_ns(static_cast<uint64_t>(shifted)));
}

// What steers the rate is not there: the clock is the counter.
Result<> adjust(const Context& context, const abi::Timex& wanted) {
  // adjtime(3)'s way in needs ADJ_OFFSET_SINGLESHOT's other bit.
  if ((wanted.modes & kAdjTime) != 0 && (wanted.modes & kAdjOffset) == 0) return Errno::Inval;
  constexpr uint32_t kSteering = kAdjOffset | kAdjFrequency | kAdjTick | kAdjTimeConst;
  if (asks_for_change(wanted.modes) && !may_set_time(context)) return Errno::Perm;
  if ((wanted.modes & kSteering) != 0 && asks_for_change(wanted.modes)) return Errno::OpNotSupp;
  if ((wanted.modes & kAdjSetOffset) != 0) TRY(shift_realtime(context, wanted));
  if ((wanted.modes & kAdjTai) != 0 && wanted.constant >= 0 && wanted.constant <= 32767) {
    clock::set_tai_offset(static_cast<int32_t>(wanted.constant));
  }
  return {};
}

Value adjust_and_report(Context& context, abi::Timex timex, UserInOut<abi::Timex> parameters) {
  TRY(adjust(context, timex));
  bool changes = asks_for_change(timex.modes);
  uint32_t modes = timex.modes;
  if (!changes) timex.modes = 0;
  Discipline present = update_discipline(timex);
  timex = {};
  timex.modes = modes;
  timex.max_error = present.max_error;
  timex.estimated_error = present.estimated_error;
  timex.status = present.status | ((modes & kAdjNano) != 0 ? kStatusNano : 0);
  timex.constant = 2;
  timex.precision = 1;
  timex.tolerance = 32'768'000;  // 500 ppm
  timex.tick = 10'000;
  timex.tai = clock::tai_offset();
  Nanoseconds now = clock::realtime();
  timex.time = abi::TimeVal::from_ns(now);
  if ((modes & kAdjNano) != 0)
    timex.time.microseconds = static_cast<int64_t>(now % kNanosPerSecond);
  TRY(parameters.write(timex));
  return (present.status & kStatusUnsynchronised) != 0 ? kTimeError : 0;
}

}  // namespace

Value sys_clock_settime(Context& context, int32_t clock, UserIn<abi::TimeSpec> time) {
  if (clock != abi::kClockRealtime && clock >= 0) return Errno::Inval;
  abi::TimeSpec wanted = TRY(time.read());
  if (clock == abi::kClockRealtime) {
    TRY(set_realtime(context, wanted));
    return 0;
  }
  TRY(ClockId::resolve(clock, context.task, Purpose::Timer));
  return Errno::Perm;  // nobody sets CPU time
}

Value sys_settimeofday(Context& context, UserIn<abi::TimeVal> time, UserIn<abi::TimeZone> zone) {
  abi::TimeSpec wanted{};
  if (!time.is_null()) {
    abi::TimeVal value = TRY(time.read());
    if (value.microseconds < 0 || value.microseconds >= 1'000'000) return Errno::Inval;
    wanted = {value.seconds, value.microseconds * 1000};
  }
  abi::TimeZone wanted_zone{};
  if (!zone.is_null()) wanted_zone = TRY(zone.read());
  if (!time.is_null() && (!wanted.is_valid() || wanted.seconds >= kLatestSettable))
    return Errno::Inval;
  if (!may_set_time(context)) return Errno::Perm;
  if (!zone.is_null()) TRY(set_zone(context, wanted_zone, !time.is_null()));
  if (!time.is_null()) TRY(set_realtime(context, wanted));
  return 0;
}

Value sys_adjtimex(Context& context, UserInOut<abi::Timex> parameters) {
  return adjust_and_report(context, TRY(parameters.read()), parameters);
}

Value sys_clock_adjtime(Context& context, int32_t clock, UserInOut<abi::Timex> parameters) {
  abi::Timex timex = TRY(parameters.read());
  if (ClockId::is_dynamic(clock)) return Errno::Inval;
  if (clock >= 0) TRY(ClockId::resolve(clock, context.task, Purpose::Read));
  if (clock != abi::kClockRealtime) return Errno::OpNotSupp;
  return adjust_and_report(context, timex, parameters);
}

}  // namespace kernel::syscall
