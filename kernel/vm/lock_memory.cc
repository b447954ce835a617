// SPDX-License-Identifier: MIT
// mlock(2) and its family, and bringing pages in ahead. Nothing is ever paged out yet, so a locked
// page is one that was brought in; the limits and flags are Linux's.

#include "task/task.h"
#include "vm/address_space.h"

namespace kernel {

bool AddressSpace::may_exceed_locked() {
  return !current().is_user() || current_task().credentials().has(Capability::IpcLock);
}

Result<> AddressSpace::lock_range(UserAddr start, uint64_t size, bool locked, bool on_fault) {
  uint64_t offset = page_offset(start);
  size = align_up(size + offset, kPageSize);  // may wrap to nothing, as on Linux
  start = page_of(start);
  if (locked && !may_exceed_locked() && limit_locked.load_relaxed() == 0) return Errno::Perm;
  if (raw(start) + size < raw(start)) return Errno::Inval;
  if (size == 0) return {};
  UserRange range{start, start + size};
  {
    DoomedMappings doomed;
    Guard guard(lock_);
    if (locked && !may_exceed_locked()) {
      uint64_t limit = limit_locked.load_relaxed() >> kPageShift;
      uint64_t wanted = statistics_.locked_pages + (size >> kPageShift);
      if (wanted > limit) wanted -= locked_pages_locked(range);
      if (wanted > limit) return Errno::NoMem;
    }
    TRY(set_locked_locked(range, locked, on_fault, doomed));
  }
  if (!locked || on_fault) return {};
  Result<> present = populate(range, /*for_write=*/false);
  // mlock(2): what cannot be there is ENOMEM; memory exhaustion EAGAIN.
  if (present.ok()) return {};
  return present.failed_with(Errno::NoMem) ? Errno::Again : Errno::NoMem;
}

uint64_t AddressSpace::locked_pages_locked(UserRange range) const {
  uint64_t pages = 0;
  for (const Mapping* at = mappings_.find(range.start);
       at != nullptr && at->range.start < range.end; at = MappingTree::next(*at)) {
    if (!at->flags.locked) continue;
    UserAddr start = at->range.start > range.start ? at->range.start : range.start;
    UserAddr end = at->range.end < range.end ? at->range.end : range.end;
    pages += (end - start) >> kPageShift;
  }
  return pages;
}

// Up to the first hole, which is ENOMEM.
Result<> AddressSpace::set_locked_locked(UserRange range, bool locked, bool on_fault,
                                         DoomedMappings& doomed) {
  Result<> result;
  UserAddr at = range.start;
  while (at < range.end) {
    Mapping* mapping = mappings_.containing(at);
    if (mapping == nullptr) {
      result = Errno::NoMem;
      break;
    }
    UserRange part{at, mapping->range.end < range.end ? mapping->range.end : range.end};
    bool lock_on_fault = locked && on_fault;
    if (mapping->flags.locked != locked || mapping->flags.lock_on_fault != lock_on_fault) {
      result = isolate_locked(part);
      if (!result.ok()) break;
      mapping = mappings_.containing(at);
      account_locked(*mapping, -1);
      mapping->flags.locked = locked;
      mapping->flags.lock_on_fault = lock_on_fault;
      account_locked(*mapping, 1);
    }
    at = part.end;
  }
  merge_around_locked(range, doomed);
  return result;
}

Result<> AddressSpace::lock_all(uint32_t flags) {
  constexpr uint32_t kCurrent = 1, kFuture = 2, kOnFault = 4;
  if (flags == 0 || (flags & ~(kCurrent | kFuture | kOnFault)) != 0 || flags == kOnFault)
    return Errno::Inval;
  bool on_fault = (flags & kOnFault) != 0;
  UserRange all{UserAddr{}, arch::kUserLimit};
  {
    DoomedMappings doomed;
    Guard guard(lock_);
    if (!may_exceed_locked()) {
      uint64_t limit = limit_locked.load_relaxed() >> kPageShift;
      if (limit_locked.load_relaxed() == 0) return Errno::Perm;
      if ((flags & kCurrent) != 0 && statistics_.mapped_pages > limit) return Errno::NoMem;
    }
    default_flags_.locked = (flags & kFuture) != 0;
    default_flags_.lock_on_fault = default_flags_.locked && on_fault;
    if ((flags & kCurrent) == 0) return {};
    set_all_locked_locked(true, on_fault, doomed);
  }
  if (!on_fault) populate_all(all);
  return {};
}

Result<> AddressSpace::unlock_all() {
  DoomedMappings doomed;
  Guard guard(lock_);
  default_flags_.locked = default_flags_.lock_on_fault = false;
  set_all_locked_locked(false, false, doomed);
  return {};
}

void AddressSpace::set_all_locked_locked(bool locked, bool on_fault, DoomedMappings& doomed) {
  for (Mapping* at = mappings_.first(); at != nullptr; at = MappingTree::next(*at)) {
    account_locked(*at, -1);
    at->flags.locked = locked;
    at->flags.lock_on_fault = locked && on_fault;
    account_locked(*at, 1);
  }
  merge_around_locked({UserAddr{}, arch::kUserLimit}, doomed);
}

// --- Bringing pages in -----------------------------------------------------------------

// How the pages at `at` are to be brought in; false when nothing is mapped there.
bool AddressSpace::populate_step(UserAddr at, bool for_write, UserAddr& end,
                                 std::optional<arch::Access>& access) {
  ReadGuard guard(lock_);
  const Mapping* mapping = mappings_.find(at);
  if (mapping == nullptr || mapping->range.start > at) return false;
  end = mapping->range.end;
  access.reset();
  if (mapping->protection == kProtNone) return true;
  // Private writable memory is brought in as its own, so that no later write has to wait.
  bool write = for_write || ((mapping->protection & kProtWrite) != 0 && !mapping->flags.shared);
  access = write ? arch::Access::Write : arch::Access::Read;
  return true;
}

Result<> AddressSpace::populate(UserRange range, bool for_write) {
  UserAddr at = page_of(range.start);
  while (at < range.end) {
    UserAddr end;
    std::optional<arch::Access> access;
    if (!populate_step(at, for_write, end, access)) return Errno::Fault;
    if (!access) return Errno::Acces;
    for (; at < end && at < range.end; at += kPageSize) {
      if (sched::kill_pending()) return Errno::Intr;
      TRY(fault(at, *access));
    }
  }
  return {};
}

// Everything that can be there; what cannot is skipped.
void AddressSpace::populate_all(UserRange range) {
  for (UserAddr at = range.start; at < range.end;) {
    UserAddr end{};
    {
      ReadGuard guard(lock_);
      const Mapping* mapping = mappings_.find(at);
      if (mapping == nullptr) return;
      if (mapping->range.start > at) at = mapping->range.start;
      end = mapping->range.end;
    }
    ignore(populate({at, end}, /*for_write=*/false));
    if (sched::kill_pending()) return;
    at = end;
  }
}

}  // namespace kernel
