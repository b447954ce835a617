// SPDX-License-Identifier: MIT
// The extended attribute security.capability (capabilities(7), "File capabilities"): what a program
// file gives to who executes it. Pure: neither files nor tasks here.
#pragma once

#include <optional>

#include "lib/string.h"
#include "task/credentials.h"

namespace kernel {

inline constexpr StringView kFileCapabilitiesName = "security.capability";

struct FileCapabilities {
  CapabilitySet permitted = 0;
  CapabilitySet inheritable = 0;
  bool effective = false;  // for programs that do not know of capabilities

  // Of the attribute's value. Empty: another user namespace's, and none here. Error: Inval.
  static Result<std::optional<FileCapabilities>> parse(StringView value);
};

// What to keep of a value that a program sets: root's namespace is left out, as Linux shows it.
// Error: Inval when it is none.
Result<String> checked_file_capabilities(StringView value);

}  // namespace kernel
