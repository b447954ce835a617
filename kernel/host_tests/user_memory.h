// SPDX-License-Identifier: MIT
// User memory for tests: a few pages at a fixed address, each of which is present or not. A copy
// stops where one is absent, as under preempt-off in the kernel; there is no fault handler.
#pragma once

#include <vector>

#include "lib/types.h"

namespace kernel::host_tests {

// One at a time, for the thread that made it.
class UserMemory {
 public:
  static constexpr UserAddr kStart{1 << 20};
  explicit UserMemory(size_t pages);
  ~UserMemory();

  void set_present(size_t page, bool present) { present_[page] = present; }
  uint8_t* bytes() { return bytes_.data(); }
  // How many of the bytes from there on lie in present pages.
  size_t reach(UserAddr start, size_t size) const;
  uint8_t* at(UserAddr address) { return bytes_.data() + (address - kStart); }

 private:
  std::vector<uint8_t> bytes_;
  std::vector<bool> present_;
};

}  // namespace kernel::host_tests
