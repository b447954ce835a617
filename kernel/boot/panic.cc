// SPDX-License-Identifier: MIT
// The end: one CPU prints what it knows, straight to the consoles, the others stop, the machine
// powers off or restarts. Any context; trusts little.

#include "boot/panic.h"

#include <cstdarg>

#include "arch/backtrace.h"
#include "arch/cpu.h"
#include "arch/early.h"
#include "arch/entry.h"
#include "arch/irq_state.h"
#include "arch/smp.h"
#include "arch/timer.h"
#include "boot/symbols.h"
#include "lib/atomic.h"
#include "lib/check.h"
#include "lib/log.h"

namespace kernel {
namespace {

constinit Atomic<bool> panicking;
constinit Atomic<void (*)()> stop_others;
constinit int64_t timeout_seconds = 0;
constexpr size_t kMaxFrames = 32;

// The printf of panic(): %s %c %d %u %x %p with l, ll and z.
class PrintfText {
 public:
  explicit PrintfText(std::span<char> buffer) : sink_(buffer) {}
  StringView print(const char* pattern, va_list arguments) {
    for (; *pattern != '\0'; ++pattern) {
      if (*pattern != '%') {
        sink_.write(StringView(pattern, 1));
      } else {
        pattern = convert(pattern + 1, arguments);
        if (*pattern == '\0') break;
      }
    }
    return sink_.view();
  }

 private:
  // Returns where the conversion ends.
  const char* convert(const char* at, va_list& arguments) {
    while ((*at >= '0' && *at <= '9') || *at == '#' || *at == '.' || *at == '-') ++at;
    bool is_long = false;
    while (*at == 'l' || *at == 'z') {
      is_long = true;
      ++at;
    }
    switch (*at) {
      case 's':
        sink_.write(va_arg(arguments, const char*));
        break;
      case 'c':
        format(sink_, "{:c}", static_cast<unsigned>(va_arg(arguments, int)));
        break;
      case 'd':
        format(sink_, "{}", is_long ? va_arg(arguments, long) : va_arg(arguments, int));
        break;
      case 'u':
        format(sink_, "{}",
               is_long ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned));
        break;
      case 'x':
        format(sink_, "{:x}",
               is_long ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned));
        break;
      case 'p':
        format(sink_, "{:x}", va_arg(arguments, void*));
        break;
      default:
        sink_.write("%");
    }
    return at;
  }
  BufferSink sink_;
};

// Lines that start with "samara: panic: " are what the host looks for. A second CPU that panics, or
// a panic within the panic, has nothing to add.
void begin(StringView message) {
  arch::disable_interrupts();
  if (panicking.exchange_acq_rel(true)) arch::halt();
  log_enter_panic();
  if (auto stop = stop_others.load_relaxed(); stop != nullptr) stop();
  log(LogLevel::Emerg, "samara: panic: {}", message);
  log(LogLevel::Emerg, "kaslr: slide 0x{:x}", arch::image_slide());
}

void print_address(void*, uint64_t address) {
  Symbol symbol = find_symbol(arch::link_address(address));
  log(LogLevel::Emerg, "  [<{:016x}>] {}+0x{:x}", address, symbol.name.empty() ? "?" : symbol.name,
      symbol.offset);
}

void wait_seconds(int64_t seconds) {
  uint64_t end = arch::counter() + static_cast<uint64_t>(seconds) * arch::counter_frequency();
  while (arch::counter() < end) arch::spin_hint();
}

[[noreturn]] void finish() {
  if (timeout_seconds != 0) {
    log(LogLevel::Emerg, "samara: restarting");
    if (timeout_seconds > 0) wait_seconds(timeout_seconds);
    arch::reset();
  }
  log(LogLevel::Emerg, "samara: end after panic, powering off");
  arch::power_off();
  arch::halt();
}

}  // namespace

void set_panic_timeout(int64_t seconds) { timeout_seconds = seconds; }
void set_panic_stop(void (*stop)()) { stop_others.store_relaxed(stop); }

void panic(const char* pattern, ...) {
  char buffer[kLogLine - 24];
  va_list arguments;
  va_start(arguments, pattern);
  StringView message = PrintfText(buffer).print(pattern, arguments);
  va_end(arguments);
  begin(message);
  arch::walk_stack(nullptr, kMaxFrames, print_address, nullptr);
  finish();
}

void handle_kernel_exception(const arch::TrapFrame& frame, const char* what, uint64_t syndrome,
                             uint64_t fault_address) {
  begin(what);
  log(LogLevel::Emerg, "syndrome {:x} address {:016x}", syndrome, fault_address);
  arch::log_registers(frame);
  arch::walk_stack(&frame, kMaxFrames, print_address, nullptr);
  finish();
}

}  // namespace kernel
