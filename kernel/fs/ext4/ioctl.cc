// SPDX-License-Identifier: MIT
// ioctl(2) on files of ext4: flags (ioctl_iflags(2)), generation, and where a file's blocks lie
// (FIEMAP).

#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"
#include "fs/vfs/identity.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/permission.h"
#include "vm/user_copy.h"

namespace kernel::ext4 {
namespace {

constexpr uint32_t kGetFlags = 0x8008'6601, kSetFlags = 0x4008'6602, kGetVersion = 0x8008'7601,
                   kGetVersionOwn = 0x8008'6603, kFieldMap = 0xc020'660b;

// What chattr(1) may set here, and what lsattr(1) sees.
constexpr uint32_t kChangeable = kInodeSync | kInodeImmutable | kInodeAppend | kInodeNoDump |
                                 kInodeNoAtime | kInodeNoTail | kInodeDirSync | kInodeTopDirectory |
                                 kInodeProjectInherit;
constexpr uint32_t kVisible = kChangeable | kInodeIndex | kInodeJournalData | kInodeExtents |
                              kInodeInlineData | kInodeHugeFile | kInodeEncrypt | kInodeVerity |
                              kInodeEaInode | kInodeCaseFold;

// struct fiemap and struct fiemap_extent (linux/fiemap.h).
struct ExtentQuery {
  uint64_t start;
  uint64_t length;
  uint32_t flags;
  uint32_t mapped;
  uint32_t room;
  uint32_t reserved;
};
struct ExtentAnswer {
  uint64_t logical;
  uint64_t physical;
  uint64_t length;
  uint64_t reserved64[2];
  uint32_t flags;
  uint32_t reserved[3];
};
static_assert(sizeof(ExtentQuery) == 32 && sizeof(ExtentAnswer) == 56);
constexpr uint32_t kQuerySync = 1;
constexpr uint32_t kExtentLast = 1, kExtentNotAligned = 0x100, kExtentInline = 0x200,
                   kExtentUnwritten = 0x800;

}  // namespace

// What the vfs layer is to know of the flags.
void Node::apply_flags() {
  uint32_t restricted = 0;
  if (has(kInodeImmutable)) restricted |= kRestrictImmutable;
  if (has(kInodeAppend)) restricted |= kRestrictAppend;
  if (has(kInodeNoAtime)) restricted |= kRestrictNoAtime;
  restrictions.store_relaxed(restricted);
}

Result<> Node::change_flags(File& file, uint32_t wanted) {
  const Credentials& credentials = vfs::acting_credentials();
  if (file.path().mount().read_only()) return Errno::RoFs;
  if (!vfs::owns_or_fowner(*this, credentials)) return Errno::Perm;
  if (!is_directory()) wanted &= ~(kInodeDirSync | kInodeTopDirectory);
  if (type_ != FileType::Regular && !is_directory()) wanted &= kInodeNoDump | kInodeNoAtime;
  Guard guard(lock);
  uint32_t before = flags();
  uint32_t changed = (wanted ^ before) & kVisible;
  if ((changed & (kInodeImmutable | kInodeAppend)) != 0 &&
      !credentials.has(Capability::LinuxImmutable))
    return Errno::Perm;
  if ((changed & ~kChangeable) != 0) return Errno::OpNotSupp;
  Handle handle = TRY(volume().start(1));
  flags_.store_relaxed((before & ~kChangeable) | (wanted & kChangeable));
  apply_flags();
  touch(false, false, true);
  note_change(handle);
  return store(handle);
}

Result<int64_t> Node::map_extents(UserAddr address) {
  ExtentQuery query = TRY(UserIn<ExtentQuery>(address).read());
  if ((query.flags & ~kQuerySync) != 0) {
    query.flags &= ~kQuerySync;  // what is not known
    TRY(UserOut<ExtentQuery>(address).write(query));
    return Errno::BadR;
  }
  if (query.length == 0) return Errno::Inval;
  if ((query.flags & kQuerySync) != 0 && data_) TRY(data_->write_back_all());
  unsigned shift = volume().geometry().block_shift;
  uint64_t file_end = has_inline_data() ? 0 : uint64_t{block_map::kEnd} << shift;
  uint64_t end = query.length > file_end - query.start ? file_end : query.start + query.length;
  query.mapped = 0;
  auto put = [&](const ExtentAnswer& answer) -> Result<> {
    if (query.room != 0) {
      uint64_t offset = sizeof(ExtentQuery) + query.mapped * sizeof(ExtentAnswer);
      TRY(UserOut<ExtentAnswer>(address + offset).write(answer));
    }
    ++query.mapped;
    return {};
  };
  if (has_inline_data()) {
    uint64_t size = disk_size();
    if (size > query.start)
      TRY(put({0, 0, size, {}, kExtentLast | kExtentInline | kExtentNotAligned, {}}));
  }
  bool has_room = true;
  std::optional<ExtentAnswer> pending;  // until it is known whether it is the last one
  for (uint64_t logical = query.start >> shift; logical << shift < end && has_room;) {
    BlockRun run = TRY(block_map::find(*this, static_cast<uint32_t>(logical), block_map::kEnd));
    logical = run.end();
    if (run.is_hole()) continue;
    if (pending) TRY(put(*std::exchange(pending, std::nullopt)));
    if (query.room != 0 && query.mapped == query.room) {
      has_room = false;
      break;
    }
    pending = ExtentAnswer{uint64_t{run.logical} << shift,
                           run.physical << shift,
                           uint64_t{run.count} << shift,
                           {},
                           run.state == RunState::Unwritten ? kExtentUnwritten : 0,
                           {}};
  }
  if (pending && has_room) {
    auto behind = static_cast<uint32_t>((pending->logical + pending->length) >> shift);
    bool is_last = true;
    while (behind < block_map::kEnd && is_last) {
      BlockRun run = TRY(block_map::find(*this, behind, block_map::kEnd));
      is_last = run.is_hole();
      behind = run.end();
    }
    if (is_last) pending->flags |= kExtentLast;
    TRY(put(*pending));
  }
  TRY(UserOut<ExtentQuery>(address).write(query));
  return int64_t{0};
}

Result<int64_t> Node::ioctl(File& file, uint32_t request, uint64_t argument) {
  UserAddr address{argument};
  switch (request) {
    case kGetFlags:
      TRY(UserOut<uint32_t>(address).write(flags() & kVisible));
      return int64_t{0};
    case kSetFlags: {
      uint32_t wanted = TRY(UserIn<uint32_t>(address).read());
      TRY(change_flags(file, wanted));
      return int64_t{0};
    }
    case kGetVersion:
    case kGetVersionOwn:
      TRY(UserOut<uint32_t>(address).write(generation_));
      return int64_t{0};
    case kFieldMap:
      return map_extents(address);
    default:
      return Errno::NoTty;
  }
}

}  // namespace kernel::ext4
