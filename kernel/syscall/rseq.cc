// SPDX-License-Identifier: MIT
// rseq(2): a thread registers its area, or takes it back. What the kernel does with it is in
// process/restartable_sequence.h.

#include "process/restartable_sequence.h"
#include "syscall/declarations.h"

namespace kernel::syscall {
namespace {

constexpr uint32_t kUnregister = 1;

Value unregister(Task& task, UserAddr area, uint32_t size, uint32_t signature) {
  if (raw(task.restartable_area) == 0 || area != task.restartable_area) return Errno::Inval;
  if (size != RestartableArea::kSize) return Errno::Inval;
  if (signature != task.restartable_signature) return Errno::Perm;
  TRY(RestartableArea::write_cpu(area, 0, RestartableArea::kUnregistered));
  set_restartable_area(task, UserAddr{}, 0);
  return 0;
}

}  // namespace

Value sys_rseq(Context& context, UserAddr area, uint32_t size, Flags32 flags, uint32_t signature) {
  Task& task = context.task;
  if (!flags.only(kUnregister)) return Errno::Inval;
  if (flags.has(kUnregister)) return unregister(task, area, size, signature);
  if (raw(task.restartable_area) != 0) {
    if (area != task.restartable_area || size != RestartableArea::kSize) return Errno::Inval;
    if (signature != task.restartable_signature) return Errno::Perm;
    return Errno::Busy;
  }
  if (!is_aligned(area, RestartableArea::kAlignment) || size != RestartableArea::kSize)
    return Errno::Inval;
  if (!is_user_range(area, size)) return Errno::Fault;
  // C libraries use areas again without clearing them.
  if (TRY(RestartableArea::sequence_of(area).read()) != 0)
    TRY(RestartableArea::sequence_of(area).write(0));
  set_restartable_area(task, area, signature);
  return 0;
}

}  // namespace kernel::syscall
