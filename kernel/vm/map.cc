// SPDX-License-Identifier: MIT
// mmap(2): where a mapping goes, whether limits allow it, and its insertion.

#include "task/task.h"
#include "vm/address_space.h"
#include "vm/overcommit.h"

namespace kernel {
namespace {

constexpr UserAddr kBottomUpBase{align_up(raw(arch::kUserLimit) / 3, kPageSize)};

constexpr bool is_data(uint32_t protection, const MappingFlags& flags) {
  return (protection & kProtWrite) != 0 && !flags.shared && !flags.grows_down;
}

// Private writable memory is promised, unless MAP_NORESERVE; shared memory without a file as well.
bool is_accountable(const MapRequest& request) {
  if (request.flags.no_reserve && overcommit::mode() != overcommit::Mode::Never) return false;
  if (request.flags.shared) return request.object && request.file == nullptr;
  return (request.protection & kProtWrite) != 0;
}

}  // namespace

bool AddressSpace::may_map_lowest() {
  return current().is_user() && current_task().credentials().has(Capability::SysRawio);
}

Result<UserAddr> AddressSpace::place_locked(const MapRequest& request) const {
  using Placement = MapRequest::Placement;
  UserAddr wanted = request.address;
  if (request.placement != Placement::Hint) {
    if (request.size > raw(arch::kUserLimit) || wanted > arch::kUserLimit - request.size)
      return Errno::NoMem;
    if (!is_aligned(wanted, kPageSize)) return Errno::Inval;
    if (wanted < kLowestAddress && !may_map_lowest()) return Errno::Perm;
    if (request.placement == Placement::FixedNoReplace &&
        mappings_.overlapping({wanted, wanted + request.size}) != nullptr)
      return Errno::Exist;
    return wanted;
  }
  if (request.size > raw(arch::kUserLimit)) return Errno::NoMem;
  wanted = page_of(wanted);
  if (raw(wanted) != 0) {
    if (wanted < kLowestAddress) wanted = kLowestAddress;
    UserRange range{wanted, wanted + request.size};
    if (wanted <= arch::kUserLimit - request.size) {
      const Mapping* above = mappings_.find(wanted);
      if (above == nullptr || range.end <= MappingTree::claimed_start(*above)) return wanted;
    }
  }
  if (auto found = mappings_.highest_gap(request.size, {kLowestAddress, mmap_base})) return *found;
  if (auto found = mappings_.lowest_gap(request.size, {kBottomUpBase, arch::kUserLimit}))
    return *found;
  return Errno::NoMem;
}

Result<> AddressSpace::check_placement(const MapRequest& original) {
  MapRequest request = original;
  request.size = align_up(request.size, kPageSize);
  ReadGuard guard(lock_);
  if (mappings_.count() > kMaxMappings) return Errno::NoMem;
  TRY(place_locked(request));
  return {};
}

// `replaced`: pages that a fixed mapping takes the place of.
Result<> AddressSpace::check_room_locked(const MapRequest& request, uint64_t replaced) const {
  uint64_t pages = pages_for(request.size);
  uint64_t total = statistics_.mapped_pages + pages - replaced;
  if (total > limit_total.load_relaxed() >> kPageShift) return Errno::NoMem;
  if (is_data(request.protection, request.flags) &&
      statistics_.data_pages + pages > limit_data.load_relaxed() >> kPageShift)
    return Errno::NoMem;
  if (request.flags.locked && !may_exceed_locked() &&
      statistics_.locked_pages + pages > limit_locked.load_relaxed() >> kPageShift)
    return Errno::Again;
  if (mappings_.count() >= kMaxMappings) return Errno::NoMem;
  return {};
}

Result<UserAddr> AddressSpace::map(const MapRequest& original) {
  MapRequest request = original;
  if (request.size == 0) return Errno::Inval;
  request.size = align_up(request.size, kPageSize);
  if (request.size == 0) return Errno::NoMem;

  UserRange range;
  bool populate = request.populate;
  {
    DoomedMappings doomed;
    Guard guard(lock_);
    if (default_flags_.locked) {
      request.flags.locked = true;
      request.flags.lock_on_fault = default_flags_.lock_on_fault;
    }
    UserAddr start = TRY(place_locked(request));
    range = {start, start + request.size};
    bool replaces = request.placement == MapRequest::Placement::Fixed &&
                    mappings_.overlapping(range) != nullptr;
    TRY(check_room_locked(request, replaces ? mapped_pages_locked(range) : 0));

    Owned<Mapping> mapping = TRY(make_owned<Mapping>());
    mapping->range = range;
    mapping->protection = request.protection;
    mapping->max_protection = request.max_protection;
    mapping->flags = request.flags;
    mapping->flags.accounted = is_accountable(request);
    mapping->object = request.object;
    mapping->object_offset = request.object_offset;
    mapping->file = request.file;
    mapping->special = request.special;
    hold_file(*mapping);

    if (replaces) TRY(unmap_locked(range, doomed));
    if (mapping->flags.accounted) TRY(overcommit::commit(mapping->pages()));
    insert_locked(*std::move(mapping).leak());
    merge_around_locked(range, doomed);
    if (request.flags.locked && !request.flags.lock_on_fault) populate = true;
  }
  // MAP_POPULATE and MCL_FUTURE: as much as there is memory for; the mapping itself has succeeded.
  if (populate && request.protection != kProtNone)
    ignore(this->populate(range, /*for_write=*/false));
  return range.start;
}

uint64_t AddressSpace::mapped_pages_locked(UserRange range) const {
  uint64_t pages = 0;
  for (const Mapping* at = mappings_.find(range.start);
       at != nullptr && at->range.start < range.end; at = MappingTree::next(*at)) {
    UserAddr start = at->range.start > range.start ? at->range.start : range.start;
    UserAddr end = at->range.end < range.end ? at->range.end : range.end;
    pages += (end - start) >> kPageShift;
  }
  return pages;
}

void AddressSpace::insert_locked(Mapping& mapping) {
  mappings_.insert(mapping);
  enter_locked(mapping);
}

// All but the place in the tree.
void AddressSpace::enter_locked(Mapping& mapping) {
  mapping.space = this;
  MappingsEdit(mapping.object.get()).add(mapping);
  account_locked(mapping, 1);
}

// The sizes of /proc/PID/status and of the limits. `sign`: 1 adds, -1 takes away.
void AddressSpace::account_locked(const Mapping& mapping, int sign) {
  uint64_t pages = static_cast<uint64_t>(static_cast<int64_t>(mapping.pages()) * sign);
  statistics_.mapped_pages += pages;
  if (statistics_.mapped_pages > statistics_.peak_mapped_pages)
    statistics_.peak_mapped_pages = statistics_.mapped_pages;
  if (is_data(mapping.protection, mapping.flags)) statistics_.data_pages += pages;
  if (mapping.flags.grows_down) {
    statistics_.stack_pages += pages;
  } else if ((mapping.protection & (kProtExec | kProtWrite)) == kProtExec) {
    statistics_.code_pages += pages;
  }
  if (mapping.flags.locked) statistics_.locked_pages += pages;
}

}  // namespace kernel
