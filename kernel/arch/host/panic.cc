// SPDX-License-Identifier: MIT
// A panic on the build machine: the message on stderr, then the end of the test by SIGABRT, which
// death tests expect and sanitizers report with a backtrace.

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "lib/check.h"

namespace kernel {

void panic(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::fprintf(stderr, "panic: ");
  std::vfprintf(stderr, format, arguments);
  std::fprintf(stderr, "\n");
  va_end(arguments);
  std::abort();
}

void check_failed(const char* expression, std::source_location where) {
  panic("%s:%u: %s is false", where.file_name(), static_cast<unsigned>(where.line()), expression);
}

}  // namespace kernel
