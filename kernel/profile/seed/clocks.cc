// SPDX-License-Identifier: MIT
// A seam: two clocks, the time of day and that since boot. No CPU time.

#include "process/clock_id.h"

namespace kernel {

Result<ClockId> ClockId::resolve(int32_t id, Task&, Purpose) {
  ClockId clock;
  switch (id) {
    case abi::kClockRealtime:
    case abi::kClockRealtimeCoarse: clock.base = Base::Realtime; return clock;
    case abi::kClockMonotonic:
    case abi::kClockMonotonicRaw:
    case abi::kClockMonotonicCoarse:
    case abi::kClockBoottime: return clock;
    default: return Errno::Inval;
  }
}

Nanoseconds ClockId::now() const {
  return base == Base::Realtime ? clock::realtime() : clock::monotonic();
}
Nanoseconds ClockId::resolution() const { return clock::kResolution; }
Deadline ClockId::deadline_of(Nanoseconds time) const {
  if (time == kForever) return Deadline::never();
  Nanoseconds offset = base == Base::Realtime ? clock::realtime_offset() : 0;
  return {time > offset ? time - offset : 0};
}

}  // namespace kernel
