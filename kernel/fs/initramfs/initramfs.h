// SPDX-License-Identifier: MIT
// The initial file system: cpio archives, plain or compressed with gzip or zstd, one behind the
// other, unpacked into the root. Boot, thread context, after vfs::mount_root().
#pragma once

#include <span>

#include "lib/result.h"

namespace kernel::initramfs {

// Unpacks what the boot loader left in memory; the memory is the caller's to give back. What is
// malformed is logged and ends the unpacking: what came before stays. Errors: Inval, NoMem, NoSpc.
Result<> unpack(std::span<const uint8_t> archive);

// What Linux's built-in archive has: /dev, /dev/console, /root.
Result<> make_first_nodes();

}  // namespace kernel::initramfs
