// SPDX-License-Identifier: MIT
// openat(2), openat2(2).

#include "syscall/declarations.h"
#include "syscall/file_arguments.h"

namespace kernel::syscall {
namespace {

// What open(2) knows; it ignores other bits, openat2(2) refuses them.
constexpr uint32_t kKnownFlags =
    kOpenAccessMode | kOpenCreate | kOpenExclusive | kOpenNoCtty | kOpenTruncate | kOpenAppend |
    kOpenNonBlock | kOpenAsync | kOpenSync | kOpenDirectory | kOpenNoFollow | kOpenDirect |
    kOpenLargeFile | kOpenNoAtime | kOpenCloseOnExec | kOpenPath | kOpenTmpFile;

Value open_at(Context& context, Fd directory, UserString path, const vfs::OpenRequest& request) {
  At at;
  TRY(at.load(context, directory, path));
  Ref<File> file = TRY(vfs::open(at.start(), at.path(), request));
  return install_file(context, std::move(file), (request.flags & kOpenCloseOnExec) != 0);
}

constexpr uint64_t kResolveNoXdev = 1, kResolveNoMagicLinks = 2, kResolveNoSymlinks = 4,
                   kResolveBeneath = 8, kResolveInRoot = 16, kResolveCached = 32;

Result<vfs::LookupFlags> resolve_flags(uint64_t resolve) {
  using vfs::LookupFlags;
  constexpr uint64_t kAll = kResolveNoXdev | kResolveNoMagicLinks | kResolveNoSymlinks |
                            kResolveBeneath | kResolveInRoot | kResolveCached;
  if ((resolve & ~kAll) != 0) return Errno::Inval;
  if ((resolve & kResolveBeneath) != 0 && (resolve & kResolveInRoot) != 0) return Errno::Inval;
  LookupFlags flags = LookupFlags::None;
  if ((resolve & kResolveNoXdev) != 0) flags = flags | LookupFlags::NoXdev;
  if ((resolve & kResolveNoMagicLinks) != 0) flags = flags | LookupFlags::NoMagicLinks;
  // Magic links are symbolic links.
  if ((resolve & kResolveNoSymlinks) != 0)
    flags = flags | LookupFlags::NoSymlinks | LookupFlags::NoMagicLinks;
  if ((resolve & kResolveBeneath) != 0) flags = flags | LookupFlags::Beneath;
  if ((resolve & kResolveInRoot) != 0) flags = flags | LookupFlags::InRoot;
  if ((resolve & kResolveCached) != 0) flags = flags | LookupFlags::Cached;
  return flags;
}

// A structure of a later version is fine when what we do not know in it is zero (openat2(2)).
Result<abi::OpenHow> read_how(UserAddr address, size_t size) {
  if (size < sizeof(abi::OpenHow)) return Errno::Inval;
  if (size > kPageSize) return Errno::TooBig;
  abi::OpenHow how = TRY(UserIn<abi::OpenHow>(address).read());
  for (size_t at = sizeof how; at < size; ++at) {
    if (TRY(UserIn<uint8_t>(address + at).read()) != 0) return Errno::TooBig;
  }
  return how;
}

}  // namespace

Value sys_openat(Context& context, Fd directory, UserString path, Flags32 flags, uint32_t mode) {
  vfs::OpenRequest request;
  request.flags = (flags.bits() & kKnownFlags) | kOpenLargeFile;
  bool creates = flags.any(kOpenCreate | (kOpenTmpFile & ~kOpenDirectory));
  request.mode = creates ? static_cast<uint16_t>(mode & kModeMask) : uint16_t{0};
  return open_at(context, directory, path, request);
}

Value sys_openat2(Context& context, Fd directory, UserString path, UserAddr address, size_t size) {
  abi::OpenHow how = TRY(read_how(address, size));
  if ((how.flags & ~uint64_t{kKnownFlags}) != 0) return Errno::Inval;
  bool creates = (how.flags & (kOpenCreate | (kOpenTmpFile & ~kOpenDirectory))) != 0;
  if ((creates ? how.mode & ~uint64_t{kModeMask} : how.mode) != 0) return Errno::Inval;
  constexpr uint32_t kWithPath = kOpenPath | kOpenDirectory | kOpenNoFollow | kOpenCloseOnExec;
  if ((how.flags & kOpenPath) != 0 && (how.flags & ~uint64_t{kWithPath}) != 0) return Errno::Inval;
  vfs::OpenRequest request;
  request.resolve = TRY(resolve_flags(how.resolve));
  constexpr uint32_t kMayWait =
      kOpenTruncate | kOpenCreate | (kOpenTmpFile & ~kOpenDirectory);
  if ((how.resolve & kResolveCached) != 0 && (how.flags & kMayWait) != 0) return Errno::Again;
  request.flags = static_cast<uint32_t>(how.flags) | kOpenLargeFile;
  request.mode = static_cast<uint16_t>(how.mode);
  return open_at(context, directory, path, request);
}

}  // namespace kernel::syscall
