// SPDX-License-Identifier: MIT
// Gathering of execve's strings; see exec.h. The arrays are counted first, so that the room for the
// pointers is known, then copied from the last string to the first.

#include "process/exec.h"

namespace kernel {
namespace {

constexpr size_t kMaxStrings = 0x7fffffff;

Result<size_t> count_pointers(UserAddr array) {
  if (raw(array) == 0) return size_t{0};
  UserIn<uint64_t> pointers(array);
  size_t count = 0;
  while (TRY(pointers.read(count)) != 0) {
    if (++count >= kMaxStrings) return Errno::TooBig;
    // No array is longer than what the limit lets through; a signal ends the walk over a huge one.
    if (sched::kill_pending()) return Errno::RestartNoHand;
  }
  return count;
}

Result<> prepend_all(ArgumentBlock& block, UserAddr array, size_t count) {
  UserIn<uint64_t> pointers(array);
  while (count-- > 0) {
    uint64_t string = TRY(pointers.read(count));
    if (string == 0) return Errno::Fault;  // the array has changed meanwhile
    TRY(block.prepend_user(UserAddr{string}));
    if (sched::kill_pending()) return Errno::RestartNoHand;
  }
  return {};
}

}  // namespace

Result<ExecStrings> begin_exec_strings(const Task& task, StringView name) {
  ExecStrings strings{ArgumentBlock(task::limit(task.group(), Resource::Stack).soft)};
  TRY(strings.block.prepend(name));
  return strings;
}

Result<> add_user_strings(ExecStrings& strings, UserAddr arguments, UserAddr environment) {
  size_t argument_count = TRY(count_pointers(arguments));
  size_t environment_count = TRY(count_pointers(environment));
  // A program without argv[0] is given an empty one.
  TRY(strings.block.reserve_pointers((argument_count == 0 ? 1 : argument_count) +
                                     environment_count));
  TRY(prepend_all(strings.block, environment, environment_count));
  TRY(prepend_all(strings.block, arguments, argument_count));
  if (argument_count == 0) {
    TRY(strings.block.prepend(""));
    argument_count = 1;
  }
  strings.argument_count = argument_count;
  strings.environment_count = environment_count;
  return {};
}

Result<> add_kernel_strings(ExecStrings& strings, std::span<const StringView> arguments,
                            std::span<const StringView> environment) {
  TRY(strings.block.reserve_pointers(arguments.size() + environment.size()));
  for (size_t i = environment.size(); i-- > 0;) TRY(strings.block.prepend(environment[i]));
  for (size_t i = arguments.size(); i-- > 0;) TRY(strings.block.prepend(arguments[i]));
  strings.argument_count = arguments.size();
  strings.environment_count = environment.size();
  return {};
}

}  // namespace kernel
