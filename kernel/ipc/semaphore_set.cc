// SPDX-License-Identifier: MIT
// See semaphore_set.h.

#include "ipc/semaphore_set.h"

namespace kernel::ipc {
namespace {

constinit Atomic<uint64_t> total;

}  // namespace

struct SemaphoreSet::Waiter : ListNode<Waiter>, Sleeper {
  std::span<const SemaphoreOperation> operations;
  SemaphoreUndo* undo = nullptr;
  bool changes = false;                          // some operation is not a wait for zero
  PidNumber pid = 0;
  const SemaphoreOperation* blocking = nullptr;  // the one that could not be made last
  Result<> result;
  bool is_complex() const { return operations.size() > 1; }
};

Result<Ref<SemaphoreSet>> SemaphoreSet::create(const Permission& permission, uint32_t size) {
  Ref<SemaphoreSet> set = TRY(make_ref<SemaphoreSet>(permission));
  TRY(set->semaphores_.resize(size));
  return set;
}

void SemaphoreSet::named() { total.fetch_add_relaxed(semaphores_.size()); }

// All operations, one behind the other; or none, when one blocks or goes out of range.
Result<SemaphoreSet::Attempt> SemaphoreSet::attempt_locked(Waiter& waiter) {
  size_t done = 0;
  for (const SemaphoreOperation& operation : waiter.operations) {
    Semaphore& semaphore = semaphores_[operation.number];
    int32_t value = semaphore.value + operation.change;
    if (value < 0 || (operation.change == 0 && semaphore.value != 0)) {
      take_back_locked(waiter, done);
      waiter.blocking = &operation;
      if (operation.has(SemaphoreOperation::kDontWait)) return Errno::Again;
      return Attempt::Blocks;
    }
    bool in_range = value <= kMostValue;
    if (in_range && operation.has(SemaphoreOperation::kUndo)) {
      int32_t adjustment = waiter.undo->adjustments[operation.number] - operation.change;
      in_range = adjustment >= -kMostAdjustment - 1 && adjustment <= kMostAdjustment;
      if (in_range)
        waiter.undo->adjustments[operation.number] = static_cast<int16_t>(adjustment);
    }
    if (!in_range) {
      take_back_locked(waiter, done);
      return Errno::Range;
    }
    semaphore.value = value;
    ++done;
  }
  for (const SemaphoreOperation& operation : waiter.operations)
    semaphores_[operation.number].last_pid = waiter.pid;
  return Attempt::Done;
}

void SemaphoreSet::take_back_locked(Waiter& waiter, size_t count) {
  while (count-- > 0) {
    const SemaphoreOperation& operation = waiter.operations[count];
    semaphores_[operation.number].value -= operation.change;
    if (!operation.has(SemaphoreOperation::kUndo)) continue;
    int16_t& adjustment = waiter.undo->adjustments[operation.number];
    adjustment = static_cast<int16_t>(adjustment + operation.change);
  }
}

void SemaphoreSet::forget_locked(Waiter& waiter) {
  if (!waiter.changes) {
    zero_waiters_.remove(waiter);
    return;
  }
  changers_.remove(waiter);
  if (waiter.is_complex()) --complex_changers_;
}

void SemaphoreSet::wake_locked(Waiter& waiter, Result<> result) {
  forget_locked(waiter);
  waiter.result = result;
  waiter.wake();
}

bool SemaphoreSet::wake_zero_waiters_locked() {
  bool any_done = false;
  for (Waiter* at = zero_waiters_.front(); at != nullptr;) {
    Waiter& waiter = *at;
    at = zero_waiters_.next(waiter);
    Result<Attempt> attempt = attempt_locked(waiter);
    if (attempt.ok() && *attempt == Attempt::Blocks) continue;
    any_done = any_done || attempt.ok();
    wake_locked(waiter, attempt.ok() ? Result<>() : Result<>(attempt.error()));
  }
  return any_done;
}

// Lets go on who can. A simple operation that waited takes something away, which helps nobody who
// came before; a list of operations may, and then the look starts over.
void SemaphoreSet::values_changed_locked() {
  bool any_done = wake_zero_waiters_locked();
  for (Waiter* at = changers_.front(); at != nullptr;) {
    Waiter& waiter = *at;
    at = changers_.next(waiter);
    Result<Attempt> attempt = attempt_locked(waiter);
    if (attempt.ok() && *attempt == Attempt::Blocks) continue;
    bool again = complex_changers_ > 0;
    wake_locked(waiter, attempt.ok() ? Result<>() : Result<>(attempt.error()));
    if (!attempt.ok()) continue;
    any_done = true;
    wake_zero_waiters_locked();
    if (again) at = changers_.front();
  }
  if (any_done) operation_time = now_seconds();
}

Result<> SemaphoreSet::operate(std::span<const SemaphoreOperation> operations, SemaphoreUndo* undo,
                               Deadline deadline) {
  Waiter waiter;
  waiter.operations = operations;
  waiter.undo = undo;
  waiter.pid = current_pid();
  bool exist = true;
  for (const SemaphoreOperation& operation : operations) {
    waiter.changes = waiter.changes || operation.change != 0;
    exist = exist && operation.number < size();
  }
  if (!exist) return Errno::FBig;
  {
    Guard guard(lock);
    TRY(permission.check(waiter.changes ? kMayWrite : kMayRead, caller()));
    if (removed) return Errno::IdRm;
    if (TRY(attempt_locked(waiter)) == Attempt::Done) {
      if (waiter.changes) values_changed_locked();
      operation_time = now_seconds();
      return {};
    }
    if (!waiter.changes) {
      zero_waiters_.push_back(waiter);
    } else {
      changers_.push_back(waiter);
      if (waiter.is_complex()) ++complex_changers_;
    }
  }
  Result<> slept = waiter.sleep({deadline});
  Guard guard(lock);
  if (waiter.is_woken()) return waiter.result;
  forget_locked(waiter);
  return slept.failed_with(Errno::TimedOut) ? Errno::Again : Errno::Intr;
}

Result<> SemaphoreSet::set_values(uint32_t first, std::span<const uint16_t> values) {
  Guard guard(lock);
  TRY(permission.check(kMayWrite, caller()));
  if (removed) return Errno::IdRm;
  PidNumber pid = current_pid();
  for (size_t i = 0; i < values.size(); ++i) semaphores_[first + i] = {values[i], pid};
  for (SemaphoreUndo& undo : undos_) {
    for (size_t i = 0; i < values.size(); ++i) undo.adjustments[first + i] = 0;
  }
  change_time = now_seconds();
  values_changed_locked();
  return {};
}

uint64_t SemaphoreSet::count_waiting_locked(uint32_t number, bool for_zero) {
  uint64_t count = 0;
  auto add = [&count, number, for_zero](const Waiter& waiter) {
    const SemaphoreOperation& blocking = *waiter.blocking;
    if (blocking.number == number && (blocking.change == 0) == for_zero) ++count;
  };
  for (const Waiter& waiter : changers_) add(waiter);
  for (const Waiter& waiter : zero_waiters_) add(waiter);
  return count;
}

void SemaphoreSet::add_undo(SemaphoreUndo& undo) {
  Guard guard(lock);
  undos_.push_back(undo);
}

// semop(2): the value stays between zero and the maximum, whatever the sum would be.
void SemaphoreSet::apply_undo(SemaphoreUndo& undo) {
  Guard guard(lock);
  undos_.remove(undo);
  if (removed) return;
  for (size_t i = 0; i < semaphores_.size(); ++i) {
    if (undo.adjustments[i] == 0) continue;
    int32_t value = semaphores_[i].value + undo.adjustments[i];
    if (value < 0) value = 0;
    if (value > kMostValue) value = kMostValue;
    semaphores_[i] = {value, current_pid()};
  }
  operation_time = now_seconds();
  values_changed_locked();
}

bool SemaphoreSet::end_locked() {
  total.fetch_sub_relaxed(semaphores_.size());
  while (Waiter* waiter = changers_.front()) wake_locked(*waiter, Errno::IdRm);
  while (Waiter* waiter = zero_waiters_.front()) wake_locked(*waiter, Errno::IdRm);
  return true;
}

namespace semaphore_sets {

Table<SemaphoreSet>& table() {
  static constinit Table<SemaphoreSet> sets;
  return sets;
}

Result<int32_t> get(int32_t key, int32_t size, uint32_t flags) {
  if (size < 0 || static_cast<uint64_t>(size) > limits.set_size.load_relaxed())
    return Errno::Inval;
  auto count = static_cast<uint32_t>(size);
  auto make = [key, count, flags]() -> Result<Ref<SemaphoreSet>> {
    if (count == 0) return Errno::Inval;
    if (total.load_relaxed() + count > limits.semaphores.load_relaxed()) return Errno::NoSpc;
    return SemaphoreSet::create(Permission::of_creator(key, flags, caller()), count);
  };
  auto check = [count](SemaphoreSet& present) {
    return count > present.size() ? Result<>(Errno::Inval) : Result<>();
  };
  return table().get(key, flags, limits.semaphore_sets.load_relaxed(), check, make);
}

uint64_t semaphore_count() { return total.load_relaxed(); }

}  // namespace semaphore_sets
}  // namespace kernel::ipc
