// SPDX-License-Identifier: MIT
// See devtmpfs.h.

#include "fs/devfs/devtmpfs.h"

#include "dev/stream_device.h"
#include "fs/devfs/memory_devices.h"
#include "fs/devfs/stream_file.h"
#include "fs/tmpfs/tmpfs_inode.h"
#include "fs/vfs/dentry_cache.h"
#include "fs/vfs/notify.h"
#include "fs/vfs/mount_tree.h"
#include "mm/frames.h"

namespace kernel::devtmpfs {
namespace {

constinit TmpfsSuperBlock* instance = nullptr;
constinit Mount* own_mount = nullptr;  // keeps the root's dentry: nodes are made through it

Result<Ref<SuperBlock>> mount_devtmpfs(StringView, StringView) {
  return Ref<SuperBlock>(*instance);
}

constinit FileSystemType devtmpfs_type{
    .name = "devtmpfs", .mount = mount_devtmpfs, .single_instance = true};

}  // namespace

Result<Ref<Dentry>> make_entry(Dentry& directory, StringView name,
                               const CreateParameters& parameters) {
  Inode& parent = *directory.inode();
  Guard guard(parent.lock);
  Ref<Dentry> dentry = TRY(DentryCache::lookup_locked(directory, name));
  if (dentry->inode() == nullptr) {
    DentryCache::instantiate(*dentry, TRY(parent.create(name, parameters)));
    notify::created(parent, name, *dentry->inode());
  }
  return dentry;
}

Dentry& root() { return own_mount->root(); }

namespace {

Result<> add_node(CharDeviceBase& device) {
  Ref<Dentry> directory(own_mount->root());
  CreateParameters parameters;
  parameters.type = FileType::Directory;
  parameters.mode = 0755;
  StringView rest = device.name;
  while (rest.find('/') != StringView::npos) {
    StringView name = rest.take_until('/');
    directory = TRY(make_entry(*directory, name, parameters));
  }
  parameters.type = FileType::CharDevice;
  parameters.mode = device.mode;
  parameters.device = {device.major, device.minor};
  TRY(make_entry(*directory, rest, parameters));
  return {};
}

}  // namespace

Result<> init() {
  TmpfsSuperBlock::Options options;
  options.mode = 0755;
  options.max_blocks = options.max_inodes = frames::total_pages() / 2;
  instance = TRY(TmpfsSuperBlock::create("devtmpfs", options)).leak();
  own_mount = TRY(MountTree::make(Ref<SuperBlock>(*instance), "devtmpfs", 0)).leak();
  register_file_system(devtmpfs_type);
  TRY(set_char_device_sink(add_node));
  TRY(register_memory_devices());
  return set_stream_device_sink(register_stream_file);
}

}  // namespace kernel::devtmpfs
