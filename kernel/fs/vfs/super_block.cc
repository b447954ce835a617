// SPDX-License-Identifier: MIT
// See super_block.h: instances and the list of types.

#include "fs/vfs/super_block.h"

#include "dev/block_device.h"
#include "fs/vfs/dentry_cache.h"

namespace kernel {
namespace {

// Minor numbers of the devices that file systems without one pretend to be on.
constinit Atomic<uint32_t> last_anonymous_device;
constinit FileSystemType* first_type = nullptr;
constinit FileSystemType** last_link = &first_type;

}  // namespace

DeviceNumber SuperBlock::next_anonymous_device() {
  return {0, last_anonymous_device.fetch_add_relaxed(1) + 1};
}

SuperBlock::SuperBlock(StringView type_name)
    : type_name_(type_name), device_(next_anonymous_device()) {}
SuperBlock::SuperBlock(StringView type_name, BlockDevice& device)
    : type_name_(type_name),
      device_{device.major(), device.minor()},
      block_device_(Ref<BlockDevice>(device)) {}
SuperBlock::~SuperBlock() = default;

// Names of it are still cached, unused, until here: the mount that kept them reachable has gone.
void SuperBlock::last_unref(SuperBlock* super_block) {
  // On a device unmount() did that. Else nobody is left to tell.
  if (super_block->block_device() == nullptr) ignore(super_block->synchronise());
  delete super_block;
}

// Boot, one thread.
void register_file_system(FileSystemType& type) {
  *last_link = &type;
  last_link = &type.next;
}

FileSystemType* find_file_system(StringView name) {
  for (FileSystemType* type = first_type; type != nullptr; type = type->next) {
    if (type->name == name) return type;
  }
  return nullptr;
}

FileSystemType* first_file_system() { return first_type; }

}  // namespace kernel
