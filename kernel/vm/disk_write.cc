// SPDX-License-Identifier: MIT
// Bytes into a DiskObject's pages. A write goes run by run, each of pages that are all absent or
// all there; what the file system's prepare_write() has agreed to becomes dirty, whatever the
// buffer does. The inode's lock is held: no truncation, and no other writer but mappings.
//
//   absent, wholly overwritten or behind the end   fresh pages, filled from the buffer while nobody
//                                                  sees them, then prepare, dirty, finish
//   absent, partly overwritten                     filled from the disk first: then it is there
//   there                                          prepare; page by page copied, dirty; finish

#include "vm/disk_object.h"
#include "vm/page_cache.h"

namespace kernel {

Result<size_t> DiskObject::write(IoBuffer& buffer, uint64_t offset) {
  if (offset > size()) grow(size());
  size_t total = 0;
  bool no_room = false;
  while (buffer.remaining() != 0) {
    size_t most = (no_room ? 1 : kRunPages) * kPageSize - (offset & (kPageSize - 1));
    size_t wanted = buffer.remaining() < most ? buffer.remaining() : most;
    Result<size_t> moved = write_run(buffer, offset, wanted);
    // Where there is no room for all of it there may be for a page.
    if (moved.failed_with(Errno::NoSpc) || moved.failed_with(Errno::DQuot)) {
      if (!std::exchange(no_room, true)) continue;
    }
    if (!moved.ok()) return total != 0 ? Result<size_t>(total) : moved.error();
    if (*moved == 0) break;
    total += *moved;
    offset += *moved;
    page_cache::throttle();
  }
  return total;
}

// What mappings left behind the end goes before the end moves.
void DiskObject::grow(uint64_t new_size) {
  uint64_t end = size(), page_end = align_up(end, kPageSize);
  if (end != page_end) zero_in_memory(end, page_end);
  if (new_size > end) set_size(new_size);
}

void DiskObject::extend_to(uint64_t end) {
  if (end > size()) set_size(end);
}

Result<size_t> DiskObject::write_run(IoBuffer& buffer, uint64_t offset, size_t wanted) {
  uint64_t index = offset >> kPageShift;
  uint64_t page_start = index << kPageShift;
  bool whole = offset == page_start && wanted >= kPageSize;
  for (;;) {
    std::optional<PhysAddr> page = find_page(index);
    if (page) frames::put(*page);
    if (!page && !whole && page_start < size()) {
      TRY(fill(index, 1));
      continue;
    }
    Result<size_t> moved =
        page ? write_present(buffer, offset, wanted) : write_fresh(buffer, offset, wanted);
    if (!moved.failed_with(Errno::Again)) return moved;
    // The page has come or gone meanwhile, or the buffer cannot fill it at one go.
    whole = false;
  }
}

// --- Fresh pages -----------------------------------------------------------------

// Fills as many of the pages as the buffer allows, whole ones below the file's end; returns bytes.
size_t DiskObject::copy_fresh(IoBuffer& buffer, uint64_t offset, size_t wanted,
                              std::span<const PhysAddr> pages) {
  size_t total = 0;
  for (PhysAddr page : pages) {
    uint8_t* data = frames::frame_data(page);
    size_t in_page = (offset + total) & (kPageSize - 1);
    size_t part = kPageSize - in_page;
    if (part > wanted - total) part = wanted - total;
    size_t moved = buffer.take_nofault(data + in_page, part);
    bool behind_end = align_down(offset + total, kPageSize) >= size();
    if (moved < part && !behind_end) {
      buffer.rewind(moved);
      return total;
    }
    __builtin_memset(data, 0, in_page);
    __builtin_memset(data + in_page + moved, 0, kPageSize - in_page - moved);
    total += moved;
    if (moved < part || total == wanted) return total;
  }
  return total;
}

// Error Again: try it as a page that is there.
Result<size_t> DiskObject::write_fresh(IoBuffer& buffer, uint64_t offset, size_t wanted) {
  uint64_t index = offset >> kPageShift;
  uint64_t end = offset + wanted;
  // A last page that is partly overwritten is a run of its own.
  if ((end & (kPageSize - 1)) != 0 && align_down(end, kPageSize) < size()) {
    end = align_down(end, kPageSize);
    wanted = end - offset;
  }
  PhysAddr pages[kRunPages];
  size_t count = TRY(reserve(index, {pages, pages_for(end) - index}));
  if (count == 0) return Errno::Again;
  uint64_t run_end = (index + count) << kPageShift;
  if (run_end < end) wanted = run_end - offset;
  size_t moved = copy_fresh(buffer, offset, wanted, {pages, count});
  size_t used = moved == 0 ? 0 : pages_for(offset + moved) - index;
  abandon(index + used, std::span<const PhysAddr>(pages, count).subspan(used));
  if (used == 0) return index << kPageShift < size() ? Result<size_t>(Errno::Again) : size_t{0};

  std::span<const PhysAddr> run(pages, used);
  PendingWrite write{offset, offset + moved, PendingWrite::Cause::Call};
  Result<> prepared = prepare_write(write);
  if (!prepared.ok()) {
    abandon(index, run);
    buffer.rewind(moved);
    return prepared.error();
  }
  publish(index, run, /*dirty=*/true);
  extend_to(offset + moved);
  finish_write(write, offset + moved);
  return moved;
}

// --- Pages that are there ----------------------------------------------------------

// References on the pages from `first` on that are there, one behind the other: no reclaim takes
// them away.
size_t DiskObject::hold_present(uint64_t first, std::span<PhysAddr> pages, bool& all_dirty) {
  Guard guard(lock_);
  size_t count = 0;
  all_dirty = true;
  for (; count < pages.size(); ++count) {
    uint64_t value = pages_.find(first + count);
    if (!is_ready(value)) break;
    pages[count] = PhysAddr{value};
    frames::get(pages[count]);
    if ((frames::frame_of(pages[count]).flags.load_relaxed() & kFrameDirty) == 0)
      all_dirty = false;
  }
  return count;
}

Result<size_t> DiskObject::write_present(IoBuffer& buffer, uint64_t offset, size_t wanted) {
  uint64_t index = offset >> kPageShift;
  PhysAddr pages[kRunPages];
  bool all_dirty = true;
  size_t count = hold_present(index, {pages, pages_for(offset + wanted) - index}, all_dirty);
  if (count == 0) return Errno::Again;
  uint64_t end = (index + count) << kPageShift;
  if (end > offset + wanted) end = offset + wanted;
  PendingWrite write{offset, end, PendingWrite::Cause::Call};
  bool prepare = !all_dirty || block_size() < kPageSize;
  Result<> prepared = prepare ? prepare_write(write) : Result<>();
  size_t moved = 0;
  if (prepared.ok()) {
    moved = copy_present(buffer, write, prepare);
    if (prepare) finish_write(write, offset + moved);
  }
  for (PhysAddr page : std::span(pages, count)) frames::put(page);
  if (!prepared.ok()) return prepared.error();
  return moved;
}

// All of a prepared range becomes dirty, however far the buffer goes.
size_t DiskObject::copy_present(IoBuffer& buffer, PendingWrite& write, bool prepared) {
  size_t total = 0;
  bool goes_on = true;
  for (uint64_t at = write.start; at < write.end && (goes_on || prepared);) {
    uint64_t index = at >> kPageShift;
    size_t in_page = at & (kPageSize - 1);
    size_t part = kPageSize - in_page;
    if (part > write.end - at) part = write.end - at;
    at += part;
    std::optional<PhysAddr> page = make_busy(index);
    if (!page) break;  // held: only a truncation without the inode's lock could do it
    size_t moved = goes_on ? buffer.take_nofault(frames::frame_data(*page) + in_page, part) : 0;
    Frame& frame = frames::frame_of(*page);
    if (moved != 0)
      frame.flags.fetch_and_relaxed(static_cast<uint16_t>(~kFrameInstructionsSynced));
    total += moved;
    // Before write-back may see the page: it zeroes what lies behind the end.
    if (moved != 0) extend_to(write.start + total);
    end_busy(index, *page, /*dirty=*/moved != 0 || prepared);
    page_lru::note_use(frame);
    goes_on = moved == part;
  }
  return total;
}

Result<> DiskObject::zero(uint64_t start, uint64_t end) {
  if (end > size()) end = size();
  if (start >= end) return {};
  uint64_t index = start >> kPageShift;
  PhysAddr page = TRY(add_page(index));
  PendingWrite write{start, end, PendingWrite::Cause::Call};
  Result<> prepared = prepare_write(write);
  if (prepared.ok()) {
    if (std::optional<PhysAddr> busy = make_busy(index)) {
      __builtin_memset(frames::frame_data(*busy) + (start & (kPageSize - 1)), 0, end - start);
      end_busy(index, *busy, /*dirty=*/true);
    }
    finish_write(write, end);
  }
  frames::put(page);
  return prepared;
}

}  // namespace kernel
