// SPDX-License-Identifier: MIT
// What uname(2) and /proc/version say. Programs compare the release with Linux's: it names the
// Linux whose behaviour is the contract. Nothing of the build's place or time: builds are
// reproducible.
#pragma once

#include "lib/string_view.h"

namespace kernel {

inline constexpr StringView kRelease = "6.1.0-samara";
inline constexpr StringView kRelease26 = "2.6.61-samara";  // 60 more than the second number
inline constexpr StringView kVersion = "#1 SMP PREEMPT Samara";
inline constexpr StringView kBuilder = "samara@samara";

}  // namespace kernel
