// SPDX-License-Identifier: MIT
// Saved execution on the build machine. Kernel threads do not run there: tests call what threads
// would call, from host threads. switch_context() therefore ends the test.
#pragma once

#include "lib/types.h"

namespace kernel::arch {

struct Context {
  VirtAddr stack_top{};
  void (*entry)(void*) = nullptr;
  void* argument = nullptr;
};

struct UserState {
  uint64_t vectors[32][2];
  uint32_t fpsr;
  uint32_t fpcr;
  uint64_t tpidr;
};

inline void init_context(Context& context, VirtAddr stack_top, void (*entry)(void*),
                         void* argument) {
  context = {stack_top, entry, argument};
}
inline void save_user_state(UserState&) {}
inline void load_user_state(const UserState&) {}

}  // namespace kernel::arch
