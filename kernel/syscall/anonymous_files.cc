// SPDX-License-Identifier: MIT
// eventfd2(2), memfd_create(2).

#include "fs/event/eventfd.h"
#include "fs/event/memfd.h"
#include "syscall/declarations.h"
#include "syscall/file_arguments.h"

namespace kernel::syscall {

Value sys_eventfd2(Context& context, uint32_t initial, Flags32 flags) {
  if (!flags.only(kEventSemaphore | kOpenNonBlock | kOpenCloseOnExec)) return Errno::Inval;
  Ref<File> file = TRY(make_event_file(initial, flags.bits()));
  return install_file(context, std::move(file), flags.has(kOpenCloseOnExec));
}

Value sys_memfd_create(Context& context, UserString name, Flags32 flags) {
  constexpr uint32_t kCloseOnExec = 1, kAllowSealing = 2;
  constexpr size_t kNameLimit = 250;  // with its NUL: "memfd:" goes before it
  if (!flags.only(kCloseOnExec | kAllowSealing)) return Errno::Inval;
  Result<String> text = name.copy(kNameLimit);
  if (text.failed_with(Errno::NameTooLong)) return Errno::Inval;
  if (!text.ok()) return text.error();
  Ref<File> file = TRY(memfd::create(*text, flags.has(kAllowSealing)));
  return install_file(context, std::move(file), flags.has(kCloseOnExec));
}

}  // namespace kernel::syscall
