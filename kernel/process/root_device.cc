// SPDX-License-Identifier: MIT
// See root_device.h. Which device a word means: Linux's early_lookup_bdev(), in its documentation
// of root= (kernel-parameters.txt).

#include "process/root_device.h"

#include "dev/block_registry.h"
#include "fs/vfs/device_mount.h"
#include "fs/vfs/mount_tree.h"
#include "fs/vfs/vfs.h"
#include "lib/check.h"
#include "lib/command_line.h"
#include "lib/log.h"
#include "sched/scheduler.h"

namespace kernel {
namespace {

constexpr Nanoseconds kLookAgain = 100'000'000;
constexpr StringView kPlace = "/root";     // in the initramfs
constexpr StringView kSource = "/dev/root";  // what /proc/mounts shows

bool same_letters(StringView a, StringView b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

template <class Matches>
Optional<Ref<BlockDevice>> find_partition(Matches matches) {
  Result<Vector<Ref<BlockDevice>>> devices = BlockRegistry::all();
  if (!devices.ok()) return {};
  for (const Ref<BlockDevice>& device : *devices) {
    if (device->partition() != nullptr && matches(*device->partition())) return device;
  }
  return {};
}

// "UUID", or "UUID/PARTNROFF=N": N partitions behind it, on the same disk.
Optional<Ref<BlockDevice>> find_by_uuid(StringView text) {
  constexpr StringView kOffset = "/PARTNROFF=";
  StringView uuid = text.take_until('/');
  Optional<Ref<BlockDevice>> found = find_partition(
      [&](const PartitionEntry& entry) { return same_letters(StringView(entry.uuid), uuid); });
  if (!found || text.empty()) return found;
  constexpr size_t kRest = kOffset.size() - 1;  // the slash is gone
  if (!text.starts_with(kOffset.substr(1))) return {};
  std::optional<uint64_t> offset = text.substr(kRest).to_number();
  if (!offset) return {};
  return BlockRegistry::find_partition(*found->disk(), found->partition()->number + *offset);
}

Optional<Ref<BlockDevice>> find_by_number(StringView text) {
  if (text.find(':') == StringView::npos) {
    // As old boot loaders write it: major and minor in one hexadecimal number.
    std::optional<uint64_t> number = text.to_number(16);
    if (!number) return {};
    DeviceNumber device = DeviceNumber::decode(*number);
    return BlockRegistry::find(device.major, device.minor);
  }
  StringView rest = text;
  std::optional<uint64_t> major = rest.take_until(':').to_number();
  std::optional<uint64_t> minor = rest.to_number();
  if (!major || !minor) return {};
  return BlockRegistry::find(static_cast<uint32_t>(*major), static_cast<uint32_t>(*minor));
}

Optional<Ref<BlockDevice>> find_root(StringView text) {
  constexpr StringView kUuid = "PARTUUID=", kLabel = "PARTLABEL=", kNode = "/dev/";
  if (text.starts_with(kUuid)) return find_by_uuid(text.substr(kUuid.size()));
  if (text.starts_with(kLabel)) {
    StringView label = text.substr(kLabel.size());
    return find_partition(
        [&](const PartitionEntry& entry) { return StringView(entry.label) == label; });
  }
  if (text.starts_with(kNode)) return BlockRegistry::find(text.substr(kNode.size()));
  return find_by_number(text);
}

void list_devices() {
  log_error("List of all partitions:");
  Result<Vector<Ref<BlockDevice>>> devices = BlockRegistry::all();
  if (!devices.ok()) return;
  for (const Ref<BlockDevice>& device : *devices) {
    const PartitionEntry* partition = device->partition();
    log_error("{:04x} {:10} {} {}", DeviceNumber{device->major(), device->minor()}.encode(),
              device->sectors() / 2, device->name(),
              partition != nullptr ? StringView(partition->uuid) : StringView());
  }
}

[[noreturn]] void give_up(const BlockDevice* device) {
  list_devices();
  panic("VFS: Unable to mount root fs on unknown-block(%u,%u)",
        device != nullptr ? device->major() : 0, device != nullptr ? device->minor() : 0);
}

Ref<BlockDevice> wait_for_root(StringView text) {
  if (std::optional<uint64_t> delay = command_line::number("rootdelay"))
    sched::sleep_until(Deadline::after(*delay * kNanosPerSecond));
  for (bool told = false;;) {
    if (Optional<Ref<BlockDevice>> device = find_root(text)) return device.take();
    if (!command_line::has("rootwait")) break;
    if (!std::exchange(told, true)) log_info("Waiting for root device {}...", text);
    sched::sleep_until(Deadline::after(kLookAgain));
  }
  log_error("VFS: Cannot open root device \"{}\" or unknown-block(0,0): error -{}", text,
            static_cast<int32_t>(Errno::NxIo));
  log_error("Please append a correct \"root=\" boot option; here are the available partitions:");
  give_up(nullptr);
}

// Nothing: the device holds something else.
Optional<Ref<Mount>> try_type(FileSystemType& type, BlockDevice& device, uint32_t flags) {
  Result<Ref<Mount>> mount = vfs::mount_device(
      type, device, kSource, flags, command_line::value("rootflags").value_or(""));
  if (mount.ok()) return std::move(mount).take();
  if (mount.failed_with(Errno::Inval) || mount.failed_with(Errno::Acces)) return {};
  log_error("VFS: Cannot mount root device {} as {}: error -{}", device.name(), type.name,
            static_cast<int32_t>(mount.error()));
  give_up(&device);
}

Optional<Ref<Mount>> try_types(BlockDevice& device, uint32_t flags) {
  std::optional<StringView> wanted = command_line::value("rootfstype");
  for (FileSystemType* type = first_file_system(); type != nullptr; type = type->next) {
    if (!type->needs_device()) continue;
    bool named = !wanted;
    for (StringView rest = wanted.value_or(""); !rest.empty();)
      named |= rest.take_until(',') == type->name;
    if (!named) continue;
    if (Optional<Ref<Mount>> mount = try_type(*type, device, flags)) return mount;
  }
  return {};
}

Ref<Mount> mount_root(BlockDevice& device) {
  // Read-only, unless somebody says otherwise.
  uint32_t flags = kMountRelatime | (command_line::is_last("rw", "ro") ? 0 : kMountReadOnly);
  Optional<Ref<Mount>> mount = try_types(device, flags);
  if (!mount && (flags & kMountReadOnly) == 0) mount = try_types(device, flags | kMountReadOnly);
  if (!mount) give_up(&device);
  return mount.take();
}

Result<> enter(Ref<Mount> mount) {
  Result<> made = vfs::make_directory({}, kPlace, 0700);
  if (!made.ok() && !made.failed_with(Errno::Exist)) return made;
  TRY(MountTree::attach(std::move(mount), TRY(vfs::lookup({}, kPlace))));
  Path root = TRY(vfs::lookup({}, kPlace));
  // A root without /dev does without.
  if (Result<Path> dev = vfs::lookup({.directory = &root}, "dev"); dev.ok())
    ignore(vfs::mount("devtmpfs", *dev, StringView("devtmpfs"), 0, ""));
  TRY(MountTree::move(root, TRY(vfs::lookup({}, "/"))));
  TRY(vfs::change_directory(root));
  return vfs::change_root(root);
}

}  // namespace

void mount_root_device() {
  std::optional<StringView> text = command_line::value("root");
  if (!text || text->empty()) give_up(nullptr);
  Ref<BlockDevice> device = wait_for_root(*text);
  Ref<Mount> mount = mount_root(*device);
  SuperBlock& super_block = mount->super_block();
  log_info("VFS: Mounted root ({} filesystem){} on device {}:{}.", super_block.type_name(),
           super_block.read_only() ? " readonly" : "", device->major(), device->minor());
  if (!enter(std::move(mount)).ok()) give_up(device.get());
}

}  // namespace kernel
