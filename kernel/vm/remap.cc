// SPDX-License-Identifier: MIT
// mremap(2): shrinks, grows in place or moves a mapping with its pages.

#include "vm/address_space.h"
#include "vm/overcommit.h"

namespace kernel {
namespace {

constexpr uint32_t kMayMove = 1, kFixed = 2, kDontUnmap = 4;

}  // namespace

struct AddressSpace::RemapRequest {
  UserRange old;
  uint64_t new_size;
  uint32_t flags;
  UserAddr fixed;
  UserRange populate{};  // out: grown part of locked memory
};

Result<UserAddr> AddressSpace::remap(UserAddr old, uint64_t old_size, uint64_t new_size,
                                     uint32_t flags, UserAddr fixed) {
  if ((flags & ~(kMayMove | kFixed | kDontUnmap)) != 0) return Errno::Inval;
  if ((flags & kFixed) != 0 && (flags & kMayMove) == 0) return Errno::Inval;
  old_size = align_up(old_size, kPageSize);
  if ((flags & kDontUnmap) != 0 &&
      ((flags & kMayMove) == 0 || old_size != align_up(new_size, kPageSize)))
    return Errno::Inval;
  if (!is_aligned(old, kPageSize)) return Errno::Inval;
  new_size = align_up(new_size, kPageSize);
  if (new_size == 0) return Errno::Inval;

  RemapRequest request{{old, old + old_size}, new_size, flags, fixed};
  {
    DoomedMappings doomed;
    Guard guard(lock_);
    Result<UserAddr> done = remap_locked(request, doomed);
    if (!done.ok()) return done.error();
    old = *done;
  }
  if (!request.populate.empty()) ignore(populate(request.populate, /*for_write=*/false));
  return old;
}

Result<UserAddr> AddressSpace::remap_locked(RemapRequest& request, DoomedMappings& doomed) {
  uint64_t old_size = request.old.size();
  Mapping* mapping = mappings_.containing(request.old.start);
  if (mapping == nullptr) return Errno::Fault;
  bool fixed = (request.flags & kFixed) != 0;
  bool keep = (request.flags & kDontUnmap) != 0;
  if (fixed || keep) {
    if (fixed) {
      if (!is_aligned(request.fixed, kPageSize)) return Errno::Inval;
      if (request.new_size > raw(arch::kUserLimit) ||
          request.fixed > arch::kUserLimit - request.new_size)
        return Errno::Inval;
      UserRange target{request.fixed, request.fixed + request.new_size};
      if (target.overlaps(request.old)) return Errno::Inval;
      if (request.fixed < kLowestAddress && !may_map_lowest()) return Errno::Perm;
    }
  } else if (old_size >= request.new_size) {
    // Shrinking in place, which may span mappings.
    if (old_size == 0) return Errno::Inval;
    UserRange tail{request.old.start + request.new_size, request.old.end};
    if (!tail.empty()) TRY(unmap_locked(tail, doomed));
    return request.old.start;
  }
  if (keep && (mapping->flags.shared && !mapping->object)) return Errno::Inval;
  if (mapping->flags.fixed_size && (keep || request.new_size > old_size)) return Errno::Fault;
  // Old size 0 duplicates a shared mapping.
  if (old_size == 0 && !mapping->flags.shared) return Errno::Inval;
  if (fixed && old_size > request.new_size) {
    TRY(unmap_locked({request.old.start + request.new_size, request.old.end}, doomed));
    request.old.end = request.old.start + request.new_size;
    old_size = request.new_size;
    mapping = mappings_.containing(request.old.start);
    if (mapping == nullptr) return Errno::Fault;
  }
  if (request.old.end > mapping->range.end) return Errno::Fault;
  if (request.new_size > old_size)
    TRY(check_growth_locked(*mapping, (request.new_size - old_size) >> kPageShift));

  if (!fixed && !keep && request.old.end == mapping->range.end && old_size != 0) {
    // In place, where the gap above allows.
    UserRange grown{mapping->range.start, request.old.start + request.new_size};
    const Mapping* above = MappingTree::next(*mapping);
    UserAddr limit = above == nullptr ? arch::kUserLimit : MappingTree::claimed_start(*above);
    if (grown.end <= limit && grown.end > mapping->range.end) {
      uint64_t added = (grown.end - mapping->range.end) >> kPageShift;
      if (mapping->flags.accounted) TRY(overcommit::commit(added));
      UserRange fresh{mapping->range.end, grown.end};
      account_locked(*mapping, -1);
      {
        MappingsEdit edit(mapping->object.get());
        mappings_.resize(*mapping, grown);
      }
      account_locked(*mapping, 1);
      if (mapping->flags.locked && !mapping->flags.lock_on_fault) request.populate = fresh;
      merge_around_locked(grown, doomed);
      return request.old.start;
    }
  }
  if ((request.flags & kMayMove) == 0) return Errno::NoMem;
  return move_locked(*mapping, request, doomed);
}

Result<> AddressSpace::check_growth_locked(const Mapping& mapping, uint64_t pages) const {
  if (mapping.flags.locked && !may_exceed_locked() &&
      statistics_.locked_pages + pages > limit_locked.load_relaxed() >> kPageShift)
    return Errno::Again;
  MapRequest request;
  request.size = pages << kPageShift;
  request.protection = mapping.protection;
  request.flags = mapping.flags;
  request.flags.locked = false;
  return check_room_locked(request, 0);
}

Result<UserAddr> AddressSpace::move_locked(Mapping& mapping, RemapRequest& request,
                                           DoomedMappings& doomed) {
  MapRequest place;
  place.address = request.fixed;
  place.size = request.new_size;
  place.placement =
      (request.flags & kFixed) != 0 ? MapRequest::Placement::Fixed : MapRequest::Placement::Hint;
  if (place.placement == MapRequest::Placement::Hint) place.address = UserAddr{};
  UserAddr target = TRY(place_locked(place));
  UserRange moved{target, target + request.new_size};
  bool keep = (request.flags & kDontUnmap) != 0;

  Owned<Mapping> copy = TRY(mapping.clone());
  copy->range = moved;
  if (mapping.object) copy->object_offset = mapping.offset_of(request.old.start);
  PageKind kind = kind_of(mapping);
  // Both sides' tables now, so that the pages' way over cannot fail.
  TRY(tables_.unshare_all(request.old));
  TRY(prepare_move_locked(request.old, target));
  if (copy->flags.accounted) TRY(overcommit::commit(copy->pages()));
  if (place.placement == MapRequest::Placement::Fixed) {
    Result<> cleared = unmap_locked(moved, doomed);
    if (!cleared.ok()) {
      if (copy->flags.accounted) overcommit::uncommit(copy->pages());
      return cleared.error();
    }
    TRY(prepare_move_locked(request.old, target));  // its tables may have gone with what was there
  }
  if (keep) copy->flags.locked = copy->flags.lock_on_fault = false;
  if (copy->flags.locked && !copy->flags.lock_on_fault && request.new_size > request.old.size())
    request.populate = {target + request.old.size(), moved.end};
  insert_locked(*std::move(copy).leak());
  move_pages_locked(request.old, target, kind);
  if (!keep && !request.old.empty()) TRY(unmap_locked(request.old, doomed));
  merge_around_locked(moved, doomed);
  return target;
}

Result<> AddressSpace::prepare_move_locked(UserRange from, UserAddr to) {
  for (UserAddr at = from.start; (at = tables_.next_leaf(at, from.end)) < from.end;
       at = align_down(at, kLeafSpan) + kLeafSpan) {
    // A source table meets at most two target tables.
    UserAddr span_end = align_down(at, kLeafSpan) + kLeafSpan;
    UserAddr last = (span_end < from.end ? span_end : from.end) - kPageSize;
    for (UserAddr target : {to + (at - from.start), to + (last - from.start)}) {
      LeafTable leaf;
      TRY(tables_.lock_own_leaf(target, leaf));
    }
  }
  return {};
}

// Page by page: taken out here, then put in there. Nobody else changes either side meanwhile but
// truncation, which may miss a page on its way; such a page is outside its object, and goes with
// the mapping.
void AddressSpace::move_pages_locked(UserRange from, UserAddr to, PageKind kind) {
  TlbBatch batch(tables_);
  for (UserAddr at = from.start; (at = tables_.next_leaf(at, from.end)) < from.end;
       at += kPageSize) {
    PageEntry entry = 0;
    {
      LeafTable leaf;
      if (tables_.lock_leaf(at, leaf)) entry = leaf.take(at, kind);
    }
    if (entry == 0) continue;
    // The old translation must be forgotten before the page can be written through the new one by
    // somebody who believes that nobody else can: it is the same page of the same program, so one
    // flush at the end is enough.
    batch.add_page(at);
    LeafTable leaf;
    if (tables_.lock_leaf(to + (at - from.start), leaf))
      leaf.put(to + (at - from.start), entry, kind);
  }
}

// What the whole range maps alike, as a description with references of its own.
Result<Owned<Mapping>> AddressSpace::copy_shared(UserRange range) {
  ReadGuard guard(lock_);
  const Mapping* first = mappings_.containing(range.start);
  if (first == nullptr || !first->flags.shared) return Errno::Inval;
  for (const Mapping* at = first; at->range.end < range.end;) {
    const Mapping* above = MappingTree::next(*at);
    bool alike = above != nullptr && above->range.start == at->range.end &&
                 above->object.get() == first->object.get() && above->flags == first->flags &&
                 above->protection == first->protection;
    if (!alike) return Errno::Inval;
    at = above;
  }
  return first->clone();
}

Result<> AddressSpace::remap_object(UserRange range, uint64_t object_offset, bool populate) {
  Owned<Mapping> model = TRY(copy_shared(range));
  MapRequest request{.address = range.start,
                     .size = range.size(),
                     .protection = model->protection,
                     .max_protection = model->max_protection,
                     .flags = model->flags,
                     .placement = MapRequest::Placement::Fixed,
                     .populate = populate,
                     .object = model->object,
                     .object_offset = object_offset,
                     .file = model->file,
                     .special = model->special};
  TRY(map(request));
  return {};
}

}  // namespace kernel
