// SPDX-License-Identifier: MIT
// fork(2)'s memory: the child gets the same mappings, and the same leaf tables, counted and
// read-only for both. Nothing else is copied; see table_sharing.cc for what happens at the first
// write. Where a leaf table also holds what must not be inherited (MADV_DONTFORK, MADV_WIPEONFORK)
// the rest is copied.

#include "vm/address_space.h"
#include "vm/leaf_spans.h"
#include "vm/overcommit.h"

namespace kernel {
namespace {

bool has_excluded_pages(const Mapping& mapping) {
  return mapping.flags.dont_fork || mapping.flags.wipe_on_fork;
}

}  // namespace

Result<Ref<AddressSpace>> AddressSpace::fork() {
  Ref<AddressSpace> child = TRY(create());
  Result<> copied;
  {
    Guard guard(lock_);
    Guard child_guard(child->lock_, 1);
    child->layout = layout;
    child->mmap_base = mmap_base;
    child->auxv_count = auxv_count;
    for (size_t i = 0; i < auxv_count; ++i) child->auxv[i] = auxv[i];
    child->executable = executable;
    if (executable != nullptr) ref_mapped_file(*executable);
    child->limit_total.store_relaxed(limit_total.load_relaxed());
    child->limit_data.store_relaxed(limit_data.load_relaxed());
    child->limit_stack.store_relaxed(limit_stack.load_relaxed());
    child->limit_locked.store_relaxed(limit_locked.load_relaxed());
    child->membarrier_registrations.store_relaxed(membarrier_registrations.load_relaxed());
    copied = copy_mappings_locked(*child);
    if (copied.ok()) copied = share_tables_locked(*child);
    // Writable translations of what is shared now must go, whether or not all of it was done.
    tables_.flush_all();
  }
  if (!copied.ok()) return copied.error();
  return child;
}

Result<> AddressSpace::copy_mappings_locked(AddressSpace& child) {
  List<Mapping, LooseTag> copies;
  size_t count = 0;
  Result<> result;
  for (const Mapping* mapping = mappings_.first(); mapping != nullptr && result.ok();
       mapping = MappingTree::next(*mapping)) {
    if (mapping->flags.dont_fork) continue;
    Result<Owned<Mapping>> copy = child.inherit_locked(*mapping);
    if (copy.ok()) {
      copies.push_back(*std::move(copy).take().leak());
      ++count;
    } else {
      result = copy.error();
    }
  }
  child.mappings_.fill(copies, count);  // also when not all could be copied: the child's end frees
  return result;
}

// A copy of another space's mapping, of which only the place in the tree is still missing.
Result<Owned<Mapping>> AddressSpace::inherit_locked(const Mapping& mapping) {
  Owned<Mapping> copy = TRY(mapping.clone());
  copy->flags.locked = copy->flags.lock_on_fault = false;  // mlock(2): not inherited
  if (copy->flags.accounted) TRY(overcommit::commit(copy->pages()));
  enter_locked(*copy);
  return copy;
}

Result<> AddressSpace::share_tables_locked(AddressSpace& child) {
  LeafSpans spans(mappings_, tables_);
  while (std::optional<UserAddr> start = spans.next()) TRY(share_span_locked(*start, child));
  return {};
}

Result<> AddressSpace::share_span_locked(UserAddr span_start, AddressSpace& child) {
  UserRange span{span_start, span_start + kLeafSpan};
  bool excluded = false;
  for (const Mapping* at = mappings_.find(span.start); at != nullptr && at->range.start < span.end;
       at = MappingTree::next(*at))
    excluded = excluded || has_excluded_pages(*at);
  if (!excluded) return tables_.share_leaf(span_start, child.tables_);

  for (const Mapping* at = mappings_.find(span.start); at != nullptr && at->range.start < span.end;
       at = MappingTree::next(*at)) {
    if (has_excluded_pages(*at)) continue;
    UserRange part{at->range.start > span.start ? at->range.start : span.start,
                   at->range.end < span.end ? at->range.end : span.end};
    TRY(tables_.copy_entries(part, child.tables_, kind_of(*at)));
  }
  return {};
}

}  // namespace kernel
