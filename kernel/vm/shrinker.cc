// SPDX-License-Identifier: MIT
// See shrinker.h. No lock is held while a cache is asked.

#include "vm/shrinker.h"

namespace kernel {
namespace {

constinit VisitedList<Shrinker> registry;

}  // namespace

void Shrinker::register_shrinker() { registry.add(*this); }

void Shrinker::unregister_shrinker() { registry.remove(*this); }

uint64_t Shrinker::shrink_all(uint64_t share) {
  uint64_t gone = 0;
  for (Shrinker* cache = registry.next(nullptr); cache != nullptr; cache = registry.next(cache)) {
    uint64_t wanted = (cache->count() + share - 1) / share;
    if (wanted != 0) gone += cache->shrink(wanted);
  }
  return gone;
}

uint64_t Shrinker::count_bytes() {
  uint64_t sum = 0;
  for (Shrinker* cache = registry.next(nullptr); cache != nullptr; cache = registry.next(cache))
    sum += cache->count() * cache->object_bytes();
  return sum;
}

}  // namespace kernel
