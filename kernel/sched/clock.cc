// SPDX-License-Identifier: MIT
// See clock.h. The rate never changes after boot, so that monotonic() reads no guarded data; what
// settimeofday(2) changes is one offset. The vDSO's page has a copy.
#include "sched/clock.h"

#include "arch/timer.h"
#include "sched/clock_scale.h"
#include "sched/vdso_data.h"
#include "sched/wait_queue.h"

namespace kernel {

namespace {

static_assert(kVdsoShift == ClockScale::kShift);

constinit ClockScale scale;
constinit uint64_t counter_base = 0;
constinit Atomic<uint64_t> offset;
constinit Atomic<int32_t> tai;
constinit Atomic<uint32_t> changes;
constinit SpinLock<LockRank::Leaf> write_lock;
constinit clock::TimeZone zone GUARDED_BY(write_lock);
constinit VdsoData* vdso GUARDED_BY(write_lock) = nullptr;

// linux/time.h: the clocks of the vDSO that do not start at monotonic zero.
constexpr unsigned kRealtime = 0, kRealtimeCoarse = 5, kTai = 11;

void publish() REQUIRES(write_lock) {
  if (vdso == nullptr) return;
  VdsoData& data = *vdso;
  uint64_t realtime = offset.load_relaxed();
  auto store = [](auto& field, auto value) { __atomic_store_n(&field, value, __ATOMIC_RELAXED); };
  store(data.counter_base, counter_base);
  store(data.factor, scale.factor());
  store(data.offset[kRealtime], realtime);
  store(data.offset[kRealtimeCoarse], realtime);
  int64_t tai_nanoseconds = int64_t{tai.load_relaxed()} * int64_t{kNanosPerSecond};
  store(data.offset[kTai], realtime + static_cast<uint64_t>(tai_nanoseconds));
  store(data.resolution, clock::kResolution);
  store(data.coarse_resolution, clock::kCoarseResolution);
  store(data.minutes_west, zone.minutes_west);
  store(data.dst_time, zone.dst_time);
}

}  // namespace

Deadline Deadline::after(Nanoseconds duration) {
  Nanoseconds at;
  if (__builtin_add_overflow(clock::monotonic(), duration, &at)) return never();
  return {at};
}

namespace clock {

void init() {
  scale = ClockScale(arch::counter_frequency());
  counter_base = arch::counter();
  Guard guard(write_lock);
  publish();
}

Nanoseconds monotonic() { return scale.to_ns(arch::counter() - counter_base); }
Nanoseconds realtime() { return monotonic() + offset.load_relaxed(); }
uint64_t realtime_offset() { return offset.load_relaxed(); }
uint32_t realtime_changes() { return changes.load_acquire(); }
int32_t tai_offset() { return tai.load_relaxed(); }

WaitQueue& realtime_waiters() {
  static constinit WaitQueue queue;
  return queue;
}

void set_realtime(Nanoseconds now) {
  {
    Guard guard(write_lock);
    offset.store_relaxed(now - monotonic());
    publish();
  }
  changes.fetch_add_acq_rel(1);
  realtime_waiters().wake_all();
}

void set_tai_offset(int32_t seconds) {
  Guard guard(write_lock);
  tai.store_relaxed(seconds);
  publish();
}

uint64_t counter_to_ns(uint64_t ticks) { return scale.to_ns(ticks); }
uint64_t ns_to_counter(Nanoseconds ns) { return scale.to_ticks(ns); }

uint64_t monotonic_to_counter(Nanoseconds at) {
  constexpr Nanoseconds kFarthest = uint64_t{1} << 62;
  return counter_base + scale.to_ticks(at < kFarthest ? at : kFarthest);
}

TimeZone time_zone() {
  Guard guard(write_lock);
  return zone;
}

void set_time_zone(TimeZone wanted) {
  Guard guard(write_lock);
  zone = wanted;
  publish();
}

void attach_vdso(VdsoData& page) {
  Guard guard(write_lock);
  vdso = &page;
  publish();
}

}  // namespace clock
}  // namespace kernel
