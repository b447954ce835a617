// SPDX-License-Identifier: MIT
// What a process gives back to semaphores when it ends (SEM_UNDO of semop(2)): one list a process,
// which clone(2) with CLONE_SYSVSEM shares. The last task to leave it makes the adjustments.
#pragma once

#include "ipc/semaphore_set.h"

namespace kernel {

class SemaphoreUndoList final : public RefCounted<SemaphoreUndoList> {
 public:
  // The running task's entry for the set, made at first use. Errors: NoMem.
  static Result<Ref<ipc::SemaphoreUndo>> entry_of_current(ipc::SemaphoreSet& set);
  static Result<SemaphoreUndoList*> of(Task& task);  // made when it has none yet
  static void last_unref(SemaphoreUndoList* list);

 private:
  Result<Ref<ipc::SemaphoreUndo>> entry_of(ipc::SemaphoreSet& set);

  Mutex<LockRank::IpcUndo> lock_;
  List<ipc::SemaphoreUndo, ipc::UndoOfProcessTag> entries_ GUARDED_BY(lock_);  // each a reference
};

}  // namespace kernel
