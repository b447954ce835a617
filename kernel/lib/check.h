// SPDX-License-Identifier: MIT
// CHECK(condition): always on, for what cannot be. DCHECK: debug builds only. User input reaches
// neither. A failure ends in panic(), which never returns.
#pragma once

#include <source_location>

namespace kernel {

// Prints the message, registers and a backtrace, stops the other CPUs and the machine. Any context.
[[noreturn]] void panic(const char* format, ...) __attribute__((format(printf, 1, 2)));

[[noreturn]] void check_failed(const char* expression, std::source_location where);

}  // namespace kernel

#define CHECK(condition)                                                            \
  do {                                                                              \
    if (!(condition)) [[unlikely]]                                                  \
      ::kernel::check_failed(#condition, std::source_location::current());          \
  } while (false)

#ifdef SAMARA_DEBUG
#define DCHECK(condition) CHECK(condition)
#else
#define DCHECK(condition)                 \
  do {                                    \
    if (false) static_cast<void>(condition); \
  } while (false)
#endif
