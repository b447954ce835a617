// SPDX-License-Identifier: MIT
// mount(2), umount2(2), pivot_root(2).

#include "syscall/declarations.h"
#include "syscall/file_arguments.h"

namespace kernel::syscall {
namespace {

// Absent strings are empty; one beyond a page is Inval, as mount(2) has it.
Result<String> optional_string(UserString text) {
  if (text.is_null()) return String();
  Result<String> copied = text.copy(kPageSize);
  if (copied.failed_with(Errno::NameTooLong)) return Errno::Inval;
  return copied;
}

// A page of options, which need not end with a NUL.
Result<String> options_string(UserAddr data) {
  if (raw(data) == 0) return String();
  Vector<char> page;
  TRY(page.resize(kPageSize));
  IoBuffer buffer = IoBuffer::user(data, kPageSize - 1);
  size_t copied = TRY(buffer.take(page.data(), kPageSize - 1));
  size_t length = 0;
  while (length < copied && page[length] != '\0') ++length;
  return String::create({page.data(), length});
}

}  // namespace

Value sys_mount(Context& context, UserString source, UserString target, UserString type,
                Flags64 flags, UserAddr data) {
  constexpr uint64_t kMagicMask = 0xffff'0000, kMagic = 0xc0ed'0000;  // of Linux before 2.4
  constexpr uint64_t kRemount = 32, kBind = 4096;
  constexpr uint64_t kNoUser = uint64_t{1} << 31;
  String type_text = TRY(optional_string(type));
  String source_text = TRY(optional_string(source));
  String options = TRY(options_string(data));
  uint64_t bits = flags.bits();
  if ((bits & kMagicMask) == kMagic) bits &= ~kMagicMask;
  At at;
  TRY(at.load(context, abi::kAtFdCwd, target));
  Path place = TRY(at.lookup(vfs::LookupFlags::Follow));
  if ((bits & kBind) != 0 && source_text.empty() && (bits & kRemount) == 0) return Errno::Inval;
  if ((bits & kNoUser) != 0) return Errno::Inval;
  std::optional<StringView> type_name;
  if (!type.is_null()) type_name = type_text.view();
  TRY(vfs::mount(source_text, place, type_name, static_cast<uint32_t>(bits), options));
  return 0;
}

Value sys_umount2(Context& context, UserString path, Flags32 flags) {
  constexpr uint32_t kNoFollow = 8;
  if (!flags.only(15)) return Errno::Inval;
  std::optional<Path> place;
  {
    At at;
    TRY(at.load(context, abi::kAtFdCwd, path));
    place =
        TRY(at.lookup(flags.has(kNoFollow) ? vfs::LookupFlags::None : vfs::LookupFlags::Follow));
  }
  TRY(vfs::unmount(*place, flags.bits()));
  return 0;
}

Value sys_pivot_root(Context& context, UserString new_root, UserString put_old) {
  if (!context.task.credentials().has(Capability::SysAdmin)) return Errno::Perm;
  At to, from;
  TRY(to.load(context, abi::kAtFdCwd, new_root));
  Path fresh = TRY(to.lookup(vfs::LookupFlags::Follow | vfs::LookupFlags::Directory));
  TRY(from.load(context, abi::kAtFdCwd, put_old));
  Path old = TRY(from.lookup(vfs::LookupFlags::Follow | vfs::LookupFlags::Directory));
  TRY(vfs::pivot_root(fresh, old));
  return 0;
}

}  // namespace kernel::syscall
