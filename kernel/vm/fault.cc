// SPDX-License-Identifier: MIT
// Page faults. Threads of one space resolve theirs side by side: the space's lock is held shared,
// an entry is changed under its leaf table's lock, and everything that takes long (zeroing,
// copying, filling from a disk) happens before that lock is taken; then the entry must still be
// what it was, else the fault starts over. The space's lock is not held while an object fills a
// page.
//
//   nothing there, anonymous:  read -> the zero page    write -> a fresh zeroed page, or a few
//   nothing there, object:     map what the cache has around it, or fill the page and retry
//   there, but not writable:   shared -> make it so; with a disk behind it, once the page is dirty
//                              private -> copy, or keep it when nobody shares it

#include "vm/fault.h"

#include "task/task.h"
#include "vm/memory_object.h"
#include "vm/page_lru.h"

namespace kernel {
namespace {

constexpr size_t kAroundPages = 16;
// Of anonymous memory that a program fills from bottom to top.
constexpr size_t kAheadPages = 4;

bool allows(const Mapping& mapping, arch::Access access, bool force) {
  uint32_t protection = force ? mapping.max_protection : mapping.protection;
  switch (access) {
    case arch::Access::Write:
      // A debugger writes to what is private even when the program may not.
      return (protection & kProtWrite) != 0 || (force && !mapping.flags.shared);
    case arch::Access::Execute: return (protection & kProtExec) != 0;
    case arch::Access::Read:
      return protection != kProtNone;  // no page is write-only or execute-only
  }
  return false;
}

bool entry_allows(PageTables::View view, arch::Access access) {
  if (!Format::is_present(view.entry)) return false;
  PageAttributes attributes = Format::attributes(view.entry);
  if (access == arch::Access::Write) return attributes.writable && !view.table_shared;
  return access != arch::Access::Execute || attributes.executable;
}

Result<> as_fault(Result<> filled) {
  if (filled.ok() || filled.failed_with(Errno::NoMem)) return filled;
  return Errno::Io;  // SIGBUS
}

// Whether a shared mapping may write to the page now; under the leaf table's lock, where write-back
// comes by after it has made a page clean. What has no disk becomes dirty on the way.
bool admits_writes(PageKind kind, PhysAddr frame) {
  Atomic<uint16_t>& flags = frames::frame_of(frame).flags;
  if (kind == PageKind::File) return (flags.load_acquire() & kFrameDirty) != 0;
  flags.fetch_or_relaxed(kFrameDirty);
  return true;
}

}  // namespace

Result<> AddressSpace::fault(UserAddr address, arch::Access access) {
  Fault fault;
  fault.page = page_of(address);
  fault.access = access;
  return resolve(fault);
}

Result<> AddressSpace::resolve(Fault& fault) {
  for (;;) {
    switch (TRY(fault_once(fault))) {
      case FaultStep::Done: return {};
      case FaultStep::Retry: break;
      case FaultStep::Grow: TRY(grow_stack(fault.page)); break;
      case FaultStep::Fill: {
        Ref<MemoryObject> object = fault.object.take();
        TRY(as_fault(object->bring_in(fault.index, fault.pattern)));
        fault.major = object->page_kind() == PageKind::File;
        break;
      }
      case FaultStep::MakeDirty: {
        Ref<MemoryObject> object = fault.object.take();
        TRY(as_fault(object->make_dirty(fault.index)));
        break;
      }
    }
  }
}

Result<AddressSpace::FaultStep> AddressSpace::fault_once(Fault& fault) {
  ReadGuard guard(lock_);
  return fault_locked(fault);
}

Result<AddressSpace::FaultStep> AddressSpace::fault_locked(Fault& fault) {
  const Mapping* mapping = mappings_.find(fault.page);
  if (mapping == nullptr) return Errno::Fault;
  if (mapping->range.start > fault.page) {
    if (mapping->flags.grows_down) return FaultStep::Grow;
    return Errno::Fault;
  }
  if (!allows(*mapping, fault.access, fault.force)) return Errno::Acces;
  fault.mapping = mapping;
  fault.view = tables_.look(fault.page);
  if (fault.view.entry != 0) return present_fault_locked(fault);
  return mapping->is_anonymous() ? anonymous_fault_locked(fault) : object_fault_locked(fault);
}

Result<AddressSpace::FaultStep> AddressSpace::anonymous_fault_locked(Fault& fault) {
  if (fault.access == arch::Access::Write) return install_zeroed_locked(fault);
  PageEntry entry = entry_for(*fault.mapping, zero_frame(), /*owned=*/false, /*write=*/false);
  LeafTable leaf;
  TRY(tables_.lock_own_leaf(fault.view, fault.page, leaf));
  if (leaf.get(fault.page) != 0) return FaultStep::Retry;
  leaf.put(fault.page, entry, PageKind::Anonymous);
  arch::page_table_fence();
  return FaultStep::Done;
}

Result<AddressSpace::FaultStep> AddressSpace::object_fault_locked(Fault& fault) {
  const Mapping& mapping = *fault.mapping;
  MemoryObject& object = *mapping.object;
  fault.index = mapping.offset_of(fault.page) >> kPageShift;
  if (fault.access == arch::Access::Write && !mapping.flags.shared) {
    std::optional<PhysAddr> source = object.peek_page(fault.index);
    if (source) return install_copy_locked(fault, *source);
  } else {
    LeafTable leaf;
    TRY(tables_.lock_own_leaf(fault.view, fault.page, leaf));
    if (leaf.get(fault.page) != 0) return FaultStep::Retry;
    map_around_locked(fault, leaf);
    arch::page_table_fence();
    PageEntry entry = leaf.get(fault.page);
    if (entry != 0) {
      bool done = fault.access != arch::Access::Write || Format::attributes(entry).writable;
      return done ? FaultStep::Done : FaultStep::Retry;
    }
  }
  return outside_lock(fault, FaultStep::Fill);
}

// What the object does without the space's lock.
AddressSpace::FaultStep AddressSpace::outside_lock(Fault& fault, FaultStep step) {
  const Mapping& mapping = *fault.mapping;
  fault.object = mapping.object;
  fault.index = mapping.offset_of(fault.page) >> kPageShift;
  fault.pattern = mapping.flags.pattern;
  return step;
}

// Maps the pages that the cache has, in the aligned window around the address. What peek_pages()
// gives cannot be truncated before the entry is there: truncation needs this leaf's lock
// afterwards.
void AddressSpace::map_around_locked(const Fault& fault, LeafTable& leaf) {
  const Mapping& mapping = *fault.mapping;
  bool write = fault.access == arch::Access::Write;
  constexpr uint64_t kWindow = kAroundPages * kPageSize;
  UserRange window{fault.page, fault.page + kPageSize};
  if (!write) {
    window.start = align_down(fault.page, kWindow);
    window.end = window.start + kWindow;
    if (window.start < mapping.range.start) window.start = mapping.range.start;
    if (window.end > mapping.range.end) window.end = mapping.range.end;
  }
  PhysAddr pages[kAroundPages];
  size_t count = window.size() >> kPageShift;
  mapping.object->peek_pages(mapping.offset_of(window.start) >> kPageShift, {pages, count});
  PageKind kind = kind_of(mapping);
  size_t wanted = static_cast<size_t>(fault.page - window.start) >> kPageShift;
  if (pages[wanted] != PhysAddr{}) {
    if (kind == PageKind::File) page_lru::note_use(frames::frame_of(pages[wanted]));
    write = write && admits_writes(kind, pages[wanted]);
  }
  for (size_t i = 0; i < count; ++i) {
    if (pages[i] == PhysAddr{}) continue;
    UserAddr address = window.start + i * kPageSize;
    if (leaf.get(address) == 0) {
      leaf.put(address, entry_for(mapping, pages[i], /*owned=*/false, write), kind);
    } else {
      frames::put(pages[i]);
    }
  }
}

Result<AddressSpace::FaultStep> AddressSpace::present_fault_locked(Fault& fault) {
  if (entry_allows(fault.view, fault.access)) {
    // Another CPU was faster, or the TLB remembers what was.
    tables_.flush_page_here(fault.page);
    return FaultStep::Done;
  }
  if (!Format::is_present(fault.view.entry))
    return fault.force ? FaultStep::Done : Result<FaultStep>(Errno::Acces);
  if (fault.access == arch::Access::Write && !fault.mapping->flags.shared)
    return copy_on_write_locked(fault);
  return widen_locked(fault);
}

// More is allowed than the entry says: a shared page's first write, the first change of a shared
// table.
Result<AddressSpace::FaultStep> AddressSpace::widen_locked(Fault& fault) {
  LeafTable leaf;
  TRY(tables_.lock_own_leaf(fault.view, fault.page, leaf));
  PageEntry entry = leaf.get(fault.page);
  if (!Format::is_present(entry)) return FaultStep::Retry;
  bool write = fault.access == arch::Access::Write;
  PhysAddr frame = Format::address(entry);
  if (write && !admits_writes(kind_of(*fault.mapping), frame))
    return outside_lock(fault, FaultStep::MakeDirty);
  PageEntry widened = entry_for(*fault.mapping, frame, is_owned(entry), write);
  if (widened != entry) leaf.set(fault.page, widened);
  arch::page_table_fence();
  leaf.unlock();
  tables_.flush_page_here(fault.page);
  return FaultStep::Done;
}

Result<AddressSpace::FaultStep> AddressSpace::copy_on_write_locked(Fault& fault) {
  PhysAddr source;
  {
    LeafTable leaf;
    TRY(tables_.lock_own_leaf(fault.view, fault.page, leaf));
    PageEntry entry = leaf.get(fault.page);
    if (!Format::is_present(entry)) return FaultStep::Retry;
    fault.view.entry = entry;
    source = Format::address(entry);
    if (is_owned(entry) && frames::frame_of(source).references.load_acquire() == 1) {
      // Nobody else has it: no copy. A debugger's write leaves the entry as the mapping wants it.
      leaf.set(fault.page, entry_for(*fault.mapping, source, /*owned=*/true, /*write=*/false));
      arch::page_table_fence();
      leaf.unlock();
      tables_.flush_page_here(fault.page);
      return FaultStep::Done;
    }
    if (source != zero_frame()) frames::get(source);
  }
  return install_copy_locked(fault, source);
}

namespace {

// How many pages to make for a write to untouched memory: where the aligned pages just below are
// all there, a program is on its way up, and the next ones come with this one.
size_t pages_ahead(const Mapping& mapping, const PageTables::View& view, UserAddr page) {
  constexpr uint64_t kWindow = kAheadPages * kPageSize;
  if (!is_aligned(page, kWindow) || mapping.range.end - page < kWindow) return 1;
  return PageTables::is_run_below(view, page, kAheadPages) ? kAheadPages : 1;
}

}  // namespace

// Fresh pages of zeros where nothing was seen. What comes ahead of need is worth no effort, and
// stays away where somebody else was faster.
Result<AddressSpace::FaultStep> AddressSpace::install_zeroed_locked(Fault& fault) {
  size_t wanted = fault.force ? 1 : pages_ahead(*fault.mapping, fault.view, fault.page);
  PhysAddr fresh[kAheadPages];
  size_t made = 0;
  AllocationFlags flags = AllocationFlags::Zero;
  for (; made < wanted; ++made, flags = AllocationFlags::Zero | AllocationFlags::Spare) {
    Result<PhysAddr> frame = frames::allocate(0, FrameUse::Anonymous, flags);
    if (!frame.ok() && made == 0) return frame.error();
    if (!frame.ok()) break;
    fresh[made] = *frame;
  }
  size_t used = 0;
  Result<> locked;
  {
    LeafTable leaf;
    locked = tables_.lock_own_leaf(fault.view, fault.page, leaf);
    for (UserAddr at = fault.page; locked.ok() && used < made; at += kPageSize) {
      if (leaf.get(at) != 0) break;
      PageEntry entry = entry_for(*fault.mapping, fresh[used++], /*owned=*/true, /*write=*/true);
      leaf.put(at, entry, PageKind::Anonymous);
    }
    arch::page_table_fence();
  }
  for (size_t i = used; i < made; ++i) frames::free(fresh[i]);
  if (!locked.ok()) return locked.error();
  return used == 0 ? FaultStep::Retry : FaultStep::Done;
}

// Puts a private copy of `source` (a reference of ours, or the zero frame) where fault.view.entry
// was seen, if it is still there.
Result<AddressSpace::FaultStep> AddressSpace::install_copy_locked(Fault& fault, PhysAddr source) {
  bool is_zero = source == zero_frame();
  Result<PhysAddr> fresh = frames::allocate(
      0, FrameUse::Anonymous, is_zero ? AllocationFlags::Zero : AllocationFlags::None);
  if (fresh.ok() && !is_zero)
    arch::copy_page(arch::linear_address(*fresh), arch::linear_address(source));
  Result<FaultStep> step = fresh.ok() ? replace_entry_locked(fault, *fresh) : fresh.error();
  if (!is_zero) frames::put(source);
  if (fresh.ok() && (!step.ok() || *step == FaultStep::Retry)) frames::free(*fresh);
  return step;
}

Result<AddressSpace::FaultStep> AddressSpace::replace_entry_locked(Fault& fault, PhysAddr fresh) {
  PhysAddr gone{};
  PageKind kind = kind_of(*fault.mapping);
  {
    LeafTable leaf;
    TRY(tables_.lock_own_leaf(fault.view, fault.page, leaf));
    if (leaf.get(fault.page) != fault.view.entry) return FaultStep::Retry;
    if (fault.view.entry != 0) {
      // Another frame at the same address: break before make (Arm ARM D8.16).
      gone = Format::address(leaf.take(fault.page, kind));
      tables_.flush_page(fault.page);
    }
    leaf.put(fault.page, entry_for(*fault.mapping, fresh, /*owned=*/true, /*write=*/true), kind);
    arch::page_table_fence();
  }
  if (gone != PhysAddr{} && gone != zero_frame()) frames::put(gone);
  return FaultStep::Done;
}

}  // namespace kernel
