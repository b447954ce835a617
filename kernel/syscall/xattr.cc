// SPDX-License-Identifier: MIT
// The twelve calls of xattr(7).

#include "syscall/declarations.h"
#include "syscall/file_arguments.h"

namespace kernel::syscall {
namespace {

constexpr size_t kNameLimit = 256;       // with its NUL
constexpr size_t kValueLimit = 65536;    // XATTR_SIZE_MAX, XATTR_LIST_MAX

Result<String> attribute_name(UserString name) {
  Result<String> text = name.copy(kNameLimit);
  if (text.failed_with(Errno::NameTooLong)) return Errno::Range;
  if (text.ok() && text->empty()) return Errno::Range;
  return text;
}

Result<Path> by_name(Context& context, UserString path, bool follow) {
  At at;
  TRY(at.load(context, abi::kAtFdCwd, path));
  return at.lookup(follow ? vfs::LookupFlags::Follow : vfs::LookupFlags::None);
}

Result<Path> by_descriptor(Context& context, Fd fd) {
  FileUse file = TRY(use_file(context, fd));
  return file->path();
}

Value set(Context& context, Result<Path> (*find)(Context&, uint64_t), uint64_t where,
          UserString name, UserAddr value, size_t size, Flags32 flags) {
  if (!flags.only(3)) return Errno::Inval;
  String attribute = TRY(attribute_name(name));
  if (size > kValueLimit) return Errno::TooBig;
  Vector<char> bytes;
  TRY(bytes.resize(size));
  TRY(copy_in(bytes.data(), value, size));
  Path place = TRY(find(context, where));
  TRY(vfs::set_xattr(place, attribute, {bytes.data(), size}, flags.bits()));
  return 0;
}

// A size of 0 asks how long it is.
Value give(StringView bytes, UserAddr buffer, size_t size) {
  if (size == 0) return static_cast<int64_t>(bytes.size());
  if (bytes.size() > size) return Errno::Range;
  TRY(copy_out(buffer, bytes.data(), bytes.size()));
  return static_cast<int64_t>(bytes.size());
}

Value get(Context& context, Result<Path> (*find)(Context&, uint64_t), uint64_t where,
          UserString name, UserAddr value, size_t size) {
  String attribute = TRY(attribute_name(name));
  Path place = TRY(find(context, where));
  String bytes = TRY(vfs::get_xattr(place, attribute));
  return give(bytes, value, size);
}

Value list(Context& context, Result<Path> (*find)(Context&, uint64_t), uint64_t where,
           UserAddr buffer, size_t size) {
  Path place = TRY(find(context, where));
  String names = TRY(vfs::list_xattrs(place));
  if (names.size() > kValueLimit) return Errno::TooBig;
  return give(names, buffer, size);
}

Value remove(Context& context, Result<Path> (*find)(Context&, uint64_t), uint64_t where,
             UserString name) {
  String attribute = TRY(attribute_name(name));
  TRY(vfs::remove_xattr(TRY(find(context, where)), attribute));
  return 0;
}

Result<Path> followed(Context& context, uint64_t path) {
  return by_name(context, UserString(UserAddr{path}), true);
}
Result<Path> itself(Context& context, uint64_t path) {
  return by_name(context, UserString(UserAddr{path}), false);
}
Result<Path> opened(Context& context, uint64_t fd) {
  return by_descriptor(context, static_cast<Fd>(fd));
}

uint64_t place_of(UserString path) { return raw(path.address()); }
uint64_t place_of(Fd fd) { return static_cast<uint32_t>(fd); }

}  // namespace

Value sys_setxattr(Context& context, UserString path, UserString name, UserAddr value, size_t size,
                   Flags32 flags) {
  return set(context, followed, place_of(path), name, value, size, flags);
}
Value sys_lsetxattr(Context& context, UserString path, UserString name, UserAddr value, size_t size,
                    Flags32 flags) {
  return set(context, itself, place_of(path), name, value, size, flags);
}
Value sys_fsetxattr(Context& context, Fd fd, UserString name, UserAddr value, size_t size,
                    Flags32 flags) {
  return set(context, opened, place_of(fd), name, value, size, flags);
}
Value sys_getxattr(Context& context, UserString path, UserString name, UserAddr value,
                   size_t size) {
  return get(context, followed, place_of(path), name, value, size);
}
Value sys_lgetxattr(Context& context, UserString path, UserString name, UserAddr value,
                    size_t size) {
  return get(context, itself, place_of(path), name, value, size);
}
Value sys_fgetxattr(Context& context, Fd fd, UserString name, UserAddr value, size_t size) {
  return get(context, opened, place_of(fd), name, value, size);
}
Value sys_listxattr(Context& context, UserString path, UserAddr buffer, size_t size) {
  return list(context, followed, place_of(path), buffer, size);
}
Value sys_llistxattr(Context& context, UserString path, UserAddr buffer, size_t size) {
  return list(context, itself, place_of(path), buffer, size);
}
Value sys_flistxattr(Context& context, Fd fd, UserAddr buffer, size_t size) {
  return list(context, opened, place_of(fd), buffer, size);
}
Value sys_removexattr(Context& context, UserString path, UserString name) {
  return remove(context, followed, place_of(path), name);
}
Value sys_lremovexattr(Context& context, UserString path, UserString name) {
  return remove(context, itself, place_of(path), name);
}
Value sys_fremovexattr(Context& context, Fd fd, UserString name) {
  return remove(context, opened, place_of(fd), name);
}

}  // namespace kernel::syscall
