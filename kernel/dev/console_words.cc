// SPDX-License-Identifier: MIT
// See console_words.h.

#include "dev/console_words.h"

#include "lib/command_line.h"

namespace kernel {

unsigned console_word(StringView device) {
  if (device.empty()) return 0;
  unsigned found = 0;
  for (unsigned index = 0;; ++index) {
    std::optional<StringView> word = command_line::value("console", index);
    if (!word) return found;
    // "ttyAMA0,115200": the options are the line's speed.
    if (word->take_until(',') == device) found = index + 1;
  }
}

bool has_console_words() { return command_line::has("console"); }

}  // namespace kernel
