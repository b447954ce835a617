// SPDX-License-Identifier: MIT
// Pages of a DiskObject: how they come into the tree, change hands, and leave it.

#include "vm/disk_object.h"

#include "vm/page_wait.h"
#include "vm/write_back.h"

namespace kernel {
namespace {

constexpr uint64_t kEndOfIndices = ~uint64_t{0};
constexpr uint64_t kFilling = uint64_t{1} << 63;

PhysAddr frame_of_value(uint64_t value) { return PhysAddr{value & ~kFilling}; }

bool has_flags(PhysAddr page, uint16_t flags) {
  return (frames::frame_of(page).flags.load_relaxed() & flags) != 0;
}

}  // namespace

// Nobody but reclaim can look anything up any more. The group may have gone before, if
// leave_group() was called.
DiskObject::~DiskObject() {
  remove_range(0, kEndOfIndices, /*unmap=*/false);
  page_lru::wait_for_pins(*this);
  if (listed_) group_.remove(*this);
}

void DiskObject::leave_group() { group_.remove(*this); }

// --- Waiting ---------------------------------------------------------------------

void DiskObject::wait_filled(uint64_t index, uint64_t value) {
  auto changed = [&] {
    Guard guard(lock_);
    return pages_.find(index) != value;
  };
  ignore(page_waiters(frame_of_value(value)).wait(changed, WaitMode::Uninterruptible));
}

// Until it is neither under write-back nor busy, or has left.
void DiskObject::wait_idle(uint64_t index, PhysAddr page) {
  auto idle = [&] {
    Guard guard(lock_);
    return pages_.find(index) != raw(page) || !has_flags(page, kFrameWriteBack | kFrameBusy);
  };
  ignore(page_waiters(page).wait(idle, WaitMode::Uninterruptible));
}

std::optional<PhysAddr> DiskObject::find_page(uint64_t index) {
  for (;;) {
    uint64_t value;
    {
      Guard guard(lock_);
      value = pages_.find(index);
      if (is_ready(value)) {
        frames::get(frame_of_value(value));
        return frame_of_value(value);
      }
    }
    if (value == 0) return {};
    wait_filled(index, value);
  }
}

// --- Coming ------------------------------------------------------------------------

// Frames with their records, as many as there is memory for, at least one. Only the first is worth
// reclaim's trouble.
Result<> DiskObject::allocate_run(uint64_t first, std::span<PhysAddr>& pages) {
  for (size_t i = 0; i < pages.size(); ++i) {
    AllocationFlags flags = i == 0 ? AllocationFlags::None : AllocationFlags::Spare;
    Result<PhysAddr> frame = frames::allocate(0, FrameUse::Object, flags);
    Result<Owned<FilePage>> record = frame.ok() ? make_owned<FilePage>() : frame.error();
    if (!record.ok()) {
      if (frame.ok()) frames::free(*frame);
      if (i == 0) return Errno::NoMem;
      pages = pages.first(i);
      break;
    }
    (*record)->object = this;
    (*record)->index = first + i;
    (*record)->frame = *frame;
    frames::frame_of(*frame).owner = std::move(*record).leak();
    pages[i] = *frame;
  }
  return {};
}

// Puts fresh frames, being filled, into the tree from `first` on, until something is there already:
// returns how many. They are published or abandoned by whoever reserved them.
Result<size_t> DiskObject::reserve(uint64_t first, std::span<PhysAddr> pages) {
  TRY(allocate_run(first, pages));
  RadixSpare spare;
  size_t count = 0;
  Result<> inserted;
  while (count < pages.size()) {
    {
      Guard guard(lock_);
      while (count < pages.size()) {
        inserted = pages_.insert(first + count, raw(pages[count]) | kFilling, &spare);
        if (!inserted.ok()) break;
        ++count;
      }
    }
    if (inserted.ok()) break;
    if (inserted.failed_with(Errno::NoMem)) inserted = spare.fill();
    if (!inserted.ok()) break;
  }
  for (PhysAddr rest : pages.subspan(count)) {
    delete &file_page(rest);
    frames::free(rest);
  }
  if (count == 0 && inserted.failed_with(Errno::NoMem)) return Errno::NoMem;
  resident_.fetch_add_relaxed(count);
  page_cache::statistics().file_pages.fetch_add_relaxed(count);
  return count;
}

void DiskObject::publish(uint64_t first, std::span<const PhysAddr> pages, bool dirty) {
  bool first_dirty = false;
  {
    Guard guard(lock_);
    for (size_t i = 0; i < pages.size(); ++i) {
      pages_.replace(first + i, raw(pages[i]));
      if (dirty) {
        first_dirty |= mark_dirty_locked(first + i, pages[i]);
      } else {
        page_lru::add(file_page(pages[i]));
      }
    }
  }
  if (first_dirty) group_.add(*this);
  for (PhysAddr page : pages) page_waiters(page).wake_all();
}

void DiskObject::abandon(uint64_t first, std::span<const PhysAddr> pages) {
  if (pages.empty()) return;
  {
    Guard guard(lock_);
    for (size_t i = 0; i < pages.size(); ++i) pages_.remove(first + i);
  }
  resident_.fetch_sub_relaxed(pages.size());
  for (PhysAddr page : pages) {
    page_waiters(page).wake_all();
    delete &file_page(page);
    frames::put(page);
  }
  page_cache::note_gone(pages.size());
}

Result<> DiskObject::fill(uint64_t first, size_t count) {
  ReadGuard guard(fill_lock_);
  uint64_t end = pages_for(size());
  if (first >= end) return Errno::Fault;
  if (count > kRunPages) count = kRunPages;
  if (count > end - first) count = end - first;
  PhysAddr pages[kRunPages];
  size_t reserved = TRY(reserve(first, {pages, count}));
  if (reserved == 0) return {};  // somebody else's, ready or being filled
  std::span<const PhysAddr> run(pages, reserved);
  Result<> read = read_pages(first, run);
  if (!read.ok()) {
    abandon(first, run);
    return read;
  }
  publish(first, run, /*dirty=*/false);
  page_cache::statistics().filled.fetch_add_relaxed(reserved);
  return {};
}

// The page itself, where what is around it does not matter.
Result<PhysAddr> DiskObject::add_page(uint64_t index) {
  for (;;) {
    if (std::optional<PhysAddr> page = find_page(index)) return *page;
    TRY(fill(index, 1));
  }
}

// --- Changing ------------------------------------------------------------------------

// Keeps a page that is there from write-back and from leaving; nothing when it is not there. With a
// reference.
std::optional<PhysAddr> DiskObject::make_busy(uint64_t index) {
  for (;;) {
    uint64_t value;
    {
      Guard guard(lock_);
      value = pages_.find(index);
      if (value == 0) return {};
      PhysAddr page = frame_of_value(value);
      if (is_ready(value) && !has_flags(page, kFrameWriteBack | kFrameBusy)) {
        frames::frame_of(page).flags.fetch_or_relaxed(kFrameBusy);
        frames::get(page);
        return page;
      }
    }
    if (is_ready(value)) {
      wait_idle(index, frame_of_value(value));
    } else {
      wait_filled(index, value);
    }
  }
}

void DiskObject::end_busy(uint64_t index, PhysAddr page, bool dirty) {
  bool first_dirty = false;
  {
    Guard guard(lock_);
    if (dirty) first_dirty = mark_dirty_locked(index, page);
    frames::frame_of(page).flags.fetch_and_relaxed(static_cast<uint16_t>(~kFrameBusy));
  }
  if (first_dirty) group_.add(*this);
  page_waiters(page).wake_all();
  frames::put(page);
}

// True when it is the object's first: it then has to be on its group's list.
bool DiskObject::mark_dirty_locked(uint64_t index, PhysAddr page) {
  Frame& frame = frames::frame_of(page);
  DCHECK((frame.flags.load_relaxed() & kFrameWriteBack) == 0);
  if ((frame.flags.load_relaxed() & kFrameDirty) != 0) return false;
  frame.flags.fetch_or_relaxed(kFrameDirty);
  pages_.set_mark(index, RadixTree::Mark::Dirty);
  page_lru::remove(file_page(page));
  page_cache::statistics().dirty.fetch_add_relaxed(1);
  page_cache::statistics().dirtied.fetch_add_relaxed(1);
  return dirty_pages_.fetch_add_relaxed(1) == 0;
}

Result<> DiskObject::make_dirty(uint64_t index) {
  {
    ReadGuard guard(fill_lock_);
    uint64_t start = index << kPageShift;
    if (start >= size()) return Errno::Fault;
    std::optional<PhysAddr> page = peek_page(index);
    if (!page) return {};
    wait_idle(index, *page);
    uint64_t end = start + kPageSize < size() ? start + kPageSize : size();
    PendingWrite write{start, end, PendingWrite::Cause::Mapping};
    Result<> prepared = prepare_write(write);
    if (prepared.ok()) {
      // The reference keeps it from reclaim, the fill lock from truncation: it is still there.
      std::optional<PhysAddr> busy = make_busy(index);
      if (busy) end_busy(index, *busy, /*dirty=*/true);
      finish_write(write, end);
    }
    frames::put(*page);
    if (!prepared.ok()) return prepared;
  }
  page_cache::throttle();
  return {};
}

// --- Leaving -------------------------------------------------------------------------

// Bookkeeping of a page that has just been taken out of the tree.
void DiskObject::forget_locked(PhysAddr page) {
  Frame& frame = frames::frame_of(page);
  if ((frame.flags.load_relaxed() & kFrameDirty) != 0) {
    frame.flags.fetch_and_relaxed(static_cast<uint16_t>(~kFrameDirty));
    dirty_pages_.fetch_sub_relaxed(1);
    page_cache::statistics().dirty.fetch_sub_relaxed(1);
  }
  page_lru::remove(file_page(page));
}

void DiskObject::drop_pages(std::span<const RadixTree::Entry> pages) {
  if (pages.empty()) return;
  resident_.fetch_sub_relaxed(pages.size());
  for (const RadixTree::Entry& entry : pages) {
    PhysAddr page = frame_of_value(entry.value);
    delete &file_page(page);
    frames::put(page);
  }
  page_cache::note_gone(pages.size());
}

// Takes pages out of the tree up to the first that may not leave yet.
size_t DiskObject::remove_some(uint64_t first, uint64_t end, std::span<RadixTree::Entry> removed,
                               std::optional<RadixTree::Entry>& blocked) {
  Guard guard(lock_);
  size_t count = 0;
  blocked.reset();
  while (count < removed.size()) {
    std::optional<RadixTree::Entry> entry = pages_.next(first);
    if (!entry || entry->index >= end) break;
    PhysAddr page = frame_of_value(entry->value);
    if (!is_ready(entry->value) || has_flags(page, kFrameWriteBack | kFrameBusy)) {
      blocked = *entry;
      break;
    }
    pages_.remove(entry->index);
    forget_locked(page);
    removed[count++] = *entry;
    first = entry->index;
  }
  return count;
}

void DiskObject::remove_range(uint64_t first, uint64_t end, bool unmap) {
  RadixTree::Entry removed[kRunPages];
  std::optional<RadixTree::Entry> blocked;
  for (;;) {
    size_t count = remove_some(first, end, removed, blocked);
    if (count != 0) {
      first = removed[count - 1].index + 1;
      if (unmap) unmap_everywhere(removed[0].index, first, false);
      drop_pages({removed, count});
    }
    if (blocked) {
      if (is_ready(blocked->value)) {
        wait_idle(blocked->index, frame_of_value(blocked->value));
      } else {
        wait_filled(blocked->index, blocked->value);
      }
    } else if (count == 0) {
      return;
    }
  }
}

// What is in memory of one page's bytes becomes zero, for readers and for mappings.
void DiskObject::zero_in_memory(uint64_t start, uint64_t end) {
  std::optional<PhysAddr> page = make_busy(start >> kPageShift);
  if (!page) return;
  __builtin_memset(frames::frame_data(*page) + (start & (kPageSize - 1)), 0, end - start);
  end_busy(start >> kPageShift, *page, /*dirty=*/false);
}

void DiskObject::truncate(uint64_t start) {
  uint64_t first_gone = pages_for(start);
  unmap_everywhere(first_gone, kEndOfIndices, true);
  uint64_t page_end = first_gone << kPageShift;
  if (page_end != start) zero_in_memory(start, page_end);
  remove_range(first_gone, kEndOfIndices, /*unmap=*/false);
}

// Of whole pages; zero() is for their parts.
void DiskObject::punch(uint64_t start, uint64_t end) {
  remove_range(pages_for(start), end >> kPageShift, /*unmap=*/true);
}

// The next clean pages that only the cache holds leave the tree.
size_t DiskObject::collect_unused(uint64_t& first, uint64_t end,
                                  std::span<RadixTree::Entry> unused) {
  Guard guard(lock_);
  size_t count = 0;
  for (size_t looked = 0; looked < kRunPages; ++looked) {
    std::optional<RadixTree::Entry> entry = pages_.next(first);
    if (!entry || entry->index >= end) {
      first = end;
      break;
    }
    first = entry->index + 1;
    PhysAddr page = frame_of_value(entry->value);
    if (!is_ready(entry->value) || has_flags(page, kFrameDirty | kFrameWriteBack | kFrameBusy))
      continue;
    if (frames::frame_of(page).references.load_acquire() != 1) continue;
    pages_.remove(entry->index);
    forget_locked(page);
    unused[count++] = *entry;
  }
  return count;
}

uint64_t DiskObject::invalidate(uint64_t start, uint64_t end, bool even_mapped) {
  uint64_t first = pages_for(start), last = end >> kPageShift, gone = 0;
  if (even_mapped && first < last) unmap_everywhere(first, last, false);
  while (first < last) {
    RadixTree::Entry unused[kRunPages];
    size_t count = collect_unused(first, last, unused);
    drop_pages({unused, count});
    gone += count;
  }
  return gone;
}

// No look-up takes a reference but under the lock: with the cache's alone nobody has the page.
bool DiskObject::reclaim_page(uint64_t index, PhysAddr page) {
  Frame& frame = frames::frame_of(page);
  for (bool unmapped = false;; unmapped = true) {
    {
      Guard guard(lock_);
      if (pages_.find(index) != raw(page)) return false;
      uint16_t flags = frame.flags.load_relaxed();
      if ((flags & (kFrameDirty | kFrameWriteBack)) != 0) return false;  // listed when it is clean
      bool used_again = (flags & kFrameUsedAgain) != 0;
      bool held = frame.references.load_acquire() != 1 || (flags & kFrameBusy) != 0;
      // A mapped page that was used has another chance, unmapped, so that its next use shows.
      bool second_chance = unmapped && (flags & kFrameUsed) != 0;
      if (used_again || second_chance || (held && unmapped)) {
        page_lru::put_back(file_page(page), used_again);
        return false;
      }
      if (!held) {
        pages_.remove(index);
        forget_locked(page);
        break;
      }
    }
    if (!try_unmap(index)) {
      Guard guard(lock_);
      if (pages_.find(index) == raw(page) && !has_flags(page, kFrameDirty | kFrameWriteBack))
        page_lru::put_back(file_page(page), /*active=*/true);
      return false;
    }
  }
  RadixTree::Entry gone{index, raw(page)};
  drop_pages({&gone, 1});
  return true;
}

// --- Asking --------------------------------------------------------------------------

Result<uint64_t> DiskObject::seek(uint64_t offset, bool want_data) {
  uint64_t end = size();
  if (offset >= end) return Errno::NxIo;
  return want_data ? offset : end;  // a file system that knows its holes says better
}

DiskObject::Counts DiskObject::counts(uint64_t start, uint64_t end) {
  Counts counts;
  uint64_t first = start >> kPageShift, last = pages_for(end);
  while (first < last) {
    Guard guard(lock_);
    for (size_t looked = 0; looked < kRunPages && first < last; ++looked) {
      std::optional<RadixTree::Entry> entry = pages_.next(first);
      if (!entry || entry->index >= last) return counts;
      first = entry->index + 1;
      if (!is_ready(entry->value)) continue;
      ++counts.cached;
      PhysAddr page = frame_of_value(entry->value);
      if (has_flags(page, kFrameDirty)) ++counts.dirty;
      if (has_flags(page, kFrameWriteBack)) ++counts.write_back;
    }
  }
  return counts;
}

}  // namespace kernel
