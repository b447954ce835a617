// SPDX-License-Identifier: MIT
// PageTables: the walk, making tables, locking leaf tables. Sharing is in table_sharing.cc, taking
// away in table_clear.cc.

#include "vm/page_tables.h"

#include <bit>

#include "vm/table_internal.h"

namespace kernel {
namespace {

constexpr size_t kLeafLocks = 128;
constinit SpinLock<LockRank::PageTable> leaf_locks[kLeafLocks];

constexpr PhysAddr kNoFrame{};
constinit PhysAddr the_zero_frame{};

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
  uint64_t record = table_record::load(table);
  auto count_of = [record](PageKind kind) {
    return record / table_record::one_of(kind) % (1u << table_record::kCountBits);
  };
  PageCounts counts;
  counts.anonymous = count_of(PageKind::Anonymous);
  counts.file = count_of(PageKind::File);
  counts.shared = count_of(PageKind::Shared);
  counts.tables = 1;
  return counts;
}

template <size_t group_entries>
static size_t next_used(const uint64_t* entries, uint64_t groups, size_t index) {
  while (index < Format::kEntries) {
    uint64_t rest = groups >> (index / group_entries);
    if (rest == 0) break;
    auto skipped = static_cast<size_t>(std::countr_zero(rest));
    if (skipped != 0) index = (index / group_entries + skipped) * group_entries;
    for (size_t end = align_down(index, group_entries) + group_entries; index < end; ++index) {
      if (load_entry(entries + index) != 0) return index;
    }
  }
  return Format::kEntries;
}

size_t next_used_page(PhysAddr table, size_t index) {
  uint64_t groups = table_record::load(table) >> table_record::kGroupsShift;
  return next_used<table_record::kPageGroup>(table_entries(table), groups, index);
}

size_t next_used_table(PhysAddr table, size_t index) {
  uint64_t groups = table_record::load(table);
  return next_used<table_record::kTableGroup>(table_entries(table), groups, index);
}

// --- LeafTable ---------------------------------------------------------------

void LeafTable::count(PageKind kind, int change) {
  uint64_t amount =
      static_cast<uint64_t>(static_cast<int64_t>(change)) * table_record::one_of(kind);
  table_record::store(table_, table_record::load(table_) + amount);
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
  uint64_t record = table_record::load(table_);
  record |= table_record::page_group_bit(Format::index(raw(address), 0));
  if (Format::address(entry) != the_zero_frame)
    record += table_record::one_of(is_owned(entry) ? PageKind::Anonymous : kind);
  table_record::store(table_, record);
  set(address, entry);
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
  return {.entry = load_entry(entries + Format::index(raw(address), 0)),
          .table_shared = Format::is_read_only_table(table),
          .upper = upper,
          .table = table};
}

bool PageTables::is_run_below(const View& view, UserAddr address, size_t count) {
  size_t index = Format::index(raw(address), 0);
  if (view.table == 0 || index < count) return false;
  const uint64_t* entries = table_entries(Format::address(view.table));
  for (size_t i = index - count; i < index; ++i) {
    if (load_entry(entries + i) == 0) return false;
  }
  return true;
}

bool PageTables::is_leaf_shared(UserAddr address) const {
  const uint64_t* upper = find_upper(address);
  return upper != nullptr && Format::is_read_only_table(load_entry(upper));
}

UserAddr PageTables::next_leaf(UserAddr address, UserAddr end) const {
  if (address >= end) return end;
  // Mostly it is right here.
  const uint64_t* upper = find_upper(address);
  if (upper != nullptr && load_entry(upper) != 0) return address;
  PhysAddr table = root_;
  unsigned level = Format::kTopLevel;
  while (address < end) {
    size_t index = Format::index(raw(address), level);
    size_t used = next_used_table(table, index);
    if (used != index)
      address = align_down(address, Format::span(level + 1)) + used * Format::span(level);
    if (used == Format::kEntries) {
      // Past this table: from the root again.
      table = root_;
      level = Format::kTopLevel;
    } else if (level == 1) {
      break;
    } else {
      table = Format::address(load_entry(table_entries(table) + used));
      --level;
    }
  }
  return address < end ? address : end;
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
Result<> PageTables::install_table(PhysAddr table, size_t index) {
  PhysAddr fresh = TRY(frames::allocate(0, FrameUse::PageTable, AllocationFlags::Zero));
  uint64_t* slot = table_entries(table) + index;
  {
    Guard guard(upper_lock_);
    if (load_entry(slot) == 0) {
      table_record::mark_used(table, index);
      store_entry(slot, Format::table(fresh));
      arch::page_table_fence();
      return {};
    }
  }
  frames::free(fresh);
  return {};
}

// The level 1 table over the address.
Result<PhysAddr> PageTables::make_upper(UserAddr address) {
  PhysAddr table = root_;
  for (unsigned level = Format::kTopLevel; level > 1; --level) {
    size_t index = Format::index(raw(address), level);
    PageEntry value = load_entry(table_entries(table) + index);
    if (!Format::is_present(value)) {
      TRY(install_table(table, index));
      value = load_entry(table_entries(table) + index);
    }
    table = Format::address(value);
  }
  return table;
}

Result<> PageTables::lock_own_leaf(UserAddr address, LeafTable& leaf) {
  PhysAddr table = TRY(make_upper(address));
  size_t index = Format::index(raw(address), 1);
  uint64_t* upper = table_entries(table) + index;
  for (;;) {
    PageEntry value = load_entry(upper);
    if (!Format::is_present(value)) {
      TRY(install_table(table, index));
    } else if (Format::is_read_only_table(value)) {
      TRY(unshare(upper, align_down(address, kLeafSpan)));
    } else {
      if (try_lock_leaf(upper, value, leaf)) return {};
    }
  }
}

Result<> PageTables::lock_own_leaf(const View& view, UserAddr address, LeafTable& leaf) {
  if (view.table != 0 && !view.table_shared && try_lock_leaf(view.upper, view.table, leaf))
    return {};
  return lock_own_leaf(address, leaf);
}

void PageTables::flush_page(UserAddr address) {
  flush_where_used(
      [=](arch::Asid asid, arch::TlbReach reach) { arch::flush_tlb_page(address, asid, reach); });
}

void PageTables::flush_page_here(UserAddr address) {
  PreemptGuard guard;
  arch::flush_tlb_page(address, asid_.asid(), arch::TlbReach::ThisCpu);
}

void PageTables::flush_range(UserRange range) {
  flush_where_used(
      [=](arch::Asid asid, arch::TlbReach reach) { arch::flush_tlb_range(range, asid, reach); });
}

void PageTables::flush_all() { flush_where_used(arch::flush_tlb_asid); }

void PageTables::count_leaf(UserAddr span_start, PageCounts& sum) const {
  PageEntry value = load_entry(find_upper(span_start));
  if (!Format::is_present(value)) return;
  PageCounts leaf = leaf_counts(Format::address(value));
  sum.anonymous += leaf.anonymous;
  sum.file += leaf.file;
  sum.shared += leaf.shared;
  sum.tables += 1;
}

PageCounts PageTables::counts() const {
  PageCounts sum;
  sum.tables = 1;
  for (UserAddr at{}; (at = next_leaf(at, arch::kUserLimit)) < arch::kUserLimit; at += kLeafSpan)
    count_leaf(at, sum);
  return sum;
}

}  // namespace kernel
