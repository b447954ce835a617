// SPDX-License-Identifier: MIT
// System V semaphores (semop(2), semctl(2)): a set of them, changed by lists of operations that
// happen all at once or not at all. Whoever cannot go on waits in the set's queue; each change lets
// those go on, in the order in which they came, whose whole list has become possible.
#pragma once

#include "ipc/table.h"
#include "sched/sleeper.h"

namespace kernel::ipc {

inline constexpr int32_t kMostValue = 32767;       // SEMVMX
inline constexpr int32_t kMostAdjustment = 32767;  // SEMAEM

// struct sembuf.
struct SemaphoreOperation {
  static constexpr int16_t kUndo = 0x1000, kDontWait = 04000;
  uint16_t number;
  int16_t change;
  int16_t flags;
  bool has(int16_t flag) const { return (flags & flag) != 0; }
};

class SemaphoreSet;

struct UndoOfSetTag {};
struct UndoOfProcessTag {};

// What a process's end gives back to one set (SEM_UNDO). The adjustments are the set's: its lock
// guards them, and its list of them; the process's list is in semaphore_undo.h.
class SemaphoreUndo final : public RefCounted<SemaphoreUndo>,
                            public ListNode<SemaphoreUndo, UndoOfSetTag>,
                            public ListNode<SemaphoreUndo, UndoOfProcessTag> {
 public:
  explicit SemaphoreUndo(Ref<SemaphoreSet> of) : set(std::move(of)) {}
  const Ref<SemaphoreSet> set;
  Vector<int16_t> adjustments;  // one for each semaphore
};

class SemaphoreSet final : public Object, public RefCounted<SemaphoreSet> {
 public:
  explicit SemaphoreSet(const Permission& given) : Object(given) {}  // for create()
  static Result<Ref<SemaphoreSet>> create(const Permission& permission, uint32_t size);

  struct Semaphore {
    int32_t value;
    PidNumber last_pid;  // who changed it
  };
  uint32_t size() const { return static_cast<uint32_t>(semaphores_.size()); }

  // Errors: FBig (no such semaphore), Acces, IdRm, Again, Range, Intr.
  Result<> operate(std::span<const SemaphoreOperation> operations, SemaphoreUndo* undo,
                   Deadline deadline) EXCLUDES(lock);
  // SETVAL, SETALL: adjustments of those semaphores are forgotten. Errors: Acces, IdRm.
  Result<> set_values(uint32_t first, std::span<const uint16_t> values) EXCLUDES(lock);
  Semaphore get_locked(uint32_t number) const REQUIRES(lock) { return semaphores_[number]; }
  // Who waits for the semaphore to grow, or to become zero (GETNCNT, GETZCNT).
  uint64_t count_waiting_locked(uint32_t number, bool for_zero) REQUIRES(lock);

  bool is_removed() EXCLUDES(lock) {
    Guard guard(lock);
    return removed;
  }
  void add_undo(SemaphoreUndo& undo) EXCLUDES(lock);
  // The process has ended: its adjustments are made, and it is forgotten.
  void apply_undo(SemaphoreUndo& undo) EXCLUDES(lock);
  // Leaves the table: everybody who waits learns so.
  bool end_locked() REQUIRES(lock);

  int64_t operation_time GUARDED_BY(lock) = 0;

 private:
  template <class T>
  friend class Table;
  void named();

  struct Waiter;
  enum class Attempt : uint8_t { Done, Blocks };
  Result<Attempt> attempt_locked(Waiter& waiter) REQUIRES(lock);
  void take_back_locked(Waiter& waiter, size_t count) REQUIRES(lock);
  void wake_locked(Waiter& waiter, Result<> result) REQUIRES(lock);
  bool wake_zero_waiters_locked() REQUIRES(lock);
  void values_changed_locked() REQUIRES(lock);
  void forget_locked(Waiter& waiter) REQUIRES(lock);

  Vector<Semaphore> semaphores_;  // the number of them never changes; values under the lock
  List<Waiter> changers_ GUARDED_BY(lock);      // wait to change something
  List<Waiter> zero_waiters_ GUARDED_BY(lock);  // wait for zeros only
  size_t complex_changers_ GUARDED_BY(lock) = 0;  // of changers_: with several operations
  List<SemaphoreUndo, UndoOfSetTag> undos_ GUARDED_BY(lock);
};

namespace semaphore_sets {

Table<SemaphoreSet>& table();
// semget(2).
Result<int32_t> get(int32_t key, int32_t size, uint32_t flags);
// Semaphores in all sets (SEM_INFO).
uint64_t semaphore_count();

}  // namespace semaphore_sets
}  // namespace kernel::ipc
