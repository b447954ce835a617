// SPDX-License-Identifier: MIT
// timerfd_create(2), timerfd_settime(2), timerfd_gettime(2).

#include "fs/event/timerfd.h"

#include "syscall/declarations.h"
#include "syscall/file_arguments.h"

namespace kernel::syscall {
namespace {

abi::IntervalSpec to_abi(timerfd::Setting setting) {
  return {abi::TimeSpec::from_ns(setting.interval), abi::TimeSpec::from_ns(setting.value)};
}

}  // namespace

Value sys_timerfd_create(Context& context, int32_t clock, Flags32 flags) {
  if (!flags.only(kOpenNonBlock | kOpenCloseOnExec)) return Errno::Inval;
  Ref<File> file = TRY(timerfd::create(static_cast<timerfd::Clock>(clock), flags.bits()));
  return install_file(context, std::move(file), flags.has(kOpenCloseOnExec));
}

Value sys_timerfd_settime(Context& context, Fd fd, Flags32 flags, UserIn<abi::IntervalSpec> value,
                          UserOut<abi::IntervalSpec> old_value) {
  abi::IntervalSpec wanted = TRY(value.read());
  if (!flags.only(timerfd::kAbsolute | timerfd::kCancelOnSet)) return Errno::Inval;
  if (!wanted.value.is_valid() || !wanted.interval.is_valid()) return Errno::Inval;
  FileUse file = TRY(use_file(context, fd));
  timerfd::Setting setting{wanted.value.to_ns(), wanted.interval.to_ns()};
  timerfd::Setting old = TRY(timerfd::set(*file, setting, flags.bits()));
  if (!old_value.is_null()) TRY(old_value.write(to_abi(old)));
  return 0;
}

Value sys_timerfd_gettime(Context& context, Fd fd, UserOut<abi::IntervalSpec> value) {
  FileUse file = TRY(use_file(context, fd));
  TRY(value.write(to_abi(TRY(timerfd::get(*file)))));
  return 0;
}

}  // namespace kernel::syscall
