// SPDX-License-Identifier: MIT
// Taking pages and tables away. Order: the entry goes, the TLBs forget it, then the frame may be
// used for something else; TlbBatch holds what waits for the second step.

#include "vm/page_tables.h"
#include "vm/table_internal.h"

namespace kernel {

// --- TlbBatch --------------------------------------------------------------------

void TlbBatch::extend(UserRange range) {
  if (range_.empty()) {
    range_ = range;
    return;
  }
  if (range.start < range_.start) range_.start = range.start;
  if (range.end > range_.end) range_.end = range.end;
}

void TlbBatch::add_leaf_table(UserAddr start, PhysAddr table) {
  extend({start, start + kLeafSpan});
  tables_gone_ = true;
  table_list_[table_count_++] = {table, true};
}

void TlbBatch::add_upper_table(UserRange range, PhysAddr table) {
  // Walk caches of the whole range: no page of it is mapped, one address per table is not enough.
  extend(range);
  tables_gone_ = true;
  table_list_[table_count_++] = {table, false};
}

void TlbBatch::flush() {
  if (range_.empty()) return;
  if (all_spaces_) {
    arch::page_table_fence();
    arch::flush_tlb_all(arch::TlbReach::AllCpus);
  } else if (tables_gone_) {
    tables_.flush_range(range_);
  } else {
    tables_.flush_where_used([this](arch::Asid asid, arch::TlbReach reach) {
      arch::flush_tlb_leaf_range(range_, asid, reach);
    });
  }
  if (frame_count_ != 0) frames::put_batch({frames_, frame_count_});
  for (size_t i = 0; i < table_count_; ++i) {
    if (table_list_[i].is_leaf) {
      release_leaf_table(table_list_[i].address);
    } else {
      frames::free(table_list_[i].address);
    }
  }
  range_ = {};
  tables_gone_ = all_spaces_ = false;
  frame_count_ = table_count_ = 0;
}

// --- Clearing pages ----------------------------------------------------------------

// Part of a leaf table that is this space's own, or of one that truncation may change for all
// sharers.
void clear_locked_entries(LeafTable& leaf, UserRange part, PageKind kind, TlbBatch& batch,
                          UserAddr& at) {
  int owned = 0, mapped = 0;
  for (; at < part.end && !batch.full(); at += kPageSize) {
    PageEntry old = leaf.get(at);
    if (old == 0) continue;
    leaf.set(at, 0);
    PhysAddr frame = Format::address(old);
    if (frame == zero_frame()) {
      batch.add_page(at);
      continue;
    }
    batch.add_frame(at, frame);
    ++(is_owned(old) ? owned : mapped);
  }
  if (owned != 0) leaf.count(PageKind::Anonymous, -owned);
  if (mapped != 0) leaf.count(kind, -mapped);
}

void PageTables::clear_leaf(UserRange part, PageKind kind, TlbBatch& batch) {
  for (UserAddr at = part.start; at < part.end;) {
    {
      LeafTable leaf;
      if (!lock_leaf(at, leaf)) return;
      clear_locked_entries(leaf, part, kind, batch, at);
    }
    if (batch.full()) batch.flush();
  }
}

void PageTables::clear(UserRange range, PageKind kind, TlbBatch& batch) {
  for (UserAddr at = range.start; (at = next_leaf(at, range.end)) < range.end;) {
    UserAddr span_start = align_down(at, kLeafSpan);
    UserAddr span_end = span_start + kLeafSpan;
    if (at == span_start && span_end <= range.end) {
      detach_leaf(span_start, batch);
    } else {
      clear_leaf({at, span_end < range.end ? span_end : range.end}, kind, batch);
    }
    at = span_end;
  }
}

// The whole table goes, shared or not. Truncation may hold its lock this moment; afterwards it
// finds the entry above gone.
void PageTables::detach_leaf(UserAddr span_start, TlbBatch& batch) {
  if (batch.full()) batch.flush();
  uint64_t* slot = find_upper(span_start);
  Guard upper(upper_lock_);
  PageEntry value = load_entry(slot);
  if (!Format::is_present(value)) return;
  PhysAddr table = Format::address(value);
  Guard leaf(leaf_lock(table), 1);
  store_entry(slot, 0);
  batch.add_leaf_table(span_start, table);
}

// --- Freeing tables ------------------------------------------------------------------

void PageTables::free_tables(UserRange range, UserRange hole, TlbBatch& batch) {
  if (hole.size() < kLeafSpan) return;
  // The first leaf table's span that touches the range and begins in the hole: if it does not end
  // there as well, nothing does.
  UserAddr first = align_down(range.start, kLeafSpan);
  if (first < hole.start) first += kLeafSpan;
  if (first >= range.end || first + kLeafSpan > hole.end) return;
  free_level(root_, Format::kTopLevel, 0, range, hole, batch);
}

// Frees every table below `table` over the range whose whole span lies in the hole. `base`: what
// entry 0 translates.
void PageTables::free_level(PhysAddr table, unsigned level, uint64_t base, UserRange range,
                            UserRange hole, TlbBatch& batch) {
  uint64_t span = Format::span(level);
  uint64_t first = raw(range.start) > base ? raw(range.start) - base : 0;
  for (size_t i = first / span; (i = next_used_table(table, i)) < Format::kEntries; ++i) {
    if (base + i * span >= raw(range.end)) break;
    uint64_t* slot = table_entries(table) + i;
    PageEntry value = load_entry(slot);
    UserRange covered{UserAddr{base + i * span}, UserAddr{base + (i + 1) * span}};
    PhysAddr below = Format::address(value);
    if (level > 1) free_level(below, level - 1, raw(covered.start), range, hole, batch);
    if (covered.start < hole.start || covered.end > hole.end) continue;
    if (batch.full()) batch.flush();
    if (level == 1) {
      detach_leaf(covered.start, batch);
    } else {
      Guard upper(upper_lock_);
      store_entry(slot, 0);
      batch.add_upper_table(covered, below);
    }
  }
}

void PageTables::release_subtree(PhysAddr table, unsigned level) {
  if (level == 0) return release_leaf_table(table);
  for (size_t i = 0; (i = next_used_table(table, i)) < Format::kEntries; ++i) {
    release_subtree(Format::address(load_entry(table_entries(table) + i)), level - 1);
  }
  frames::free(table);
}

void PageTables::destroy() {
  constexpr size_t kAtOnce = 8;
  PhysAddr detached[kAtOnce];
  size_t count;
  do {
    count = 0;
    for (size_t i = 0; count < kAtOnce && (i = next_used_table(root_, i)) < Format::kEntries; ++i) {
      uint64_t* slot = table_entries(root_) + i;
      detached[count++] = Format::address(load_entry(slot));
      store_entry(slot, 0);
    }
    if (count == 0) break;
    flush_all();
    for (size_t i = 0; i < count; ++i) release_subtree(detached[i], Format::kTopLevel - 1);
  } while (count == kAtOnce);
}

}  // namespace kernel
