// SPDX-License-Identifier: MIT
// The out-of-line part of CHECK.

#include "lib/check.h"

namespace kernel {

void check_failed(const char* expression, std::source_location where) {
  panic("%s:%u: check failed: %s", where.file_name(), static_cast<unsigned>(where.line()), expression);
}

}  // namespace kernel
