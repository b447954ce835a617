// SPDX-License-Identifier: MIT
// shmget(2), shmat(2), shmdt(2), shmctl(2).

#include "ipc/shared_memory.h"
#include "syscall/declarations.h"
#include "syscall/ipc_permission.h"
#include "vm/address_space.h"

namespace kernel::syscall {
namespace {

using ipc::Segment;

Result<int64_t> stat(Context& context, int32_t id, Stat kind, UserAddr buffer) {
  Ref<Segment> segment = TRY(find_for_stat(ipc::segments::table(), id, kind));
  abi::SegmentState state{};
  {
    Guard guard(segment->lock);
    TRY(check_stat_locked(context, *segment, kind));
    Segment::Attachments attachments = segment->attachments();
    state.permission = encode_permission_locked(*segment);
    state.size = segment->size();
    state.attach_time = attachments.attach_time;
    state.detach_time = attachments.detach_time;
    state.change_time = segment->change_time;
    state.creator_pid = segment->creator_pid();
    state.last_pid = attachments.last_pid;
    state.attachments = attachments.count;
  }
  TRY(UserOut<abi::SegmentState>(buffer).write(state));
  return kind == Stat::ById ? 0 : segment->id();
}

Result<int64_t> limits(UserAddr buffer) {
  abi::SegmentLimits info{};
  info.most_size = ipc::limits.segment_size.load_relaxed();
  info.least_size = 1;
  info.most_segments = info.most_attached = ipc::limits.segments.load_relaxed();
  info.most_pages = ipc::limits.segment_pages.load_relaxed();
  TRY(UserOut<abi::SegmentLimits>(buffer).write(info));
  return ipc::segments::table().usage().highest_slot;
}

Result<int64_t> usage(UserAddr buffer) {
  auto present = ipc::segments::table().usage();
  abi::SegmentUsage info{};
  info.used = static_cast<int32_t>(present.count);
  info.total_pages = ipc::segments::total_pages();
  info.resident_pages = ipc::segments::resident_pages();
  TRY(UserOut<abi::SegmentUsage>(buffer).write(info));
  return present.highest_slot;
}

}  // namespace

Value sys_shmget(Context&, int32_t key, uint64_t size, uint32_t flags) {
  return TRY(ipc::segments::get(key, size, flags));
}

Value sys_shmctl(Context& context, int32_t id, int32_t command, UserAddr buffer) {
  if (id < 0 || command < 0) return Errno::Inval;
  auto& table = ipc::segments::table();
  switch (command) {
    case abi::kIpcInfo: return limits(buffer);
    case abi::kSegmentInfo: return usage(buffer);
    case abi::kIpcStat: return stat(context, id, Stat::ById, buffer);
    case abi::kSegmentStat: return stat(context, id, Stat::BySlot, buffer);
    case abi::kSegmentStatAny: return stat(context, id, Stat::BySlotUnchecked, buffer);
    case abi::kIpcSet: {
      auto wanted = TRY(UserIn<abi::SegmentState>(buffer).read());
      TRY(set_permission(context, table, id, wanted.permission));
      return 0;
    }
    case abi::kIpcRemove: TRY(table.destroy(*TRY(table.find(id)))); return 0;
    case abi::kSegmentLock:
    case abi::kSegmentUnlock:
      TRY(TRY(table.find(id))->set_locked(command == abi::kSegmentLock));
      return 0;
    default: return Errno::Inval;
  }
}

Value sys_shmat(Context& context, int32_t id, UserAddr address, Flags32 flags) {
  constexpr uint32_t kReadOnly = 010000, kRound = 020000, kReplace = 040000,
                     kExecutable = 0100000;
  if (id < 0) return Errno::Inval;
  bool replace = flags.has(kReplace);
  if (flags.has(kRound)) address = page_of(address);
  if (raw(address) == 0 && replace) return Errno::Inval;
  if (!is_aligned(address, kPageSize)) return Errno::Inval;
  return static_cast<int64_t>(raw(TRY(
      ipc::segments::attach(context.task, id,
                            {.address = address,
                             .read_only = flags.has(kReadOnly),
                             .executable = flags.has(kExecutable),
                             .replace = replace}))));
}

Value sys_shmdt(Context& context, UserAddr address) {
  TRY(context.task.address_space->unmap_attachment(address));
  return 0;
}

}  // namespace kernel::syscall
