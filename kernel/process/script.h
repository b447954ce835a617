// SPDX-License-Identifier: MIT
// The first line of a `#!` script, taken apart as Linux does it (execve(2), "Interpreter scripts").
// Pure.
#pragma once

#include <optional>

#include "lib/result.h"
#include "lib/string_view.h"

namespace kernel {

inline constexpr size_t kExecHeadSize = 256;  // BINPRM_BUF_SIZE

struct ScriptLine {
  StringView interpreter;
  std::optional<StringView> argument;  // everything behind it, as one
};
// `head`: the file's first kExecHeadSize bytes, zeros behind its end. Error: NoExec, when it is no
// script or its interpreter's name does not end within the head.
Result<ScriptLine> parse_script(StringView head);

}  // namespace kernel
