// SPDX-License-Identifier: MIT
// One page fault on its way through fault.cc. For the files that implement AddressSpace.
#pragma once

#include "vm/address_space.h"

namespace kernel {

struct AddressSpace::Fault {
  UserAddr page{};
  arch::Access access = arch::Access::Read;
  bool force = false;  // a debugger's access: the mapping's maximum counts
  bool major = false;  // a page was filled from a disk
  // Valid while the space's lock is held:
  const Mapping* mapping = nullptr;
  PageTables::View view;
  // What to fill or to make dirty, with the lock released.
  Optional<Ref<MemoryObject>> object;
  uint64_t index = 0;
  ReadAhead::Pattern pattern = ReadAhead::Pattern::Normal;
};

}  // namespace kernel
