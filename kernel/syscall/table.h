// SPDX-License-Identifier: MIT
// The system call table: from a number to a handler. constexpr, made from the profile's
// calls.def; two
// calls with one number do not compile (KB43).
#pragma once

#include "syscall/context.h"

namespace kernel::syscall {

struct Entry {
  using Invoke = int64_t (*)(Context& context);
  Invoke invoke = nullptr;     // null: absent
  const char* name = nullptr;  // null: no such number in Linux 6.1
  const char* signature = "";  // the parameters as written in the .def file, for the trace
};

inline constexpr size_t kTableSize = 452;  // Linux 6.1: 0..451

const Entry& entry(uint64_t number);  // of a number below kTableSize

}  // namespace kernel::syscall
