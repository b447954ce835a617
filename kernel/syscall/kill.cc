// SPDX-License-Identifier: MIT
// kill(2), tkill(2), tgkill(2), rt_sigqueueinfo(2), rt_tgsigqueueinfo(2).

#include "process/kill.h"

#include "syscall/declarations.h"
#include "task/signal_post.h"

namespace kernel::syscall {
namespace {

constexpr bool is_valid(int32_t signal) { return signal == 0 || is_valid_signal(signal); }

// Only the kernel and kill(2) say who they are by a code >= 0; others may not pretend, but to
// themselves.
Result<SignalInfo> copy_info(Context& context, int32_t pid, int32_t signal, UserAddr from) {
  UserSignalInfo user;
  TRY(copy_in(&user, from, sizeof user));
  if ((user.code >= 0 || user.code == kSiTkill) && pid != context.task.group().pid())
    return Errno::Perm;
  return decode_signal_info(user, static_cast<Signal>(signal));
}

Value to_thread(Context& context, int32_t group, int32_t tid, int32_t signal, SignalInfo info) {
  if (!is_valid(signal)) {
    info.signal = Signal::None;  // a thread that is not there is the first error
    TRY(send_signal_to_thread(context.task, group, tid, info));
    return Errno::Inval;
  }
  TRY(send_signal_to_thread(context.task, group, tid, info));
  return 0;
}

}  // namespace

Value sys_kill(Context& context, int32_t pid, int32_t signal) {
  if (!is_valid(signal)) {
    Result<> reached = send_signal(context.task, pid, user_signal(context.task, Signal::None));
    if (reached.failed_with(Errno::Srch)) return Errno::Srch;
    return Errno::Inval;
  }
  TRY(send_signal(context.task, pid, user_signal(context.task, static_cast<Signal>(signal))));
  return 0;
}

Value sys_tkill(Context& context, int32_t tid, int32_t signal) {
  if (tid <= 0) return Errno::Inval;
  return to_thread(context, 0, tid, signal,
                   user_signal(context.task, static_cast<Signal>(signal), kSiTkill));
}

Value sys_tgkill(Context& context, int32_t pid, int32_t tid, int32_t signal) {
  if (tid <= 0 || pid <= 0) return Errno::Inval;
  return to_thread(context, pid, tid, signal,
                   user_signal(context.task, static_cast<Signal>(signal), kSiTkill));
}

Value sys_rt_sigqueueinfo(Context& context, int32_t pid, int32_t signal, UserAddr from) {
  SignalInfo info = TRY(copy_info(context, pid, signal, from));
  if (!is_valid(signal)) {
    info.signal = Signal::None;
    TRY(send_signal_to_process(context.task, pid, info));
    return Errno::Inval;
  }
  TRY(send_signal_to_process(context.task, pid, info));
  return 0;
}

Value sys_rt_tgsigqueueinfo(Context& context, int32_t pid, int32_t tid, int32_t signal,
                            UserAddr from) {
  SignalInfo info = TRY(copy_info(context, tid, signal, from));
  if (pid <= 0 || tid <= 0) return Errno::Inval;
  return to_thread(context, pid, tid, signal, info);
}

}  // namespace kernel::syscall
