// SPDX-License-Identifier: MIT
// The typed face of user_copy.S.

#include "arch/user_copy.h"

namespace kernel::arch {

extern "C" {
size_t user_copy_in(void* to, uint64_t from, size_t size);
size_t user_copy_out(uint64_t to, const void* from, size_t size);
size_t user_zero(uint64_t to, size_t size);
ptrdiff_t user_copy_string(char* to, uint64_t from, size_t limit);
bool user_load_32(uint64_t from, uint32_t* value);
bool user_load_64(uint64_t from, uint64_t* value);
bool user_store_16s(uint64_t to, const void* from, size_t stride, size_t count);
bool user_store_32(uint64_t to, uint32_t value);
bool user_store_64(uint64_t to, uint64_t value);
bool user_compare_exchange_32(uint64_t at, uint32_t* expected, uint32_t desired);
}

size_t copy_from_user(void* to, UserAddr from, size_t size) {
  return user_copy_in(to, raw(from), size);
}
size_t copy_to_user(UserAddr to, const void* from, size_t size) {
  return user_copy_out(raw(to), from, size);
}
size_t zero_user(UserAddr to, size_t size) { return user_zero(raw(to), size); }
ptrdiff_t copy_string_from_user(char* to, UserAddr from, size_t limit) {
  return user_copy_string(to, raw(from), limit);
}
bool load_user_u32(UserAddr from, uint32_t& value) { return user_load_32(raw(from), &value); }
bool load_user_u64(UserAddr from, uint64_t& value) { return user_load_64(raw(from), &value); }
bool store_user_u16s(UserAddr to, const void* from, size_t stride, size_t count) {
  return user_store_16s(raw(to), from, stride, count);
}
bool store_user_u32(UserAddr to, uint32_t value) { return user_store_32(raw(to), value); }
bool store_user_u64(UserAddr to, uint64_t value) { return user_store_64(raw(to), value); }
bool compare_exchange_user_u32(UserAddr at, uint32_t& expected, uint32_t desired) {
  return user_compare_exchange_32(raw(at), &expected, desired);
}

}  // namespace kernel::arch
