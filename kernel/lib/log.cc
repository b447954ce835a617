// SPDX-License-Identifier: MIT
// The log ring: fixed slots, each with a state word that says which record it holds and whether it
// is complete. Writers claim a sequence number and fill its slot; nobody waits for anybody.
//
//   state of slot i:  2*sequence+1 = being written,  2*sequence+2 = complete        (sequence %
//   kSlots == i)
//
// A writer that finds its slot still being written by one a whole lap behind drops its text;
// readers that were overrun go on with the oldest record there is.

#include "lib/log.h"

#include "lib/atomic.h"

namespace kernel {
namespace {

constexpr size_t kSlots = 512;

struct Slot {
  Atomic<uint64_t> state;
  uint64_t time_ns = 0;
  LogLevel level{};
  uint16_t size = 0;
  char text[kLogLine] = {};
};

constinit Slot slots[kSlots];
constinit Atomic<uint64_t> next_sequence;
constinit Atomic<uint64_t (*)()> clock_hook;
constinit Atomic<void (*)()> drainer;
constinit Atomic<LogConsole*> consoles;
constinit Atomic<uint8_t> console_level{static_cast<uint8_t>(LogLevel::Debug)};

// Draining. `draining` is held by whoever writes to the consoles; the others leave their text to
// it.
constinit Atomic<bool> draining;
constinit Atomic<uint64_t> drained;  // next sequence for the consoles
constinit Atomic<bool> panicking;

constexpr uint64_t being_written(uint64_t sequence) { return sequence * 2 + 1; }
constexpr uint64_t complete(uint64_t sequence) { return sequence * 2 + 2; }

enum class ReadOutcome { Ok, NotYet, Overrun };

ReadOutcome read_slot(uint64_t sequence, LogRecord& record) {
  Slot& slot = slots[sequence % kSlots];
  uint64_t state = slot.state.load_acquire();
  if (state > complete(sequence)) return ReadOutcome::Overrun;
  if (state != complete(sequence)) return ReadOutcome::NotYet;
  record.sequence = sequence;
  record.time_ns = slot.time_ns;
  record.level = slot.level;
  record.size = slot.size < kLogLine ? slot.size : kLogLine;
  __builtin_memcpy(record.text, slot.text, record.size);
  // The copy must be whole before the state is looked at again.
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  return slot.state.load_relaxed() == state ? ReadOutcome::Ok : ReadOutcome::Overrun;
}

void write_to(LogConsole& console, const LogRecord& record) {
  char head[24];
  BufferSink sink(head);
  uint64_t microseconds = record.time_ns / 1000;
  format(sink, "[{:5}.{:06}] ", microseconds / 1'000'000, microseconds % 1'000'000);
  console.write(sink.view());
  console.write(StringView(record.text, record.size));
  console.write("\n");
}

void write_to_consoles(const LogRecord& record) {
  if (severity(record.level) > console_level.load_relaxed()) return;
  for (LogConsole* console = consoles.load_acquire(); console != nullptr; console = console->next)
    write_to(*console, record);
}

// Caller holds `draining`. False when there was nothing.
bool drain_all() {
  bool wrote = false;
  LogRecord record;
  for (;;) {
    uint64_t sequence = drained.load_relaxed();
    if (uint64_t first = log_first_sequence(); sequence < first) sequence = first;
    if (sequence >= next_sequence.load_acquire()) return wrote;
    ReadOutcome outcome = read_slot(sequence, record);
    // A writer was interrupted half way: its record follows when it is done.
    if (outcome == ReadOutcome::NotYet) return wrote;
    drained.store_relaxed(sequence + 1);
    if (outcome == ReadOutcome::Ok) write_to_consoles(record);
    wrote = true;
  }
}

bool has_pending() {
  uint64_t sequence = drained.load_relaxed();
  return sequence < next_sequence.load_acquire() &&
         slots[sequence % kSlots].state.load_acquire() >= complete(sequence);
}

}  // namespace

void log_text(LogLevel level, StringView text) {
  while (!text.empty() && text.back() == '\n') text = text.substr(0, text.size() - 1);
  text = text.substr(0, kLogLine);
  uint64_t sequence = next_sequence.fetch_add_relaxed(1);
  Slot& slot = slots[sequence % kSlots];
  uint64_t state = slot.state.load_relaxed();
  if ((state & 1) == 0 && state < being_written(sequence) &&
      slot.state.compare_exchange_acq_rel(state, being_written(sequence))) {
    auto now = clock_hook.load_relaxed();
    slot.time_ns = now != nullptr ? now() : 0;
    slot.level = level;
    slot.size = static_cast<uint16_t>(text.size());
    __builtin_memcpy(slot.text, text.data(), text.size());
    slot.state.store_release(complete(sequence));
  }
  if (auto wake = drainer.load_relaxed(); wake != nullptr && !panicking.load_relaxed()) {
    wake();
  } else if (consoles.load_relaxed() != nullptr) {
    log_drain();
  }
}

bool log_drain() {
  bool wrote = false;
  // Looked at again after letting go: a text that came while we left would find nobody.
  while (has_pending()) {
    if (draining.exchange_acq_rel(true)) return wrote;
    bool more = drain_all();
    draining.store_release(false);
    if (!more) return wrote;
    wrote = true;
  }
  return wrote;
}

void log_add_console(LogConsole& console, LogReplay replay) {
  LogConsole* first = consoles.load_relaxed();
  LogRecord record;
  // What older consoles have had already; the rest reaches this one with them.
  uint64_t end = first == nullptr || replay == LogReplay::NewOnly ? 0 : drained.load_relaxed();
  for (uint64_t sequence = log_first_sequence(); sequence < end; ++sequence) {
    if (read_slot(sequence, record) == ReadOutcome::Ok &&
        severity(record.level) <= console_level.load_relaxed())
      write_to(console, record);
  }
  do {
    console.next = first;
  } while (!consoles.compare_exchange_acq_rel(first, &console));
  log_drain();
}

void log_flush() {
  // Another drainer may be at work; one that stands still must not hold us up.
  for (unsigned turns = 0; turns < 1'000'000 && (has_pending() || draining.load_acquire()); ++turns)
    log_drain();
}

bool log_read(uint64_t sequence, LogRecord& record) {
  for (;; ++sequence) {
    if (uint64_t first = log_first_sequence(); sequence < first) sequence = first;
    if (sequence >= log_next_sequence()) return false;
    ReadOutcome outcome = read_slot(sequence, record);
    if (outcome == ReadOutcome::Ok) return true;
    if (outcome == ReadOutcome::NotYet && sequence + 1 == log_next_sequence()) return false;
  }
}

uint64_t log_first_sequence() {
  uint64_t next = next_sequence.load_acquire();
  return next > kSlots ? next - kSlots : 0;
}

uint64_t log_next_sequence() { return next_sequence.load_acquire(); }

void log_set_drainer(void (*wake)()) { drainer.store_release(wake); }
void log_set_clock(uint64_t (*now)()) { clock_hook.store_release(now); }
void log_set_console_level(LogLevel level) {
  console_level.store_relaxed(static_cast<uint8_t>(level));
}

LogLevel log_console_level() { return static_cast<LogLevel>(console_level.load_relaxed()); }

void log_enter_panic() {
  panicking.store_release(true);
  // Whoever drained may be a CPU that stands still now.
  draining.store_release(false);
}
bool log_in_panic() { return panicking.load_relaxed(); }

}  // namespace kernel
