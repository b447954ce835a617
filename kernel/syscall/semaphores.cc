// SPDX-License-Identifier: MIT
// semget(2), semop(2), semtimedop(2), semctl(2).

#include "ipc/semaphore_undo.h"
#include "syscall/declarations.h"
#include "syscall/ipc_permission.h"

namespace kernel::syscall {
namespace {

using ipc::SemaphoreSet;
using Operation = ipc::SemaphoreOperation;

// Lists are short, mostly: those need no memory.
class OperationList {
 public:
  Result<> read(UserIn<Operation> from, uint32_t count) {
    if (count > kShort) {
      TRY(long_.resize(count));
      data_ = long_.data();
    }
    count_ = count;
    return from.read_array(data_, count);
  }
  std::span<const Operation> span() const { return {data_, count_}; }

 private:
  static constexpr uint32_t kShort = 16;
  Operation short_[kShort] = {};
  Vector<Operation> long_;
  Operation* data_ = short_;
  size_t count_ = 0;
};

Value operate(int32_t id, UserIn<Operation> from, uint32_t count,
              const std::optional<abi::TimeSpec>& timeout) {
  if (count > ipc::limits.operations.load_relaxed()) return Errno::TooBig;
  if (count < 1) return Errno::Inval;
  OperationList list;
  TRY(list.read(from, count));
  if (id < 0 || (timeout && !timeout->is_valid())) return Errno::Inval;
  Deadline deadline = timeout ? Deadline::after(timeout->to_ns()) : Deadline::never();
  Ref<SemaphoreSet> set = TRY(ipc::semaphore_sets::table().find(id));
  Optional<Ref<ipc::SemaphoreUndo>> undo;
  for (const Operation& operation : list.span()) {
    if (!undo && operation.has(Operation::kUndo))
      undo = TRY(SemaphoreUndoList::entry_of_current(*set));
  }
  TRY(set->operate(list.span(), undo.get(), deadline));
  return 0;
}

Result<int64_t> stat(Context& context, int32_t id, Stat kind, UserAddr buffer) {
  Ref<SemaphoreSet> set = TRY(find_for_stat(ipc::semaphore_sets::table(), id, kind));
  abi::SemaphoreState state{};
  {
    Guard guard(set->lock);
    TRY(check_stat_locked(context, *set, kind));
    state.permission = encode_permission_locked(*set);
    state.operation_time = set->operation_time;
    state.change_time = set->change_time;
    state.count = set->size();
  }
  TRY(UserOut<abi::SemaphoreState>(buffer).write(state));
  return kind == Stat::ById ? 0 : set->id();
}

Result<int64_t> info(int32_t command, UserAddr buffer) {
  constexpr int32_t kUndoSize = 20, kUndoEntries = 500, kUndos = 1'024'000'000;  // linux/sem.h
  auto limit = [](const Atomic<uint64_t>& from) {
    return static_cast<int32_t>(from.load_relaxed());
  };
  auto present = ipc::semaphore_sets::table().usage();
  abi::SemaphoreInfo info{.map = kUndos,
                          .most_sets = limit(ipc::limits.semaphore_sets),
                          .most_semaphores = limit(ipc::limits.semaphores),
                          .most_undos = kUndos,
                          .most_in_set = limit(ipc::limits.set_size),
                          .most_operations = limit(ipc::limits.operations),
                          .most_undo_entries = kUndoEntries,
                          .undo_size = kUndoSize,
                          .most_value = ipc::kMostValue,
                          .most_adjustment = ipc::kMostAdjustment};
  if (command == abi::kSemInfo) {
    info.undo_size = static_cast<int32_t>(present.count);
    info.most_adjustment = static_cast<int32_t>(ipc::semaphore_sets::semaphore_count());
  }
  TRY(UserOut<abi::SemaphoreInfo>(buffer).write(info));
  return present.highest_slot;
}

Result<Ref<SemaphoreSet>> find_permitted(Context& context, int32_t id, uint32_t access) {
  Ref<SemaphoreSet> set = TRY(ipc::semaphore_sets::table().find(id));
  Guard guard(set->lock);
  TRY(set->permission.check(access, context.task.credentials()));
  return set;
}

Value get_all(Context& context, int32_t id, UserAddr buffer) {
  Ref<SemaphoreSet> set = TRY(find_permitted(context, id, ipc::kMayRead));
  Vector<uint16_t> values;
  TRY(values.resize(set->size()));
  {
    Guard guard(set->lock);
    if (set->removed) return Errno::IdRm;
    for (uint32_t i = 0; i < set->size(); ++i)
      values[i] = static_cast<uint16_t>(set->get_locked(i).value);
  }
  TRY(UserOut<uint16_t>(buffer).write_array(values.data(), values.size()));
  return 0;
}

Value set_all(Context& context, int32_t id, UserAddr buffer) {
  Ref<SemaphoreSet> set = TRY(find_permitted(context, id, ipc::kMayWrite));
  Vector<uint16_t> values;
  TRY(values.resize(set->size()));
  TRY(UserIn<uint16_t>(buffer).read_array(values.data(), values.size()));
  for (uint16_t value : values) {
    if (value > ipc::kMostValue) return Errno::Range;
  }
  TRY(set->set_values(0, values.span()));
  return 0;
}

Value set_one(int32_t id, int32_t number, int32_t value) {
  if (value < 0 || value > ipc::kMostValue) return Errno::Range;
  Ref<SemaphoreSet> set = TRY(ipc::semaphore_sets::table().find(id));
  if (number < 0 || static_cast<uint32_t>(number) >= set->size()) return Errno::Inval;
  auto wanted = static_cast<uint16_t>(value);
  TRY(set->set_values(static_cast<uint32_t>(number), {&wanted, 1}));
  return 0;
}

Value get_one(Context& context, int32_t id, int32_t number, int32_t command) {
  Ref<SemaphoreSet> set = TRY(find_permitted(context, id, ipc::kMayRead));
  if (number < 0 || static_cast<uint32_t>(number) >= set->size()) return Errno::Inval;
  auto index = static_cast<uint32_t>(number);
  Guard guard(set->lock);
  if (set->removed) return Errno::IdRm;
  switch (command) {
    case abi::kSemGetValue: return set->get_locked(index).value;
    case abi::kSemGetPid: return set->get_locked(index).last_pid;
    default: {
      bool for_zero = command == abi::kSemGetZeroWaiters;
      return static_cast<int64_t>(set->count_waiting_locked(index, for_zero));
    }
  }
}

}  // namespace

Value sys_semget(Context&, int32_t key, int32_t size, uint32_t flags) {
  return TRY(ipc::semaphore_sets::get(key, size, flags));
}

Value sys_semop(Context&, int32_t id, UserIn<Operation> operations, uint32_t count) {
  return operate(id, operations, count, std::nullopt);
}

Value sys_semtimedop(Context&, int32_t id, UserIn<Operation> operations, uint32_t count,
                     UserIn<abi::TimeSpec> timeout) {
  if (timeout.is_null()) return operate(id, operations, count, std::nullopt);
  return operate(id, operations, count, TRY(timeout.read()));
}

Value sys_semctl(Context& context, int32_t id, int32_t number, int32_t command,
                 uint64_t argument) {
  if (id < 0) return Errno::Inval;
  UserAddr buffer{argument};
  auto& table = ipc::semaphore_sets::table();
  switch (command) {
    case abi::kIpcInfo:
    case abi::kSemInfo: return info(command, buffer);
    case abi::kIpcStat: return stat(context, id, Stat::ById, buffer);
    case abi::kSemStat: return stat(context, id, Stat::BySlot, buffer);
    case abi::kSemStatAny: return stat(context, id, Stat::BySlotUnchecked, buffer);
    case abi::kSemGetAll: return get_all(context, id, buffer);
    case abi::kSemSetAll: return set_all(context, id, buffer);
    case abi::kSemSetValue: return set_one(id, number, static_cast<int32_t>(argument));
    case abi::kSemGetValue:
    case abi::kSemGetPid:
    case abi::kSemGetGrowWaiters:
    case abi::kSemGetZeroWaiters: return get_one(context, id, number, command);
    case abi::kIpcSet: {
      auto wanted = TRY(UserIn<abi::SemaphoreState>(buffer).read());
      TRY(set_permission(context, table, id, wanted.permission));
      return 0;
    }
    case abi::kIpcRemove: TRY(table.destroy(*TRY(table.find(id)))); return 0;
    default: return Errno::Inval;
  }
}

}  // namespace kernel::syscall
