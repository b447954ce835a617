// SPDX-License-Identifier: MIT
// syslog(2): the kernel's log for dmesg(1) and klogd. Reading needs CAP_SYSLOG
// (kernel.dmesg_restrict is 1, as on Debian).

#include "lib/log.h"
#include "sched/scheduler.h"
#include "syscall/declarations.h"

namespace kernel::syscall {
namespace {

enum Action : int32_t {
  kClose = 0,
  kOpen = 1,
  kRead = 2,
  kReadAll = 3,
  kReadClear = 4,
  kClear = 5,
  kConsoleOff = 6,
  kConsoleOn = 7,
  kConsoleLevel = 8,
  kSizeUnread = 9,
  kSizeBuffer = 10,
};
constexpr size_t kLineMost = kLogLine + 32;
constexpr int64_t kBufferSize = 128 * 1024;

// Where kRead stands, and where kReadAll begins after a clear. Racing readers share the stream, as
// on Linux, and each record goes to at least one of them.
constinit Atomic<uint64_t> read_position;
constinit Atomic<uint64_t> clear_position;

// The console's level when kConsoleOff silenced it, for kConsoleOn.
constexpr int32_t kNotSilenced = -1;
constinit Atomic<int32_t> level_before{kNotSilenced};

void silence_console() {
  auto level = static_cast<int32_t>(log_console_level());
  int32_t none = kNotSilenced;
  level_before.compare_exchange_acq_rel(none, level);
  log_set_console_level(LogLevel::Emerg);
}

void restore_console() {
  int32_t level = level_before.exchange_acq_rel(kNotSilenced);
  if (level != kNotSilenced) log_set_console_level(static_cast<LogLevel>(level));
}

StringView format_record(const LogRecord& record, std::span<char> buffer) {
  BufferSink sink(buffer);
  uint64_t seconds = record.time_ns / kNanosPerSecond;
  uint64_t micros = record.time_ns % kNanosPerSecond / 1000;
  format(sink, "<{}>[{5}.{06}] {}\n", static_cast<unsigned>(record.level), seconds, micros,
         StringView(record.text, record.size));
  return sink.view();
}

Value read_next(UserAddr buffer, size_t size) {
  size_t done = 0;
  for (;;) {
    uint64_t at = read_position.load_relaxed();
    LogRecord record;
    if (!log_read(at, record)) break;
    char line[kLineMost];
    StringView text = format_record(record, line);
    if (text.size() > size - done) break;
    TRY(copy_out(buffer + done, text.data(), text.size()));
    done += text.size();
    read_position.store_relaxed(record.sequence + 1);
  }
  return static_cast<int64_t>(done);
}

bool has_unread() {
  LogRecord record;
  return log_read(read_position.load_relaxed(), record);
}

// kRead waits for something to read. The log wakes nobody, since it is written in any context: a
// look ten times a second is what klogd gets.
Value read_waiting(UserAddr buffer, size_t size) {
  constexpr Nanoseconds kLookAgain = 100'000'000;
  while (!has_unread()) {
    sched::set_state(ThreadState::Interruptible);
    if (!sched::signal_pending()) sched::schedule_until(Deadline::after(kLookAgain));
    sched::set_state(ThreadState::Runnable);
    if (sched::signal_pending()) return Errno::RestartSys;
  }
  return read_next(buffer, size);
}

uint64_t bytes_from(uint64_t first) {
  uint64_t bytes = 0;
  LogRecord record;
  char line[kLineMost];
  for (uint64_t at = first; log_read(at, record); at = record.sequence + 1)
    bytes += format_record(record, line).size();
  return bytes;
}

// The last records that fit, from the last clear on.
Value read_all(UserAddr buffer, size_t size) {
  uint64_t first = clear_position.load_relaxed();
  uint64_t excess = bytes_from(first);
  LogRecord record;
  char line[kLineMost];
  size_t done = 0;
  for (uint64_t at = first; log_read(at, record); at = record.sequence + 1) {
    StringView text = format_record(record, line);
    if (excess > size) {
      excess -= text.size();
      continue;
    }
    if (text.size() > size - done) break;
    TRY(copy_out(buffer + done, text.data(), text.size()));
    done += text.size();
  }
  return static_cast<int64_t>(done);
}

bool may_use(const Task& task) {
  return task.credentials().has(Capability::Syslog) || task.credentials().has(Capability::SysAdmin);
}

}  // namespace

Value sys_syslog(Context& context, int32_t action, UserAddr buffer, int32_t size) {
  if (!may_use(context.task)) return Errno::Perm;
  bool reads = action == kRead || action == kReadAll || action == kReadClear;
  if (reads && (raw(buffer) == 0 || size < 0)) return Errno::Inval;
  if (reads && size == 0) return 0;
  auto room = static_cast<size_t>(size);
  if (reads && !is_user_range(buffer, room)) return Errno::Fault;
  switch (action) {
    case kClose:
    case kOpen: return 0;
    case kRead: return read_waiting(buffer, room);
    case kReadAll: return read_all(buffer, room);
    case kReadClear: {
      int64_t done = TRY(read_all(buffer, room));
      clear_position.store_relaxed(log_next_sequence());
      return done;
    }
    case kClear: clear_position.store_relaxed(log_next_sequence()); return 0;
    case kConsoleOff: silence_console(); return 0;
    case kConsoleOn: restore_console(); return 0;
    case kConsoleLevel:
      if (size < 1 || size > 8) return Errno::Inval;
      log_set_console_level(static_cast<LogLevel>(size - 1));
      level_before.store_relaxed(kNotSilenced);
      return 0;
    case kSizeUnread: return static_cast<int64_t>(bytes_from(read_position.load_relaxed()));
    case kSizeBuffer: return kBufferSize;
    default: return Errno::Inval;
  }
}

}  // namespace kernel::syscall
