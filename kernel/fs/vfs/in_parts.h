// SPDX-License-Identifier: MIT
// Transfers in parts: a file moves what it can without faulting on the user's buffer, which is made
// accessible with no lock held before it goes on. An error counts only when nothing was moved.
#pragma once

#include "vm/io_buffer.h"

namespace kernel::vfs {

// A write, by `some(buffer, offset)`, which may move the offset.
template <class Some>
Result<size_t> write_in_parts(IoBuffer& buffer, uint64_t offset, Some some) {
  size_t total = 0;
  while (buffer.remaining() != 0) {
    Result<size_t> moved = some(buffer, offset);
    if (!moved.ok()) return total != 0 ? Result<size_t>(total) : moved;
    total += *moved;
    offset += *moved;
    if (buffer.remaining() == 0) break;
    Result<> accessible = buffer.fault_in(false);
    if (!accessible.ok()) return total != 0 ? Result<size_t>(total) : accessible.error();
  }
  return total;
}

// A read of an object's bytes, up to its end; `state` is the open file's ReadAhead where it has
// one.
template <class Object, class... State>
Result<size_t> read_in_parts(Object& object, IoBuffer& buffer, uint64_t offset, State&... state) {
  size_t total = 0;
  while (buffer.remaining() != 0 && offset < object.size()) {
    Result<size_t> moved = object.read(buffer, offset, state...);
    if (!moved.ok()) return total != 0 ? Result<size_t>(total) : moved;
    total += *moved;
    offset += *moved;
    if (buffer.remaining() == 0 || offset >= object.size()) break;
    Result<> accessible = buffer.fault_in(true);
    if (!accessible.ok()) return total != 0 ? Result<size_t>(total) : accessible.error();
  }
  return total;
}

}  // namespace kernel::vfs
