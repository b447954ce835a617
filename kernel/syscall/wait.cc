// SPDX-License-Identifier: MIT
// wait4(2), waitid(2).

#include "process/pidfd.h"
#include "process/wait.h"
#include "syscall/declarations.h"
#include "syscall/resource_usage.h"

namespace kernel::syscall {
namespace {

enum Which : int32_t { kAll = 0, kPid = 1, kGroup = 2, kPidFd = 3 };
constexpr uint32_t kKinship = kWaitNoThread | kWaitAll | kWaitClone;

struct UserChildInfo {  // siginfo_t up to si_status
  int32_t signal, error, code, hole, pid;
  uint32_t uid;
  int32_t status;
};

Result<WaitRequest> parse_waitid(Context& context, int32_t which, int32_t who, uint32_t options) {
  WaitRequest request;
  request.options = options;
  switch (which) {
    case kAll: return request;
    case kPid:
      if (who <= 0) return Errno::Inval;
      request.which = WaitRequest::Which::Process;
      request.pid = Pid::find(who);
      return request;
    case kGroup:
      if (who < 0) return Errno::Inval;
      request.which = WaitRequest::Which::Group;
      request.pid = who == 0 ? Optional<Ref<Pid>>(task::process_group_of(context.task.group()))
                             : Pid::find(who);
      return request;
    case kPidFd: {
      if (who < 0) return Errno::Inval;
      Ref<File> file = TRY(context.task.files->get(who));
      request.which = WaitRequest::Which::Process;
      request.pid = TRY(pid_of_pidfd(*file));
      if (file->nonblocking()) request.options |= kWaitNoHang;
      return request;
    }
    default: return Errno::Inval;
  }
}

Result<std::optional<WaitNews>> wait_by_id(Context& context, int32_t which, int32_t who,
                                           Flags32 options) {
  constexpr uint32_t kEvents = kWaitExited | kWaitStopped | kWaitContinued;
  if (!options.only(kWaitNoHang | kWaitNoWait | kEvents | kKinship) || !options.any(kEvents))
    return Errno::Inval;
  WaitRequest request = TRY(parse_waitid(context, which, who, options.bits()));
  std::optional<WaitNews> news = TRY(wait_for_child(context.task, request));
  // A nonblocking pidfd says so by an error.
  if (!news && !options.has(kWaitNoHang)) return Errno::Again;
  return news;
}

}  // namespace

Value sys_wait4(Context& context, int32_t pid, UserOut<int32_t> status, Flags32 options,
                UserOut<abi::ResourceUsage> usage) {
  if (!options.only(kWaitNoHang | kWaitStopped | kWaitContinued | kKinship)) return Errno::Inval;
  if (pid == INT32_MIN) return Errno::Srch;
  WaitRequest request;
  request.options = options.bits() | kWaitExited;
  if (pid > 0) {
    request.which = WaitRequest::Which::Process;
    request.pid = Pid::find(pid);
  } else if (pid != -1) {
    request.which = WaitRequest::Which::Group;
    request.pid = pid == 0 ? Optional<Ref<Pid>>(task::process_group_of(context.task.group()))
                           : Pid::find(-pid);
  }
  std::optional<WaitNews> news = TRY(wait_for_child(context.task, request));
  if (!news) return 0;
  if (!status.is_null()) TRY(status.write(news->status_word));
  if (!usage.is_null()) TRY(usage.write(encode_usage(news->usage)));
  return news->pid;
}

// The structure is written whatever the outcome: with zeros where there is no news, and on errors.
Value sys_waitid(Context& context, int32_t which, int32_t who, UserAddr info, Flags32 options,
                 UserOut<abi::ResourceUsage> usage) {
  Result<std::optional<WaitNews>> waited = wait_by_id(context, which, who, options);
  std::optional<WaitNews> news = waited.ok() ? *waited : std::nullopt;
  if (news && !usage.is_null()) TRY(usage.write(encode_usage(news->usage)));
  if (raw(info) != 0) {
    UserChildInfo told{};
    if (news) {
      told = {.signal = static_cast<int32_t>(Signal::Chld), .error = 0, .code = news->code,
              .hole = 0, .pid = news->pid, .uid = news->uid, .status = news->status};
    }
    TRY(copy_out(info, &told, sizeof told));
  }
  if (!waited.ok()) return waited.error();
  return 0;
}

}  // namespace kernel::syscall
