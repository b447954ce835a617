// SPDX-License-Identifier: MIT
// Raw access to user memory with exception-table fixups. Nobody but vm/user_copy calls these. They
// return how many bytes were NOT copied; a fault either is resolved by handle_user_memory_fault
// (when preemption is on) or ends the copy. Ranges are checked against kUserLimit by the caller.
#pragma once

#include "lib/types.h"

namespace kernel::arch {

size_t copy_from_user(void* to, UserAddr from, size_t size);
size_t copy_to_user(UserAddr to, const void* from, size_t size);
size_t zero_user(UserAddr to, size_t size);
// Copies up to and including the NUL. Returns its length without the NUL, `limit` when there was
// none within it, or -1 on a fault.
ptrdiff_t copy_string_from_user(char* to, UserAddr from, size_t limit);

// Scalars; false on a fault.
bool load_user_u32(UserAddr from, uint32_t& value);
bool load_user_u64(UserAddr from, uint64_t& value);
// A 16-bit field of each of `count` structures that lie `stride` bytes apart on both sides.
bool store_user_u16s(UserAddr to, const void* from, size_t stride, size_t count);
bool store_user_u32(UserAddr to, uint32_t value);
bool store_user_u64(UserAddr to, uint64_t value);

// Atomic read-modify-write of a 32-bit word (FUTEX_WAKE_OP, robust lists). False on a fault.
// Compare-exchange: `expected` receives what was there.
bool compare_exchange_user_u32(UserAddr at, uint32_t& expected, uint32_t desired);

}  // namespace kernel::arch
