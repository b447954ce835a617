// SPDX-License-Identifier: MIT
// See process_tree.h. Pointers that lock-free readers follow (a Pid's task and group) are published
// last on the way in and cleared first on the way out.

#include "task/process_tree.h"

namespace kernel {

constinit SpinLock<LockRank::ProcessTree> task::tree_lock;
constinit ProcessTree::Groups ProcessTree::groups_;
constinit uint64_t ProcessTree::broadcasts_ = 0;

void ProcessTree::add_group(ThreadGroup& group, Task& leader, ThreadGroup* parent,
                            Task* parent_task, Pid& process_group, Pid& session) {
  group.ref();
  leader.ref();
  group.leader = &leader;
  group.threads.push_back(leader);
  group.thread_count = 1;
  group.parent = parent;
  group.parent_task = parent_task;
  if (parent != nullptr) parent->children.push_back(group);
  process_group.ref();
  group.process_group = &process_group;
  process_group.group_members_.push_back(group);
  session.ref();
  group.session = &session;
  session.session_members_.push_back(group);
  groups_.push_back(group);
  group.leader_pid().thread_group_.publish(&group);
  group.leader_pid().task_.publish(&leader);
}

void ProcessTree::add_thread(Task& task, ThreadGroup& group) {
  task.ref();
  group.threads.push_back(task);
  ++group.thread_count;
  group.live_threads.fetch_add_relaxed(1);
  task.pid().task_.publish(&task);
}

void ProcessTree::remove_thread(Task& task, ThreadGroup& group) {
  task.pid().task_.publish(nullptr);
  task.uncount();
  group.threads.remove(task);
  --group.thread_count;
  if (group.next_target == &task) group.next_target = nullptr;
}

Task& ProcessTree::replace_leader(Task& heir, ThreadGroup& group) {
  Task& old = *group.leader;
  Pid& own = heir.pid();
  Pid& number = old.pid();
  own.task_.publish(nullptr);
  number.task_.publish(&heir);
  heir.pid_.publish(&number);
  old.pid_.publish(&own);
  old.uncount();
  group.threads.remove(old);
  --group.thread_count;
  if (group.next_target == &old) group.next_target = nullptr;
  __atomic_store_n(&group.leader, &heir, __ATOMIC_RELEASE);
  group.leader_dead = false;
  return old;
}

Task& ProcessTree::release_group(ThreadGroup& group) {
  group.state = ThreadGroup::State::Reaped;
  Task& leader = *group.leader;
  leader.uncount();
  group.leader_pid().task_.publish(nullptr);
  group.leader_pid().thread_group_.publish(nullptr);
  {
    Guard guard(group.signal_lock);
    group.threads.remove(leader);
    group.next_target = nullptr;
    __atomic_store_n(&group.leader, nullptr, __ATOMIC_RELEASE);
  }
  if (group.parent != nullptr) group.parent->children.remove(group);
  group.process_group->group_members_.remove(group);
  group.session->session_members_.remove(group);
  groups_.remove(group);
  return leader;
}

void ProcessTree::set_parent(ThreadGroup& child, ThreadGroup& parent, Task& parent_task) {
  if (child.parent != &parent) {
    child.parent->children.remove(child);
    parent.children.push_back(child);
    __atomic_store_n(&child.parent, &parent, __ATOMIC_RELEASE);
  }
  child.parent_task = &parent_task;
}

Pid* ProcessTree::move_to_group(ThreadGroup& group, Pid& process_group) {
  Pid* old = group.process_group;
  old->group_members_.remove(group);
  process_group.ref();
  process_group.group_members_.push_back(group);
  __atomic_store_n(&group.process_group, &process_group, __ATOMIC_RELEASE);
  return old;
}

Pid* ProcessTree::move_to_session(ThreadGroup& group, Pid& session) {
  Pid* old = group.session;
  old->session_members_.remove(group);
  session.ref();
  session.session_members_.push_back(group);
  __atomic_store_n(&group.session, &session, __ATOMIC_RELEASE);
  return old;
}

bool ProcessTree::is_orphaned(Pid& process_group, const ThreadGroup* ignored) {
  for (ThreadGroup& member : process_group.group_members_) {
    if (&member == ignored || member.state != ThreadGroup::State::Live) continue;
    if (member.parent == nullptr || member.parent->is_init()) continue;
    if (member.parent->process_group != &process_group && member.parent->session == member.session)
      return false;
  }
  return true;
}

bool ProcessTree::has_stopped_member(Pid& process_group) {
  for (ThreadGroup& member : process_group.group_members_) {
    Guard guard(member.signal_lock);
    if (member.stopped) return true;
  }
  return false;
}

}  // namespace kernel
