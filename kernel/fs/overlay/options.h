// SPDX-License-Identifier: MIT
// The options of a mount of overlayfs, as text.
#pragma once

#include "lib/string.h"
#include "lib/vector.h"

namespace kernel::overlay {

struct Options {
  String lower_text;      // as it was given, for /proc/mounts
  Vector<String> lowers;  // topmost first
  String upper, work;     // empty: none
};

// Errors: Inval for what is unknown, missing, or would need what is not there.
Result<Options> parse_options(StringView text);

}  // namespace kernel::overlay
