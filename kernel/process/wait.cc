// SPDX-License-Identifier: MIT
// See wait.h. Every look at the children is one pass under the tree lock; what is reported is
// marked as reported, or reaped, in the same pass, so that two waiters never get the same news.

#include "process/wait.h"

#include "process/exit.h"
#include "process/notify.h"
#include "sched/wait_queue.h"

namespace kernel {
namespace {

struct Scan {
  bool has_eligible = false;
  std::optional<WaitNews> news;
};

bool is_meant(const ThreadGroup& child, const Task& task, const WaitRequest& request) {
  if (request.which == WaitRequest::Which::Process && &child.leader_pid() != request.pid.get())
    return false;
  if (request.which == WaitRequest::Which::Group && child.process_group != request.pid.get())
    return false;
  if ((request.options & kWaitNoThread) != 0 && child.parent_task != &task) return false;
  if ((request.options & kWaitAll) != 0) return true;
  bool is_clone = child.exit_signal != Signal::Chld;
  return is_clone == ((request.options & kWaitClone) != 0);
}

WaitNews news_of(ThreadGroup& child, int32_t code, int32_t status, int32_t status_word)
    REQUIRES(task::tree_lock) {
  WaitNews news{child.pid(), child.leader->credentials().uid, code, status, status_word,
                task::usage_of_locked(child)};
  news.usage.add(child.reaped_children);
  return news;
}

WaitNews take_zombie(ThreadGroup& child, bool keep, Reaped& reaped) REQUIRES(task::tree_lock) {
  ChildStatus status = child_status(child.exit_code);
  WaitNews news = news_of(child, status.code, status.status, child.exit_code);
  if (keep) return news;
  child.parent->reaped_children.add(news.usage);
  reaped.take(child);
  return news;
}

std::optional<WaitNews> take_job_change(ThreadGroup& child, uint32_t options)
    REQUIRES(task::tree_lock) {
  bool keep = (options & kWaitNoWait) != 0;
  int32_t stop_code = 0;
  bool continued = false;
  {
    Guard guard(child.signal_lock);
    if ((options & kWaitStopped) != 0 && child.stopped && child.stop_code != 0) {
      stop_code = keep ? child.stop_code : std::exchange(child.stop_code, 0);
    } else if ((options & kWaitContinued) != 0 && child.continued) {
      continued = true;
      if (!keep) child.continued = false;
    }
  }
  if (stop_code != 0) return news_of(child, kCldStopped, stop_code >> 8, stop_code);
  if (continued)
    return news_of(child, kCldContinued, static_cast<int32_t>(Signal::Cont), kContinuedStatus);
  return std::nullopt;
}

Scan scan_children(const Task& task, const WaitRequest& request) {
  Scan scan;
  Reaped reaped;
  Guard guard(task::tree_lock);
  for (ThreadGroup& child : task.group().children) {
    if (!is_meant(child, task, request)) continue;
    if (child.state == ThreadGroup::State::Zombie) {
      if ((request.options & kWaitExited) == 0) continue;
      scan.has_eligible = true;
      scan.news = take_zombie(child, (request.options & kWaitNoWait) != 0, reaped);
    } else {
      scan.has_eligible = true;
      scan.news = take_job_change(child, request.options);
    }
    if (scan.news) break;
  }
  return scan;
}

}  // namespace

Result<std::optional<WaitNews>> wait_for_child(Task& task, const WaitRequest& request) {
  if (request.which != WaitRequest::Which::Any && !request.pid) return Errno::Child;
  Scan scan;
  auto settled = [&] {
    scan = scan_children(task, request);
    return scan.news.has_value() || !scan.has_eligible;
  };
  if (!settled() && (request.options & kWaitNoHang) == 0) {
    Result<> waited = task.group().child_changed.wait(settled);
    if (!waited.ok()) return waited.error();
  }
  if (scan.news) return scan.news;
  if (!scan.has_eligible) return Errno::Child;
  return std::optional<WaitNews>();
}

}  // namespace kernel
