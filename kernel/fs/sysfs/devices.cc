// SPDX-License-Identifier: MIT
// Character devices in sysfs(5):
//
//   devices/virtual/CLASS/NAME/   dev, uevent, subsystem; active for the console
//   class/CLASS/NAME              -> ../../devices/virtual/CLASS/NAME
//   dev/char/MAJOR:MINOR          -> ../../devices/virtual/CLASS/NAME
//
// Devices are registered for good, so their inodes hold plain references. Those behind a bus, which
// Linux shows below that bus, are among the others here: there is no tree of buses.

#include "fs/sysfs/devices.h"

#include "dev/char_device.h"
#include "fs/tty/terminal_file.h"

namespace kernel::sysfs {
namespace {

constexpr StringView kClasses[] = {"graphics", "input", "mem", "misc", "tty", "virtio-ports"};
constexpr DeviceNumber kConsole{5, 1};

enum class Kind : uint64_t { Directory = 1, ClassLink, NumberLink, File };

uint64_t number_of(Kind kind, const CharDeviceBase& device, size_t index = 0) {
  return static_cast<uint64_t>(kind) << 60 | static_cast<uint64_t>(index) << 52 |
         static_cast<uint64_t>(device.major) << 20 | device.minor;
}

// "event0" of "input/event0".
StringView own_name(const CharDeviceBase& device) {
  StringView rest = device.name;
  while (rest.find('/') != StringView::npos) rest.take_until('/');
  return rest;
}

class Link final : public Inode {
 public:
  Link(SuperBlock& super_block, uint64_t number, String target)
      : Inode(super_block, FileType::Symlink, number, 0777), target_(std::move(target)) {
    immutable_contents = true;
  }
  StringView immutable_link() const override { return target_; }
  Result<String> read_link() override { return target_.clone(); }

 private:
  String target_;
};

Result<Ref<Inode>> link_to(SuperBlock& super_block, uint64_t number, StringView prefix,
                           StringView device_class, StringView name = {}) {
  StringSink target;
  format(target, name.empty() ? "{}{}" : "{}{}/{}", prefix, device_class, name);
  return make_link(super_block, number, TRY(target.take()));
}

using Generate = Result<> (*)(FormatSink& sink, CharDeviceBase& device);

class DeviceText final : public AttributeText {
 public:
  DeviceText(SuperBlock& super_block, uint64_t number, Generate text, CharDeviceBase& device)
      : AttributeText(super_block, number), text_(text), device_(device) {}
  Result<> generate(FormatSink& sink) override { return text_(sink, device_); }

 private:
  Generate text_;
  CharDeviceBase& device_;
};

Result<> dev_text(FormatSink& sink, CharDeviceBase& device) {
  return format(sink, "{}:{}\n", device.major, device.minor), Result<>();
}

Result<> uevent_text(FormatSink& sink, CharDeviceBase& device) {
  format(sink, "MAJOR={}\nMINOR={}\nDEVNAME={}\n", device.major, device.minor, device.name);
  if (device.mode != 0600) format(sink, "DEVMODE=0{o}\n", device.mode);
  return {};
}

// The terminals behind /dev/console, the one that is /dev/console last.
Result<> active_text(FormatSink& sink, CharDeviceBase&) {
  return format(sink, "{}\n", tty::console_name()), Result<>();
}

struct DeviceFile {
  StringView name;
  Generate text;  // null: the link to the class
  bool console_only = false;
};
constexpr DeviceFile kFiles[] = {{"dev", dev_text},
                                 {"subsystem", nullptr},
                                 {"uevent", uevent_text},
                                 {"active", active_text, true}};

class DeviceDirectory final : public DynamicDirectory {
 public:
  DeviceDirectory(SuperBlock& super_block, CharDeviceBase& device)
      : DynamicDirectory(super_block, 0755, number_of(Kind::Directory, device)), device_(device) {}

