// SPDX-License-Identifier: MIT
// The end of threads and processes (exit(2), exit_group(2)), and the reaping of zombies.
#pragma once

#include "task/process_tree.h"

namespace kernel {

// Ends the running thread / every thread of its group, with a wait status word (notify.h).
[[noreturn]] void exit_task(int32_t exit_code);
[[noreturn]] void exit_group(int32_t exit_code);

// Gives up the running task's address space: robust futexes, clear_child_tid, a waiting vfork
// parent. execve calls it before it takes the new one; exit leaves the task without.
void release_memory(Task& task);

// A task that has never run gives its files, file-system context and memory back.
void release_unborn(Task& task);

// What is unlinked under the tree lock and let go behind it.
class Reaped {
 public:
  ~Reaped();
  // The zombie goes off all lists.
  void take(ThreadGroup& group) REQUIRES(task::tree_lock);
  void take(Task& thread) { threads_.push_back(thread); }

 private:
  List<ThreadGroup, ChildTag> groups_;
  List<Task, GroupThreadTag> threads_;
};

}  // namespace kernel
