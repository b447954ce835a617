// SPDX-License-Identifier: MIT
// Dirty pages of one file on their way to the disk. A run of neighbours becomes clean and goes
// under write-back in one step, under the lock; then the mappings lose their right to write, and
// what they wrote until then is what is written.

#include "vm/disk_object.h"
#include "vm/page_wait.h"
#include "vm/write_back.h"

namespace kernel {

struct DiskObject::Run {
  uint64_t first = 0;
  size_t count = 0;
  PhysAddr pages[kRunPages];
  std::span<const PhysAddr> span() const { return {pages, count}; }
};

// The next run at or behind `from`, which moves on. What lies behind the file's end is left to
// truncation.
bool DiskObject::take_dirty_run(uint64_t& from, uint64_t end, Run& run) {
  for (;;) {
    PhysAddr busy{};
    {
      Guard guard(lock_);
      uint64_t file_end = pages_for(size());
      if (end > file_end) end = file_end;
      run.count = 0;
      while (run.count < kRunPages) {
        std::optional<RadixTree::Entry> entry = pages_.next(from, RadixTree::Mark::Dirty);
        if (!entry || entry->index >= end) break;
        if (run.count != 0 && entry->index != run.first + run.count) break;
        PhysAddr page{entry->value};
        Frame& frame = frames::frame_of(page);
        if ((frame.flags.load_relaxed() & kFrameBusy) != 0) {
          if (run.count == 0) busy = page;
          from = entry->index;
          break;
        }
        pages_.clear_mark(entry->index, RadixTree::Mark::Dirty);
        pages_.set_mark(entry->index, RadixTree::Mark::Writeback);
        frame.flags.fetch_or_relaxed(kFrameWriteBack);
        frame.flags.fetch_and_relaxed(static_cast<uint16_t>(~kFrameDirty));
        if (run.count == 0) run.first = entry->index;
        run.pages[run.count++] = page;
        from = entry->index + 1;
      }
      dirty_pages_.fetch_sub_relaxed(run.count);
    }
    page_cache::statistics().dirty.fetch_sub_relaxed(run.count);
    page_cache::statistics().write_back.fetch_add_relaxed(run.count);
    if (busy == PhysAddr{}) return run.count != 0;
    wait_idle(from, busy);
  }
}

// Pages under write-back stay in the tree, so that no reference is needed.
Result<> DiskObject::write_run_back(Run& run) {
  protect_everywhere(run.first, run.first + run.count);
  uint64_t end = size();
  uint64_t last = run.first + run.count - 1;
  if (last == end >> kPageShift) {
    size_t used = end & (kPageSize - 1);
    __builtin_memset(frames::frame_data(run.pages[run.count - 1]) + used, 0, kPageSize - used);
  }
  Result<> written = write_pages(run.first, run.span());
  end_write_back(run, written);
  return written;
}

void DiskObject::end_write_back(const Run& run, Result<> result) {
  bool again = result.failed_with(Errno::NoMem);
  bool first_dirty = false;
  {
    Guard guard(lock_);
    for (size_t i = 0; i < run.count; ++i) {
      PhysAddr page = run.pages[i];
      pages_.clear_mark(run.first + i, RadixTree::Mark::Writeback);
      frames::frame_of(page).flags.fetch_and_relaxed(static_cast<uint16_t>(~kFrameWriteBack));
      if (again) {
        first_dirty |= mark_dirty_locked(run.first + i, page);
      } else {
        page_lru::add(file_page(page));
      }
    }
  }
  if (first_dirty) group_.add(*this);
  if (!result.ok() && !again) {
    errors.note(result.error());
    group_.errors.note(result.error());
  }
  page_cache::statistics().write_back.fetch_sub_relaxed(run.count);
  if (!again) page_cache::note_cleaned(run.count);
  for (PhysAddr page : run.span()) page_waiters(page).wake_all();
}

Result<> DiskObject::start_write_back(uint64_t start, uint64_t end) {
  uint64_t from = start >> kPageShift, last = pages_for(end);
  Result<> result;
  Run run;
  while (take_dirty_run(from, last, run)) {
    Result<> written = write_run_back(run);
    if (!written.ok() && result.ok()) result = written.error();
    if (written.failed_with(Errno::NoMem)) break;  // tried again by the next one
  }
  return result;
}

void DiskObject::wait_for_write_back(uint64_t start, uint64_t end) {
  uint64_t from = start >> kPageShift, last = pages_for(end);
  while (from < last) {
    std::optional<RadixTree::Entry> entry;
    {
      Guard guard(lock_);
      entry = pages_.next(from, RadixTree::Mark::Writeback);
    }
    if (!entry || entry->index >= last) return;
    from = entry->index + 1;
    auto ended = [&] {
      Guard guard(lock_);
      return pages_.find(entry->index) != entry->value ||
             !pages_.has_mark(entry->index, RadixTree::Mark::Writeback);
    };
    ignore(page_waiters(PhysAddr{entry->value}).wait(ended, WaitMode::Uninterruptible));
  }
}

Result<> DiskObject::write_back(uint64_t start, uint64_t end) {
  uint32_t before = errors.present();
  Result<> own = start_write_back(start, end);
  wait_for_write_back(start, end);
  return own.ok() ? errors.since(before) : own;
}

}  // namespace kernel
