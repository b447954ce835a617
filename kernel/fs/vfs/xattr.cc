// SPDX-License-Identifier: MIT
// Extended attributes: who may see and set which namespace (xattr(7)); the file system keeps them.

#include "fs/vfs/identity.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/open.h"
#include "fs/vfs/permission.h"
#include "fs/vfs/vfs.h"
#include "task/file_capabilities.h"

namespace kernel::vfs {
namespace {

constexpr size_t kNameLimit = 255;
constexpr size_t kValueLimit = 65536;
constexpr uint32_t kCreate = 1, kReplace = 2;

Result<> check_name(StringView name) {
  return name.empty() || name.size() > kNameLimit ? Result<>(Errno::Range) : Result<>();
}

// The rule of each namespace; `writing`: set or remove.
Result<> check_namespace(const Path& path, StringView name, bool writing) {
  Inode& inode = path.inode();
  const Credentials& credentials = acting_credentials();
  if (writing) {
    TRY(check_writable_mount(path));
    TRY(check_changeable(inode));
  }
  if (name.starts_with("security.")) {
    if (writing && name == kFileCapabilitiesName && !credentials.has(Capability::Setfcap))
      return Errno::Perm;
    return {};  // names that mean nothing here; Debian's Linux lets anybody set them
  }
  if (name.starts_with("system.")) return {};
  if (name.starts_with("trusted.")) {
    if (credentials.has(Capability::SysAdmin)) return {};
    return writing ? Errno::Perm : Errno::NoData;
  }
  if (name.starts_with("user.")) {
    if (inode.type() != FileType::Regular && !inode.is_directory())
      return writing ? Errno::Perm : Errno::NoData;
    if (inode.is_directory() && (inode.mode() & kModeSticky) != 0 && writing &&
        !owns_or_fowner(inode, credentials)) {
      return Errno::Perm;
    }
  }
  return check_permission(inode, writing ? kMayWrite : kMayRead, credentials);
}

// What no file system here keeps under.
Result<> check_supported(const Inode& inode, StringView name) {
  bool user = name.starts_with("user.") && inode.super_block().permits_user_xattrs();
  bool known = user || name.starts_with("trusted.") || name.starts_with("security.");
  size_t dot = name.find('.');
  if (!known || dot + 1 == name.size()) return known ? Errno::Inval : Errno::OpNotSupp;
  return {};
}

}  // namespace

Result<String> get_xattr(const Path& path, StringView name) {
  TRY(check_name(name));
  TRY(check_namespace(path, name, false));
  TRY(check_supported(path.inode(), name));
  Guard guard(path.inode().lock);
  return path.inode().get_xattr(name);
}

Result<> set_xattr(const Path& path, StringView name, StringView value, uint32_t flags) {
  if ((flags & ~(kCreate | kReplace)) != 0) return Errno::Inval;
  TRY(check_name(name));
  if (value.size() > kValueLimit) return Errno::TooBig;
  Inode& inode = path.inode();
  String capabilities;
  bool of_capabilities = name == kFileCapabilitiesName;
  if (of_capabilities && !value.empty()) {  // as Linux: an empty value is kept, and no good
    TRY(check_writable_mount(path));
    capabilities = TRY(checked_file_capabilities(value));
    value = capabilities;
  }
  Guard guard(inode.lock);
  TRY(check_namespace(path, name, true));
  TRY(check_supported(inode, name));
  TRY(inode.set_xattr(name, value, flags));
  if (of_capabilities) inode.has_capabilities.store_relaxed(true);
  inode.touch(false, false, true);
  notify::place(path, notify::kAttributes);
  return {};
}

Result<String> list_xattrs(const Path& path) {
  Guard guard(path.inode().lock);
  String all = TRY(path.inode().list_xattrs());
  if (acting_has(Capability::SysAdmin)) return all;
  String visible;
  StringView rest = all;
  while (!rest.empty()) {
    StringView name = rest.take_until('\0');
    if (name.starts_with("trusted.")) continue;
    TRY(visible.append(name));
    TRY(visible.append('\0'));
  }
  return visible;
}

Result<> remove_xattr(const Path& path, StringView name) {
  TRY(check_name(name));
  Inode& inode = path.inode();
  Guard guard(inode.lock);
  TRY(check_namespace(path, name, true));
  TRY(check_supported(inode, name));
  TRY(inode.remove_xattr(name));
  if (name == kFileCapabilitiesName) inode.has_capabilities.store_relaxed(false);
  inode.touch(false, false, true);
  notify::place(path, notify::kAttributes);
  return {};
}

void drop_capabilities_locked(Inode& inode) {
  if (!inode.has_capabilities.load_relaxed()) return;
  ignore(inode.remove_xattr(kFileCapabilitiesName));  // it is there
  inode.has_capabilities.store_relaxed(false);
}

}  // namespace kernel::vfs
