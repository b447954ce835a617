// SPDX-License-Identifier: MIT
// mprotect(2). Mappings are changed one after the other: an error in the middle leaves the earlier
// ones changed, as on Linux.

#include "vm/address_space.h"
#include "vm/overcommit.h"

namespace kernel {
namespace {

constexpr uint32_t kProtGrowsDown = 0x0100'0000, kProtGrowsUp = 0x0200'0000;

}  // namespace

Result<> AddressSpace::protect(UserAddr start, uint64_t size, uint32_t protection) {
  bool whole_stack = (protection & kProtGrowsDown) != 0;
  bool grows_up = (protection & kProtGrowsUp) != 0;
  protection &= kProtAll;
  if (!is_aligned(start, kPageSize)) return Errno::Inval;
  if (size == 0) return {};
  size = align_up(size, kPageSize);
  if (size == 0 || raw(start) + size < raw(start) || start + size > arch::kUserLimit)
    return Errno::NoMem;
  UserRange range{start, start + size};

  DoomedMappings doomed;
  Guard guard(lock_);
  Mapping* first = mappings_.find(range.start);
  if (first == nullptr) return Errno::NoMem;
  if (whole_stack) {
    if (first->range.start >= range.end) return Errno::NoMem;
    if (!first->flags.grows_down) return Errno::Inval;
    range.start = first->range.start;
  } else if (grows_up) {
    // No mapping does; a missing one is the first error.
    return first->range.start > range.start ? Errno::NoMem : Errno::Inval;
  }
  Result<> result;
  UserAddr at = range.start;
  while (at < range.end && result.ok()) {
    Mapping* mapping = mappings_.containing(at);
    if (mapping == nullptr) {
      result = Errno::NoMem;
      break;
    }
    UserRange part{at, mapping->range.end < range.end ? mapping->range.end : range.end};
    result = protect_part_locked(*mapping, part, protection);
    at = part.end;
  }
  merge_around_locked(range, doomed);
  return result;
}

Result<> AddressSpace::protect_part_locked(Mapping& whole, UserRange part, uint32_t protection) {
  if (whole.protection == protection) return {};
  if ((protection & ~whole.max_protection) != 0) return Errno::Acces;

  // Private memory that becomes writable is promised from now on.
  uint64_t pages = part.size() >> kPageShift;
  bool is_new_data =
      !whole.flags.shared && (protection & kProtWrite) != 0 && (whole.protection & kProtWrite) == 0;
  if (is_new_data && !whole.flags.grows_down &&
      statistics_.data_pages + pages > limit_data.load_relaxed() >> kPageShift)
    return Errno::NoMem;
  bool promises = is_new_data && !whole.flags.accounted && !whole.flags.no_reserve;
  TRY(tables_.unshare_all(part));
  TRY(isolate_locked(part));
  if (promises) TRY(overcommit::commit(pages));

  Mapping& mapping = *mappings_.containing(part.start);
  account_locked(mapping, -1);
  mapping.protection = protection;
  if (promises) mapping.flags.accounted = true;
  account_locked(mapping, 1);
  protect_pages_locked(mapping, part);
  return {};
}

void AddressSpace::protect_pages_locked(const Mapping& mapping, UserRange range) {
  for (UserAddr at = range.start; (at = tables_.next_leaf(at, range.end)) < range.end;) {
    UserAddr span_end = align_down(at, kLeafSpan) + kLeafSpan;
    UserRange part{at, span_end < range.end ? span_end : range.end};
    TlbBatch batch(tables_);
    LeafTable leaf;
    if (tables_.lock_leaf(at, leaf)) {
      for (UserAddr page = part.start; page < part.end; page += kPageSize) {
        PageEntry old = leaf.get(page);
        if (old == 0) continue;
        PageEntry changed =
            entry_for(mapping, Format::address(old), is_owned(old), /*write=*/false);
        if (changed == old) continue;
        leaf.set(page, changed);
        batch.add_page(page);
      }
      leaf.unlock();
    }
    at = span_end;
  }
}

// The entry that maps `frame` under the mapping's protection. `write`: a write fault asks, so that
// the page may be made writable although writes to it are noticed (files on disks).
PageEntry AddressSpace::entry_for(const Mapping& mapping, PhysAddr frame, bool owned, bool write) {
  PageAttributes attributes;
  attributes.user = true;
  attributes.anonymous = owned;
  attributes.executable = (mapping.protection & kProtExec) != 0;
  Frame& record = frames::frame_of(frame);
  if ((mapping.protection & kProtWrite) != 0) {
    if (owned) {
      attributes.writable = record.references.load_acquire() == 1;
    } else if (mapping.flags.shared) {
      attributes.writable = write || kind_of(mapping) == PageKind::Shared;
    }
  }
  // Once for each page: its first executable mapping (design.md, Processes).
  if (attributes.executable && (record.flags.load_relaxed() & kFrameInstructionsSynced) == 0) {
    arch::sync_instruction_cache(arch::linear_address(frame), kPageSize);
    record.flags.fetch_or_relaxed(kFrameInstructionsSynced);
  }
  PageEntry entry = Format::leaf(frame, attributes, 0);
  return mapping.protection == kProtNone ? Format::hidden(entry) : entry;
}

}  // namespace kernel
