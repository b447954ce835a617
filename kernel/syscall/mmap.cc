// SPDX-License-Identifier: MIT
// mmap(2): its arguments, in the order in which Linux looks at them.

#include "fs/vfs/fd_table.h"
#include "fs/vfs/mount.h"
#include "syscall/declarations.h"
#include "vm/address_space.h"

namespace kernel::syscall {
namespace {

constexpr uint64_t kMaxFileBytes = ~uint64_t{0} >> 1;

// Read implies execute where personality(2) says so.
constexpr uint32_t kReadImpliesExec = 0x0040'0000;

Result<> check_file_access(const File& file, Flags32 flags, MapRequest& request) {
  uint32_t type = flags.bits() & abi::kMapType;
  switch (type) {
    case abi::kMapSharedValidate:
      if (!flags.only(abi::kMapValidated)) return Errno::OpNotSupp;
      [[fallthrough]];
    case abi::kMapShared:
      if ((request.protection & kProtWrite) != 0 && !file.writable()) return Errno::Acces;
      request.flags.shared = true;
      if (!file.writable()) request.max_protection &= ~uint32_t{kProtWrite};
      break;
    case abi::kMapPrivate: break;
    default: return Errno::Inval;
  }
  if (!file.readable()) return Errno::Acces;
  if ((file.path().mount().flags() & kMountNoExec) != 0) {
    if ((request.protection & kProtExec) != 0) return Errno::Perm;
    request.max_protection &= ~uint32_t{kProtExec};
  }
  return {};
}

Result<> prepare_file(File& file, Flags32 flags, uint64_t offset, MapRequest& request) {
  if (flags.has(abi::kMapHugeTlb)) return Errno::Inval;  // no hugetlbfs
  uint64_t end;
  if (__builtin_add_overflow(offset, align_up(request.size, kPageSize), &end) ||
      end > kMaxFileBytes)
    return Errno::Overflow;
  TRY(check_file_access(file, flags, request));
  bool shared = request.flags.shared;
  Ref<MemoryObject> object = TRY(file.memory_object(request.protection, shared));
  if (flags.has(abi::kMapGrowsDown)) return Errno::Inval;
  // memfd_create(2): what is sealed is not written through this mapping later either.
  if (shared && (file.inode().seals.load_relaxed() & (kSealWrite | kSealFutureWrite)) != 0) {
    request.max_protection &= ~uint32_t{kProtWrite};
  }
  // A file that nobody may write to through this mapping is shared all the same: it shows others'
  // writes.
  request.object = std::move(object);
  request.object_offset = offset;
  request.file = &file;
  return {};
}

Result<> prepare_anonymous(Flags32 flags, MapRequest& request) {
  if (flags.has(abi::kMapHugeTlb)) return Errno::NoMem;  // the pool of huge pages is empty
  switch (flags.bits() & abi::kMapType) {
    case abi::kMapPrivate:
      request.flags.grows_down = flags.has(abi::kMapGrowsDown);
      return {};
    case abi::kMapShared:
      if (flags.has(abi::kMapGrowsDown)) return Errno::Inval;
      request.flags.shared = true;
      request.object = TRY(AnonymousObject::create(align_up(request.size, kPageSize)));
      return {};
    default: return Errno::Inval;
  }
}

Result<> check_lock(const Context& context, const MapRequest& request) {
  if (!request.flags.locked || context.task.credentials().has(Capability::IpcLock)) return {};
  return task::limit(context.task.group(), Resource::MemLock).soft == 0 ? Result<>(Errno::Perm)
                                                                        : Result<>();
}

}  // namespace

Value sys_mmap(Context& context, UserAddr address, uint64_t size, uint32_t protection,
               Flags32 flags, Fd fd, uint64_t offset) {
  if (!is_aligned(offset, kPageSize)) return Errno::Inval;
  bool anonymous = flags.has(abi::kMapAnonymous);
  std::optional<FileUse> file;
  if (!anonymous) file.emplace(TRY(context.task.files->use(fd)));
  if (size == 0) return Errno::Inval;
  if (align_up(size, kPageSize) == 0) return Errno::NoMem;

  MapRequest request;
  request.address = address;
  request.size = size;
  request.protection = protection & kProtAll;
  if ((context.task.group().personality & kReadImpliesExec) != 0 && (protection & kProtRead) != 0)
    request.protection |= kProtExec;
  request.flags.no_reserve = flags.has(abi::kMapNoReserve);
  request.flags.locked = flags.has(abi::kMapLocked);
  request.populate = (flags.bits() & (abi::kMapPopulate | abi::kMapNonBlock)) == abi::kMapPopulate;
  if (flags.has(abi::kMapFixedNoReplace)) {
    request.placement = MapRequest::Placement::FixedNoReplace;
  } else if (flags.has(abi::kMapFixed)) {
    request.placement = MapRequest::Placement::Fixed;
  }
  AddressSpace& space = *context.task.address_space;
  if (!anonymous) TRY(space.check_placement(request));
  TRY(check_lock(context, request));
  TRY(anonymous ? prepare_anonymous(flags, request)
                : prepare_file(*file->get(), flags, offset, request));
  return static_cast<int64_t>(raw(TRY(space.map(request))));
}

}  // namespace kernel::syscall
