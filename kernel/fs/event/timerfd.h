// SPDX-License-Identifier: MIT
// Timers as files: timerfd_create(2). A read tells how many times the timer has expired.
#pragma once

#include "fs/vfs/file.h"

namespace kernel::timerfd {

// The clockid_t's that a timer may run on.
enum class Clock : int32_t {
  Realtime = 0,
  Monotonic = 1,
  Boottime = 7,
  RealtimeAlarm = 8,
  BoottimeAlarm = 9,
};

struct Setting {
  Nanoseconds value = 0;  // until it expires, or at which time; 0: off
  Nanoseconds interval = 0;
};

inline constexpr uint32_t kAbsolute = 1, kCancelOnSet = 2;  // TFD_TIMER_*

// Errors: Inval (no such clock); Perm (an alarm clock without CAP_WAKE_ALARM); NoMem.
Result<Ref<File>> create(Clock clock, uint32_t flags);
// The setting before. Errors: Inval (not a timer); Perm; Canceled (the clock was set before this,
// see timerfd_create(2); the timer runs nevertheless).
Result<Setting> set(File& file, Setting setting, uint32_t flags);
Result<Setting> get(File& file);

// After settimeofday(2). Thread context, no locks.
void realtime_changed();

}  // namespace kernel::timerfd
