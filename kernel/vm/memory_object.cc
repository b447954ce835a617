// SPDX-License-Identifier: MIT
// The pages of one object: finding, adding and removing them, and the bytes in them. Pages are
// found under the cache's spin lock; a fresh one is made without a lock, and the faster of two
// wins. What a disk adds to this is in disk_object.h.

#include "vm/memory_object.h"

namespace kernel {
namespace {

constexpr uint64_t kEndOfIndices = ~uint64_t{0};

PhysAddr frame_of_value(uint64_t value) { return PhysAddr{value}; }

// The kernel is about to store to the page: its bytes are not those of before, nor those that
// instruction fetches saw. Mostly that is known already.
void note_written(PhysAddr page) {
  Atomic<uint16_t>& flags = frames::frame_of(page).flags;
  uint16_t known = flags.load_relaxed();
  if ((known & kFrameDirty) == 0) flags.fetch_or_relaxed(kFrameDirty);
  if ((known & kFrameInstructionsSynced) != 0)
    flags.fetch_and_relaxed(static_cast<uint16_t>(~kFrameInstructionsSynced));
}

}  // namespace

MemoryObject::~MemoryObject() {
  // Nobody can look anything up any more: no references beside our own on most pages.
  remove_pages(0, kEndOfIndices, false);
  DCHECK(mappings_.empty());
}

std::optional<PhysAddr> MemoryObject::peek_page(uint64_t index) {
  Guard guard(lock_);
  if (index >= pages_for(size())) return {};
  uint64_t value = pages_.find(index);
  if (!is_ready(value)) return {};
  PhysAddr page = frame_of_value(value);
  frames::get(page);
  return page;
}

void MemoryObject::peek_pages(uint64_t first, std::span<PhysAddr> pages) {
  Guard guard(lock_);
  uint64_t end = pages_for(size());
  for (size_t i = 0; i < pages.size(); ++i) {
    uint64_t value = first + i < end ? pages_.find(first + i) : 0;
    pages[i] = is_ready(value) ? frame_of_value(value) : PhysAddr{};
    if (is_ready(value)) frames::get(pages[i]);
  }
}

bool MemoryObject::is_resident(uint64_t index) {
  Guard guard(lock_);
  return is_ready(pages_.find(index));
}

Result<PhysAddr> MemoryObject::get_page(uint64_t index, bool for_write) {
  if (index >= pages_for(size())) return Errno::Fault;
  std::optional<PhysAddr> found = peek_page(index);
  PhysAddr page = found ? *found : TRY(add_page(index));
  if (for_write) frames::frame_of(page).flags.fetch_or_relaxed(kFrameDirty);
  return page;
}

Result<> MemoryObject::bring_in(uint64_t index, ReadAhead::Pattern) {
  frames::put(TRY(get_page(index, /*for_write=*/false)));
  return {};
}

Result<PhysAddr> MemoryObject::add_page(uint64_t index) {
  PhysAddr fresh = TRY(make_page(AllocationFlags::Zero));
  fill_page(index, fresh);
  Result<PhysAddr> page = insert_page(index, fresh);
  if (!page.ok() || *page != fresh) discard_made_page(fresh);
  return page;
}

// A page that is accounted for, and that nobody else sees.
Result<PhysAddr> MemoryObject::make_page(AllocationFlags flags) {
  PhysAddr fresh = TRY(frames::allocate(0, FrameUse::Object, flags));
  Result<> ready = charge_page();
  if (ready.ok()) return fresh;
  frames::free(fresh);
  return ready.error();
}

void MemoryObject::discard_made_page(PhysAddr fresh) {
  uncharge_pages(1);
  frames::free(fresh);
}

// The page that is in the cache afterwards, with a reference for the caller: `fresh`, or that of
// somebody who was faster.
Result<PhysAddr> MemoryObject::insert_page(uint64_t index, PhysAddr fresh) {
  RadixSpare spare;  // most insertions need no node: filled when one turns out to
  for (;;) {
    {
      Guard guard(lock_);
      if (index >= pages_for(size())) return Errno::Fault;  // truncated meanwhile
      Result<> inserted = pages_.insert(index, raw(fresh), &spare);
      if (inserted.ok()) {
        frames::get(fresh);  // the cache's; the first one is the caller's
        resident_.fetch_add_relaxed(1);
        return fresh;
      }
      if (inserted.failed_with(Errno::Exist)) {
        PhysAddr other = frame_of_value(pages_.find(index));
        frames::get(other);
        return other;
      }
    }
    TRY(spare.fill());
  }
}

// --- Bytes -----------------------------------------------------------------------

Result<size_t> MemoryObject::read(IoBuffer& buffer, uint64_t offset) {
  size_t total = 0;
  while (buffer.remaining() != 0 && offset < size()) {
    uint64_t index = offset >> kPageShift;
    size_t in_page = offset & (kPageSize - 1);
    size_t part = kPageSize - in_page;
    if (part > size() - offset) part = size() - offset;
    if (part > buffer.remaining()) part = buffer.remaining();
    std::optional<PhysAddr> page = peek_page(index);  // none: a hole
    size_t moved =
        buffer.put_nofault(frames::frame_data(page ? *page : zero_frame()) + in_page, part);
    if (page) frames::put(*page);
    total += moved;
    offset += moved;
    if (moved < part) break;
  }
  return total;
}

// Where there is no page yet and the buffer has a whole one, it is not zeroed first: nobody sees
// the page before it is full. If somebody else's was faster, that one gets the bytes. Returns bytes
// moved.
Result<size_t> MemoryObject::write_new_page(IoBuffer& buffer, uint64_t index) {
  PhysAddr fresh = TRY(make_page(AllocationFlags::None));
  uint8_t* data = frames::frame_data(fresh);
  size_t moved = buffer.take_nofault(data, kPageSize);
  if (moved == 0) {
    discard_made_page(fresh);
    return size_t{0};
  }
  __builtin_memset(data + moved, 0, kPageSize - moved);
  frames::frame_of(fresh).flags.store_relaxed(kFrameDirty);
  Result<PhysAddr> page = insert_page(index, fresh);
  bool is_ours = page.ok() && *page == fresh;
  if (page.ok() && !is_ours) {
    note_written(*page);
    __builtin_memcpy(frames::frame_data(*page), data, moved);
  }
  if (page.ok()) frames::put(*page);
  if (!is_ours) discard_made_page(fresh);
  return page.ok() ? Result<size_t>(moved) : page.error();
}

Result<size_t> MemoryObject::write_part(IoBuffer& buffer, uint64_t offset, size_t part) {
  uint64_t index = offset >> kPageShift;
  std::optional<PhysAddr> found = peek_page(index);
  if (!found && part == kPageSize) return write_new_page(buffer, index);
  PhysAddr page = found ? *found : TRY(add_page(index));
  note_written(page);
  size_t moved =
      buffer.take_nofault(frames::frame_data(page) + (offset & (kPageSize - 1)), part);
  frames::put(page);
  return moved;
}

Result<size_t> MemoryObject::write(IoBuffer& buffer, uint64_t offset) {
  size_t total = 0;
  while (buffer.remaining() != 0) {
    size_t part = kPageSize - (offset & (kPageSize - 1));
    if (part > buffer.remaining()) part = buffer.remaining();
    Result<size_t> moved = write_part(buffer, offset, part);
    if (!moved.ok()) return total != 0 ? Result<size_t>(total) : moved.error();
    total += *moved;
    offset += *moved;
    if (*moved < part) break;
  }
  return total;
}

Result<uint64_t> MemoryObject::seek(uint64_t offset, bool want_data) {
  uint64_t end = size();
  if (offset >= end) return Errno::NxIo;
  Guard guard(lock_);
  uint64_t index = offset >> kPageShift;
  if (want_data) {
    std::optional<RadixTree::Entry> found = pages_.next(index);
    if (!found || found->index << kPageShift >= end) return Errno::NxIo;
    uint64_t start = found->index << kPageShift;
    return start > offset ? start : offset;
  }
  while (index < pages_for(end) && pages_.find(index) != 0) ++index;
  uint64_t hole = index << kPageShift;
  if (hole < offset) hole = offset;
  return hole < end ? hole : end;
}

// --- Removal -----------------------------------------------------------------------

void MemoryObject::zero_part(uint64_t start, uint64_t end) {
  std::optional<PhysAddr> page = peek_page(start >> kPageShift);
  if (!page) return;
  uint8_t* data = frames::frame_data(*page);
  for (uint64_t at = start; at < end; ++at) data[at & (kPageSize - 1)] = 0;
  frames::put(*page);
}

void MemoryObject::truncate(uint64_t start) {
  uint64_t first_gone = align_up(start, kPageSize);
  unmap_everywhere(pages_for(start), kEndOfIndices, true);
  // The tail is zeroed where it is, whatever the size says now.
  if (first_gone != start) {
    PhysAddr tail{};
    {
      Guard guard(lock_);
      tail = frame_of_value(pages_.find(start >> kPageShift));
      if (tail != PhysAddr{}) frames::get(tail);
    }
    if (tail != PhysAddr{}) {
      uint8_t* data = frames::frame_data(tail);
      for (size_t at = start & (kPageSize - 1); at < kPageSize; ++at) data[at] = 0;
      frames::put(tail);
    }
  }
  remove_pages(pages_for(start), kEndOfIndices, false);
}

void MemoryObject::punch(uint64_t start, uint64_t end) {
  uint64_t first = pages_for(start);
  uint64_t last = end >> kPageShift;
  if (first > last) return zero_part(start, end);  // inside one page
  if (start < first << kPageShift) zero_part(start, first << kPageShift);
  if (end > last << kPageShift) zero_part(last << kPageShift, end);
  remove_pages(first, last, true);
}

size_t MemoryObject::remove_some(uint64_t first, uint64_t end,
                                 std::span<RadixTree::Entry> removed) {
  Guard guard(lock_);
  size_t count = 0;
  while (count < removed.size()) {
    std::optional<RadixTree::Entry> entry = pages_.next(first);
    if (!entry || entry->index >= end) break;
    pages_.remove(entry->index);
    removed[count++] = *entry;
    first = entry->index;
  }
  resident_.fetch_sub_relaxed(count);
  return count;
}

// The cache's reference is dropped last: until then no frame is reused, though TLBs may remember
// it.
void MemoryObject::remove_pages(uint64_t first, uint64_t end, bool unmap) {
  RadixTree::Entry removed[32];
  while (size_t count = remove_some(first, end, removed)) {
    first = removed[count - 1].index + 1;
    if (unmap) unmap_everywhere(removed[0].index, first, false);
    for (size_t i = 0; i < count; ++i) frames::put(frame_of_value(removed[i].value));
    uncharge_pages(count);
    if (first == 0) break;
  }
}

// --- Mappings ------------------------------------------------------------------------

bool MemoryObject::has_writable_mappings() const {
  Guard guard(mappings_lock_);
  for (Mapping& mapping : const_cast<List<Mapping, ObjectMappingTag>&>(mappings_)) {
    if (mapping.flags.shared && (mapping.max_protection & kProtWrite) != 0) return true;
  }
  return false;
}

Result<Ref<AnonymousObject>> AnonymousObject::create(uint64_t size) {
  Ref<AnonymousObject> object = TRY(make_ref<AnonymousObject>());
  object->set_size(size);
  return object;
}

}  // namespace kernel
