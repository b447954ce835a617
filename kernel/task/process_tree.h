// SPDX-License-Identifier: MIT
// Changes of the process tree: who is whose parent, thread, group and session member. Called by
// process/ (fork, exec, exit, wait); all under task::tree_lock.
#pragma once

#include "task/task.h"

namespace kernel {

class ProcessTree {
 public:
  using Groups = List<ThreadGroup, AllGroupsTag>;
  using GroupMembers = List<ThreadGroup, GroupMemberTag>;
  using SessionMembers = List<ThreadGroup, SessionMemberTag>;

  static Groups& all() REQUIRES(task::tree_lock) { return groups_; }
  static GroupMembers& members(Pid& process_group) REQUIRES(task::tree_lock) {
    return process_group.group_members_;
  }
  static SessionMembers& session_members(Pid& session) REQUIRES(task::tree_lock) {
    return session.session_members_;
  }
  static Terminal*& terminal(Pid& session) REQUIRES(task::tree_lock) { return session.terminal_; }

  // How many signals have gone to the group, and to everybody: fork looks before and after, so that
  // no member made meanwhile is missed.
  static void note_group_signal(Pid& process_group) REQUIRES(task::tree_lock) {
    ++process_group.group_signals_;
  }
  static void note_broadcast() REQUIRES(task::tree_lock) { ++broadcasts_; }
  static uint64_t signals_seen(const ThreadGroup& group) REQUIRES(task::tree_lock) {
    return group.process_group->group_signals_ + broadcasts_;
  }

  // A process with its first thread, in its parent's group and session. Takes the lists' reference
  // on both objects. `parent` is null for init alone.
  static void add_group(ThreadGroup& group, Task& leader, ThreadGroup* parent, Task* parent_task,
                        Pid& process_group, Pid& session) REQUIRES(task::tree_lock);
  // One more thread of a live group.
  static void add_thread(Task& task, ThreadGroup& group)
      REQUIRES(task::tree_lock, group.signal_lock);
  // A thread that is not the leader has ended: nobody finds it any more. The caller drops the
  // list's reference behind the locks.
  static void remove_thread(Task& task, ThreadGroup& group)
      REQUIRES(task::tree_lock, group.signal_lock);
  // exec by a thread other than the leader, which has ended: the thread takes its place and its
  // number. The caller drops the list's reference on the old leader, which this returns.
  static Task& replace_leader(Task& heir, ThreadGroup& group)
      REQUIRES(task::tree_lock, group.signal_lock);
  // Reaps a zombie: off every list. The caller drops the references on the leader, which this
  // returns, and on the group.
  static Task& release_group(ThreadGroup& group) REQUIRES(task::tree_lock);

  static void set_parent(ThreadGroup& child, ThreadGroup& parent, Task& parent_task)
      REQUIRES(task::tree_lock);
  // Moves into a process group; returns the one before, whose reference the caller drops.
  static Pid* move_to_group(ThreadGroup& group, Pid& process_group) REQUIRES(task::tree_lock);
  static Pid* move_to_session(ThreadGroup& group, Pid& session) REQUIRES(task::tree_lock);

  // Would the process group be orphaned (POSIX) if `ignored` were not in it?
  static bool is_orphaned(Pid& process_group, const ThreadGroup* ignored) REQUIRES(task::tree_lock);
  static bool has_stopped_member(Pid& process_group) REQUIRES(task::tree_lock);

 private:
  static Groups groups_ GUARDED_BY(task::tree_lock);
  static uint64_t broadcasts_ GUARDED_BY(task::tree_lock);
};

}  // namespace kernel
