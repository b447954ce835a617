// SPDX-License-Identifier: MIT
// What an upper layer says of the lower ones: a character device 0:0 hides a name, a directory
// with trusted.overlay.opaque=y hides what is in those of its name. Called in an OverlayScope.
#pragma once

#include "fs/vfs/path.h"

namespace kernel::overlay {

inline constexpr StringView kXattrPrefix = "trusted.overlay.";

bool is_whiteout(const Inode& inode);
bool is_opaque(Inode& directory);
Result<> set_opaque(Inode& directory);
// Under that name in that directory.
Result<> make_whiteout(const Path& directory, StringView name);

struct RawEntry {
  String name;
  uint64_t number;
  FileType type;
};
// What is in a directory of a layer, whiteouts too.
Result<Vector<RawEntry>> list_raw(const Path& directory);
// Takes everything out of it. Directories that are not empty stay, and are an error.
Result<> clear_directory(const Path& directory);

}  // namespace kernel::overlay
