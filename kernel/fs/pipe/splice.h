// SPDX-License-Identifier: MIT
// Moving data between files inside the kernel: splice(2), tee(2), vmsplice(2), sendfile(2),
// copy_file_range(2). Pages move between pipes; to and from other files they are read and written.
#pragma once

#include "fs/vfs/file.h"

namespace kernel::splice {

inline constexpr uint32_t kMove = 1, kNonBlock = 2, kMore = 4, kGift = 8;

// An offset of null: the file's position. The offset moves on by what was transferred.
Result<size_t> splice(File& in, uint64_t* in_offset, File& out, uint64_t* out_offset, size_t size,
                      uint32_t flags);
Result<size_t> tee(File& in, File& out, size_t size, uint32_t flags);
// User pages into a pipe, or (a reading end) out of one.
Result<size_t> vmsplice(File& pipe, IoBuffer& buffer, uint32_t flags);
Result<size_t> send_file(File& out, File& in, uint64_t* in_offset, size_t size);
Result<size_t> copy_range(File& in, uint64_t* in_offset, File& out, uint64_t* out_offset,
                          size_t size);

}  // namespace kernel::splice