  Result<Ref<Inode>> lookup(StringView name) override {
    for (size_t i = 0; i < std::size(kFiles); ++i) {
      if (kFiles[i].name != name || !has(kFiles[i])) continue;
      uint64_t number = number_of(Kind::File, device_, i);
      if (kFiles[i].text == nullptr)
        return link_to(super_block(), number, "../../../../class/", device_.device_class);
      return TRY(make_ref<DeviceText>(super_block(), number, kFiles[i].text, device_));
    }
    return Errno::NoEnt;
  }

  Result<> read_directory(uint64_t offset, DirectorySink& sink) override {
    for (size_t i = offset - 2; i < std::size(kFiles); ++i) {
      FileType type = kFiles[i].text == nullptr ? FileType::Symlink : FileType::Regular;
      if (has(kFiles[i]) &&
          !sink.entry(kFiles[i].name, number_of(Kind::File, device_, i), type, i + 3))
        break;
    }
    return {};
  }

 private:
  bool has(const DeviceFile& file) const {
    return !file.console_only || DeviceNumber{device_.major, device_.minor} == kConsole;
  }
  CharDeviceBase& device_;
};

// The devices of one class, or of all by number.
class DeviceList final : public DynamicDirectory {
 public:
  DeviceList(SuperBlock& super_block, Kind kind, StringView device_class)
      : DynamicDirectory(super_block, 0755), kind_(kind), class_(device_class) {
    caches_absent_names_ = false;
  }

  Result<Ref<Inode>> lookup(StringView name) override {
    for (CharDeviceBase* device = next_char_device(nullptr); device != nullptr;
         device = next_char_device(device)) {
      char buffer[kNameRoom];
      if (lists(*device) && name_of(*device, buffer) == name) return make(*device);
    }
    return Errno::NoEnt;
  }

  // Cookies count all devices.
  Result<> read_directory(uint64_t offset, DirectorySink& sink) override {
    uint64_t cookie = 2;
    for (CharDeviceBase* device = next_char_device(nullptr); device != nullptr;
         device = next_char_device(device), ++cookie) {
      char buffer[kNameRoom];
      if (cookie < offset || !lists(*device)) continue;
      FileType type = kind_ == Kind::Directory ? FileType::Directory : FileType::Symlink;
      if (!sink.entry(name_of(*device, buffer), number_of(kind_, *device), type, cookie + 1)) break;
    }
    return {};
  }

 private:
  static constexpr size_t kNameRoom = 24;
  bool lists(const CharDeviceBase& device) const {
    return kind_ == Kind::NumberLink || device.device_class == class_;
  }
  StringView name_of(const CharDeviceBase& device, std::span<char, kNameRoom> buffer) const {
    if (kind_ != Kind::NumberLink) return own_name(device);
    BufferSink name(buffer);
    format(name, "{}:{}", device.major, device.minor);
    return name.view();
  }
  Result<Ref<Inode>> make(CharDeviceBase& device) {
    if (kind_ == Kind::Directory) return TRY(make_ref<DeviceDirectory>(super_block(), device));
    return link_to(super_block(), number_of(kind_, device), "../../devices/virtual/",
                   device.device_class, own_name(device));
  }

  Kind kind_;
  StringView class_;
};

}  // namespace

Result<Ref<Inode>> make_link(SuperBlock& super_block, uint64_t number, String target) {
  return Ref<Inode>(TRY(make_ref<Link>(super_block, number, std::move(target))));
}

Result<> add_devices(StaticDirectory& virtual_devices, StaticDirectory& classes,
                     StaticDirectory& dev) {
  SuperBlock& super_block = virtual_devices.super_block();
  for (StringView name : kClasses) {
    TRY(virtual_devices.add(name, TRY(make_ref<DeviceList>(super_block, Kind::Directory, name))));
    TRY(classes.add(name, TRY(make_ref<DeviceList>(super_block, Kind::ClassLink, name))));
  }
  return dev.add("char", TRY(make_ref<DeviceList>(super_block, Kind::NumberLink, StringView())));
}

}  // namespace kernel::sysfs
