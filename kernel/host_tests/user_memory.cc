// SPDX-License-Identifier: MIT
// See user_memory.h: arch/user_copy.h for this machine.

#include "host_tests/user_memory.h"

#include <cstring>

#include "arch/user_copy.h"
#include "vm/address_space.h"

namespace kernel {

namespace {
thread_local host_tests::UserMemory* user_memory = nullptr;
}

namespace host_tests {

UserMemory::UserMemory(size_t pages) : bytes_(pages * kPageSize), present_(pages) {
  user_memory = this;
}
UserMemory::~UserMemory() { user_memory = nullptr; }

size_t UserMemory::reach(UserAddr start, size_t size) const {
  size_t reached = 0;
  while (reached < size) {
    UserAddr at = start + reached;
    size_t page = at < kStart ? present_.size() : (at - kStart) >> kPageShift;
    if (page >= present_.size() || !present_[page]) break;
    reached += kPageSize - page_offset(at);
  }
  return reached < size ? reached : size;
}

}  // namespace host_tests

namespace arch {

size_t copy_from_user(void* to, UserAddr from, size_t size) {
  size_t reached = user_memory == nullptr ? 0 : user_memory->reach(from, size);
  if (reached != 0) std::memcpy(to, user_memory->at(from), reached);
  return size - reached;
}
size_t copy_to_user(UserAddr to, const void* from, size_t size) {
  size_t reached = user_memory == nullptr ? 0 : user_memory->reach(to, size);
  if (reached != 0) std::memcpy(user_memory->at(to), from, reached);
  return size - reached;
}
size_t zero_user(UserAddr to, size_t size) {
  size_t reached = user_memory == nullptr ? 0 : user_memory->reach(to, size);
  if (reached != 0) std::memset(user_memory->at(to), 0, reached);
  return size - reached;
}
ptrdiff_t copy_string_from_user(char*, UserAddr, size_t) { return -1; }

namespace {

template <class T>
bool load(UserAddr from, T& value) {
  return copy_from_user(&value, from, sizeof value) == 0;
}
template <class T>
bool store(UserAddr to, T value) {
  return copy_to_user(to, &value, sizeof value) == 0;
}

}  // namespace

bool compare_exchange_user_u32(UserAddr at, uint32_t& expected, uint32_t desired) {
  uint32_t present = 0;
  if (!load(at, present)) return false;
  bool equal = present == expected;
  expected = present;
  return !equal || store(at, desired);
}

bool load_user_u32(UserAddr from, uint32_t& value) { return load(from, value); }
bool load_user_u64(UserAddr from, uint64_t& value) { return load(from, value); }
bool store_user_u16s(UserAddr to, const void* from, size_t stride, size_t count) {
  const auto* field = static_cast<const char*>(from);
  for (size_t i = 0; i < count; ++i, to += stride, field += stride) {
    if (copy_to_user(to, field, sizeof(uint16_t)) != 0) return false;
  }
  return true;
}
bool store_user_u32(UserAddr to, uint32_t value) { return store(to, value); }
bool store_user_u64(UserAddr to, uint64_t value) { return store(to, value); }

}  // namespace arch

// Tests of what lies below address spaces do without them.
[[gnu::weak]] Result<> AddressSpace::fault(UserAddr, arch::Access) { return Errno::Fault; }

}  // namespace kernel
