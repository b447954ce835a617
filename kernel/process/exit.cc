// SPDX-License-Identifier: MIT
// See exit.h. In order: no more signals; memory, files and terminal are given up; then, under the
// tree lock, children get another parent and the thread leaves its group; the last one makes the
// process a zombie and tells the parent.

#include "process/exit.h"

#include "fs/tty/controlling.h"
#include "fs/vfs/fd_table.h"
#include "fs/vfs/fs_context.h"
#include "ipc/undo_sharing.h"
#include "process/core_dump.h"
#include "process/job_control.h"
#include "process/notify.h"
#include "process/process_timers.h"
#include "sched/completion.h"
#include "task/signal_post.h"
#include "vm/futex.h"
#include "vm/user_copy.h"

namespace kernel {
namespace {

// From now on no signal chooses this thread; what it would have taken goes to the others. True for
// the last thread of its process, whose code becomes the process's unless something ended it as a
// whole.
bool stop_taking_signals(Task& task, ThreadGroup& group) {
  bool stop_completed = false;
  bool last;
  {
    Guard guard(group.signal_lock);
    task.exiting = true;
    last = group.live_threads.fetch_sub_acq_rel(1) == 1;
    if (last && !group.group_exiting) {
      group.group_exiting = true;
      group.group_exit_code = task.exit_code;
    }
    hand_over_signals_locked(task, group, ~task.blocked);
    if (task.stop_pending) stop_completed = take_part_in_stop_locked(task, group);
  }
  if (stop_completed) notify_parent_of_job_change(group, JobChange::Stopped);
  return last;
}

void release_files(Task& task, ThreadGroup& group) {
  FdTable* files;
  FsContext* fs_context;
  {
    Guard guard(group.signal_lock);
    files = std::exchange(task.files, nullptr);
    fs_context = std::exchange(task.fs_context, nullptr);
  }
  if (files != nullptr) files->unref();
  if (fs_context != nullptr) fs_context->unref();
}

Task* living_thread(ThreadGroup& group) REQUIRES(task::tree_lock) {
  for (Task& task : group.threads) {
    if (!task.exiting) return &task;
  }
  return nullptr;
}

// prctl(2) PR_SET_CHILD_SUBREAPER: the nearest such ancestor, else init. The walk ends: parents of
// parents lead to init.
ThreadGroup& find_reaper(ThreadGroup& group) REQUIRES(task::tree_lock) {
  ThreadGroup* at = group.parent;
  while (at->parent != nullptr) {
    if (at->is_subreaper && living_thread(*at) != nullptr) return *at;
    at = at->parent;
  }
  return *at;
}

void send_death_signals(ThreadGroup& child, const Task& dying) REQUIRES(task::tree_lock) {
  for (Task& task : child.threads) {
    uint8_t signal = task.parent_death_signal;
    if (signal == 0 || !may_signal(dying, child, static_cast<Signal>(signal))) continue;
    ignore(post_signal(child, user_signal(dying, static_cast<Signal>(signal))));
  }
}

void reparent_children(Task& dying, ThreadGroup& group, Reaped& reaped) REQUIRES(task::tree_lock) {
  Task* sibling = living_thread(group);
  ThreadGroup* next = nullptr;
  for (ThreadGroup* child = group.children.front(); child != nullptr; child = next) {
    next = group.children.next(*child);
    if (child->parent_task != &dying) continue;
    ThreadGroup& parent = sibling != nullptr ? group : find_reaper(group);
    Task* parent_task = sibling != nullptr ? sibling : living_thread(parent);
    ProcessTree::set_parent(*child, parent, parent_task != nullptr ? *parent_task : *parent.leader);
    send_death_signals(*child, dying);
    if (sibling != nullptr) continue;
    child->exit_signal = Signal::Chld;
    bool zombie = child->state == ThreadGroup::State::Zombie;
    hang_up_if_orphaned(*child, &group);
    if (zombie && notify_parent_of_exit(*child)) reaped.take(*child);
  }
}

void become_zombie(ThreadGroup& group, Reaped& reaped) REQUIRES(task::tree_lock) {
  {
    Guard guard(group.signal_lock);
    group.exit_code = group.group_exiting ? group.group_exit_code : group.leader->exit_code;
  }
  hang_up_if_orphaned(group, nullptr);
  group.state = ThreadGroup::State::Zombie;
  bool reap = notify_parent_of_exit(group);
  group.leader_pid().ended.wake_all();
  if (reap) reaped.take(group);
}

void leave_tree(Task& task, ThreadGroup& group) {
  Reaped reaped;
  Guard guard(task::tree_lock);
  reparent_children(task, group, reaped);
  if (group.leader == &task) {
    group.leader_dead = true;
  } else {
    group.dead_threads.add(task::usage_of(task));
    Guard signals(group.signal_lock);
    ProcessTree::remove_thread(task, group);
    reaped.take(task);
  }
  if (group.leader_dead && group.thread_count == 1) become_zombie(group, reaped);
  group.threads_changed.wake_all();
}

void note_peak_memory(ThreadGroup& group, AddressSpace& space) {
  uint64_t peak = space.statistics().peak_resident * (kPageSize / KiB);
  if (peak > group.max_resident_kib) group.max_resident_kib = peak;
}

void complete_vfork(Task& task) {
  Guard guard(task.group().signal_lock);
  if (Completion* done = std::exchange(task.vfork_done, nullptr)) done->complete();
}

}  // namespace

Reaped::~Reaped() {
  while (Task* task = threads_.pop_front()) task->unref();
  while (ThreadGroup* group = groups_.pop_front()) group->unref();
}

void Reaped::take(ThreadGroup& group) {
  threads_.push_back(ProcessTree::release_group(group));
  groups_.push_back(group);
}

void release_memory(Task& task) {
  AddressSpace* space = task.address_space;
  if (space == nullptr) return;
  if (raw(task.robust_list) != 0) {
    futex::exit_robust_list(task.robust_list, task.tid());
    task.robust_list = UserAddr{};
  }
  futex::exit_pi(task);
  UserAddr tid_address = std::exchange(task.clear_child_tid, UserAddr{});
  // Alone in the space nobody is left to see it.
  if (raw(tid_address) != 0 && space->ref_count() > 1) {
    uint32_t zero = 0;
    if (copy_out(tid_address, &zero, sizeof zero).ok())
      ignore(futex::wake(tid_address, 1, futex::Scope::Shared, futex::kMatchAny));
  }
  // The last user of the space speaks for all: counting walks the page tables.
  if (space->ref_count() == 1) note_peak_memory(task.group(), *space);
  complete_vfork(task);
}

void release_unborn(Task& task) {
  release_semaphore_undo(task);
  if (task.files != nullptr) std::exchange(task.files, nullptr)->unref();
  if (task.fs_context != nullptr) std::exchange(task.fs_context, nullptr)->unref();
  if (task.address_space != nullptr) std::exchange(task.address_space, nullptr)->unref();
}

void exit_task(int32_t exit_code) {
  Task& task = current_task();
  ThreadGroup& group = task.group();
  stop_for_core_dump(task);
  task.exit_code = exit_code;
  bool last = stop_taking_signals(task, group);
  if (last && group.is_init()) {
    panic("Attempted to kill init! exitcode=0x%08x", static_cast<unsigned>(group.group_exit_code));
  }
  if (last) process_timers::end(group);
  release_memory(task);
  if (AddressSpace* space = task.address_space) {
    {
      Guard guard(group.signal_lock);  // who looks at it from outside takes a reference under this
      sched::switch_address_space(nullptr);
    }
    space->unref();
  }
  release_semaphore_undo(task);
  release_files(task, group);
  if (last) leave_controlling_terminal(group);
  leave_tree(task, group);
  sched::exit_thread();
}

void exit_group(int32_t exit_code) {
  Task& task = current_task();
  ThreadGroup& group = task.group();
  {
    Guard guard(group.signal_lock);
    if (group.exec_survivor == nullptr || group.exec_survivor == &task)
      kill_group_locked(group, exit_code);
    if (group.group_exiting) {
      exit_code = group.group_exit_code;
    } else {
      exit_code = static_cast<int32_t>(Signal::Kill);  // another thread's execve ends this one
    }
  }
  exit_task(exit_code);
}

}  // namespace kernel
