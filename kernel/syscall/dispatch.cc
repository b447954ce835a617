// SPDX-License-Identifier: MIT
// handle_syscall(): from the entry code to one handler and back. The result goes to x0 once, by the
// handler's return and nothing else (KB5); restarting is decided on the way to user mode, with
// signals.

#include "arch/entry.h"
#include "lib/log.h"
#include "syscall/table.h"
#include "syscall/trace.h"

namespace kernel {
namespace syscall {
namespace {

// One line for the first use of each call that is not there. Not inline: the log would cost every
// call a larger frame.
[[gnu::noinline]] int64_t absent(const Context& context, uint64_t number) {
  static constinit Atomic<uint64_t> reported[(kTableSize + 63) / 64];
  if (number < kTableSize) {
    uint64_t bit = uint64_t{1} << (number % 64);
    if ((reported[number / 64].fetch_or_relaxed(bit) & bit) == 0) {
      const char* name = entry(number).name;
      log_info("{}[{}]: system call {} ({}) is absent", context.task.name(), context.task.tid(),
               number, name == nullptr ? "?" : name);
    }
  }
  return -static_cast<int64_t>(Errno::NoSys);
}

inline int64_t invoke(Context& context, uint64_t number) {
  if (number < kTableSize) [[likely]] {
    Entry::Invoke handler = entry(number).invoke;
    if (handler != nullptr) [[likely]]
      return handler(context);
  }
  return absent(context, number);
}

constexpr bool asks_for_restart(int64_t result) {
  return result <= -static_cast<int64_t>(Errno::RestartSys) &&
         result >= -static_cast<int64_t>(Errno::RestartBlock);
}

}  // namespace
}  // namespace syscall

void handle_syscall(arch::TrapFrame& frame) {
  Task& task = current_task();
  syscall::Context context{task, frame};
  uint64_t number = arch::begin_syscall(frame);
  bool traced = (task.work.load_relaxed() & kWorkTraceSyscall) != 0;
  if (traced) [[unlikely]]
    syscall::trace_enter(context, number);

  int64_t result = syscall::invoke(context, number);

  if (traced) [[unlikely]]
    syscall::trace_exit(context, number, result);
  // rt_sigreturn has put a whole frame in place, x0 included.
  if (arch::in_syscall(frame)) [[likely]]
    arch::set_syscall_result(frame, result);
  // The return path turns a restart request into a restart or EINTR, even when the signal went
  // away.
  if (syscall::asks_for_restart(result)) [[unlikely]]
    task.work.fetch_or_relaxed(kWorkSignal);
}

}  // namespace kernel
