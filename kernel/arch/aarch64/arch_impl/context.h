// SPDX-License-Identifier: MIT
// Saved execution on AArch64; context_switch.S and user_state.S use the layouts.
#pragma once

#include <bit>
#include <cstddef>

#include "arch_impl/frame_offsets.h"
#include "lib/types.h"

namespace kernel::arch {

struct Context {
  uint64_t x19_to_x30[12];
  uint64_t sp;
};
static_assert(offsetof(Context, sp) == CONTEXT_SP);

struct alignas(16) UserState {
  uint64_t vectors[32][2];  // v0-v31
  uint32_t fpsr;
  uint32_t fpcr;
  uint64_t tpidr;           // TPIDR_EL0
  uint64_t tpidrro;         // unused, zero, as on Linux without a compat vector page
  uint64_t padding;
};
static_assert(offsetof(UserState, fpsr) == 512 && offsetof(UserState, tpidr) == 520);

// The first switch to a context lands here: calls x19(x20).
extern "C" void thread_start();

inline void init_context(Context& context, VirtAddr stack_top, void (*entry)(void*),
                         void* argument) {
  context = {};
  context.x19_to_x30[0] = std::bit_cast<uint64_t>(entry);
  context.x19_to_x30[1] = std::bit_cast<uint64_t>(argument);
  context.x19_to_x30[11] = std::bit_cast<uint64_t>(&thread_start);
  // The space of the user frame stays free: the first return to user mode fills it in.
  context.sp = raw(stack_top) - FRAME_SIZE;
}

// Returns FPSR, and FPCR in the upper half.
extern "C" uint64_t save_vectors(uint64_t (*to)[2]);
extern "C" void load_vectors(const uint64_t (*from)[2], uint32_t fpsr, uint32_t fpcr);

void save_user_state(UserState& state);
void load_user_state(const UserState& state);

}  // namespace kernel::arch
