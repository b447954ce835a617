// SPDX-License-Identifier: MIT
// The strings of an execve, gathered in kernel pages before the caller's memory goes, in the order
// in which they will lie at the top of the new stack: arguments lowest, then environment, then the
// file name.
#pragma once

#include "lib/string.h"
#include "lib/vector.h"
#include "vm/user_copy.h"

namespace kernel {

inline constexpr size_t kMaxArgumentString = 32 * kPageSize;  // MAX_ARG_STRLEN

class ArgumentBlock {
 public:
  // `stack_limit`: RLIMIT_STACK, a quarter of which strings and pointers may fill (execve(2),
  // "Limits").
  explicit ArgumentBlock(uint64_t stack_limit);
  ArgumentBlock(ArgumentBlock&&) = default;
  ~ArgumentBlock();

  // Room for this many pointers is taken off the limit. Error: TooBig.
  Result<> reserve_pointers(size_t count);
  // Puts a string in front of what is there. Errors: TooBig, NoMem; Fault.
  Result<> prepend(StringView text);
  Result<> prepend_user(UserAddr string);
  // Takes the foremost string away.
  void drop_first();

  uint64_t size() const { return size_; }
  // Copies the block to where it ends at `end`, in the running task's memory. Error: Fault.
  Result<> copy_to(UserAddr end) const;
  size_t count() const { return sizes_.size(); }
  // Bytes of one string, NUL included; 0 is the foremost.
  uint64_t size_of(size_t index) const { return sizes_[sizes_.size() - 1 - index]; }

 private:
  Result<> add_bytes(const char* bytes, size_t count);

  uint64_t limit_;
  uint64_t size_ = 0;
  Vector<char*> pages_;     // [0] is the last page of the block
  Vector<uint32_t> sizes_;  // of the strings, the foremost at the back
};

}  // namespace kernel
