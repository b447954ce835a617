// SPDX-License-Identifier: MIT
// membarrier(2). The expedited commands interrupt the other CPUs: taking an interrupt and returning
// from it orders memory accesses and synchronises the instruction stream.

#include "sched/scheduler.h"
#include "sync/rcu.h"
#include "syscall/declarations.h"
#include "vm/address_space.h"

namespace kernel::syscall {
namespace {

enum Command : int32_t {
  kQuery = 0,
  kGlobal = 1,
  kGlobalExpedited = 2,
  kRegisterGlobalExpedited = 4,
  kPrivateExpedited = 8,
  kRegisterPrivateExpedited = 16,
  kPrivateExpeditedSyncCore = 32,
  kRegisterPrivateExpeditedSyncCore = 64,
  kPrivateExpeditedRestart = 128,
  kRegisterPrivateExpeditedRestart = 256,
};
constexpr int64_t kSupported = 0x1ff;
constexpr uint32_t kOneCpu = 1;  // MEMBARRIER_CMD_FLAG_CPU
constexpr int32_t kAllCpus = -1;

void interrupt_others() {
  full_fence();  // pairs with the ones in the other CPUs' interrupts
  sched::call_on_others([](void*) { full_fence(); }, nullptr);
  full_fence();
}

bool is_registered(const AddressSpace& space, uint32_t registration) {
  return (space.membarrier_registrations.load_relaxed() & registration) != 0;
}

Value expedited(AddressSpace& space, uint32_t registration) {
  if (!is_registered(space, registration)) return Errno::Perm;
  interrupt_others();
  return 0;
}

struct RestartRequest {
  AddressSpace* space;
  int32_t cpu;
};

// In the interrupt: the sequence that the interrupted thread may be in starts over.
void restart_here(void* argument) {
  auto& request = *static_cast<RestartRequest*>(argument);
  Thread& thread = current();
  full_fence();
  if (request.cpu != kAllCpus && static_cast<unsigned>(request.cpu) != thread.cpu()) return;
  if (thread.address_space == request.space && thread.notes_switches)
    thread.work.fetch_or_relaxed(kWorkSwitched);
}

// The caller's own sequence starts over only where its CPU is named.
Value restart_sequences(AddressSpace& space, int32_t cpu) {
  if (!is_registered(space, kRegisterPrivateExpeditedRestart)) return Errno::Perm;
  RestartRequest request{&space, cpu};
  full_fence();
  sched::call_on_others(restart_here, &request);
  if (cpu != kAllCpus) restart_here(&request);
  full_fence();
  return 0;
}

}  // namespace

Value sys_membarrier(Context& context, int32_t command, Flags32 flags, int32_t cpu) {
  if (!flags.only(command == kPrivateExpeditedRestart ? kOneCpu : 0)) return Errno::Inval;
  AddressSpace& space = *context.task.address_space;
  switch (command) {
    case kQuery: return kSupported;
    case kGlobal: synchronize_rcu(); return 0;
    case kGlobalExpedited: interrupt_others(); return 0;
    case kRegisterGlobalExpedited:
    case kRegisterPrivateExpedited:
    case kRegisterPrivateExpeditedSyncCore:
    case kRegisterPrivateExpeditedRestart:
      space.membarrier_registrations.fetch_or_relaxed(static_cast<uint32_t>(command));
      return 0;
    case kPrivateExpedited: return expedited(space, kRegisterPrivateExpedited);
    case kPrivateExpeditedSyncCore: return expedited(space, kRegisterPrivateExpeditedSyncCore);
    case kPrivateExpeditedRestart:
      return restart_sequences(space, flags.has(kOneCpu) ? (cpu < 0 ? kAllCpus : cpu) : kAllCpus);
    default: return Errno::Inval;
  }
}

}  // namespace kernel::syscall
