// SPDX-License-Identifier: MIT
// Stage 1 descriptors of AArch64, 4 KiB granule, 48-bit addresses (Arm ARM D8.3). Pure functions;
// the permissions are W^X at EL1 by construction, and a user page is never executable by the
// kernel.
#pragma once

#include "lib/types.h"

namespace kernel::arch {

struct PagingFormat {
  static constexpr unsigned kTopLevel = 3;
  static constexpr size_t kEntries = 512;

  static constexpr uint64_t kPresent = 1 << 0;
  static constexpr uint64_t kTableOrPage = 1 << 1;
  static constexpr unsigned kAttributeIndexShift = 2;
  static constexpr uint64_t kUser = 1 << 6;       // AP[1]
  static constexpr uint64_t kReadOnly = 1 << 7;   // AP[2]
  static constexpr uint64_t kInnerShareable = 3 << 8;
  static constexpr uint64_t kAccessed = 1 << 10;
  static constexpr uint64_t kNotGlobal = 1 << 11;
  static constexpr uint64_t kAddressMask = 0x0000'ffff'ffff'f000;
  static constexpr uint64_t kKernelNoExecute = uint64_t{1} << 53;  // PXN
  static constexpr uint64_t kUserNoExecute = uint64_t{1} << 54;    // UXN
  static constexpr uint64_t kAnonymous = uint64_t{1} << 55;        // software
  static constexpr uint64_t kTableReadOnly = uint64_t{1} << 62;    // APTable[1]

  static constexpr PageEntry leaf(PhysAddr address, PageAttributes attributes, unsigned level) {
    uint64_t entry = (raw(address) & kAddressMask) | kPresent | kInnerShareable;
    if (level == 0) entry |= kTableOrPage;
    entry |= static_cast<uint64_t>(attributes.type) << kAttributeIndexShift;
    if (!attributes.writable) entry |= kReadOnly;
    if (attributes.accessed) entry |= kAccessed;
    if (attributes.anonymous) entry |= kAnonymous;
    if (attributes.user) {
      entry |= kUser | kNotGlobal | kKernelNoExecute;
      if (!attributes.executable) entry |= kUserNoExecute;
    } else {
      // W^X: what is writable is not executable, whatever was asked.
      entry |= kUserNoExecute;
      if (!attributes.executable || attributes.writable) entry |= kKernelNoExecute;
    }
    return entry;
  }

  static constexpr PageEntry table(PhysAddr address) {
    return raw(address) | kPresent | kTableOrPage;
  }
  static constexpr PageEntry read_only_table(PhysAddr address) {
    return table(address) | kTableReadOnly;
  }

  // A page that may not be touched now, remembered for later (PROT_NONE): the walker sees nothing.
  static constexpr PageEntry hidden(PageEntry entry) { return entry & ~kPresent; }

  static constexpr bool is_present(PageEntry entry) { return (entry & kPresent) != 0; }
  static constexpr bool is_table(PageEntry entry, unsigned level) {
    return level > 0 && (entry & (kPresent | kTableOrPage)) == (kPresent | kTableOrPage);
  }
  static constexpr bool is_read_only_table(PageEntry entry) {
    return (entry & kTableReadOnly) != 0;
  }
  static constexpr PhysAddr address(PageEntry entry) { return PhysAddr{entry & kAddressMask}; }

  static constexpr PageAttributes attributes(PageEntry entry) {
    PageAttributes result;
    result.user = (entry & kUser) != 0;
    result.writable = (entry & kReadOnly) == 0;
    result.executable = (entry & (result.user ? kUserNoExecute : kKernelNoExecute)) == 0;
    result.accessed = (entry & kAccessed) != 0;
    result.type = static_cast<MemoryType>((entry >> kAttributeIndexShift) & 7);
    result.anonymous = (entry & kAnonymous) != 0;
    return result;
  }

  static constexpr bool can_block(unsigned level) { return level == 1 || level == 2; }
  static constexpr unsigned shift(unsigned level) { return kPageShift + 9 * level; }
  static constexpr size_t index(uint64_t virtual_address, unsigned level) {
    return (virtual_address >> shift(level)) & (kEntries - 1);
  }
  static constexpr uint64_t span(unsigned level) { return uint64_t{1} << shift(level); }
};

static_assert(PagingFormat::span(1) == 2 * MiB && PagingFormat::span(2) == GiB);
static_assert(PagingFormat::index(0xffff'ffff'8000'0000, 3) == 511);
static_assert((PagingFormat::leaf(PhysAddr{}, {.writable = true, .executable = true}, 0) &
               PagingFormat::kKernelNoExecute) != 0);
static_assert((PagingFormat::leaf(PhysAddr{}, {.executable = true, .user = true}, 0) &
               PagingFormat::kKernelNoExecute) != 0);

}  // namespace kernel::arch
