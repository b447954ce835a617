// SPDX-License-Identifier: MIT
// brk(2): the heap's end. Failure is told by returning the break in force.

#include "vm/address_space.h"
#include "vm/overcommit.h"

namespace kernel {

UserAddr AddressSpace::set_break(UserAddr wanted) {
  DoomedMappings doomed;
  UserRange grown{};
  UserAddr in_force;
  {
    Guard guard(lock_);
    bool within_limits =
        wanted >= layout.break_start && wanted < arch::kUserLimit &&
        (wanted - layout.break_start) + layout.data.size() <= limit_data.load_relaxed();
    if (within_limits) {
      UserAddr old_end = align_up(layout.break_end, kPageSize);
      UserAddr new_end = align_up(wanted, kPageSize);
      Result<> moved;
      if (new_end < old_end) {
        moved = unmap_locked({new_end, old_end}, doomed);
      } else if (new_end > old_end) {
        moved = grow_break_locked({old_end, new_end}, doomed);
        if (moved.ok() && default_flags_.locked && !default_flags_.lock_on_fault)
          grown = {old_end, new_end};
      }
      if (moved.ok()) layout.break_end = wanted;
    }
    in_force = layout.break_end;
  }
  if (!grown.empty())
    ignore(populate(grown, /*for_write=*/true));  // mlockall: as far as memory goes
  return in_force;
}

Result<> AddressSpace::grow_break_locked(UserRange added, DoomedMappings& doomed) {
  // One free page stays above the heap, and a stack's guard gap.
  const Mapping* above = mappings_.find(added.start);
  if (above != nullptr && added.end + kPageSize > MappingTree::claimed_start(*above))
    return Errno::NoMem;
  MapRequest request;
  request.size = added.size();
  request.protection = kProtRead | kProtWrite;
  request.flags = default_flags_;
  TRY(check_room_locked(request, 0));
  Owned<Mapping> mapping = TRY(make_owned<Mapping>());
  mapping->range = added;
  mapping->protection = request.protection;
  mapping->flags = request.flags;
  mapping->flags.accounted = true;
  mapping->special = "[heap]";
  TRY(overcommit::commit(mapping->pages()));
  insert_locked(*std::move(mapping).leak());
  merge_around_locked(added, doomed);
  return {};
}

}  // namespace kernel
