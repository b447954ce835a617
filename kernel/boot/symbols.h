// SPDX-License-Identifier: MIT
// Names of the kernel's functions, from the table that the build puts behind the read-only data.
#pragma once

#include "lib/string_view.h"

namespace kernel {

struct Symbol {
  StringView name;      // mangled; empty when unknown
  uint64_t offset = 0;  // of the address in it
};
// `link_address` as the ELF has it.
Symbol find_symbol(uint64_t link_address);

}  // namespace kernel
