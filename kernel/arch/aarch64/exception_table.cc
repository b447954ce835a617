// SPDX-License-Identifier: MIT
// Look-up in the exception table. It has a few dozen entries in one cache line or two: a linear
// search.

#include "arch_impl/exception_table.h"

namespace kernel::arch {
namespace {

struct Entry {
  int32_t instruction;
  int32_t fixup;
};
extern "C" const Entry _exception_table_start[];
extern "C" const Entry _exception_table_end[];

uint64_t resolve(const int32_t& offset) {
  return reinterpret_cast<uint64_t>(&offset) + static_cast<uint64_t>(int64_t{offset});
}

}  // namespace

uint64_t find_fixup(uint64_t pc) {
  for (const Entry* entry = _exception_table_start; entry < _exception_table_end; ++entry) {
    if (resolve(entry->instruction) == pc) return resolve(entry->fixup);
  }
  return 0;
}

}  // namespace kernel::arch
