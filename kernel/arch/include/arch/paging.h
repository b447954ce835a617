// SPDX-License-Identifier: MIT
// Page-table entry format: pure functions of bits, no machine access, so that the host can test
// them. arch_impl/paging.h defines `struct PagingFormat` that models the concept; mm/page_table.h
// walks.
#pragma once

#include "lib/types.h"

namespace kernel::arch {

enum class MemoryType : uint8_t { Normal, NonCacheable, Device };

struct PageAttributes {
  bool writable = false;
  bool executable = false;
  bool user = false;       // reachable from user mode, and then never executable by the kernel
  bool accessed = true;    // clear: the first access faults
  MemoryType type = MemoryType::Normal;
  // Software bit: the frame is owned by this mapping (an anonymous private page), not shared with a
  // memory object. Unused for kernel mappings.
  bool anonymous = false;
  friend constexpr bool operator==(PageAttributes, PageAttributes) = default;
};

using PageEntry = uint64_t;

// Level 0 is the leaf level (4 KiB), kTopLevel the root's entries.
template <class F>
concept PagingFormatContract = requires(PageEntry entry, PhysAddr address,
                                        PageAttributes attributes, unsigned level,
                                        uint64_t virtual_address) {
  { F::kTopLevel } -> std::convertible_to<unsigned>;
  { F::kEntries } -> std::convertible_to<size_t>;
  { F::leaf(address, attributes, level) } -> std::same_as<PageEntry>;
  { F::table(address) } -> std::same_as<PageEntry>;
  // A table whose whole subtree is read-only to everybody (APTable), for shared leaf tables.
  { F::read_only_table(address) } -> std::same_as<PageEntry>;
  // A leaf that keeps its frame but translates nothing, and is not 0 (PROT_NONE).
  { F::hidden(entry) } -> std::same_as<PageEntry>;
  { F::is_present(entry) } -> std::same_as<bool>;
  { F::is_table(entry, level) } -> std::same_as<bool>;
  { F::is_read_only_table(entry) } -> std::same_as<bool>;
  { F::address(entry) } -> std::same_as<PhysAddr>;
  { F::attributes(entry) } -> std::same_as<PageAttributes>;
  { F::can_block(level) } -> std::same_as<bool>;
  { F::index(virtual_address, level) } -> std::same_as<size_t>;
  { F::span(level) } -> std::same_as<uint64_t>;  // bytes that one entry covers
};

}  // namespace kernel::arch

#include "arch_impl/paging.h"

namespace kernel::arch {
static_assert(PagingFormatContract<PagingFormat>);
}
