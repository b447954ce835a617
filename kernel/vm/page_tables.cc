// SPDX-License-Identifier: MIT
// PageTables: the walk, making tables, locking leaf tables. Sharing is in table_sharing.cc, taking
// away in table_clear.cc.

#include "vm/page_tables.h"

#include "vm/table_internal.h"

namespace kernel {
namespace {

constexpr size_t kLeafLocks = 128;
constinit SpinLock<LockRank::PageTable> leaf_locks[kLeafLocks];

constexpr PhysAddr kNoFrame{};
constinit PhysAddr the_zero_frame{};

constexpr unsigned shift_of(PageKind kind) { return static_cast<unsigned>(kind) * 16; }

}  // namespace

SpinLock<LockRank::PageTable>& leaf_lock(PhysAddr table) {
  return leaf_locks[(raw(table) >> kPageShift) % kLeafLocks];
}

PhysAddr zero_frame() { return the_zero_frame; }

void init_zero_frame() {
  CHECK(the_zero_frame == kNoFrame);
  Result<PhysAddr> frame = frames::allocate(0, FrameUse::Anonymous, AllocationFlags::Zero);
  CHECK(frame.ok());
  the_zero_frame = frame.value();
  frames::frame_of(the_zero_frame).flags.fetch_or_relaxed(kFrameInstructionsSynced);
}

PageCounts leaf_counts(PhysAddr table) {
  uint64_t packed = __atomic_load_n(&frames::frame_of(table).data, __ATOMIC_RELAXED);
  PageCounts counts;
  counts.anonymous = (packed >> shift_of(PageKind::Anonymous)) & 0xffff;
  counts.file = (packed >> shift_of(PageKind::File)) & 0xffff;
  counts.shared = (packed >> shift_of(PageKind::Shared)) & 0xffff;
  counts.tables = 1;
  return counts;
}

// --- LeafTable ---------------------------------------------------------------

void LeafTable::count(PageKind kind, int change) {
  Frame& frame = frames::frame_of(table_);
  uint64_t amount = static_cast<uint64_t>(static_cast<int64_t>(change)) << shift_of(kind);
  __atomic_store_n(&frame.data, frame.data + amount, __ATOMIC_RELAXED);
}

PageEntry LeafTable::take(UserAddr address, PageKind kind) {
  PageEntry old = get(address);
  set(address, 0);
  if (old != 0 && Format::address(old) != the_zero_frame)
    count(is_owned(old) ? PageKind::Anonymous : kind, -1);
  return old;
}

void LeafTable::put(UserAddr address, PageEntry entry, PageKind kind) {
  DCHECK(get(address) == 0);
  set(address, entry);
  if (Format::address(entry) != the_zero_frame)
    count(is_owned(entry) ? PageKind::Anonymous : kind, 1);
}

// --- PageTables ----------------------------------------------------------------

Result<> PageTables::init() {
  root_ = TRY(frames::allocate(0, FrameUse::PageTable, AllocationFlags::Zero));
  return {};
}

// Whoever has the root loaded holds a reference of its own (address_space_switch.cc).
PageTables::~PageTables() {
  if (root_ != kNoFrame) frames::put(root_);
}

// The level 1 entry, which points to the leaf table; null when a table above is missing.
uint64_t* PageTables::find_upper(UserAddr address) const {
  PhysAddr table = root_;
  for (unsigned level = Format::kTopLevel;; --level) {
    uint64_t* entry = table_entries(table) + Format::index(raw(address), level);
    if (level == 1) return entry;
    PageEntry value = load_entry(entry);
    if (!Format::is_present(value)) return nullptr;
    table = Format::address(value);
  }
}

PageTables::View PageTables::look(UserAddr address) const {
  const uint64_t* upper = find_upper(address);
  if (upper == nullptr) return {};
  PageEntry table = load_entry(upper);
  if (!Format::is_present(table)) return {};
  const uint64_t* entries = table_entries(Format::address(table));
  return {load_entry(entries + Format::index(raw(address), 0)), Format::is_read_only_table(table)};
}

bool PageTables::is_leaf_shared(UserAddr address) const {
  const uint64_t* upper = find_upper(address);
  return upper != nullptr && Format::is_read_only_table(load_entry(upper));
}

UserAddr PageTables::next_leaf(UserAddr address, UserAddr end) const {
  while (address < end) {
    PhysAddr table = root_;
    unsigned level = Format::kTopLevel;
    for (;; --level) {
      PageEntry value = load_entry(table_entries(table) + Format::index(raw(address), level));
      if (!Format::is_present(value)) break;
      if (level == 1) return address;
      table = Format::address(value);
    }
    address = align_down(address, Format::span(level)) + Format::span(level);
  }
  return end;
}

// A leaf table may be replaced or freed between the look at the entry above it and its lock: then
// the entry has changed, because that is done under the leaf's lock.
bool PageTables::try_lock_leaf(const uint64_t* upper, PageEntry value, LeafTable& leaf) {
  leaf.table_ = Format::address(value);
  leaf.entries_ = table_entries(leaf.table_);
  leaf.guard_.emplace(leaf_lock(leaf.table_), 1u);
  if (load_entry(upper) == value) return true;
  leaf.guard_.reset();
  return false;
}

bool PageTables::lock_leaf(UserAddr address, LeafTable& leaf) {
  const uint64_t* upper = find_upper(address);
  if (upper == nullptr) return false;
  for (;;) {
    PageEntry value = load_entry(upper);
    if (!Format::is_present(value)) return false;
    if (try_lock_leaf(upper, value, leaf)) return true;
  }
}

bool PageTables::lock_leaf_for_truncation(UserAddr address, LeafTable& leaf) {
  for (;;) {
    const uint64_t* upper;
    PageEntry value;
    {
      // An entry that is zero only for the moment of a replacement must not look absent.
      Guard guard(upper_lock_);
      upper = find_upper(address);
      value = upper == nullptr ? 0 : load_entry(upper);
    }
    if (!Format::is_present(value)) return false;
    if (try_lock_leaf(upper, value, leaf)) return true;
  }
}

UserAddr PageTables::next_leaf_for_truncation(UserAddr address, UserAddr end) {
  Guard guard(upper_lock_);
  return next_leaf(address, end);
}

// Fills an empty entry above the leaf level with a fresh table, unless somebody else was faster.
Result<> PageTables::install_table(uint64_t* slot) {
  PhysAddr fresh = TRY(frames::allocate(0, FrameUse::PageTable, AllocationFlags::Zero));
  frames::frame_of(fresh).data = 0;
  {
    Guard guard(upper_lock_);
    if (load_entry(slot) == 0) {
      store_entry(slot, Format::table(fresh));
      arch::page_table_fence();
      return {};
    }
  }
  frames::free(fresh);
  return {};
}

Result<uint64_t*> PageTables::make_upper(UserAddr address) {
  PhysAddr table = root_;
  for (unsigned level = Format::kTopLevel;; --level) {
    uint64_t* entry = table_entries(table) + Format::index(raw(address), level);
    if (level == 1) return entry;
    PageEntry value = load_entry(entry);
    if (!Format::is_present(value)) {
      TRY(install_table(entry));
      value = load_entry(entry);
    }
    table = Format::address(value);
  }
}

Result<> PageTables::lock_own_leaf(UserAddr address, LeafTable& leaf) {
  uint64_t* upper = TRY(make_upper(address));
  for (;;) {
    PageEntry value = load_entry(upper);
    if (!Format::is_present(value)) {
      TRY(install_table(upper));
    } else if (Format::is_read_only_table(value)) {
      TRY(unshare(upper, align_down(address, kLeafSpan)));
    } else {
      if (try_lock_leaf(upper, value, leaf)) return {};
    }
  }
}

void PageTables::flush_page(UserAddr address) {
  flush_where_used([=](arch::Asid asid, arch::TlbReach reach) {
    arch::flush_tlb_page(address, asid, reach);
  });
}

void PageTables::flush_page_here(UserAddr address) {
  PreemptGuard guard;
  arch::flush_tlb_page(address, asid_.asid(), arch::TlbReach::ThisCpu);
}

void PageTables::flush_range(UserRange range) {
  flush_where_used([=](arch::Asid asid, arch::TlbReach reach) {
    arch::flush_tlb_range(range, asid, reach);
  });
}

void PageTables::flush_all() {
  flush_where_used(arch::flush_tlb_asid);
}

PageCounts PageTables::counts() const {
  PageCounts sum;
  sum.tables = 1;
  for (UserAddr at{}; (at = next_leaf(at, arch::kUserLimit)) < arch::kUserLimit; at += kLeafSpan) {
    PageEntry value = load_entry(find_upper(at));
    if (!Format::is_present(value)) continue;
    PageCounts leaf = leaf_counts(Format::address(value));
    sum.anonymous += leaf.anonymous;
    sum.file += leaf.file;
    sum.shared += leaf.shared;
    sum.tables += 1;
  }
  return sum;
}

}  // namespace kernel
