// SPDX-License-Identifier: MIT
// sigaction(2), sigaltstack(2), sigreturn(2).

#include "process/signal_frame.h"
#include "syscall/declarations.h"
#include "task/signal_post.h"

namespace kernel::syscall {
namespace {

constexpr uint64_t kKnownFlags = kSaNoCldStop | kSaNoCldWait | kSaSigInfo | kSaOnStack |
                                 kSaRestart | kSaNoDefer | kSaResetHand | kSaExposeTagBits |
                                 kSaRestorer;

bool would_ignore(Signal signal, uint64_t handler) {
  if (handler == kHandlerIgnore) return true;
  DefaultAction action = default_action(signal);
  return handler == kHandlerDefault &&
         (action == DefaultAction::Ignore || action == DefaultAction::Continue);
}

// Exchanges the action; what becomes ignored is no longer pending (POSIX).
SignalAction exchange_action(ThreadGroup& group, Signal signal, const SignalAction* action) {
  Guard guard(group.signal_lock);
  SignalHandlers& table = *group.handlers;
  SignalAction old;
  {
    Guard table_guard(table.lock);
    SignalAction& present = table.actions[static_cast<unsigned>(signal)];
    old = present;
    if (action != nullptr) present = *action;
  }
  if (action != nullptr && would_ignore(signal, action->handler))
    discard_signal_locked(group, signal);
  return old;
}

}  // namespace

Value sys_rt_sigaction(Context& context, int32_t number, UserIn<abi::SignalAction> action,
                       UserOut<abi::SignalAction> old, size_t size) {
  if (size != sizeof(uint64_t)) return Errno::Inval;
  SignalAction changed;
  if (!action.is_null()) {
    abi::SignalAction given = TRY(action.read());
    changed.handler = given.handler;
    // SA_UNSUPPORTED and unknown flags do not come back: that is how programs find out.
    changed.flags = given.flags & kKnownFlags;
    changed.restorer = UserAddr{given.restorer};
    changed.mask = SignalSet(given.mask) & ~kUnblockable;
  }
  if (!is_valid_signal(number)) return Errno::Inval;
  auto signal = static_cast<Signal>(number);
  if (!action.is_null() && kUnblockable.has(signal)) return Errno::Inval;
  SignalAction before =
      exchange_action(context.task.group(), signal, action.is_null() ? nullptr : &changed);
  if (!old.is_null())
    TRY(old.write({before.handler, before.flags, raw(before.restorer), before.mask.bits()}));
  return 0;
}

Value sys_sigaltstack(Context& context, UserIn<abi::SignalStack> stack,
                      UserOut<abi::SignalStack> old) {
  Task& task = context.task;
  UserAddr stack_pointer = arch::stack_pointer(context.frame);
  abi::SignalStack before{
      raw(task.alt_stack.base),
      alt_stack_state(task, stack_pointer) | (task.alt_stack.flags & kStackAutoDisarm), 0,
      task.alt_stack.size};
  if (!stack.is_null()) {
    abi::SignalStack given = TRY(stack.read());
    TRY(set_alt_stack(task, stack_pointer, UserAddr{given.base}, given.flags, given.size));
  }
  if (!old.is_null()) TRY(old.write(before));
  return 0;
}

Value sys_rt_sigreturn(Context& context) {
  context.task.restart = {};
  UserAddr stack_pointer = arch::stack_pointer(context.frame);
  if (!leave_handler(context.task, context.frame).ok())
    force_fault(context.task, Signal::Segv, kSegvMapErr, raw(stack_pointer), 0);
  return arch::syscall_result(context.frame);
}

}  // namespace kernel::syscall
