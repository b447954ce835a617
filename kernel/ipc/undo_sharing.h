// SPDX-License-Identifier: MIT
// What forking and ending threads do with what is to be undone of their semaphore operations
// (SEM_UNDO). The lists: semaphore_undo.h.
#pragma once

#include "task/task.h"

namespace kernel {

// CLONE_SYSVSEM: the parent's list, made when it has none yet. With a reference.
Result<SemaphoreUndoList*> share_semaphore_undo(Task& parent);
// The last thread that has the list undoes what is in it.
void release_semaphore_undo(Task& task);

}  // namespace kernel
