// SPDX-License-Identifier: MIT
// The fair class: earliest eligible virtual deadline first (Stoica and Abdel-Wahab, 1995). Each
// thread owns a share of the CPU in proportion to its weight. Pure data structure; the run queue's
// lock guards it.
//
//   virtual runtime   time received, scaled by 1024 / weight
//   average           the weighted mean of the virtual runtimes: where everybody would be if the
//   CPU
//                     could be divided without end
//   eligible          not ahead of the average: the thread has not had more than its share
//   virtual deadline  where its virtual runtime stands after one more slice
//
// Of the eligible threads the one with the earliest deadline runs. The tree is sorted by deadline
// and keeps the least virtual runtime of each subtree, so that this one is found by a single
// descent.
#pragma once

#include "sched/entity.h"

namespace kernel {

class FairQueue : public Pinned {
 public:
  static constexpr Nanoseconds kSlice = 3'000'000;

  constexpr FairQueue() = default;

  bool empty() const { return tree_.empty(); }
  SchedEntity* current() const { return current_; }

  // The three ways in. The entity gets its virtual time from the average and its lag.
  void place_new(SchedEntity& entity);
  // `slept`: how long it was off the CPU. Debt is paid off by sleeping, credit is kept within
  // bounds.
  void place_woken(SchedEntity& entity, Nanoseconds slept);
  void place_moved(SchedEntity& entity);

  // Waiting entities. insert() takes the virtual time as it is.
  void insert(SchedEntity& entity);
  void remove(SchedEntity& entity);
  // The running entity counts for the average but is not in the tree.
  void set_current(SchedEntity* entity) { current_ = entity; }
  // Before an entity leaves (sleep, move, change of weight): it may be waiting or current, and
  // still counts in the average at this point.
  void record_lag(SchedEntity& entity) const;

  // The current entity ran for `time`. True when its slice is used up.
  bool charge_current(Nanoseconds time);
  // The current entity gives up the rest of its slice.
  void forfeit_current();
  // CPU time until the current slice ends.
  Nanoseconds slice_left() const;

  // Who should run now: a waiting entity, or the current one; null when there is none.
  SchedEntity* pick() const;
  // Whether a thread that just arrived should replace the current one at once.
  bool should_preempt(const SchedEntity& arrived) const;

  // Waiting entities, latest deadline first: the order in which others take them away.
  SchedEntity* last() const { return tree_.last(); }
  static SchedEntity* previous(const SchedEntity& entity) { return EntityTree::previous(entity); }

  uint64_t average() const;

 private:
  struct ByDeadline {
    static bool less(const SchedEntity& a, const SchedEntity& b) {
      return static_cast<int64_t>(a.virtual_deadline - b.virtual_deadline) < 0;
    }
    static bool summarise(SchedEntity& node, SchedEntity* left, SchedEntity* right);
  };
  using EntityTree = Tree<SchedEntity, ByDeadline>;
  struct Sums {
    int64_t weighted;  // sum of weight * (virtual runtime - base)
    int64_t weight;
  };

  Sums sums() const;
  bool is_eligible(uint64_t virtual_runtime, const Sums& sums) const;
  int64_t key(uint64_t virtual_runtime) const {
    return static_cast<int64_t>(virtual_runtime - base_);
  }
  void place_at(SchedEntity& entity, int64_t lag);
  void advance_base();

  EntityTree tree_;
  SchedEntity* current_ = nullptr;
  // No entity lies far from base_, so that the products below cannot overflow.
  uint64_t base_ = 0;
  int64_t weighted_ = 0;  // over the tree
  int64_t weight_ = 0;
};

}  // namespace kernel
