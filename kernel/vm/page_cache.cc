// SPDX-License-Identifier: MIT
// See page_cache.h: how much may be dirty, the flusher that writes it back, and the reclaim thread
// that keeps some frames free.

#include "vm/page_cache.h"

#include "mm/frames.h"
#include "mm/heap.h"
#include "sched/thread.h"
#include "sched/wait_queue.h"
#include "sync/rcu.h"
#include "vm/page_lru.h"
#include "vm/shrinker.h"
#include "vm/write_back.h"

namespace kernel::page_cache {
namespace {

constinit Statistics the_statistics;
constinit Limits the_limits;

constexpr Nanoseconds kCentisecond = 10'000'000;
// How long who needs memory waits for one page to become clean or free.
constexpr Nanoseconds kPatience = 2 * kNanosPerSecond;

struct Flusher {
  WaitQueue wake;
  Atomic<bool> wanted;  // now, and everything
  Atomic<uint32_t> settings;  // changes with the limits
  Atomic<bool> armed;   // something is dirty: it looks again when a period has passed
  Atomic<uint64_t> cleaned;
  WaitQueue progress;
};
constinit Flusher flusher;

struct ReclaimThread {
  WaitQueue wake;
  Atomic<bool> wanted;
};
constinit ReclaimThread reclaim_thread;

uint64_t unclean() {
  return the_statistics.dirty.load_relaxed() + the_statistics.write_back.load_relaxed();
}

// --- Flusher -----------------------------------------------------------------------

// Files that have been dirty for long; all of them while there is too much, or when asked.
void flush(bool everything) {
  Nanoseconds now = clock::monotonic();
  Nanoseconds expire = the_limits.expire_centisecs.load_relaxed() * kCentisecond;
  Nanoseconds expired = now > expire ? now - expire : 0;
  for (WriteBackGroup* group = WriteBackGroup::next_visited(nullptr); group != nullptr;
       group = WriteBackGroup::next_visited(group)) {
    for (;;) {
      bool all = everything || unclean() > thresholds().background;
      Result<bool> more = group->write_oldest(all ? now : expired);
      if (more.failed_with(Errno::NoMem) || (more.ok() && !*more)) break;
    }
  }
}

bool is_armed() {
  return the_limits.write_back_centisecs.load_relaxed() != 0 && flusher.armed.load_acquire();
}

[[noreturn]] void run_flusher(void*) {
  serve_write_back();
  for (;;) {
    bool timed = is_armed();
    uint32_t settings = flusher.settings.load_acquire();
    auto ready = [timed, settings] {
      return flusher.wanted.load_acquire() || timed != is_armed() ||
             settings != flusher.settings.load_acquire();
    };
    Nanoseconds period = the_limits.write_back_centisecs.load_relaxed() * kCentisecond;
    Deadline next = timed ? Deadline::after(period) : Deadline();
    Result<> waited = flusher.wake.wait(ready, WaitMode::Uninterruptible, next);
    bool everything = flusher.wanted.exchange_acq_rel(false);
    if (!everything && !waited.failed_with(Errno::TimedOut)) continue;  // a period begins, or none
    flusher.armed.store_release(false);
    flush(everything);
    if (unclean() != 0) flusher.armed.store_release(true);
  }
}

// --- Reclaim -----------------------------------------------------------------------

// What makes another scan worth while: pages that have become clean, or left memory, since boot.
struct Progress {
  uint64_t cleaned, gone;
  bool operator==(const Progress&) const = default;
};
Progress progress() {
  return {flusher.cleaned.load_acquire(), the_statistics.gone.load_acquire()};
}

// Has the flusher write, and waits for progress. False: there is none, because nothing is on its
// way (what is left in memory is held, or locked there) or because it takes too long.
bool wait_for_progress(Progress before) {
  auto is_exhausted = [] { return unclean() == 0 && page_lru::in_hand() == 0; };
  if (!is_exhausted()) {
    wake_flusher();
    auto ready = [&] { return progress() != before || is_exhausted(); };
    Deadline patience = Deadline::after(kPatience);
    if (!flusher.progress.wait(ready, WaitMode::Killable, patience).ok()) return false;
  }
  return progress() != before;
}

// Others free pages as well (a file that ends, a truncation, another reclaim), and what they freed
// after this one began is as good as its own.
uint64_t reclaim_directly(uint64_t wanted) {
  constexpr unsigned kRounds = 3;
  uint64_t gone_before = progress().gone;
  for (unsigned round = 1;; ++round) {
    Progress before = progress();
    uint64_t freed = page_lru::reclaim(wanted);
    if (freed == 0) freed = progress().gone - gone_before;
    if (freed != 0 || round == kRounds || !wait_for_progress(before)) return freed;
  }
}

[[noreturn]] void run_reclaim(void*) {
  serve_write_back();
  constexpr uint64_t kAtOnce = 128;
  for (;;) {
    auto ready = [] { return reclaim_thread.wanted.load_acquire(); };
    ignore(reclaim_thread.wake.wait(ready, WaitMode::Uninterruptible));
    reclaim_thread.wanted.store_release(false);
    while (frames::statistics().free_pages < frames::watermarks().high) {
      Progress before = progress();
      uint64_t freed = page_lru::reclaim(kAtOnce);
      // The smaller caches follow the pages; they are all that is left when those have gone.
      uint64_t shrunk = Shrinker::shrink_all(freed != 0 ? 64 : 8);
      if (shrunk != 0) {
        rcu_barrier();
        heap::shrink();
      }
      // Otherwise others have to help themselves.
      if (freed + shrunk == 0 && !wait_for_progress(before)) break;
    }
  }
}

void on_low_memory() {
  if (reclaim_thread.wanted.load_relaxed()) return;
  reclaim_thread.wanted.store_release(true);
  reclaim_thread.wake.wake_all();
}

Result<> start_thread(StringView name, void (*run)(void*)) {
  Ref<Thread> thread = TRY(Thread::create_kernel(name, run, nullptr));
  thread->start();
  return {};
}

}  // namespace

Statistics& statistics() { return the_statistics; }
Limits& limits() { return the_limits; }
void limits_changed() {
  flusher.settings.fetch_add_acq_rel(1);
  flusher.wake.wake_all();
}

Thresholds thresholds() {
  uint64_t available =
      frames::statistics().free_pages + the_statistics.file_pages.load_relaxed();
  auto pages = [available](const Atomic<uint64_t>& bytes, const Atomic<uint64_t>& ratio) {
    uint64_t fixed = bytes.load_relaxed();
    return fixed != 0 ? pages_for(fixed) : available * ratio.load_relaxed() / 100;
  };
  Thresholds result{pages(the_limits.background_bytes, the_limits.background_ratio),
                    pages(the_limits.bytes, the_limits.ratio)};
  if (result.background >= result.limit) result.background = result.limit / 2;
  return result;
}

Result<> start_flusher() { return start_thread("flusher", run_flusher); }

Result<> start_reclaim() {
  TRY(start_thread("reclaim", run_reclaim));
  frames::add_reclaimer(reclaim_directly);
  frames::set_low_memory_hook(on_low_memory);
  return {};
}

void synchronise_all() {
  for (WriteBackGroup* group = WriteBackGroup::next_visited(nullptr); group != nullptr;
       group = WriteBackGroup::next_visited(group))
    ignore(group->synchronise());
}

void wake_flusher() {
  flusher.wanted.store_release(true);
  flusher.wake.wake_all();
}

void note_dirty() {
  if (flusher.armed.load_relaxed()) return;
  flusher.armed.store_release(true);
  flusher.wake.wake_all();
}

void note_gone(uint64_t pages) {
  the_statistics.gone.fetch_add_acq_rel(pages);
  the_statistics.file_pages.fetch_sub_relaxed(pages);
  flusher.progress.wake_all();
}

void note_cleaned(uint64_t pages) {
  the_statistics.written.fetch_add_relaxed(pages);
  flusher.cleaned.fetch_add_acq_rel(pages);
  flusher.progress.wake_all();
}

void throttle() {
  // Asking how much is allowed takes longer than a small write.
  constexpr uint64_t kAlwaysFine = 256, kCalls = 16;
  static constinit Atomic<uint64_t> calls;
  if (unclean() < kAlwaysFine || calls.fetch_add_relaxed(1) % kCalls != 0) return;
  Thresholds allowed = thresholds();
  if (unclean() <= allowed.background) return;
  wake_flusher();
  auto fine = [&allowed] { return unclean() <= allowed.limit; };
  while (!fine()) {
    // The flusher may be held up by a file of another disk: it is asked again.
    Result<> waited =
        flusher.progress.wait(fine, WaitMode::Killable, Deadline::after(kPatience));
    if (waited.failed_with(Errno::RestartSys)) return;
    wake_flusher();
    allowed = thresholds();
  }
}

void serve_write_back() { current().memory_flags |= kMemoryReclaiming; }

void drop_clean() {
  while (page_lru::reclaim(~uint64_t{0}) != 0) {
  }
}

}  // namespace kernel::page_cache
