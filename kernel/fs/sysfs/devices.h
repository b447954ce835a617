// SPDX-License-Identifier: MIT
// Inside sysfs: its text files; the devices that are registered, as directories and as the links
// to them.
#pragma once

#include "fs/vfs/synthetic.h"

namespace kernel::sysfs {

// A file of sysfs that is only read: it does not open for more, for root neither.
class AttributeText : public TextInode {
 public:
  Result<> check_open(uint32_t flags) override {
    return (flags & kOpenAccessMode) == kOpenReadOnly ? Result<>() : Errno::Acces;
  }

 protected:
  explicit AttributeText(SuperBlock& super_block, uint64_t number = 0)
      : TextInode(super_block, 0444, number) {}
};

// /sys/devices/virtual, /sys/class and /sys/dev/char. They list what is registered when they are
// looked at.
Result<> add_devices(StaticDirectory& virtual_devices, StaticDirectory& classes,
                     StaticDirectory& dev);

Result<Ref<Inode>> make_link(SuperBlock& super_block, uint64_t number, String target);

}  // namespace kernel::sysfs
