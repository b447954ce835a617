// SPDX-License-Identifier: MIT
// kcmp(2): do two tasks share an object? 0 when they do; 1 or 2 gives an order, of numbers from
// which nobody learns an address.

#include "process/observe.h"
#include "sync/random.h"
#include "syscall/declarations.h"

namespace kernel::syscall {
namespace {

enum Type : int32_t {
  kFile = 0,
  kMemory = 1,
  kFiles = 2,
  kFsContext = 3,
  kHandlers = 4,
  kIoContext = 5,
  kSemaphores = 6,
};

// A one-to-one mapping of addresses: xor, then times an odd number, both chosen once.
uint64_t disguised(const void* object) {
  static constinit Atomic<uint64_t> mask, factor;
  if (factor.load_acquire() == 0) {
    uint64_t no_mask = 0, no_factor = 0;
    mask.compare_exchange_acq_rel(no_mask, random::u64());
    factor.compare_exchange_acq_rel(no_factor, random::u64() | 1);
  }
  return (reinterpret_cast<uint64_t>(object) ^ mask.load_acquire()) * factor.load_acquire();
}

int64_t compare(const void* first, const void* second) {
  if (first == second) return 0;
  return disguised(first) < disguised(second) ? 1 : 2;
}

// Empty: the task has ended.
template <class Shared>
int64_t compare_shared(const Shared& first, const Shared& second) {
  return compare(first ? first.get() : nullptr, second ? second.get() : nullptr);
}

Result<Ref<File>> file_of(const Task& task, uint64_t number) {
  Optional<Ref<FdTable>> files = files_of(task);
  if (!files) return Errno::BadF;
  return files->get(static_cast<Fd>(number), true);
}

Optional<Ref<SignalHandlers>> handlers_of(const Task& task) {
  Guard guard(task.group().signal_lock);
  return task.group().handlers;
}

}  // namespace

Value sys_kcmp(Context& context, int32_t first_pid, int32_t second_pid, int32_t type,
               uint64_t first_number, uint64_t second_number) {
  Optional<Ref<Task>> first = task::find_task(first_pid), second = task::find_task(second_pid);
  if (!first || !second) return Errno::Srch;
  if (!may_trace(context.task, *first, IdsFrom::Real) ||
      !may_trace(context.task, *second, IdsFrom::Real))
    return Errno::Perm;
  switch (type) {
    case kFile: {
      Ref<File> file = TRY(file_of(*first, first_number));
      return compare(&*file, &*TRY(file_of(*second, second_number)));
    }
    case kMemory: return compare_shared(address_space_of(*first), address_space_of(*second));
    case kFiles: return compare_shared(files_of(*first), files_of(*second));
    case kFsContext: return compare_shared(fs_context_of(*first), fs_context_of(*second));
    case kHandlers: return compare_shared(handlers_of(*first), handlers_of(*second));
    case kIoContext:
    case kSemaphores: return 0;  // nobody has any
    default: return Errno::Inval;
  }
}

}  // namespace kernel::syscall
