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
};
constexpr int64_t kSupported = 0x7f;

void interrupt_others() {
  full_fence();  // pairs with the ones in the other CPUs' interrupts
  sched::call_on_others([](void*) { full_fence(); }, nullptr);
  full_fence();
}

Value expedited(AddressSpace& space, uint32_t registration) {
  if ((space.membarrier_registrations.load_relaxed() & registration) == 0) return Errno::Perm;
  interrupt_others();
  return 0;
}

}  // namespace

Value sys_membarrier(Context& context, int32_t command, Flags32 flags, int32_t) {
  if (flags.bits() != 0) return Errno::Inval;
  AddressSpace& space = *context.task.address_space;
  switch (command) {
    case kQuery: return kSupported;
    case kGlobal: synchronize_rcu(); return 0;
    case kGlobalExpedited: interrupt_others(); return 0;
    case kRegisterGlobalExpedited:
    case kRegisterPrivateExpedited:
    case kRegisterPrivateExpeditedSyncCore:
      space.membarrier_registrations.fetch_or_relaxed(static_cast<uint32_t>(command));
      return 0;
    case kPrivateExpedited: return expedited(space, kRegisterPrivateExpedited);
    case kPrivateExpeditedSyncCore: return expedited(space, kRegisterPrivateExpeditedSyncCore);
    default: return Errno::Inval;
  }
}

}  // namespace kernel::syscall
