// SPDX-License-Identifier: MIT
// munmap(2), and what every change of mappings is made of: splitting, merging, removing, clearing
// pages.

#include "vm/address_space.h"
#include "vm/leaf_spans.h"
#include "vm/overcommit.h"

namespace kernel {

Result<> AddressSpace::unmap(UserAddr start, uint64_t size) {
  if (!is_aligned(start, kPageSize)) return Errno::Inval;
  if (size == 0 || start > arch::kUserLimit || size > arch::kUserLimit - start) return Errno::Inval;
  DoomedMappings doomed;
  Guard guard(lock_);
  return unmap_locked({start, start + align_up(size, kPageSize)}, doomed);
}

// Pieces are told by their offset; the first one found says which file, and how far to look.
Result<> AddressSpace::unmap_attachment(UserAddr start) {
  if (!is_aligned(start, kPageSize)) return Errno::Inval;
  DoomedMappings doomed;
  Guard guard(lock_);
  const File* file = nullptr;
  UserAddr end = arch::kUserLimit;
  for (Mapping* at = mappings_.find(start); at != nullptr && at->range.end <= end;) {
    Mapping& mapping = *at;
    at = MappingTree::next(mapping);
    if (!mapping.flags.counted || mapping.range.start - start != mapping.object_offset) continue;
    if (file != nullptr && file != mapping.file) continue;
    file = mapping.file;
    end = start + mapping.object->size();
    TRY(unmap_locked(mapping.range, doomed));
  }
  return file == nullptr ? Result<>(Errno::Inval) : Result<>();
}

// Fails, with nothing changed that shows, before the first page goes.
Result<> AddressSpace::unmap_locked(UserRange range, DoomedMappings& doomed) {
  Mapping* at = mappings_.overlapping(range);
  if (at == nullptr) return {};
  TRY(tables_.unshare_edges(range));
  TRY(isolate_locked(range));
  if (range.size() >= kLeafSpan) note_peak_locked();

  // Leaf tables wholly inside go as they are, shared or not, whatever mappings meet in them; only
  // at the edges it matters which entry belongs to whom.
  UserRange whole{align_up(range.start, kLeafSpan), align_down(range.end, kLeafSpan)};
  if (whole.empty()) whole = {range.end, range.end};
  TlbBatch batch(tables_);
  tables_.clear(whole, PageKind::Anonymous, batch);
  at = mappings_.overlapping(range);
  const Mapping* below = MappingTree::previous(*at);
  while (at != nullptr && at->range.start < range.end) {
    Mapping* next = MappingTree::next(*at);
    UserRange gone = at->range;
    PageKind kind = kind_of(*at);
    remove_locked(*at, doomed);
    if (gone.start < whole.start)
      tables_.clear({gone.start, gone.end < whole.start ? gone.end : whole.start}, kind, batch);
    if (gone.end > whole.end)
      tables_.clear({gone.start > whole.end ? gone.start : whole.end, gone.end}, kind, batch);
    at = next;
  }
  UserRange hole{below == nullptr ? UserAddr{} : below->range.end,
                 at == nullptr ? arch::kUserLimit : at->range.start};
  tables_.free_tables(range, hole, batch);
  return {};
}

void AddressSpace::remove_locked(Mapping& mapping, DoomedMappings& doomed) {
  mappings_.remove(mapping);
  account_locked(mapping, -1);
  forget_locked(mapping, doomed);
}

// What is out of the tree already.
void AddressSpace::forget_locked(Mapping& mapping, DoomedMappings& doomed) {
  if (mapping.flags.accounted) overcommit::uncommit(mapping.pages());
  MappingsEdit(mapping.object.get()).remove(mapping);
  doomed.add(mapping);
}

PageKind AddressSpace::kind_of(const Mapping& mapping) {
  return mapping.object ? mapping.object->page_kind() : PageKind::Anonymous;
}

// The pages of a part of a mapping that stays (MADV_DONTNEED, truncation of private copies).
Result<> AddressSpace::drop_pages_locked(const Mapping& mapping, UserRange range) {
  TRY(tables_.unshare_edges(range));
  if (range.size() >= kLeafSpan) note_peak_locked();
  TlbBatch batch(tables_);
  tables_.clear(range, kind_of(mapping), batch);
  return {};
}

// --- Splitting and merging ---------------------------------------------------------

// `mapping` keeps the part below `at`; returns the part above.
Result<Mapping*> AddressSpace::split_locked(Mapping& mapping, UserAddr at) {
  if (mappings_.count() >= kMaxMappings) return Errno::NoMem;
  Owned<Mapping> upper = TRY(mapping.clone());
  upper->range.start = at;
  if (mapping.object) upper->object_offset = mapping.offset_of(at);
  Mapping& added = *std::move(upper).leak();
  MappingsEdit edit(mapping.object.get());
  mappings_.resize(mapping, {mapping.range.start, at});
  mappings_.insert(added);
  edit.add(added);
  return &added;
}

Result<> AddressSpace::isolate_locked(UserRange range) {
  if (Mapping* first = mappings_.containing(range.start);
      first != nullptr && first->range.start < range.start)
    TRY(split_locked(*first, range.start));
  if (Mapping* last = mappings_.containing(range.end);
      last != nullptr && last->range.start < range.end)
    TRY(split_locked(*last, range.end));
  return {};
}

// Joins neighbours that have become alike, from the one that ends at the range's start to the one
// that starts at its end.
void AddressSpace::merge_around_locked(UserRange range, DoomedMappings& doomed) {
  Mapping* at = mappings_.find(raw(range.start) == 0 ? range.start : range.start - 1);
  while (at != nullptr && at->range.start < range.end) {
    Mapping* upper = MappingTree::next(*at);
    if (upper == nullptr || upper->range.start > range.end) return;
    if (!at->continues_with(*upper)) {
      at = upper;
      continue;
    }
    MappingsEdit edit(at->object.get());
    UserAddr end = upper->range.end;
    edit.remove(*upper);
    mappings_.remove(*upper);
    mappings_.resize(*at, {at->range.start, end});
    doomed.add(*upper);
  }
}

PageCounts AddressSpace::counts_locked() const {
  PageCounts sum;
  sum.tables = 1;
  LeafSpans spans(mappings_, tables_);
  while (std::optional<UserAddr> start = spans.next()) tables_.count_leaf(*start, sum);
  return sum;
}

void AddressSpace::note_peak_locked() {
  uint64_t resident = counts_locked().total();
  if (resident > statistics_.peak_resident) statistics_.peak_resident = resident;
}

}  // namespace kernel
