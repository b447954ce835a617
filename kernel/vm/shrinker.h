// SPDX-License-Identifier: MIT
// Caches of objects that can be made again: names, inodes, blocks of metadata. The reclaim thread
// asks them for some when memory gets short, and all of them for drop_caches.
#pragma once

#include "vm/visited_list.h"

namespace kernel {

class Shrinker : public VisitedNode<Shrinker> {
 public:
  // Registered from here on; and not asked any more once the destructor of the derived class has
  // called unregister().
  void register_shrinker();
  void unregister_shrinker();

  // How many objects could go.
  virtual uint64_t count() = 0;
  virtual size_t object_bytes() const = 0;
  // Lets up to `wanted` go, the longest unused first; returns how many went. In the reclaim thread:
  // may take the cache's locks and enter a file system, but should not wait for long.
  virtual uint64_t shrink(uint64_t wanted) = 0;

  // Asks every cache for its part, 1/`share` of what it has; returns how many objects went.
  static uint64_t shrink_all(uint64_t share);
  // How much memory could come back.
  static uint64_t count_bytes();

 protected:
  ~Shrinker() = default;
};

}  // namespace kernel
