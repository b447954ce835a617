// SPDX-License-Identifier: MIT
// The kernel log: a lock-free ring of records, drained to the consoles by a thread (directly until
// that thread runs, and in a panic). A call costs nanoseconds, never waits for a device, and is
// allowed in any context, interrupts included.
#pragma once

#include "lib/format.h"

namespace kernel {

// syslog(2) priorities.
enum class LogLevel : uint8_t { Emerg, Alert, Crit, Err, Warning, Notice, Info, Debug };
// A record that a program wrote has the facility "user" above its level, as syslog(2) counts them.
inline constexpr uint8_t kLogUserFacility = 1 << 3;
constexpr uint8_t severity(LogLevel level) { return static_cast<uint8_t>(level) & 7; }

void log_text(LogLevel level, StringView text);

inline constexpr size_t kLogLine = 256;

template <class... Arguments>
void log(LogLevel level, StringView pattern, const Arguments&... arguments) {
  char buffer[kLogLine];
  BufferSink sink(buffer);
  format(sink, pattern, arguments...);
  log_text(level, sink.view());
}
template <class... Arguments>
void log_info(StringView pattern, const Arguments&... arguments) {
  log(LogLevel::Info, pattern, arguments...);
}
template <class... Arguments>
void log_warning(StringView pattern, const Arguments&... arguments) {
  log(LogLevel::Warning, pattern, arguments...);
}
template <class... Arguments>
void log_error(StringView pattern, const Arguments&... arguments) {
  log(LogLevel::Err, pattern, arguments...);
}

// A place where drained text goes: a serial port, the framebuffer. `write` may be called with
// interrupts masked and must be bounded in time.
class LogConsole {
 public:
  virtual void write(StringView text) = 0;
  LogConsole* next = nullptr;

 protected:
  ~LogConsole() = default;
};
// Consoles stay registered for good. Earlier text is delivered to it too, unless another console on
// the same device has written it.
enum class LogReplay : uint8_t { Everything, NewOnly };
void log_add_console(LogConsole& console, LogReplay replay = LogReplay::Everything);

// Reading for /dev/kmsg and syslog(2). Copies the record at `*sequence` or the first one behind it,
// sets `*sequence` to the record's own number. False when there is none yet.
struct LogRecord {
  uint64_t sequence = 0;
  uint64_t time_ns = 0;
  LogLevel level = LogLevel::Info;
  size_t size = 0;
  char text[kLogLine];
};
bool log_read(uint64_t sequence, LogRecord& record);
uint64_t log_first_sequence();
uint64_t log_next_sequence();

// The clock of the records, nanoseconds since boot; until it is set they carry 0.
void log_set_clock(uint64_t (*now)());
// Called by the drain thread: writes what is pending to the consoles. False when nothing was
// pending.
bool log_drain();
// Before the machine stops: returns when everything is written, or cannot be.
void log_flush();
// From now on log_text() only records and calls `wake`, which must be lock-free and safe anywhere.
void log_set_drainer(void (*wake)());
// Messages above this level are recorded but not printed (`quiet`, `loglevel=`).
void log_set_console_level(LogLevel level);
LogLevel log_console_level();
// Panic: print directly again, ignoring locks.
void log_enter_panic();
bool log_in_panic();

}  // namespace kernel
