// SPDX-License-Identifier: MIT
// See out_of_memory.h. The victim is who has most memory, shifted by oom_score_adj (proc(5)). It
// frees its memory by dying, which needs no lock of the thread that ran out: that thread waits here
// for a while, and fails its allocation when it is the victim itself.

#include "process/out_of_memory.h"

#include "lib/log.h"
#include "mm/frames.h"
#include "mm/kernel_map.h"
#include "process/observe.h"
#include "sched/scheduler.h"
#include "task/process_tree.h"
#include "task/signal_post.h"

namespace kernel {
namespace {

constexpr Nanoseconds kPause = 10'000'000;
constexpr int16_t kNever = -1000;

// A thread of the process that still has its memory; null: none has. A main thread may have ended
// before the others.
Task* thread_with_memory(ThreadGroup& group) REQUIRES(task::tree_lock, group.signal_lock) {
  for (Task& task : group.threads) {
    if (task.address_space != nullptr) return &task;
  }
  return nullptr;
}

// Pages as the killer counts them: the program's, and what the kernel keeps for it. Nothing: not to
// be killed. No reference is taken, because giving up the last one would tear memory or files down
// under the locks of the thread that ran out.
std::optional<int64_t> badness(ThreadGroup& group, uint64_t total_pages) {
  if (group.is_init() || group.oom_score_adjust == kNever) return std::nullopt;
  Guard tree(task::tree_lock);
  Guard guard(group.signal_lock);
  Task* task = thread_with_memory(group);
  if (task == nullptr) return std::nullopt;
  uint64_t pages = task->address_space->footprint();
  if (task->files != nullptr) pages += task->files->held_pages();
  pages += group.thread_count * (kKernelStackSize / kPageSize);
  return static_cast<int64_t>(pages) +
         group.oom_score_adjust * static_cast<int64_t>(total_pages / 1000);
}

bool is_dying(ThreadGroup& group) {
  Guard guard(group.signal_lock);
  return group.group_exiting;
}

struct Choice {
  Optional<Ref<ThreadGroup>> victim;
  int64_t badness = INT64_MIN;
  bool somebody_dies = false;
};

Choice choose(uint64_t total_pages) {
  Choice choice;
  PidNumber from = 1;
  while (Optional<Ref<Pid>> pid = Pid::find_from(from)) {
    from = pid->number() + 1;
    Optional<Ref<ThreadGroup>> group = task::find_group(pid->number());
    if (!group) continue;
    std::optional<int64_t> points = badness(*group, total_pages);
    if (!points) continue;
    if (is_dying(*group)) choice.somebody_dies = true;
    if (*points <= choice.badness) continue;
    choice.badness = *points;
    choice.victim = std::move(group);
  }
  return choice;
}

const AddressSpace* space_of(ThreadGroup& group) REQUIRES(task::tree_lock) {
  Guard guard(group.signal_lock);
  Task* task = thread_with_memory(group);
  return task != nullptr ? task->address_space : nullptr;
}

// Whoever else has the victim's memory must go too, or nothing is freed.
void kill_with_sharers(ThreadGroup& victim, int64_t points) {
  Guard guard(task::tree_lock);
  const AddressSpace* space = space_of(victim);
  if (space == nullptr) return;  // it has ended meanwhile
  log_error("out of memory: killed process {} ({}), {} KiB, score adjustment {}", victim.pid(),
            victim.leader->name(), points > 0 ? points * int64_t{kPageSize / KiB} : 0,
            victim.oom_score_adjust);
  for (ThreadGroup& group : ProcessTree::all()) {
    if (!group.is_init() && space_of(group) == space) kill_group(group, Signal::Kill);
  }
}

bool kill_one() {
  if (sched::kill_pending()) return false;
  Choice choice = choose(frames::total_pages());
  if (!choice.somebody_dies) {
    if (!choice.victim) return false;
    kill_with_sharers(*choice.victim, choice.badness);
    if (sched::kill_pending()) return false;
  }
  sched::sleep_until(Deadline::after(kPause));
  return true;
}

}  // namespace

unsigned oom_score(ThreadGroup& group) {
  uint64_t total = frames::total_pages();
  std::optional<int64_t> points = badness(group, total);
  if (!points) return 0;
  int64_t score = (1000 + *points * 1000 / static_cast<int64_t>(total)) * 2 / 3;
  return score < 0 ? 0 : static_cast<unsigned>(score);
}

void out_of_memory::init() { frames::set_out_of_memory_handler(kill_one); }

}  // namespace kernel
