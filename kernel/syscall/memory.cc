// SPDX-License-Identifier: MIT
// The calls on mappings that exist: addresses are taken without their tag bits, but for brk's and
// the target of mremap (Documentation/arm64/tagged-address-abi of Linux).

#include "syscall/declarations.h"
#include "vm/address_space.h"

namespace kernel::syscall {

Value sys_brk(Context& context, UserAddr wanted) {
  return static_cast<int64_t>(raw(space_of(context).set_break(wanted)));
}

Value sys_munmap(Context& context, UserAddr start, uint64_t size) {
  return done(space_of(context).unmap(untagged(start), size));
}

Value sys_mprotect(Context& context, UserAddr start, uint64_t size, uint64_t protection) {
  constexpr uint64_t kGrows = abi::kProtGrowsDown | abi::kProtGrowsUp;
  if ((protection & kGrows) == kGrows) return Errno::Inval;
  start = untagged(start);
  if (!is_aligned(start, kPageSize)) return Errno::Inval;
  if (size == 0) return 0;
  uint64_t length = align_up(size, kPageSize);
  if (length == 0 || raw(start) + length <= raw(start)) return Errno::NoMem;
  if ((protection & ~(uint64_t{kProtAll} | abi::kProtSem | kGrows)) != 0) return Errno::Inval;
  return done(space_of(context).protect(start, length, static_cast<uint32_t>(protection)));
}

}  // namespace kernel::syscall
