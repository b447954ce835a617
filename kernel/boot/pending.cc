// SPDX-License-Identifier: MIT
// Upcalls of arch/entry.h whose layers have not landed yet, weak: each goes when its layer defines it.

#include "arch/entry.h"
#include "lib/check.h"
#include "vm/io_buffer.h"
#include "vm/user_copy.h"

namespace kernel {

[[gnu::weak]] bool handle_user_memory_fault(arch::TrapFrame&, const arch::MemoryFault& fault) {
  panic("user memory fault at %lx", raw(fault.address));
}
[[gnu::weak]] void handle_user_trap(arch::TrapFrame& frame, arch::UserTrap, uint64_t syndrome, uint64_t) {
  panic("user trap at %lx, syndrome %lx", raw(arch::program_counter(frame)), syndrome);
}
extern "C" [[gnu::weak]] void handle_user_return_work(arch::TrapFrame&) { panic("work before user mode"); }

[[gnu::weak]] Result<size_t> IoBuffer::put(const void*, size_t) { return Errno::NoSys; }
[[gnu::weak]] Result<size_t> IoBuffer::take(void*, size_t) { return Errno::NoSys; }
[[gnu::weak]] Result<> copy_in(void*, UserAddr, size_t) { return Errno::Fault; }
[[gnu::weak]] Result<> copy_out(UserAddr, const void*, size_t) { return Errno::Fault; }
[[gnu::weak]] size_t copy_in_nofault(void*, UserAddr, size_t size) { return size; }

}  // namespace kernel
