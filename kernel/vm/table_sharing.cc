// SPDX-License-Identifier: MIT
// Leaf tables shared after fork: giving one to a child, and taking a copy of one's own at the first
// change. While shared, every sharer's level 1 entry has APTable set, so no TLB holds a writable
// translation through the table, whatever its entries say.

#include "vm/page_tables.h"
#include "vm/table_internal.h"

namespace kernel {

// Copies an entry to a second table: its frame gets a second holder, and a page that belongs to the
// mapping alone becomes copy-on-write in both.
static PageEntry shared_entry(PageEntry entry) {
  PhysAddr frame = Format::address(entry);
  if (frame != zero_frame()) frames::get(frame);
  return is_owned(entry) ? without_write(entry) : entry;
}

// Both tables' locks are not needed: `to` is not reachable yet.
void PageTables::copy_leaf_locked(PhysAddr from, PhysAddr to) {
  uint64_t* source = table_entries(from);
  uint64_t* target = table_entries(to);
  for (size_t i = 0; (i = next_used_page(from, i)) < Format::kEntries; ++i) {
    PageEntry entry = load_entry(source + i);
    PageEntry copy = shared_entry(entry);
    if (copy != entry) store_entry(source + i, copy);
    store_entry(target + i, copy);
  }
  table_record::store(to, table_record::load(from));
}

// Break-before-make of a level 1 entry (Arm ARM D8.16): the one place where a live table pointer is
// replaced. Threads that fault meanwhile find zero and wait for upper_lock_.
void PageTables::replace_table_locked(uint64_t* slot, UserAddr span_start, PageEntry entry) {
  store_entry(slot, 0);
  flush_range({span_start, span_start + kLeafSpan});
  store_entry(slot, entry);
  arch::page_table_fence();
}

Result<> PageTables::unshare(uint64_t* slot, UserAddr span_start) {
  PhysAddr fresh{};
  PhysAddr left{};
  for (;;) {
    {
      Guard upper(upper_lock_);
      PageEntry value = load_entry(slot);
      if (!Format::is_present(value) || !Format::is_read_only_table(value)) break;
      PhysAddr table = Format::address(value);
      Guard leaf(leaf_lock(table), 1);
      if (frames::frame_of(table).references.load_acquire() == 1) {
        // The others have gone. Only permissions widen: no break is needed, but walk caches
        // remember.
        store_entry(slot, Format::table(table));
        flush_range({span_start, span_start + kLeafSpan});
        break;
      }
      if (fresh != PhysAddr{}) {
        copy_leaf_locked(table, fresh);
        replace_table_locked(slot, span_start, Format::table(fresh));
        fresh = PhysAddr{};
        left = table;
        break;
      }
    }
    fresh = TRY(frames::allocate(0, FrameUse::PageTable, AllocationFlags::Zero));
  }
  if (fresh != PhysAddr{}) frames::free(fresh);
  if (left != PhysAddr{}) release_leaf_table(left);
  return {};
}

Result<> PageTables::unshare_edges(UserRange range) {
  LeafTable leaf;
  if (!is_aligned(range.start, kLeafSpan) && is_leaf_shared(range.start)) {
    TRY(lock_own_leaf(range.start, leaf));
    leaf.unlock();
  }
  if (!is_aligned(range.end, kLeafSpan) && is_leaf_shared(range.end)) {
    TRY(lock_own_leaf(range.end, leaf));
    leaf.unlock();
  }
  return {};
}

Result<> PageTables::unshare_all(UserRange range) {
  for (UserAddr at = range.start; (at = next_leaf(at, range.end)) < range.end;
       at = align_down(at, kLeafSpan) + kLeafSpan) {
    if (!is_leaf_shared(at)) continue;
    LeafTable leaf;
    TRY(lock_own_leaf(at, leaf));
  }
  return {};
}

Result<> PageTables::share_leaf(UserAddr span_start, PageTables& child) {
  PhysAddr their_table = TRY(child.make_upper(span_start));
  size_t index = Format::index(raw(span_start), 1);
  uint64_t* ours = find_upper(span_start);
  // Exclusive lock of the space: nobody changes our entry but truncation, which changes no tables.
  PhysAddr table = Format::address(load_entry(ours));
  frames::frame_of(table).references.fetch_add_relaxed(1);
  store_entry(ours, Format::read_only_table(table));
  table_record::mark_used(their_table, index);
  store_entry(table_entries(their_table) + index, Format::read_only_table(table));
  return {};
}

Result<> PageTables::copy_entries(UserRange part, PageTables& child, PageKind kind) {
  LeafTable mine, theirs;
  TRY(child.lock_own_leaf(part.start, theirs));
  theirs.unlock();  // the child runs nowhere yet: its table is private
  if (!lock_leaf(part.start, mine)) return {};
  uint64_t* target = child.find_upper(part.start);
  theirs.table_ = Format::address(load_entry(target));
  theirs.entries_ = table_entries(theirs.table_);
  for (UserAddr at = part.start; at < part.end; at += kPageSize) {
    PageEntry entry = mine.get(at);
    if (entry == 0) continue;
    PageEntry copy = shared_entry(entry);
    if (copy != entry) mine.set(at, copy);
    theirs.put(at, copy, kind);
  }
  return {};
}

void release_leaf_table(PhysAddr table) {
  Frame& frame = frames::frame_of(table);
  if (frame.references.fetch_sub_acq_rel(1) != 1) return;
  // The last: nobody can reach it.
  PhysAddr batch[64];
  size_t count = 0;
  uint64_t* entries = table_entries(table);
  for (size_t i = 0; (i = next_used_page(table, i)) < Format::kEntries; ++i) {
    PageEntry entry = entries[i];
    if (Format::address(entry) == zero_frame()) continue;
    batch[count++] = Format::address(entry);
    if (count == std::size(batch)) frames::put_batch({batch, std::exchange(count, 0)});
  }
  if (count != 0) frames::put_batch({batch, count});
  frames::free(table);
}

}  // namespace kernel
