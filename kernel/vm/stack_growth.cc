// SPDX-License-Identifier: MIT
// A stack (MAP_GROWSDOWN) extends down to the faulting page, within RLIMIT_STACK and not nearer
// than the guard gap to what lies below it. mmap(2), setrlimit(2).

#include "vm/address_space.h"
#include "vm/overcommit.h"

namespace kernel {

Result<> AddressSpace::grow_stack(UserAddr page) {
  Guard guard(lock_);
  Mapping* stack = mappings_.find(page);
  if (stack == nullptr) return Errno::Fault;
  if (stack->range.start <= page) return {};  // another thread was faster
  if (!stack->flags.grows_down || page < kLowestAddress) return Errno::Fault;
  if (stack->range.end - page > limit_stack.load_relaxed()) return Errno::Fault;

  const Mapping* below = MappingTree::previous(*stack);
  if (below != nullptr && !below->flags.grows_down && below->protection != kProtNone &&
      page < below->range.end + kStackGuardGap)
    return Errno::Fault;

  uint64_t pages = (stack->range.start - page) >> kPageShift;
  if (statistics_.mapped_pages + pages > limit_total.load_relaxed() >> kPageShift)
    return Errno::Fault;
  if (stack->flags.locked && !may_exceed_locked() &&
      statistics_.locked_pages + pages > limit_locked.load_relaxed() >> kPageShift)
    return Errno::Fault;
  if (stack->flags.accounted && !overcommit::commit(pages).ok()) return Errno::Fault;
  account_locked(*stack, -1);
  mappings_.resize(*stack, {page, stack->range.end});
  account_locked(*stack, 1);
  return {};
}

}  // namespace kernel
