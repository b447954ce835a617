// SPDX-License-Identifier: MIT
// clone(2), clone3(2).

#include "process/fork.h"
#include "syscall/declarations.h"

namespace kernel::syscall {
namespace {

// clone3's structure grows: bytes that this kernel does not know must be zero (E2BIG).
Result<abi::CloneArgs> copy_arguments(UserAddr from, size_t size) {
  if (size > kPageSize) return Errno::TooBig;
  if (size < abi::kCloneArgsSizeVersion0) return Errno::Inval;
  abi::CloneArgs arguments{};
  size_t known = size < sizeof arguments ? size : sizeof arguments;
  TRY(copy_in(&arguments, from, known));
  for (size_t at = known; at < size; ++at) {
    uint8_t byte;
    TRY(copy_in(&byte, from + at, 1));
    if (byte != 0) return Errno::TooBig;
  }
  return arguments;
}

// What is looked at before set_tid is read.
Result<> check_fields(const abi::CloneArgs& arguments, size_t size) {
  constexpr uint64_t kMaxLevels = 32;
  if (arguments.set_tid_size > kMaxLevels) return Errno::Inval;
  if ((arguments.set_tid == 0) != (arguments.set_tid_size == 0)) return Errno::Inval;
  if (arguments.exit_signal > kSignalCount) return Errno::Inval;
  if ((arguments.flags & kCloneIntoCgroup) != 0 &&
      (arguments.cgroup > INT32_MAX || size < abi::kCloneArgsSizeVersion2))
    return Errno::Inval;
  return {};
}

Result<> check_flags(const abi::CloneArgs& arguments) {
  constexpr uint64_t kKnown = 0xffff'ffff | kCloneClearSigHand | kCloneIntoCgroup;
  uint64_t flags = arguments.flags;
  if ((flags & ~kKnown) != 0) return Errno::Inval;
  if ((flags & (kCloneDetached | (kCloneSignalMask & ~uint64_t{kCloneNewTime}))) != 0)
    return Errno::Inval;
  if ((flags & kCloneSigHand) != 0 && (flags & kCloneClearSigHand) != 0) return Errno::Inval;
  if ((flags & (kCloneThread | kCloneParent)) != 0 && arguments.exit_signal != 0)
    return Errno::Inval;
  if ((arguments.stack == 0) != (arguments.stack_size == 0)) return Errno::Inval;
  if (arguments.stack != 0 && !is_user_range(UserAddr{arguments.stack}, arguments.stack_size))
    return Errno::Inval;
  return {};
}

// set_tid has one number for each level of pid namespaces: the first is the one that is used here.
// 0: none is asked for.
Result<int32_t> read_set_tid(const abi::CloneArgs& arguments) {
  int32_t tids[32] = {};
  TRY(UserIn<int32_t>(UserAddr{arguments.set_tid}).read_array(tids, arguments.set_tid_size));
  return tids[0];
}

Result<> check_tid(const Task& task, const abi::CloneArgs& arguments, int32_t tid) {
  if (arguments.set_tid_size == 0) return {};
  if (arguments.set_tid_size > 1) return Errno::Inval;  // there is one level
  if (tid < 1 || tid >= kPidMax) return Errno::Inval;
  const Credentials& credentials = task.credentials();
  if (!credentials.has(Capability::SysAdmin) && !credentials.has(Capability::CheckpointRestore))
    return Errno::Perm;
  return {};
}

}  // namespace

Value sys_clone(Context& context, uint64_t flags, UserAddr stack, UserAddr parent_tid, uint64_t tls,
                UserAddr child_tid) {
  flags &= 0xffff'ffff;
  CloneRequest request{.flags = flags & ~kCloneSignalMask,
                       .exit_signal = static_cast<uint8_t>(flags & kCloneSignalMask),
                       .stack_pointer = stack,
                       .thread_pointer = tls,
                       .parent_tid = parent_tid,
                       .child_tid = child_tid,
                       .pidfd = parent_tid,
                       .set_tid = std::nullopt};
  return TRY(clone_task(context.task, context.frame, request));
}

Value sys_clone3(Context& context, UserAddr from, size_t size) {
  abi::CloneArgs arguments = TRY(copy_arguments(from, size));
  TRY(check_fields(arguments, size));
  int32_t tid = TRY(read_set_tid(arguments));
  TRY(check_flags(arguments));
  TRY(check_tid(context.task, arguments, tid));
  CloneRequest request{.flags = arguments.flags,
                       .exit_signal = static_cast<uint8_t>(arguments.exit_signal),
                       .stack_pointer = UserAddr{arguments.stack + arguments.stack_size},
                       .thread_pointer = arguments.tls,
                       .parent_tid = UserAddr{arguments.parent_tid},
                       .child_tid = UserAddr{arguments.child_tid},
                       .pidfd = UserAddr{arguments.pidfd},
                       .set_tid = std::nullopt};
  if (tid != 0) request.set_tid = tid;
  return TRY(clone_task(context.task, context.frame, request));
}

}  // namespace kernel::syscall
