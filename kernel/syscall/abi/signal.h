// SPDX-License-Identifier: MIT
// Structures of signals as Linux lays them out on arm64 (asm-generic/signal.h). siginfo_t is
// process/signal_info.h's.
#pragma once

#include "process/signal_info.h"

namespace kernel::abi {

struct SignalAction {
  uint64_t handler, flags, restorer, mask;
};
static_assert(sizeof(SignalAction) == 32);

struct SignalStack {
  uint64_t base;
  uint32_t flags, hole;
  uint64_t size;
};
static_assert(sizeof(SignalStack) == 24);

}  // namespace kernel::abi
