// SPDX-License-Identifier: MIT
// Linux's clockid_t: the fixed clocks, and the CPU-time clocks of any process or thread, whose ids
// hold a pid (clock_getcpuclockid(3)).
#pragma once

#include "sched/clock.h"
#include "task/task.h"

namespace kernel {

namespace abi {
// clockid_t
inline constexpr int32_t kClockRealtime = 0, kClockMonotonic = 1, kClockProcessCpu = 2,
                         kClockThreadCpu = 3, kClockMonotonicRaw = 4, kClockRealtimeCoarse = 5,
                         kClockMonotonicCoarse = 6, kClockBoottime = 7, kClockRealtimeAlarm = 8,
                         kClockBoottimeAlarm = 9, kClockTai = 11;
}  // namespace abi

// A clock id, resolved. CPU clocks hold a reference on what they measure.
struct ClockId {
  enum class Base : uint8_t { Monotonic, Realtime, Tai, ProcessCpu, ThreadCpu };
  enum class CpuTime : uint8_t { Profile, Virtual, Scheduled };  // user + system, user, exact sum

  Base base = Base::Monotonic;
  CpuTime cpu_time = CpuTime::Scheduled;
  bool coarse = false;
  bool raw = false;
  bool alarm = false;
  bool fixed = true;   // one of Linux's numbered clocks, not an id made of a pid
  Optional<Ref<ThreadGroup>> group;
  Optional<Ref<Task>> task;

  bool is_cpu() const { return base == Base::ProcessCpu || base == Base::ThreadCpu; }

  // The id of a clock device's descriptor (clock_getres(2), "Dynamic clocks"); there is none here.
  static constexpr bool is_dynamic(int32_t id) { return id < 0 && (id & 7) == 3; }

  enum class Purpose : uint8_t { Read, Timer };
  // Errors: Inval when there is no such clock, process or thread of the caller.
  static Result<ClockId> resolve(int32_t id, Task& caller, Purpose purpose);

  Nanoseconds now() const;
  Nanoseconds resolution() const;
  // The monotonic time at which this clock (not a CPU clock) shows `time`, as things stand.
  Deadline deadline_of(Nanoseconds time) const;
};

namespace process_clock {
// realtime -> TAI
Nanoseconds tai_offset_ns();
Nanoseconds cpu_time(ThreadGroup& group, ClockId::CpuTime kind);
Nanoseconds cpu_time(const Task& task, ClockId::CpuTime kind);
}  // namespace process_clock

}  // namespace kernel
