// SPDX-License-Identifier: MIT
// The kernel argument console= (kernel-parameters.txt): it may come several times; each device that
// it names gets the log, and the last one is /dev/console.
#pragma once

#include "lib/string_view.h"

namespace kernel {

// Which of the words names the device, counted from 1; the last that does. 0: none.
unsigned console_word(StringView device);
bool has_console_words();

}  // namespace kernel
