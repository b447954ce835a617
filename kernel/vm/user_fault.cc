// SPDX-License-Identifier: MIT
// The fault entry (arch/entry.h): resolve it, or say it with a signal (sigaction(2): SEGV_MAPERR,
// SEGV_ACCERR, BUS_ADRERR), or let a user copy take its fixup. Memory exhaustion never panics:
// after the reclaimers and the OOM killer have had their turns the faulting process itself goes.

#include "lib/log.h"
#include "task/signal_post.h"
#include "vm/fault.h"

namespace kernel {
namespace {

constexpr unsigned kOutOfMemoryTries = 20;
constexpr Nanoseconds kOutOfMemoryPause = 5'000'000;

SignalInfo fault_signal(Errno error, const arch::MemoryFault& fault) {
  SignalInfo info;
  if (fault.kind == arch::FaultKind::Alignment) {
    info.signal = Signal::Bus;
    info.code = kBusAdrAln;
  } else if (fault.kind == arch::FaultKind::External) {
    info.signal = Signal::Bus;
    info.code = kBusObjErr;
  } else if (error == Errno::Io) {
    info.signal = Signal::Bus;
    info.code = kBusAdrErr;
  } else {
    info.signal = Signal::Segv;
    info.code = error == Errno::Acces ? kSegvAccErr : kSegvMapErr;
  }
  info.value = fault.raw_address;
  return info;
}

// Memory was out even after reclaim and killing: wait for a victim to end. False: give up.
bool wait_for_memory(unsigned attempt) {
  if (sched::kill_pending()) return false;
  if (attempt == kOutOfMemoryTries) return false;
  sched::sleep_until(Deadline::after(kOutOfMemoryPause));
  return true;
}

Result<> resolve_with_patience(AddressSpace& space, const arch::MemoryFault& fault) {
  for (unsigned attempt = 0;; ++attempt) {
    Result<> result = space.fault(fault.address, fault.access);
    if (!result.failed_with(Errno::NoMem) || !wait_for_memory(attempt)) return result;
  }
}

void post(Task& task, Errno error, const arch::MemoryFault& fault) {
  if (error == Errno::NoMem) {
    if (sched::kill_pending()) return;
    log_warning("out of memory: {}[{}] cannot have a page at {:x}", task.name(), task.tid(),
                raw(fault.address));
    SignalInfo kill;
    kill.signal = Signal::Kill;
    kill.code = kSiKernel;
    return force_signal(task, kill);
  }
  SignalInfo info = fault_signal(error, fault);
  force_fault(task, info.signal, info.code, info.value, fault.syndrome);
}

}  // namespace

bool handle_user_memory_fault(arch::TrapFrame& frame, const arch::MemoryFault& fault) {
  bool from_user = arch::from_user(frame);
  Thread& thread = current();
  AddressSpace* space = thread.address_space;
  // A copy that must not sleep, or a kernel thread: the fixup at once.
  if (!from_user && (thread.preempt_count != 0 || space == nullptr)) return false;
  Result<> result = Errno::Fault;
  if (fault.kind == arch::FaultKind::NotMapped || fault.kind == arch::FaultKind::Permission) {
    if (fault.address < arch::kUserLimit) result = resolve_with_patience(*space, fault);
  }
  if (result.ok()) {
    if (from_user) ++current_task().minor_faults;
    return true;
  }
  if (!from_user) return false;
  post(current_task(), result.error(), fault);
  return true;
}

}  // namespace kernel
