// SPDX-License-Identifier: MIT
// Taking an object's pages, or the right to write to them, out of every address space that maps
// them: the reverse walk. Comes from the object with its list of mappings locked, and neither with
// the spaces' locks nor the right to free tables (page_tables.h says why that is enough).

#include "vm/address_space.h"
#include "vm/memory_object.h"

namespace kernel {

struct Truncation {
  static UserRange part_of(const Mapping& mapping, uint64_t first, uint64_t end) {
    uint64_t mapped_first = mapping.object_offset >> kPageShift;
    uint64_t mapped_end = mapped_first + mapping.pages();
    if (first < mapped_first) first = mapped_first;
    if (end > mapped_end) end = mapped_end;
    if (first >= end) return {};
    UserAddr start = mapping.range.start + ((first - mapped_first) << kPageShift);
    return {start, start + ((end - first) << kPageShift)};
  }

  // Private copies that are not to go stay; everything else of a leaf table's part is cleared.
  static void clear_part(PageTables& tables, UserRange part, PageKind kind, bool even_copies,
                         TlbBatch& batch) {
    for (UserAddr at = part.start; at < part.end;) {
      {
        LeafTable leaf;
        if (!tables.lock_leaf_for_truncation(at, leaf)) return;
        // Other sharers' TLBs hold what goes here too.
        if (tables.is_leaf_shared(at)) batch.set_all_spaces();
        if (even_copies) {
          clear_locked_entries(leaf, part, kind, batch, at);
        } else {
          for (; at < part.end && !batch.full(); at += kPageSize) {
            PageEntry entry = leaf.get(at);
            if (entry == 0 || is_owned(entry)) continue;
            UserAddr one = at;
            clear_locked_entries(leaf, {at, at + kPageSize}, kind, batch, one);
          }
        }
      }
      if (batch.full()) batch.flush();
    }
  }

  // `visit(tables, part, batch)` for the part of each leaf table that maps pages of this range.
  template <class Visit>
  static void for_each_leaf(Mapping& mapping, uint64_t first, uint64_t end, Visit visit) {
    UserRange range = part_of(mapping, first, end);
    if (range.empty()) return;
    PageTables& tables = mapping.space->tables_;
    TlbBatch batch(tables);
    for (UserAddr at = range.start; at < range.end;) {
      UserAddr span_end = align_down(at, kLeafSpan) + kLeafSpan;
      visit(tables, UserRange{at, span_end < range.end ? span_end : range.end}, batch);
      at = tables.next_leaf_for_truncation(span_end, range.end);
    }
  }

  static void unmap(Mapping& mapping, uint64_t first, uint64_t end, bool even_copies,
                    PageKind kind) {
    for_each_leaf(mapping, first, end,
                  [kind, even_copies](PageTables& tables, UserRange part, TlbBatch& batch) {
                    clear_part(tables, part, kind, even_copies, batch);
                  });
  }

  static void protect_part(PageTables& tables, UserRange part, TlbBatch& batch) {
    LeafTable leaf;
    if (!tables.lock_leaf_for_truncation(part.start, leaf)) return;
    if (tables.is_leaf_shared(part.start)) batch.set_all_spaces();
    for (UserAddr at = part.start; at < part.end; at += kPageSize) {
      PageEntry entry = leaf.get(at);
      if (entry == 0 || is_owned(entry) || !Format::attributes(entry).writable) continue;
      leaf.set(at, without_write(entry));
      batch.add_page(at);
    }
  }

  static void protect(Mapping& mapping, uint64_t first, uint64_t end) {
    for_each_leaf(mapping, first, end, protect_part);
  }
};

void MemoryObject::unmap_everywhere(uint64_t first, uint64_t end, bool even_copies) {
  Guard guard(mappings_lock_);
  for (Mapping& mapping : mappings_)
    Truncation::unmap(mapping, first, end, even_copies, page_kind());
}

// A child's mapping comes behind its parent's on the list, so that entries which fork copies
// meanwhile are met in one of the two.
void MemoryObject::protect_everywhere(uint64_t first, uint64_t end) {
  Guard guard(mappings_lock_);
  for (Mapping& mapping : mappings_) {
    if (mapping.flags.shared) Truncation::protect(mapping, first, end);
  }
}

// For reclaim, whose caller may hold any sleeping lock. False: it is in use, or locked in memory.
bool MemoryObject::try_unmap(uint64_t index) {
  TryGuard guard(mappings_lock_);
  if (!guard.locked()) return false;
  mappings_lock_.assert_held();
  for (Mapping& mapping : mappings_) {
    if (mapping.flags.locked && !Truncation::part_of(mapping, index, index + 1).empty())
      return false;
  }
  for (Mapping& mapping : mappings_)
    Truncation::unmap(mapping, index, index + 1, /*even_copies=*/false, PageKind::File);
  return true;
}

}  // namespace kernel
