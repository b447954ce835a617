// SPDX-License-Identifier: MIT
// See page_lru.h. One spin lock for both lists; a scan takes pages off in batches and works on them
// without it. What it has in hand pins the page's object: that keeps the object's memory, not its
// life. So pages of a file that ends just now go as any others do, and no file ever ends here, in a
// thread that may hold any lock.

#include "vm/page_lru.h"

#include "sched/wait_queue.h"
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

// Pages that scans have taken off the lists and not decided about yet, of all threads.
constinit Atomic<uint64_t> in_hand_count;
constinit WaitQueue unpinned;  // an object has lost its last pin

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
  DiskObject* object;  // pinned
  uint64_t index;
  PhysAddr frame;
};

// Objects cannot go while the lock is held: they take their pages off first, then look for pins.
size_t isolate(std::span<Candidate> candidates) {
  Guard guard(lists.lock);
  size_t count = 0;
  while (count < candidates.size()) {
    FilePage* page = lists.inactive.front();
    if (page == nullptr) break;
    unlink_locked(*page);
    page->object->reclaim_pins.fetch_add_relaxed(1);
    candidates[count++] = {page->object, page->index, page->frame};
  }
  in_hand_count.fetch_add_relaxed(count);
  return count;
}

// Frees what can go now; returns how many.
uint64_t decide(std::span<const Candidate> candidates) {
  uint64_t freed = 0;
  for (const Candidate& candidate : candidates) {
    if (candidate.object->reclaim_page(candidate.index, candidate.frame)) ++freed;
    // After this the object may be gone.
    if (candidate.object->reclaim_pins.fetch_sub_acq_rel(1) == 1) unpinned.wake_all();
  }
  uint64_t count = candidates.size();
  if (in_hand_count.fetch_sub_acq_rel(count) == count) page_cache::note_gone(0);
  return freed;
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

uint64_t in_hand() { return in_hand_count.load_acquire(); }

void wait_for_pins(DiskObject& object) {
  auto none = [&object] { return object.reclaim_pins.load_acquire() == 0; };
  ignore(unpinned.wait(none, WaitMode::Uninterruptible));
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
    uint64_t gone = decide({candidates, count});
    freed += gone;
    in_vain = gone == 0;
    scanned += count + balanced;
    page_cache::statistics().scanned.fetch_add_relaxed(count);
  }
  page_cache::statistics().reclaimed.fetch_add_relaxed(freed);
  return freed;
}

}  // namespace kernel::page_lru
