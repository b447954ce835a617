// SPDX-License-Identifier: MIT
// process_vm_readv(2), process_vm_writev(2), process_madvise(2).

#include "process/observe.h"
#include "process/pidfd.h"
#include "syscall/declarations.h"
#include "vm/address_space.h"

namespace kernel::syscall {
namespace {

using Access = AddressSpace::MemoryAccess;

Result<Vector<IoBuffer::Segment>> read_segments(UserIn<abi::IoVector> vectors, uint64_t count,
                                                uint64_t limit) {
  if (count > abi::kMaxIoVectors) return Errno::Inval;
  Vector<IoBuffer::Segment> segments;
  TRY(segments.reserve(count));
  uint64_t total = 0;
  for (uint64_t i = 0; i < count; ++i) {
    abi::IoVector vector = TRY(vectors.read(i));
    if (static_cast<int64_t>(vector.size) < 0) return Errno::Inval;
    if (vector.size > limit - total) vector.size = limit - total;
    total += vector.size;
    segments.append_reserved({vector.base, vector.size});
  }
  return segments;
}

Value transfer(Context& context, int32_t pid, UserIn<abi::IoVector> local, uint64_t local_count,
               UserIn<abi::IoVector> remote, uint64_t remote_count, Flags64 flags, Access access) {
  if (!flags.only(0)) return Errno::Inval;
  auto local_segments = TRY(read_segments(local, local_count, abi::kMaxTransfer));
  for (const auto& segment : local_segments) {
    if (!is_user_range(UserAddr{segment.address}, segment.size)) return Errno::Fault;
  }
  IoBuffer buffer = IoBuffer::user_segments(std::move(local_segments));
  if (buffer.remaining() == 0) return 0;
  auto remote_segments = TRY(read_segments(remote, remote_count, ~uint64_t{0} >> 1));
  uint64_t wanted = 0;
  for (const auto& segment : remote_segments) wanted += segment.size;
  if (wanted == 0) return 0;

  Optional<Ref<Task>> target = task::find_task(pid);
  if (!target) return Errno::Srch;
  Optional<Ref<AddressSpace>> space = address_space_of(*target);
  if (!space) return Errno::Srch;
  if (!may_trace(context.task, *target, IdsFrom::Real)) return Errno::Perm;

  // An error counts only when nothing has been moved.
  size_t total = 0;
  for (const auto& segment : remote_segments) {
    for (size_t done = 0; done < segment.size && buffer.remaining() != 0;) {
      IoBuffer piece = buffer.first(segment.size - done);
      size_t wanted_now = piece.remaining();
      Result<size_t> moved =
          space->access_memory(untagged(UserAddr{segment.address + done}), piece, access);
      if (!moved.ok() && total == 0) return moved.error();
      size_t count = moved.ok() ? *moved : 0;
      buffer.skip(count);
      total += count;
      done += count;
      if (count < wanted_now) return static_cast<int64_t>(total);
    }
  }
  return static_cast<int64_t>(total);
}

}  // namespace

Value sys_process_vm_readv(Context& context, int32_t pid, UserIn<abi::IoVector> local,
                           uint64_t local_count, UserIn<abi::IoVector> remote,
                           uint64_t remote_count, Flags64 flags) {
  return transfer(context, pid, local, local_count, remote, remote_count, flags, Access::Read);
}

Value sys_process_vm_writev(Context& context, int32_t pid, UserIn<abi::IoVector> local,
                            uint64_t local_count, UserIn<abi::IoVector> remote,
                            uint64_t remote_count, Flags64 flags) {
  return transfer(context, pid, local, local_count, remote, remote_count, flags, Access::Write);
}

// How many bytes were advised about; an error counts only when there were none.
Value sys_process_madvise(Context& context, Fd fd, UserIn<abi::IoVector> vectors, uint64_t count,
                          int32_t advice, Flags32 flags) {
  constexpr int32_t kWillNeed = 3, kCold = 20, kPageOut = 21, kCollapse = 25;
  if (!flags.only(0)) return Errno::Inval;
  auto segments = TRY(read_segments(vectors, count, abi::kMaxTransfer));
  Ref<Task> target = TRY(task_of_pidfd(*TRY(context.task.files->get(fd))));
  if (advice != kWillNeed && advice != kCold && advice != kPageOut && advice != kCollapse)
    return Errno::Inval;
  Optional<Ref<AddressSpace>> space = address_space_of(*target);
  if (!space) return Errno::Srch;
  bool own = space.get() == context.task.address_space;
  if (!own && !may_trace(context.task, *target, IdsFrom::FileSystem)) return Errno::Acces;
  if (!own && !context.task.credentials().has(Capability::SysNice)) return Errno::Perm;
  uint64_t total = 0;
  for (const auto& segment : segments) {
    Result<> advised =
        space->advise(untagged(UserAddr{segment.address}), segment.size, advice);
    if (!advised.ok() && total == 0) return advised.error();
    if (!advised.ok()) break;
    total += segment.size;
  }
  return static_cast<int64_t>(total);
}

}  // namespace kernel::syscall
