// SPDX-License-Identifier: MIT
// clock_gettime(2), clock_getres(2) and gettimeofday(2) without a system call: user code that runs
// in every process, at any stack depth and in signal handlers. It calls nothing and keeps no state;
// what it cannot answer it asks the kernel. vdso(7).
#include "sched/vdso_data.h"

namespace kernel {
namespace {

extern "C" {
extern const VdsoData vdso_data __attribute__((visibility("hidden")));
}

struct TimeSpec {
  int64_t seconds;
  int64_t nanoseconds;
};
struct TimeVal {
  int64_t seconds;
  int64_t microseconds;
};
struct TimeZone {
  int32_t minutes_west;
  int32_t dst_time;
};

// linux/time.h
constexpr int kRealtime = 0, kMonotonic = 1, kMonotonicRaw = 4, kRealtimeCoarse = 5,
              kMonotonicCoarse = 6, kBoottime = 7, kTai = 11;
constexpr uint32_t set_of(int clock) { return 1u << clock; }
constexpr uint32_t kServed = set_of(kRealtime) | set_of(kMonotonic) | set_of(kMonotonicRaw) |
                             set_of(kRealtimeCoarse) | set_of(kMonotonicCoarse) |
                             set_of(kBoottime) | set_of(kTai);
constexpr uint32_t kCoarse = set_of(kRealtimeCoarse) | set_of(kMonotonicCoarse);

constexpr uint64_t kSysClockGettime = 113, kSysClockGetres = 114;

long system_call(uint64_t number, uint64_t first, const void* second) {
  register uint64_t x8 asm("x8") = number;
  register uint64_t x0 asm("x0") = first;
  register uint64_t x1 asm("x1") = reinterpret_cast<uint64_t>(second);
  asm volatile("svc #0" : "+r"(x0) : "r"(x1), "r"(x8) : "memory");
  return static_cast<long>(x0);
}

uint64_t counter() {
  uint64_t value;
  // Not speculated ahead of what came before: another CPU may have published a time by it.
  asm volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value)::"memory");
  return value;
}

template <class T>
T load(const T& field) { return __atomic_load_n(&field, __ATOMIC_RELAXED); }

bool is_served(int clock) {
  return static_cast<unsigned>(clock) < kVdsoClocks && (kServed >> clock & 1) != 0;
}

[[gnu::always_inline]] inline TimeSpec read_clock(int clock) {
  uint64_t ticks = counter() - load(vdso_data.counter_base);
  auto product = static_cast<unsigned __int128>(ticks) * load(vdso_data.factor);
  uint64_t time = static_cast<uint64_t>(product >> kVdsoShift) + load(vdso_data.offset[clock]);
  return {static_cast<int64_t>(time / kNanosPerSecond),
          static_cast<int64_t>(time % kNanosPerSecond)};
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int __kernel_clock_gettime(int clock, TimeSpec* time) {
  if (!is_served(clock)) [[unlikely]]
    return static_cast<int>(
        system_call(kSysClockGettime, static_cast<uint64_t>(int64_t{clock}), time));
  *time = read_clock(clock);
  return 0;
}

int __kernel_clock_getres(int clock, TimeSpec* resolution) {
  if (!is_served(clock)) [[unlikely]]
    return static_cast<int>(
        system_call(kSysClockGetres, static_cast<uint64_t>(int64_t{clock}), resolution));
  bool coarse = (kCoarse >> clock & 1) != 0;
  uint64_t value = coarse ? load(vdso_data.coarse_resolution) : load(vdso_data.resolution);
  if (resolution != nullptr) *resolution = {0, static_cast<int64_t>(value)};
  return 0;
}

int __kernel_gettimeofday(TimeVal* time, TimeZone* zone) {
  if (time != nullptr) {
    TimeSpec now = read_clock(kRealtime);
    *time = {now.seconds, static_cast<int64_t>(static_cast<uint64_t>(now.nanoseconds) / 1000)};
  }
  if (zone != nullptr) {
    *zone = {load(vdso_data.minutes_west), load(vdso_data.dst_time)};
  }
  return 0;
}

}  // extern "C"
#pragma GCC visibility pop
}  // namespace kernel
