// SPDX-License-Identifier: MIT
// See signal_frame.h. Downwards on the stack: frame record (x29, x30), then the frame, whose lowest
// byte is the handler's stack pointer.

#include "process/signal_frame.h"

#include "arch/signal_frame.h"
#include "process/signal_info.h"
#include "task/signal_post.h"
#include "vm/address_space.h"
#include "vm/user_copy.h"
#include "vm/vdso.h"

namespace kernel {
namespace {

bool is_on_alt_stack(const Task& task, UserAddr stack_pointer) {
  const Task::AltStack& stack = task.alt_stack;
  if ((stack.flags & kStackAutoDisarm) != 0) return false;
  return stack_pointer > stack.base && stack_pointer - stack.base <= stack.size;
}

UserAddr handler_stack(const Task& task, const arch::TrapFrame& frame, const SignalAction& action) {
  UserAddr present = arch::stack_pointer(frame);
  if ((action.flags & kSaOnStack) != 0 && alt_stack_state(task, present) == 0)
    return task.alt_stack.base + task.alt_stack.size;
  return present;
}

void fill_context(const Task& task, arch::SignalFrame& to) {
  to.context_flags = to.context_link = 0;
  to.stack_base = raw(task.alt_stack.base);
  to.stack_flags = task.alt_stack.flags;
  to.hole = 0;
  to.stack_size = task.alt_stack.size;
  to.mask = (task.restore_blocked ? task.saved_blocked : task.blocked).bits();
  __builtin_memset(to.unused, 0, sizeof to.unused);
  to.hole_before_registers = 0;
}

// What enter_handler() writes behind the registers, but for a fault's syndrome.
struct UsualRecords {
  arch::FloatingPointRecord floating_point;
  arch::SignalRecordHead end;
};

bool is_usual(const UsualRecords& records) {
  const arch::SignalRecordHead& head = records.floating_point.head;
  return head.magic == arch::kFloatingPointMagic && head.size == sizeof records.floating_point &&
         records.end.magic == 0 && records.end.size == 0;
}

// Walks the records behind the registers: exactly one of floating point must be there, one of a
// syndrome is passed over, anything else is no frame of ours. The usual ones come with one copy.
Result<> read_records(UserAddr start, UsualRecords& records) {
  if (copy_in(&records, start, sizeof records).ok() && is_usual(records)) return {};
  arch::FloatingPointRecord& floating_point = records.floating_point;
  bool found = false;
  size_t offset = 0;
  for (;;) {
    arch::SignalRecordHead head;
    if (arch::kSignalRecordsSize - offset < sizeof head) return Errno::Fault;
    TRY(copy_in(&head, start + offset, sizeof head));
    if (head.magic == 0) {
      if (head.size != 0 || !found) return Errno::Fault;
      return {};
    }
    if (head.size < sizeof head || head.size % 16 != 0 ||
        head.size > arch::kSignalRecordsSize - offset)
      return Errno::Fault;
    if (head.magic == arch::kFloatingPointMagic) {
      if (found || head.size != sizeof floating_point) return Errno::Fault;
      TRY(copy_in(&floating_point, start + offset, sizeof floating_point));
      found = true;
    } else if (head.magic != arch::kSyndromeMagic) {
      return Errno::Fault;
    }
    offset += head.size;
  }
}

}  // namespace

Result<> enter_handler(Task& task, arch::TrapFrame& frame, const Caught& caught) {
  const SignalAction& action = caught.action;
  uint64_t record_at =
      align_down(raw(handler_stack(task, frame, action)) - sizeof(arch::SignalFrameRecord), 16);
  UserAddr frame_at{record_at - arch::kSignalFrameSize};
  if (!is_user_range(frame_at, arch::kSignalFrameSize + sizeof(arch::SignalFrameRecord)))
    return Errno::Fault;

  bool wants_info = (action.flags & kSaSigInfo) != 0;
  arch::SignalFrame image;
  size_t unused_front = arch::kSignalContextOffset;
  if (wants_info) {
    UserSignalInfo info = encode_signal_info(caught.info);
    __builtin_memcpy(image.info, &info, sizeof info);
    unused_front = 0;
  }
  fill_context(task, image);
  size_t size = arch::save_signal_registers(image, frame, task.fault_address, task.fault_syndrome);
  arch::SignalFrameRecord record = arch::make_frame_record(frame);
  TRY(copy_out(frame_at + unused_front, reinterpret_cast<const uint8_t*>(&image) + unused_front,
               size - unused_front));
  TRY(copy_out(UserAddr{record_at}, &record, sizeof record));

  uint64_t restorer = raw(action.restorer);
  if ((action.flags & kSaRestorer) == 0)
    restorer = raw(vdso::sigreturn_address(*task.address_space));
  arch::enter_signal_handler(frame, {.handler = action.handler,
                                     .restorer = restorer,
                                     .signal_frame = raw(frame_at),
                                     .frame_record = record_at,
                                     .signal = static_cast<uint32_t>(caught.info.signal),
                                     .wants_info = wants_info});
  return {};
}

Result<> leave_handler(Task& task, arch::TrapFrame& frame) {
  UserAddr at = arch::stack_pointer(frame);
  if (!is_aligned(at, 16) || !is_user_range(at, arch::kSignalFrameSize)) return Errno::Fault;
  arch::SignalFrame image;
  TRY(copy_in(reinterpret_cast<uint8_t*>(&image) + arch::kSignalContextOffset,
              at + arch::kSignalContextOffset,
              arch::kSignalRecordsOffset - arch::kSignalContextOffset));
  // As Linux: the mask is in force even when the rest proves bad.
  set_blocked(task, SignalSet(image.mask));
  arch::end_syscall(frame);
  if (!arch::restore_signal_registers(frame, image)) return Errno::Fault;
  UsualRecords records;
  TRY(read_records(at + arch::kSignalRecordsOffset, records));
  arch::restore_signal_vectors(records.floating_point);
  // Only an unreadable structure counts; a stack that cannot be set stays as it is.
  ignore(set_alt_stack(task, arch::stack_pointer(frame), UserAddr{image.stack_base},
                       image.stack_flags, image.stack_size));
  return {};
}

uint32_t alt_stack_state(const Task& task, UserAddr stack_pointer) {
  if (task.alt_stack.size == 0) return kStackDisable;
  return is_on_alt_stack(task, stack_pointer) ? kStackOnStack : 0;
}

Result<> set_alt_stack(Task& task, UserAddr stack_pointer, UserAddr base, uint32_t flags,
                       uint64_t size) {
  if (is_on_alt_stack(task, stack_pointer)) return Errno::Perm;
  uint32_t mode = flags & ~kStackAutoDisarm;
  if (mode != kStackDisable && mode != kStackOnStack && mode != 0) return Errno::Inval;
  if (mode == kStackDisable) {
    base = UserAddr{};
    size = 0;
  } else if (size < kMinimumSignalStack) {
    return Errno::NoMem;
  }
  task.alt_stack = {base, size, flags};
  return {};
}

}  // namespace kernel
