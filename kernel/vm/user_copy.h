// SPDX-License-Identifier: MIT
// The only way to user memory. copy_in/copy_out may fault and sleep, and assert that no lock is
// held. The _nofault forms never sleep, may run under a lock, and return how many bytes they moved;
// the caller drops its locks, calls fault_in, and tries again. Every range is checked against
// kUserLimit, after the tag bits are stripped as Linux does. Error: Fault.
#pragma once

#include <bit>
#include <span>
#include <type_traits>

#include "arch/user_copy.h"
#include "lib/result.h"
#include "lib/string.h"

namespace kernel {

Result<> copy_in(void* to, UserAddr from, size_t size);
Result<> copy_out(UserAddr to, const void* from, size_t size);
Result<> zero_out(UserAddr to, size_t size);
// One word, without the bulk copy's preparations.
Result<> load_in(uint32_t& to, UserAddr from);
Result<> load_in(uint64_t& to, UserAddr from);
Result<> store_out(UserAddr to, uint32_t value);
Result<> store_out(UserAddr to, uint64_t value);
// A 16-bit field of each of `count` structures that lie `stride` bytes apart on both sides.
Result<> store_out_fields(UserAddr to, const void* from, size_t stride, size_t count);
// As far as the memory is accessible: how many bytes that was.
size_t copy_in_some(void* to, UserAddr from, size_t size);
size_t copy_out_some(UserAddr to, const void* from, size_t size);
size_t zero_out_some(UserAddr to, size_t size);
size_t copy_in_nofault(void* to, UserAddr from, size_t size);
size_t copy_out_nofault(UserAddr to, const void* from, size_t size);
// Makes the range's first bytes accessible (at least one page), or Fault. May sleep.
Result<> fault_in(UserAddr start, size_t size, bool for_write);
// Without the tag bits: TBI0 lets user mode set the top byte of an address.
constexpr UserAddr untagged(UserAddr address) {
  return UserAddr{raw(address) & ((uint64_t{1} << 56) - 1)};
}
bool is_user_range(UserAddr start, size_t size);

// As much of a NUL-terminated string as fits: its length, or to.size() when there is more.
// Error: Fault.
Result<size_t> copy_in_text(std::span<char> to, UserAddr from);
// A NUL-terminated string of at most `limit` bytes, NUL included. Errors: Fault; NameTooLong.
Result<String> copy_in_string(UserAddr from, size_t limit);

// Structures that cross the boundary: trivially copyable and without implicit padding, so that no
// kernel byte leaks. Holes are written as fields.
template <class T>
concept UserAbi = std::is_trivially_copyable_v<T> && std::has_unique_object_representations_v<T>;

// The unsigned word that has the size of T; void: none.
template <class T>
using WordOf = std::conditional_t<sizeof(T) == 4, uint32_t,
                                  std::conditional_t<sizeof(T) == 8, uint64_t, void>>;

template <UserAbi T>
Result<> copy_in_value(T& to, UserAddr from) {
  if constexpr (std::is_void_v<WordOf<T>>) {
    return copy_in(&to, from, sizeof to);
  } else {
    WordOf<T> word;
    TRY(load_in(word, from));
    to = std::bit_cast<T>(word);
    return {};
  }
}
template <UserAbi T>
Result<> copy_out_value(UserAddr to, const T& from) {
  if constexpr (std::is_void_v<WordOf<T>>) {
    return copy_out(to, &from, sizeof from);
  } else {
    return store_out(to, std::bit_cast<WordOf<T>>(from));
  }
}

// Typed user pointers; the direction is in the type. A null pointer is a valid value of the
// argument.
template <UserAbi T>
class UserIn {
 public:
  explicit UserIn(UserAddr address = {}) : address_(address) {}
  UserAddr address() const { return address_; }
  bool is_null() const { return raw(address_) == 0; }
  Result<T> read() const { return UserIn::at(address_); }
  Result<T> read(size_t index) const { return at(address_ + index * sizeof(T)); }
  Result<> read_array(T* to, size_t count) const {
    size_t bytes;
    if (__builtin_mul_overflow(count, sizeof(T), &bytes)) return Errno::Fault;
    return copy_in(to, address_, bytes);
  }

 private:
  static Result<T> at(UserAddr address) {
    T value;
    TRY(copy_in_value(value, address));
    return value;
  }
  UserAddr address_;
};

template <UserAbi T>
class UserOut {
 public:
  explicit UserOut(UserAddr address = {}) : address_(address) {}
  UserAddr address() const { return address_; }
  bool is_null() const { return raw(address_) == 0; }
  Result<> write(const T& value) const { return copy_out_value(address_, value); }
  Result<> write(size_t index, const T& value) const {
    return copy_out_value(address_ + index * sizeof(T), value);
  }
  Result<> write_array(const T* from, size_t count) const {
    size_t bytes;
    if (__builtin_mul_overflow(count, sizeof(T), &bytes)) return Errno::Fault;
    return copy_out(address_, from, bytes);
  }

 private:
  UserAddr address_;
};

template <UserAbi T>
class UserInOut {
 public:
  explicit UserInOut(UserAddr address = {}) : address_(address) {}
  UserAddr address() const { return address_; }
  bool is_null() const { return raw(address_) == 0; }
  Result<T> read() const { return UserIn<T>(address_).read(); }
  Result<> write(const T& value) const { return UserOut<T>(address_).write(value); }

 private:
  UserAddr address_;
};

// A path or other string argument, not copied yet.
class UserString {
 public:
  explicit UserString(UserAddr address = {}) : address_(address) {}
  UserAddr address() const { return address_; }
  bool is_null() const { return raw(address_) == 0; }
  Result<String> copy(size_t limit) const { return copy_in_string(address_, limit); }
  Result<size_t> copy(std::span<char> to) const { return copy_in_text(to, address_); }

 private:
  UserAddr address_;
};

}  // namespace kernel
