// SPDX-License-Identifier: MIT
// get_robust_list(2): a thread that ends gives up the futexes on its list, so that the next owner
// learns that the last one died. The list is user memory: anything may stand there, cycles
// included.

#include "arch/user_copy.h"
#include "vm/futex.h"
#include "vm/user_copy.h"

namespace kernel::futex {
namespace {

constexpr uint32_t kWaiters = 0x8000'0000, kOwnerDied = 0x4000'0000, kTidMask = 0x3fff'ffff;
constexpr unsigned kListLimit = 2048;

struct RobustListHead {  // struct robust_list_head (linux/futex.h)
  uint64_t next;
  int64_t futex_offset;
  uint64_t pending;
};

enum class Entry : uint8_t { Listed, Pending };

// The word of one lock. Bit 0 of an entry says that it inherits priorities: those who wait
// for it are woken by exit_pi().
Result<> give_up(uint64_t entry, int64_t offset, int32_t tid, Entry kind) {
  bool inherits = (entry & 1) != 0;
  UserAddr word = untagged(UserAddr{(entry & ~uint64_t{1}) + static_cast<uint64_t>(offset)});
  if (!is_aligned(word, sizeof(uint32_t)) || !is_user_range(word, sizeof(uint32_t)))
    return Errno::Fault;
  uint32_t value;
  TRY(copy_in(&value, word, sizeof value));
  for (;;) {
    // Died between unlocking and waking: the wake-up is made up for.
    if (kind == Entry::Pending && !inherits && value == 0) {
      ignore(wake(word, 1, Scope::Shared, kMatchAny));
      return {};
    }
    if ((value & kTidMask) != static_cast<uint32_t>(tid)) return {};
    uint32_t seen = value;
    if (!arch::compare_exchange_user_u32(word, seen, (value & kWaiters) | kOwnerDied))
      return Errno::Fault;
    if (seen == value) break;
    value = seen;
  }
  if (!inherits && (value & kWaiters) != 0) ignore(wake(word, 1, Scope::Shared, kMatchAny));
  return {};
}

}  // namespace

// Memory that cannot be read ends the walk, silently, as on Linux.
void exit_robust_list(UserAddr head, int32_t tid) {
  RobustListHead list;
  if (!copy_in(&list, head, sizeof list).ok()) return;
  uint64_t pending = list.pending;
  uint64_t entry = list.next;
  for (unsigned count = 0; count < kListLimit && (entry & ~uint64_t{1}) != raw(head); ++count) {
    uint64_t next;
    bool has_next = copy_in(&next, UserAddr{entry & ~uint64_t{1}}, sizeof next).ok();
    if (entry != pending && !give_up(entry, list.futex_offset, tid, Entry::Listed).ok()) return;
    if (!has_next) return;
    entry = next;
  }
  if ((pending & ~uint64_t{1}) != 0)
    ignore(give_up(pending, list.futex_offset, tid, Entry::Pending));
}

}  // namespace kernel::futex
