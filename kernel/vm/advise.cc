// SPDX-License-Identifier: MIT
// madvise(2) and msync(2).

#include "vm/address_space.h"
#include "vm/disk_object.h"

namespace kernel {
namespace {

enum Advice : int {
  kNormal = 0,
  kRandom = 1,
  kSequential = 2,
  kWillNeed = 3,
  kDontNeed = 4,
  kFree = 8,
  kRemove = 9,
  kDontFork = 10,
  kDoFork = 11,
  kMergeable = 12,
  kUnmergeable = 13,
  kHugePage = 14,
  kNoHugePage = 15,
  kDontDump = 16,
  kDoDump = 17,
  kWipeOnFork = 18,
  kKeepOnFork = 19,
  kCold = 20,
  kPageOut = 21,
  kPopulateRead = 22,
  kPopulateWrite = 23,
  kDontNeedLocked = 24,
  kCollapse = 25,
};

bool is_known(int advice) {
  return (advice >= kNormal && advice <= kDontNeed) || (advice >= kFree && advice <= kCollapse);
}

bool changes_flags(int advice) {
  switch (advice) {
    case kDontFork: case kDoFork: case kDontDump: case kDoDump: case kWipeOnFork: case kKeepOnFork:
    case kHugePage: case kNoHugePage: case kNormal: case kRandom: case kSequential:
      return true;
    default: return false;
  }
}

Result<> apply_flag(const Mapping& mapping, MappingFlags& flags, int advice) {
  switch (advice) {
    case kDontFork: flags.dont_fork = true; break;
    case kDoFork:
      if (mapping.flags.fixed_size) return Errno::Inval;
      flags.dont_fork = false;
      break;
    case kDontDump: flags.dont_dump = true; break;
    case kDoDump: flags.dont_dump = false; break;
    case kWipeOnFork:
      // Private anonymous memory only.
      if (mapping.object || mapping.flags.shared) return Errno::Inval;
      flags.wipe_on_fork = true;
      break;
    case kKeepOnFork: flags.wipe_on_fork = false; break;
    case kNormal: flags.pattern = ReadAhead::Pattern::Normal; break;
    case kRandom: flags.pattern = ReadAhead::Pattern::Random; break;
    case kSequential: flags.pattern = ReadAhead::Pattern::Sequential; break;
    case kHugePage: flags.huge = true, flags.no_huge = false; break;
    case kNoHugePage: flags.no_huge = true, flags.huge = false; break;
    default: break;
  }
  return {};
}

}  // namespace

Result<> AddressSpace::advise(UserAddr start, uint64_t size, int advice) {
  if (!is_known(advice)) return Errno::Inval;
  if (!is_aligned(start, kPageSize)) return Errno::Inval;
  uint64_t length = align_up(size, kPageSize);
  if (size != 0 && length == 0) return Errno::Inval;
  if (raw(start) + length < raw(start)) return Errno::Inval;
  if (length == 0) return {};
  UserRange range{start, start + length};
  if (advice == kPopulateRead || advice == kPopulateWrite)
    return advise_populate(range, advice == kPopulateWrite);
  if (advice == kRemove) return advise_remove(range);
  if (advice == kWillNeed) return advise_will_need(range);

  DoomedMappings doomed;
  Guard guard(lock_);
  // Holes are skipped, and told at the end.
  bool hole = false;
  UserAddr at = range.start;
  Result<> result;
  while (at < range.end) {
    Mapping* mapping = mappings_.find(at);
    if (mapping == nullptr || mapping->range.start >= range.end) {
      hole = true;
      break;
    }
    if (mapping->range.start > at) {
      hole = true;
      at = mapping->range.start;
    }
    UserRange part{at, mapping->range.end < range.end ? mapping->range.end : range.end};
    result = changes_flags(advice) ? advise_flags_locked(*mapping, part, advice)
                                   : advise_part_locked(*mapping, part, advice);
    if (!result.ok()) break;
    at = part.end;
  }
  if (changes_flags(advice)) merge_around_locked(range, doomed);
  if (!result.ok()) return result;
  return hole ? Result<>(Errno::NoMem) : Result<>();
}

Result<> AddressSpace::advise_flags_locked(Mapping& whole, UserRange part, int advice) {
  MappingFlags flags = whole.flags;
  TRY(apply_flag(whole, flags, advice));
  if (flags == whole.flags) return {};
  TRY(isolate_locked(part));
  mappings_.containing(part.start)->flags = flags;
  return {};
}

Result<> AddressSpace::advise_part_locked(Mapping& mapping, UserRange part, int advice) {
  switch (advice) {
    case kDontNeed:
    case kDontNeedLocked:
      if (mapping.flags.locked && advice == kDontNeed) return Errno::Inval;
      return drop_pages_locked(mapping, part);
    case kFree:
      // The pages may go at any time: they go now. Private anonymous memory only.
      if (mapping.object || mapping.flags.shared) return Errno::Inval;
      if (mapping.flags.locked) return Errno::Inval;
      return drop_pages_locked(mapping, part);
    case kCold:
    case kPageOut:
      return mapping.flags.locked ? Result<>(Errno::Inval) : Result<>();
    case kCollapse:
      return Errno::Inval;  // as a kernel without huge pages
    default:
      return {};  // merging of equal pages: a hint that promises nothing
  }
}

Result<> AddressSpace::advise_populate(UserRange range, bool for_write) {
  if (range.end > arch::kUserLimit) return Errno::NoMem;
  UserAddr at = range.start;
  while (at < range.end) {
    UserRange part{at, range.end};
    {
      ReadGuard guard(lock_);
      const Mapping* mapping = mappings_.containing(at);
      if (mapping == nullptr) return Errno::NoMem;
      uint32_t needed = for_write ? uint32_t{kProtWrite} : kProtAll;
      if ((mapping->protection & needed) == 0) return Errno::Inval;
      if (mapping->range.end < part.end) part.end = mapping->range.end;
    }
    for (; at < part.end; at += kPageSize) {
      if (sched::kill_pending()) return Errno::Intr;
      Result<> present = fault(at, for_write ? arch::Access::Write : arch::Access::Read);
      if (present.failed_with(Errno::Io)) return Errno::Fault;
      if (!present.ok()) return present.failed_with(Errno::Acces) ? Errno::Fault : present.error();
    }
  }
  return {};
}

// MADV_WILLNEED: files are read ahead; anonymous memory has nothing to be read. Holes are told.
Result<> AddressSpace::advise_will_need(UserRange range) {
  bool hole = false;
  UserAddr at = range.start;
  while (at < range.end) {
    Optional<Ref<MemoryObject>> object;
    uint64_t start = 0;
    uint64_t end = 0;
    {
      ReadGuard guard(lock_);
      const Mapping* mapping = mappings_.find(at);
      if (mapping == nullptr || mapping->range.start >= range.end) return Errno::NoMem;
      if (mapping->range.start > at) hole = true, at = mapping->range.start;
      UserAddr part_end = mapping->range.end < range.end ? mapping->range.end : range.end;
      if (!mapping->is_anonymous()) {
        object = mapping->object;
        start = mapping->offset_of(at) >> kPageShift;
        end = mapping->offset_of(part_end) >> kPageShift;
      }
      at = part_end;
    }
    if (object && object->disk() != nullptr) object->disk()->read_ahead(start, end - start);
  }
  return hole ? Result<>(Errno::NoMem) : Result<>();
}

// MADV_REMOVE: a hole in the file, where the mapping may write to it.
Result<> AddressSpace::advise_remove(UserRange range) {
  UserAddr at = range.start;
  while (at < range.end) {
    Optional<Ref<MemoryObject>> object;
    uint64_t start = 0;
    uint64_t end = 0;
    {
      ReadGuard guard(lock_);
      const Mapping* mapping = mappings_.containing(at);
      if (mapping == nullptr) return Errno::NoMem;
      if (mapping->flags.locked || !mapping->object) return Errno::Inval;
      if (!mapping->flags.shared || (mapping->max_protection & kProtWrite) == 0)
        return Errno::Acces;
      UserAddr part_end = mapping->range.end < range.end ? mapping->range.end : range.end;
      object = mapping->object;
      start = mapping->offset_of(at);
      end = mapping->offset_of(part_end);
      at = part_end;
    }
    if (object->page_kind() != PageKind::Shared) return Errno::OpNotSupp;
    object->punch(start, end);
  }
  return {};
}

Result<> AddressSpace::sync(UserAddr start, uint64_t size, uint32_t flags) {
  constexpr uint32_t kAsync = 1, kInvalidate = 2, kSync = 4;
  if ((flags & ~(kAsync | kInvalidate | kSync)) != 0) return Errno::Inval;
  if (!is_aligned(start, kPageSize)) return Errno::Inval;
  if ((flags & kAsync) != 0 && (flags & kSync) != 0) return Errno::Inval;
  uint64_t length = align_up(size, kPageSize);
  if (raw(start) + length < raw(start)) return Errno::NoMem;
  UserAddr end = start + length;
  bool hole = false;
  while (start < end) {
    File* file = nullptr;  // with a reference
    {
      ReadGuard guard(lock_);
      const Mapping* mapping = mappings_.find(start);
      if (mapping == nullptr || mapping->range.start >= end) return Errno::NoMem;
      if (mapping->range.start > start) {
        // A hole is told at the end, unless nothing but it was asked for asynchronously.
        if (flags == kAsync) return Errno::NoMem;
        hole = true;
        start = mapping->range.start;
      }
      if ((flags & kInvalidate) != 0 && mapping->flags.locked) return Errno::Busy;
      UserAddr part_end = mapping->range.end < end ? mapping->range.end : end;
      bool has_disk = !mapping->is_anonymous() && mapping->object->disk() != nullptr;
      if (mapping->flags.shared && (flags & kSync) != 0 && has_disk) file = mapping->file;
      if (file != nullptr) ref_mapped_file(*file);
      start = part_end;
    }
    if (file != nullptr) {
      Result<> written = synchronise_mapped_file(*file);
      unref_mapped_file(*file);
      TRY(std::move(written));
    }
  }
  return hole ? Result<>(Errno::NoMem) : Result<>();
}

}  // namespace kernel
