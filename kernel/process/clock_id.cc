// SPDX-License-Identifier: MIT
// See clock_id.h. Layout of a CPU clock's id, from low to high: two bits for the kind of time, one
// for "thread, not process", 29 for the complement of the pid (0: the caller itself).

#include "process/clock_id.h"


namespace kernel {

namespace {

// The sum over all threads, ended ones included: exact, where user and system parts are sampled.
Nanoseconds scheduled_time(ThreadGroup& group) {
  Guard guard(task::tree_lock);
  Nanoseconds sum = group.dead_threads.user_time_ns + group.dead_threads.system_time_ns;
  for (Task& task : group.threads) sum += task.run_time();
  return sum;
}

ClockId clock_of(ClockId::Base base) {
  ClockId clock;
  clock.base = base;
  return clock;
}

ClockId as_coarse(ClockId clock) {
  clock.coarse = true;
  return clock;
}

ClockId as_alarm(ClockId clock) {
  clock.alarm = true;
  return clock;
}

ClockId raw_clock() {
  ClockId clock;
  clock.raw = true;
  return clock;
}

ClockId process_clock_of(ThreadGroup& group, ClockId::CpuTime kind, bool fixed) {
  ClockId clock = clock_of(ClockId::Base::ProcessCpu);
  clock.cpu_time = kind;
  clock.fixed = fixed;
  clock.group = Ref<ThreadGroup>(group);
  return clock;
}

ClockId thread_clock_of(Task& task, ClockId::CpuTime kind, bool fixed) {
  ClockId clock = clock_of(ClockId::Base::ThreadCpu);
  clock.cpu_time = kind;
  clock.fixed = fixed;
  clock.task = Ref<Task>(task);
  return clock;
}

Result<ClockId> resolve_cpu_clock(int32_t id, Task& caller, ClockId::Purpose purpose) {
  uint32_t kind_bits = static_cast<uint32_t>(id) & 3;
  if (kind_bits == 3) return Errno::Inval;  // a clock device's descriptor, or nothing
  auto kind = static_cast<ClockId::CpuTime>(kind_bits);
  PidNumber pid = ~(id >> 3);
  bool of_thread = (id & 4) != 0;
  if (of_thread) {
    if (pid == 0) return thread_clock_of(caller, kind, false);
    Optional<Ref<Task>> found = task::find_task(pid);
    if (!found || &found->group() != &caller.group()) return Errno::Inval;
    return thread_clock_of(*found, kind, false);
  }
  // One's own thread id names one's process too, when it is only to be read.
  if (pid == 0 || (purpose == ClockId::Purpose::Read && pid == caller.tid())) {
    return process_clock_of(caller.group(), kind, false);
  }
  Optional<Ref<ThreadGroup>> found = task::find_group(pid);
  if (!found) return Errno::Inval;
  return process_clock_of(*found, kind, false);
}

}  // namespace

Result<ClockId> ClockId::resolve(int32_t id, Task& caller, Purpose purpose) {
  switch (id) {
    case abi::kClockRealtime: return clock_of(Base::Realtime);
    case abi::kClockRealtimeCoarse: return as_coarse(clock_of(Base::Realtime));
    case abi::kClockRealtimeAlarm: return as_alarm(clock_of(Base::Realtime));
    case abi::kClockTai: return clock_of(Base::Tai);
    case abi::kClockMonotonic:
    case abi::kClockBoottime: return clock_of(Base::Monotonic);
    case abi::kClockBoottimeAlarm: return as_alarm(clock_of(Base::Monotonic));
    case abi::kClockMonotonicRaw: return raw_clock();
    case abi::kClockMonotonicCoarse: return as_coarse(clock_of(Base::Monotonic));
    case abi::kClockProcessCpu: return process_clock_of(caller.group(), CpuTime::Scheduled, true);
    case abi::kClockThreadCpu: return thread_clock_of(caller, CpuTime::Scheduled, true);
    default: break;
  }
  if (id >= 0) return Errno::Inval;
  return resolve_cpu_clock(id, caller, purpose);
}

Nanoseconds ClockId::now() const {
  switch (base) {
    case Base::Monotonic: return clock::monotonic();
    case Base::Realtime: return clock::realtime();
    case Base::Tai: return clock::realtime() + process_clock::tai_offset_ns();
    case Base::ProcessCpu: return process_clock::cpu_time(*group, cpu_time);
    case Base::ThreadCpu: return process_clock::cpu_time(*task, cpu_time);
  }
  return 0;
}

Nanoseconds ClockId::resolution() const {
  bool sampled = is_cpu() && cpu_time != CpuTime::Scheduled;
  return coarse || sampled ? clock::kCoarseResolution : clock::kResolution;
}

Deadline ClockId::deadline_of(Nanoseconds time) const {
  if (time == kForever) return Deadline::never();
  Nanoseconds offset = base == Base::Monotonic ? 0 : clock::realtime_offset();
  if (base == Base::Tai) offset += process_clock::tai_offset_ns();
  return {time > offset ? time - offset : 0};
}

namespace process_clock {

Nanoseconds tai_offset_ns() {
  return static_cast<uint64_t>(int64_t{clock::tai_offset()}) * kNanosPerSecond;
}

Nanoseconds cpu_time(ThreadGroup& group, ClockId::CpuTime kind) {
  if (kind == ClockId::CpuTime::Scheduled) return scheduled_time(group);
  ResourceUsage usage = task::usage_of(group);
  return kind == ClockId::CpuTime::Virtual ? usage.user_time_ns
                                           : usage.user_time_ns + usage.system_time_ns;
}

Nanoseconds cpu_time(const Task& task, ClockId::CpuTime kind) {
  if (kind == ClockId::CpuTime::Scheduled) return task.run_time();
  CpuUsage usage = task.cpu_usage();
  return kind == ClockId::CpuTime::Virtual ? usage.user : usage.user + usage.system;
}

}  // namespace process_clock
}  // namespace kernel
