// SPDX-License-Identifier: MIT
// memfd_create(2) and System V shared memory: a tmpfs file without a name; and the seals of such
// files (fcntl(2)).
#pragma once

#include "fs/vfs/file.h"

namespace kernel::memfd {

// The place of a new, empty file without a name, shown as "/label (deleted)". The caller owns it.
Result<Path> make_place(StringView label);
// `name` as the user gave it, at most 249 bytes.
Result<Ref<File>> create(StringView name, bool sealable);

// Errors: Inval (not on tmpfs), Perm (sealed, or not writable), Busy (mapped writable).
Result<> add_seals(File& file, uint32_t seals);
Result<uint32_t> seals(File& file);

}  // namespace kernel::memfd
