// SPDX-License-Identifier: MIT
// mremap(2), madvise(2), msync(2), mincore(2), mlock(2), remap_file_pages(2).

#include "syscall/declarations.h"
#include "vm/address_space.h"

namespace kernel::syscall {

Value sys_mremap(Context& context, UserAddr old, uint64_t old_size, uint64_t new_size,
                 Flags32 flags, UserAddr fixed) {
  UserAddr moved =
      TRY(space_of(context).remap(untagged(old), old_size, new_size, flags.bits(), fixed));
  return static_cast<int64_t>(raw(moved));
}

// Since Linux 4.0 a mapping of its own, which needs no support below. The protection stays.
Value sys_remap_file_pages(Context& context, UserAddr start, uint64_t size, uint64_t protection,
                           uint64_t page_offset, Flags32 flags) {
  constexpr uint64_t kMaxFilePages = (~uint64_t{0} >> 1) >> kPageShift;
  start = page_of(start);
  size = align_down(size, kPageSize);
  if (protection != 0 || raw(start) + size <= raw(start)) return Errno::Inval;
  uint64_t end;
  if (__builtin_add_overflow(page_offset, size >> kPageShift, &end)) return Errno::Inval;
  if (end > kMaxFilePages) return Errno::Overflow;
  return done(space_of(context).remap_object({start, start + size}, page_offset << kPageShift,
                                             !flags.has(abi::kMapNonBlock)));
}

Value sys_madvise(Context& context, UserAddr start, uint64_t size, int32_t advice) {
  return done(space_of(context).advise(untagged(start), size, advice));
}

Value sys_msync(Context& context, UserAddr start, uint64_t size, Flags32 flags) {
  return done(space_of(context).sync(untagged(start), size, flags.bits()));
}

// Page by page of states, each copied out with no lock held.
Value sys_mincore(Context& context, UserAddr start, uint64_t size, UserOut<uint8_t> states) {
  start = untagged(start);
  if (!is_aligned(start, kPageSize)) return Errno::Inval;
  if (!is_user_range(start, size)) return Errno::NoMem;
  uint64_t pages = pages_for(size);
  if (!is_user_range(states.address(), pages)) return Errno::Fault;
  uint8_t chunk[256];
  for (uint64_t done_pages = 0; done_pages < pages;) {
    size_t count = pages - done_pages < sizeof chunk ? pages - done_pages : sizeof chunk;
    TRY(space_of(context).residency(start + (done_pages << kPageShift), {chunk, count}));
    TRY(copy_out(states.address() + done_pages, chunk, count));
    done_pages += count;
  }
  return 0;
}

Value sys_mlock(Context& context, UserAddr start, uint64_t size) {
  return done(
      space_of(context).lock_range(untagged(start), size, /*locked=*/true, /*on_fault=*/false));
}

Value sys_mlock2(Context& context, UserAddr start, uint64_t size, Flags32 flags) {
  if (!flags.only(abi::kMlockOnFault)) return Errno::Inval;
  return done(
      space_of(context).lock_range(untagged(start), size, true, flags.has(abi::kMlockOnFault)));
}

Value sys_munlock(Context& context, UserAddr start, uint64_t size) {
  return done(
      space_of(context).lock_range(untagged(start), size, /*locked=*/false, /*on_fault=*/false));
}

Value sys_mlockall(Context& context, Flags32 flags) {
  return done(space_of(context).lock_all(flags.bits()));
}

Value sys_munlockall(Context& context) { return done(space_of(context).unlock_all()); }

}  // namespace kernel::syscall
