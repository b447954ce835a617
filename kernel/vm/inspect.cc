// SPDX-License-Identifier: MIT
// What others ask of an address space: sizes, mappings for /proc, mincore(2), the object behind an
// address for futex keys.

#include "vm/address_space.h"

namespace kernel {

AddressSpace::Statistics AddressSpace::statistics() {
  Guard guard(lock_);
  PageCounts counts = counts_locked();
  if (counts.total() > statistics_.peak_resident) statistics_.peak_resident = counts.total();
  Statistics result = statistics_;
  result.resident_anonymous = counts.anonymous;
  result.resident_file = counts.file;
  result.resident_shared = counts.shared;
  result.table_pages = counts.tables;
  return result;
}

uint64_t AddressSpace::footprint() {
  TryReadGuard guard(lock_);
  if (guard.locked()) {
    PageCounts counts = tables_.counts();
    known_footprint_.store_relaxed(counts.total() + counts.tables);
  }
  return known_footprint_.load_relaxed();
}

namespace {

void count_entry(AddressSpace::MappingView& view, PageEntry entry) {
  PhysAddr frame = Format::address(entry);
  if (frame == zero_frame()) return;
  const Frame& record = frames::frame_of(frame);
  bool dirty = is_owned(entry) || (record.flags.load_relaxed() & kFrameDirty) != 0;
  // A memory object's page has the cache as one holder.
  bool is_private = record.references.load_relaxed() <= (is_owned(entry) ? 1u : 2u);
  ++view.resident;
  if (is_owned(entry)) ++view.anonymous;
  ++(is_private ? (dirty ? view.private_dirty : view.private_clean)
                : (dirty ? view.shared_dirty : view.shared_clean));
}

}  // namespace

void AddressSpace::count_pages_locked(MappingView& view) {
  UserRange range = view.mapping.range;
  for (UserAddr at = range.start; (at = tables_.next_leaf(at, range.end)) < range.end;) {
    UserAddr span_end = align_down(at, kLeafSpan) + kLeafSpan;
    UserAddr end = span_end < range.end ? span_end : range.end;
    LeafTable leaf;
    if (tables_.lock_leaf(at, leaf)) {
      for (UserAddr page = at; page < end; page += kPageSize) {
        if (PageEntry entry = leaf.get(page)) count_entry(view, entry);
      }
    }
    at = span_end;
  }
}

void AddressSpace::for_each_mapping(UserAddr from, bool with_pages, Visitor visit, void* context) {
  ReadGuard guard(lock_);
  for (const Mapping* mapping = mappings_.find(from); mapping != nullptr;
       mapping = MappingTree::next(*mapping)) {
    MappingView view{*mapping, 0, 0, 0, 0, 0, 0, 0};
    if (with_pages) count_pages_locked(view);
    if (!visit(view, context)) return;
  }
}

// mincore(2): a page counts when it is mapped, or when the cache of the object behind has it.
Result<> AddressSpace::residency(UserAddr start, std::span<uint8_t> pages) {
  ReadGuard guard(lock_);
  UserAddr at = start;
  for (uint8_t& page : pages) {
    const Mapping* mapping = mappings_.containing(at);
    if (mapping == nullptr) return Errno::NoMem;
    PageEntry entry = tables_.look(at).entry;
    page = entry != 0;
    if (entry == 0 && mapping->object)
      page = mapping->object->is_resident(mapping->offset_of(at) >> kPageShift);
    at += kPageSize;
  }
  return {};
}

Result<AddressSpace::Backing> AddressSpace::backing_of(UserAddr address) {
  ReadGuard guard(lock_);
  const Mapping* mapping = mappings_.containing(address);
  if (mapping == nullptr || mapping->protection == kProtNone) return Errno::Fault;
  Backing backing;
  // A private mapping of a file that nobody may write to shows the file itself.
  bool writable = (mapping->protection & kProtWrite) != 0;
  if (mapping->is_anonymous() && !writable) return Errno::Fault;
  if (mapping->is_anonymous() || (!mapping->flags.shared && writable)) return backing;
  backing.object = mapping->object;
  backing.offset = mapping->offset_of(address);
  return backing;
}

}  // namespace kernel
