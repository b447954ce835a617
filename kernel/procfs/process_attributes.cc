// SPDX-License-Identifier: MIT
// Small files of a process that are one value, most of which can be set: comm, oom_score_adj,
// loginuid, timerslack_ns and their like (proc(5)).

#include "process/observe.h"
#include "procfs/process.h"

namespace kernel::procfs {

Result<> comm_text(FormatSink& sink, Task& task, bool) {
  format(sink, "{}\n", task.name());
  return {};
}

Result<> comm_store(StringView text, Task& task) {
  if (&current_task().group() != &task.group()) return Errno::Inval;
  task.set_name(text);  // as written, a newline included
  return {};
}

Result<> personality_text(FormatSink& sink, Task& task, bool) {
  format(sink, "{:08x}\n", task.group().personality);
  return {};
}

Result<> oom_score_text(FormatSink& sink, Task& task, bool) {
  format(sink, "{}\n", oom_score(task.group()));
  return {};
}

Result<> core_filter_text(FormatSink& sink, Task& task, bool) {
  format(sink, "{:08x}\n", task.group().core_filter.load_relaxed());
  return {};
}

Result<> core_filter_store(StringView text, Task& task) {
  text = text.trimmed();
  bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  bool octal = !hexadecimal && text.size() > 1 && text.starts_with("0");
  std::optional<uint64_t> number =
      text.substr(hexadecimal ? 2 : 0).to_number(hexadecimal ? 16 : octal ? 8 : 10);
  if (!number || *number > UINT32_MAX) return Errno::Inval;
  task.group().core_filter.store_relaxed(static_cast<uint32_t>(*number) & kKnownCoreFilter);
  return {};
}

Result<> oom_score_adj_text(FormatSink& sink, Task& task, bool) {
  format(sink, "{}\n", task.group().oom_score_adjust);
  return {};
}

Result<> oom_score_adj_store(StringView text, Task& task) {
  text = text.trimmed();
  bool negative = text.starts_with("-");
  std::optional<uint64_t> number = text.substr(negative ? 1 : 0).to_number();
  if (!number || *number > 1000) return Errno::Inval;
  int16_t value =
      static_cast<int16_t>(negative ? -static_cast<int>(*number) : static_cast<int>(*number));
  ThreadGroup& group = task.group();
  bool privileged = current_task().credentials().has(Capability::SysResource);
  if (value < group.oom_score_adjust_minimum && !privileged) return Errno::Acces;
  group.oom_score_adjust = value;
  if (privileged) group.oom_score_adjust_minimum = value;
  return {};
}

// The login that a session began with: pam_loginuid(8) sets it, getlogin(3) looks here first.
// Whoever has none may set it, once; a change takes a capability, and each makes a new session.
Result<> loginuid_text(FormatSink& sink, Task& task, bool) {
  format(sink, "{}", task.group().login_uid.load_relaxed());
  return {};
}

Result<> loginuid_store(StringView text, Task& task) {
  static constinit Atomic<uint32_t> sessions{0};
  if (&current_task() != &task) return Errno::Perm;
  std::optional<uint64_t> uid = text.trimmed().to_number();
  if (!uid || *uid > UINT32_MAX) return Errno::Inval;
  ThreadGroup& group = task.group();
  if (group.login_uid.load_relaxed() != ThreadGroup::kNoLogin &&
      !task.credentials().has(Capability::AuditControl))
    return Errno::Perm;
  bool logs_in = *uid != ThreadGroup::kNoLogin;
  group.login_session.store_relaxed(logs_in ? sessions.fetch_add_relaxed(1) + 1
                                            : ThreadGroup::kNoLogin);
  group.login_uid.store_relaxed(static_cast<uint32_t>(*uid));
  return {};
}

Result<> sessionid_text(FormatSink& sink, Task& task, bool) {
  format(sink, "{}", task.group().login_session.load_relaxed());
  return {};
}

// Those that this thread made, or inherited.
Result<> children_text(FormatSink& sink, Task& task, bool) {
  Vector<PidNumber> numbers;
  for (size_t count = 0;;) {
    TRY(numbers.reserve(count));
    Guard guard(task::tree_lock);
    count = 0;
    numbers.clear();
    for (ThreadGroup& child : task.group().children) {
      if (child.parent_task != &task) continue;
      if (count++ < numbers.capacity()) numbers.append_reserved(child.pid());
    }
    if (count <= numbers.capacity()) break;
  }
  for (PidNumber number : numbers) format(sink, "{} ", number);
  return {};
}

Result<> timer_slack_text(FormatSink& sink, Task& task, bool) {
  if (&current_task() != &task && !current_task().credentials().has(Capability::SysNice))
    return Errno::Perm;
  format(sink, "{}\n", task.timer_slack_ns);
  return {};
}

Result<> timer_slack_store(StringView text, Task& task) {
  constexpr uint64_t kDefault = 50'000;
  if (&current_task() != &task && !current_task().credentials().has(Capability::SysNice))
    return Errno::Perm;
  std::optional<uint64_t> slack = text.trimmed().to_number();
  if (!slack) return Errno::Inval;
  task.timer_slack_ns = *slack == 0 ? kDefault : *slack;
  return {};
}

#ifdef SAMARA_DEBUG
// fault-injection.rst of Linux. A thread may only hurt itself.
Result<> fail_nth_text(FormatSink& sink, Task& task, bool) {
  format(sink, "{}\n", task.allocations_until_failure.load_relaxed());
  return {};
}
Result<> fail_nth_store(StringView text, Task& task) {
  std::optional<uint64_t> number = text.trimmed().to_number();
  if (!number || *number > INT32_MAX) return Errno::Inval;
  if (&task != &current_task()) return Errno::Perm;
  task.allocations_until_failure.store_relaxed(static_cast<uint32_t>(*number));
  return {};
}
#endif

}  // namespace kernel::procfs
