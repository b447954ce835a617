// SPDX-License-Identifier: MIT
// See semaphore_undo.h. An entry outlives its set, which may be removed at any time: such entries
// go when the list is looked at next.

#include "ipc/semaphore_undo.h"

#include "ipc/undo_sharing.h"

namespace kernel {

using ipc::SemaphoreSet;
using ipc::SemaphoreUndo;

Result<SemaphoreUndoList*> SemaphoreUndoList::of(Task& task) {
  if (task.semaphore_undo == nullptr)
    task.semaphore_undo = TRY(make_ref<SemaphoreUndoList>()).leak();
  return task.semaphore_undo;
}

Result<Ref<SemaphoreUndo>> SemaphoreUndoList::entry_of_current(SemaphoreSet& set) {
  return TRY(of(current_task()))->entry_of(set);
}

Result<Ref<SemaphoreUndo>> SemaphoreUndoList::entry_of(SemaphoreSet& set) {
  Guard guard(lock_);
  for (SemaphoreUndo* at = entries_.front(); at != nullptr;) {
    SemaphoreUndo& undo = *at;
    at = entries_.next(undo);
    if (undo.set.get() == &set) return Ref<SemaphoreUndo>(undo);
    if (!undo.set->is_removed()) continue;
    entries_.remove(undo);
    undo.set->apply_undo(undo);
    undo.unref();
  }
  Ref<SemaphoreUndo> made = TRY(make_ref<SemaphoreUndo>(Ref<SemaphoreSet>(set)));
  TRY(made->adjustments.resize(set.size()));
  set.add_undo(*made);
  entries_.push_back(*Ref<SemaphoreUndo>(made).leak());
  return made;
}

void SemaphoreUndoList::last_unref(SemaphoreUndoList* list) {
  {
    Guard guard(list->lock_);
    while (SemaphoreUndo* undo = list->entries_.pop_front()) {
      undo->set->apply_undo(*undo);
      undo->unref();
    }
  }
  delete list;
}

Result<SemaphoreUndoList*> share_semaphore_undo(Task& parent) {
  SemaphoreUndoList* list = TRY(SemaphoreUndoList::of(parent));
  list->ref();
  return list;
}

void release_semaphore_undo(Task& task) {
  if (task.semaphore_undo != nullptr) std::exchange(task.semaphore_undo, nullptr)->unref();
}

}  // namespace kernel
