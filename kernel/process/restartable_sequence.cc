// SPDX-License-Identifier: MIT
// See restartable_sequence.h. The switch away from a thread that has an area sets kWorkSwitched;
// the rest happens on its way back to user mode, or before a signal handler's frame is made.

#include "process/restartable_sequence.h"

#include "arch/mmu.h"

namespace kernel {
namespace {

// struct rseq_cs.
struct Sequence {
  uint32_t version;
  uint32_t flags;
  uint64_t start;
  uint64_t length;
  uint64_t abort_handler;
};

bool contains(const Sequence& sequence, UserAddr pc) {
  return raw(pc) - sequence.start < sequence.length;
}

// The word in front of the handler is the signature that was registered, so that nobody can be led
// to jump just anywhere.
Result<Sequence> read_sequence(const Task& task, UserAddr at) {
  if (at >= arch::kUserLimit) return Errno::Inval;
  auto sequence = TRY(UserIn<Sequence>(at).read());
  uint64_t limit = raw(arch::kUserLimit);
  if (sequence.version != 0 || sequence.start >= limit || sequence.abort_handler >= limit ||
      sequence.length >= limit - sequence.start)
    return Errno::Inval;
  if (contains(sequence, UserAddr{sequence.abort_handler})) return Errno::Inval;
  UserAddr signature{sequence.abort_handler - sizeof(uint32_t)};
  if (TRY(UserIn<uint32_t>(signature).read()) != task.restartable_signature) return Errno::Inval;
  return sequence;
}

Result<> leave_sequence(const Task& task, arch::TrapFrame& frame, UserAddr at) {
  Sequence sequence = TRY(read_sequence(task, at));
  bool inside = contains(sequence, arch::program_counter(frame));
  if (inside) {
    // Flags that kept a sequence from starting over are refused since Linux 6.0.
    if (sequence.flags != 0) return Errno::Inval;
    if (TRY(RestartableArea::flags_of(task.restartable_area).read()) != 0) return Errno::Inval;
  }
  TRY(RestartableArea::sequence_of(task.restartable_area).write(0));
  if (inside) arch::set_program_counter(frame, UserAddr{sequence.abort_handler});
  return {};
}

}  // namespace

Result<> update_restartable_sequence(Task& task, arch::TrapFrame& frame) {
  task.work.fetch_and_relaxed(~uint32_t{kWorkSwitched});
  uint64_t sequence = TRY(RestartableArea::sequence_of(task.restartable_area).read());
  if (sequence != 0) TRY(leave_sequence(task, frame, UserAddr{sequence}));
  // A switch from here on sets the work bit again.
  return RestartableArea::write_cpu(task.restartable_area, task.cpu(), task.cpu());
}

void set_restartable_area(Task& task, UserAddr area, uint32_t signature) {
  task.restartable_area = area;
  task.restartable_signature = signature;
  task.notes_switches = raw(area) != 0;
  if (task.notes_switches) {
    task.work.fetch_or_relaxed(kWorkSwitched);
  } else {
    task.work.fetch_and_relaxed(~uint32_t{kWorkSwitched});
  }
}

}  // namespace kernel
