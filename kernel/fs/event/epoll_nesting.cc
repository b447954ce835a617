// SPDX-License-Identifier: MIT
// Epoll sets that watch epoll sets: no set may reach itself, chains are at most five sets long, and
// no file may wake an unreasonable number of sets at once (epoll_ctl(2), ELOOP and EINVAL). The
// nesting lock keeps links from being made meanwhile; links that go only make it easier.

#include "fs/event/epoll_set.h"

namespace kernel {
namespace {

constinit Mutex<LockRank::EpollNesting> nesting_lock;
constinit uint64_t searches GUARDED_BY(nesting_lock) = 0;

constexpr unsigned kMaxNesting = 4;  // sets above the first
// How many ways of each length may lead from a file up to a set that nobody watches; of the
// shortest, any number.
constexpr uint32_t kPathLimits[kMaxNesting + 1] = {0, 500, 100, 50, 10};

struct Paths {
  uint32_t count[kMaxNesting + 1] = {};
  bool add(unsigned depth) { return depth == 0 || ++count[depth] <= kPathLimits[depth]; }
};

// `depth`: how many sets have been passed on the way up to `file`.
bool too_many_paths_above(File& file, unsigned depth, Paths& paths) {
  Guard guard(file.inode().attribute_lock, depth);
  if (file.watchers.empty()) return depth != 0 && !paths.add(depth - 1);
  if (depth > kMaxNesting) return true;
  for (EpollItem& item : file.watchers) {
    if (too_many_paths_above(item.set().file(), depth + 1, paths)) return true;
  }
  return false;
}

}  // namespace

// How many sets lie below `from` on the longest way down; more than kMaxNesting when it leads to
// `wanted`, or further down than it may. `depth` sets are above it.
unsigned EpollSet::depth_below(EpollSet& from, const EpollSet& wanted, uint64_t search,
                               unsigned depth) {
  if (from.visited_ == search) return from.found_depth_;
  Guard guard(from.lock_, depth + 1);
  from.visited_ = search;
  unsigned deepest = 0;
  for (EpollItem* item = from.items_.first(); item != nullptr; item = from.items_.next(*item)) {
    EpollSet* inner = item->inner_;
    if (inner == nullptr) continue;
    bool ends = inner == &wanted || depth > kMaxNesting;
    unsigned found = ends ? kMaxNesting + 1 : depth_below(*inner, wanted, search, depth + 1) + 1;
    if (found > deepest) deepest = found;
    if (deepest > kMaxNesting) break;
  }
  return from.found_depth_ = deepest;
}

// The same upwards. There are no loops: nobody can make one meanwhile.
unsigned EpollSet::height_above(EpollSet& from, uint64_t search, unsigned depth) {
  if (from.visited_ == search) return from.found_depth_;
  Guard guard(from.file_.inode().attribute_lock, depth);
  from.visited_ = search;
  unsigned highest = 0;
  for (EpollItem& item : from.file_.watchers) {
    unsigned found = height_above(item.set(), search, depth + 1) + 1;
    if (found > highest) highest = found;
  }
  return from.found_depth_ = highest;
}

// Of the files that `from` watches, itself or through other sets.
bool EpollSet::has_too_many_paths_below(EpollSet& from, uint64_t search, unsigned depth) {
  Guard guard(from.lock_, depth);
  from.visited_ = search;
  for (EpollItem* item = from.items_.first(); item != nullptr; item = from.items_.next(*item)) {
    if (EpollSet* inner = item->inner_) {
      if (inner->visited_ != search && has_too_many_paths_below(*inner, search, depth + 1))
        return true;
    } else {
      Paths paths;
      if (too_many_paths_above(item->file_, 0, paths)) return true;
    }
  }
  return false;
}

Result<> EpollSet::add_nested(File& target, Fd fd, EpollEvent event) {
  Guard nesting(nesting_lock);
  EpollSet* inner = of(target);
  if (inner != nullptr) {
    unsigned below = depth_below(*inner, *this, ++searches, 0);
    if (below > kMaxNesting) return Errno::Loop;
    if (below + 1 + height_above(*this, ++searches, 0) > kMaxNesting) return Errno::Loop;
  }
  Guard guard(lock_);
  TRY(add_locked(target, fd, event));
  bool refused;
  if (inner != nullptr) {
    refused = has_too_many_paths_below(*inner, ++searches, 1);
  } else {
    Paths paths;
    refused = too_many_paths_above(target, 0, paths);
  }
  if (!refused) return {};
  remove_locked(*find_locked(target, fd));
  return Errno::Inval;
}

}  // namespace kernel
