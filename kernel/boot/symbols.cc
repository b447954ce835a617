// SPDX-License-Identifier: MIT
// The table's format, made by tools/kernel_symbols.py: count, then pairs (offset of the function
// from the image's start, offset of its name), sorted, then the NUL-terminated names.

#include "boot/symbols.h"

#include "arch/mmu.h"

namespace kernel {
namespace {

struct Entry {
  uint32_t address;
  uint32_t name;
};
struct Table {
  uint32_t count;
  uint32_t unused;
  Entry entries[];
};
extern "C" const char _symbols_start[];
extern "C" const char _symbols_end[];

}  // namespace

Symbol find_symbol(uint64_t link_address) {
  uint64_t size =
      reinterpret_cast<uint64_t>(_symbols_end) - reinterpret_cast<uint64_t>(_symbols_start);
  if (size < sizeof(Table) || link_address < arch::kImageBase) return {};
  auto& table = *reinterpret_cast<const Table*>(_symbols_start);
  uint64_t offset = link_address - arch::kImageBase;
  size_t low = 0, high = table.count;  // the last entry at or below
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (table.entries[middle].address <= offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return {};
  const Entry& entry = table.entries[low - 1];
  return {StringView(_symbols_start + entry.name), offset - entry.address};
}

}  // namespace kernel
