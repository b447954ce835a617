// SPDX-License-Identifier: MIT
// kill(2), tkill(2), tgkill(2), rt_sigqueueinfo(2), rt_tgsigqueueinfo(2).

#include "process/kill.h"

#include "syscall/declarations.h"
#include "task/signal_post.h"

namespace kernel::syscall {
namespace {

constexpr bool is_valid(int32_t signal) { return signal == 0 || is_valid_signal(signal); }

// What a number that is no signal gets: a target that is not there is the first error.
Errno refusal(const Result<>& reached) {
  return reached.failed_with(Errno::Srch) ? Errno::Srch : Errno::Inval;
}

Result<SignalInfo> copy_info(int32_t signal, UserAddr from) {
  UserSignalInfo user;
  TRY(copy_in(&user, from, sizeof user));
  return decode_signal_info(user, static_cast<Signal>(signal));
}

// Only the kernel and kill(2) say who they are by a code >= 0; others may not pretend, but a thread
// to itself.
bool may_claim(const Context& context, const SignalInfo& info, int32_t target) {
  return (info.code < 0 && info.code != kSiTkill) || target == context.task.tid();
}

Value to_thread(Context& context, int32_t group, int32_t tid, int32_t signal, SignalInfo info) {
  if (!is_valid(signal)) {
    info.signal = Signal::None;
    return refusal(send_signal_to_thread(context.task, group, tid, info));
  }
  TRY(send_signal_to_thread(context.task, group, tid, info));
  return 0;
}

}  // namespace

Value sys_kill(Context& context, int32_t pid, int32_t signal) {
  if (!is_valid(signal)) {
    return refusal(send_signal(context.task, pid, user_signal(context.task, Signal::None)));
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
  SignalInfo info = TRY(copy_info(signal, from));
  if (!may_claim(context, info, pid)) return Errno::Perm;
  if (!is_valid(signal)) {
    info.signal = Signal::None;
    return refusal(send_signal_to_process(context.task, pid, info));
  }
  TRY(send_signal_to_process(context.task, pid, info));
  return 0;
}

Value sys_rt_tgsigqueueinfo(Context& context, int32_t pid, int32_t tid, int32_t signal,
                            UserAddr from) {
  SignalInfo info = TRY(copy_info(signal, from));
  if (pid <= 0 || tid <= 0) return Errno::Inval;
  if (!may_claim(context, info, tid)) return Errno::Perm;
  return to_thread(context, pid, tid, signal, info);
}

}  // namespace kernel::syscall
