// SPDX-License-Identifier: MIT
// See shrinker.h. No lock is held while a cache is asked; it is counted as asked, and unregistering
// waits for that.

#include "vm/shrinker.h"

#include "sched/wait_queue.h"

namespace kernel {
namespace {

struct Registry {
  SpinLock<LockRank::Leaf> lock;
  List<Shrinker> list GUARDED_BY(lock);
  WaitQueue asked;
};
constinit Registry registry;

}  // namespace

void Shrinker::register_shrinker() {
  Guard guard(registry.lock);
  registry.list.push_back(*this);
}

void Shrinker::unregister_shrinker() {
  auto gone = [this] {
    Guard guard(registry.lock);
    if (askers_ != 0) return false;
    registry.list.remove(*this);
    return true;
  };
  ignore(registry.asked.wait(gone, WaitMode::Uninterruptible));
}

Shrinker* Shrinker::next_asked(Shrinker* before) {
  Shrinker* next;
  {
    Guard guard(registry.lock);
    next = before == nullptr ? registry.list.front() : registry.list.next(*before);
    if (next != nullptr) ++next->askers_;
    if (before != nullptr) --before->askers_;
  }
  if (before != nullptr) registry.asked.wake_all();
  return next;
}

uint64_t Shrinker::shrink_all(uint64_t share) {
  uint64_t gone = 0;
  for (Shrinker* cache = next_asked(nullptr); cache != nullptr; cache = next_asked(cache)) {
    uint64_t wanted = (cache->count() + share - 1) / share;
    if (wanted != 0) gone += cache->shrink(wanted);
  }
  return gone;
}

uint64_t Shrinker::count_bytes() {
  uint64_t sum = 0;
  for (Shrinker* cache = next_asked(nullptr); cache != nullptr; cache = next_asked(cache))
    sum += cache->count() * cache->object_bytes();
  return sum;
}

}  // namespace kernel
