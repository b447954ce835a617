// SPDX-License-Identifier: MIT
// The out-of-line part of CHECK, and what the compiler calls when a class is misused.

#include "lib/check.h"

namespace kernel {

void check_failed(const char* expression, std::source_location where) {
  panic("%s:%u: check failed: %s", where.file_name(), static_cast<unsigned>(where.line()),
        expression);
}

}  // namespace kernel

// The compiler's answer to a call of an abstract function of an object that is being destroyed.
extern "C" [[noreturn]] void __cxa_pure_virtual() { kernel::panic("pure virtual function called"); }
