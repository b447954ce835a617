// SPDX-License-Identifier: MIT
// See page_lru.h. One spin lock for both lists; a scan takes pages off in batches and works on them
// without it, holding their objects.

#include "vm/page_lru.h"

#include "vm/disk_object.h"
#include "vm/page_cache.h"

namespace kernel::page_lru {
namespace {

constexpr size_t kBatch = 32;

struct Lists {
  SpinLock<LockRank::PageLru> lock;
  // The longest unused in front.
  List<FilePage> active GUARDED_BY(lock), inactive GUARDED_BY(lock);
  Atomic<uint64_t> active_count, inactive_count;  // changed under the lock
};
constinit Lists lists;

bool is_active(const FilePage& page) {
  return (frames::frame_of(page.frame).flags.load_relaxed() & kFrameActive) != 0;
}

void link_locked(FilePage& page) REQUIRES(lists.lock) {
  bool active = is_active(page);
  (active ? lists.active : lists.inactive).push_back(page);
  (active ? lists.active_count : lists.inactive_count).fetch_add_relaxed(1);
}

void unlink_locked(FilePage& page) REQUIRES(lists.lock) {
  bool active = is_active(page);
  (active ? lists.active : lists.inactive).remove(page);
  (active ? lists.active_count : lists.inactive_count).fetch_sub_relaxed(1);
}

void change_flags(FilePage& page, uint16_t clear, uint16_t set) {
  Atomic<uint16_t>& flags = frames::frame_of(page.frame).flags;
  flags.fetch_and_relaxed(static_cast<uint16_t>(~clear));
  if (set != 0) flags.fetch_or_relaxed(set);
}

// From the active list's end, as long as it is the longer one, or when the inactive one has nothing
// to give: what was used stays there. Returns how many it has looked at.
size_t balance(bool in_vain) {
  Guard guard(lists.lock);
  size_t looked = 0;
  for (; looked < kBatch; ++looked) {
    uint64_t inactive = lists.inactive_count.load_relaxed();
    if (!in_vain && lists.active_count.load_relaxed() <= inactive) break;
    FilePage* page = lists.active.front();
    if (page == nullptr) break;
    uint16_t flags = frames::frame_of(page->frame).flags.load_relaxed();
    bool used = (flags & (kFrameUsed | kFrameUsedAgain)) != 0;
    unlink_locked(*page);
    change_flags(*page, kFrameUsed | kFrameUsedAgain | kFrameActive, used ? kFrameActive : 0);
    link_locked(*page);
  }
  return looked;
}

struct Candidate {
  DiskObject* object;  // with a reference
  uint64_t index;
  PhysAddr frame;
};

// Objects cannot end their lives while the lock is held: they take their pages off first.
size_t isolate(std::span<Candidate> candidates) {
  Guard guard(lists.lock);
  size_t count = 0;
  for (size_t looked = 0; looked < candidates.size(); ++looked) {
    FilePage* page = lists.inactive.front();
    if (page == nullptr) break;
    unlink_locked(*page);
    if (page->object->try_ref()) {
      candidates[count++] = {page->object, page->index, page->frame};
    } else {
      link_locked(*page);  // its object is about to drop it
    }
  }
  return count;
}

}  // namespace

void note_use(Frame& frame) {
  uint16_t flags = frame.flags.load_relaxed();
  if ((flags & kFrameUsed) == 0) {
    frame.flags.fetch_or_relaxed(kFrameUsed);
  } else if ((flags & kFrameUsedAgain) == 0) {
    frame.flags.fetch_or_relaxed(kFrameUsedAgain);
  }
}

void add(FilePage& page) {
  Guard guard(lists.lock);
  if (!page.is_linked()) link_locked(page);
}

void remove(FilePage& page) {
  Guard guard(lists.lock);
  if (page.is_linked()) unlink_locked(page);
}

void put_back(FilePage& page, bool active) {
  Guard guard(lists.lock);
  if (page.is_linked()) return;
  change_flags(page, kFrameUsed | kFrameUsedAgain | kFrameActive, active ? kFrameActive : 0);
  link_locked(page);
}

Counts counts() {
  return {lists.active_count.load_relaxed(), lists.inactive_count.load_relaxed()};
}

uint64_t reclaim(uint64_t wanted) {
  uint64_t freed = 0;
  // Enough for everything to have lost its second chance on either list.
  Counts present = counts();
  uint64_t budget = 4 * (present.active + present.inactive) + kBatch;
  bool in_vain = false;
  for (uint64_t scanned = 0; freed < wanted && scanned < budget;) {
    size_t balanced = balance(in_vain);
    Candidate candidates[kBatch];
    size_t missing = wanted - freed < kBatch ? wanted - freed : kBatch;
    size_t count = isolate({candidates, missing});
    // The active list may have shown nothing but used pages so far: those behind them may go.
    if (count + balanced == 0) break;
    uint64_t before = freed;
    for (Candidate& candidate : std::span(candidates, count)) {
      if (candidate.object->reclaim_page(candidate.index, candidate.frame)) ++freed;
      candidate.object->unref();
    }
    in_vain = freed == before;
    scanned += count + balanced;
    page_cache::statistics().scanned.fetch_add_relaxed(count);
  }
  page_cache::statistics().reclaimed.fetch_add_relaxed(freed);
  return freed;
}

}  // namespace kernel::page_lru
