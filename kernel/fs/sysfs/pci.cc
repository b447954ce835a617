// SPDX-License-Identifier: MIT
// PCI functions in sysfs(5), as far as lspci(8) and libpci look:
//
//   devices/pci0000:00/0000:00:01.0/   config, resource, irq, class, vendor, device, …
//   bus/pci/devices/0000:00:01.0       -> ../../../devices/pci0000:00/0000:00:01.0
//
// Functions behind bridges are beside the others here; their address says where they are.

#include "fs/sysfs/pci.h"

#include "dev/pci.h"
#include "fs/vfs/identity.h"

namespace kernel::sysfs {
namespace {

enum class Kind : uint64_t { Directory = 14, File = 15 };

uint64_t number_of(Kind kind, const PciFunction& function, size_t index = 0) {
  const PciAddress& at = function.address();
  return static_cast<uint64_t>(kind) << 60 | static_cast<uint64_t>(index) << 40 |
         uint64_t{at.domain} << 16 | uint64_t{at.bus} << 8 | uint64_t{at.device} << 3 | at.function;
}

void format_address(FormatSink& sink, const PciAddress& at) {
  format(sink, "{:04x}:{:02x}:{:02x}.{}", at.domain, at.bus, at.device, at.function);
}

// What user space may know without being root ends before the capabilities.
void config_bytes(FormatSink& sink, const PciFunction& function) {
  constexpr size_t kPublic = 64;
  size_t size = vfs::acting_has(Capability::SysAdmin) ? pci::kConfigSize : kPublic;
  for (size_t at = 0; at < size; at += 4) {
    auto word = function.read<uint32_t>(at);
    char bytes[4];
    __builtin_memcpy(bytes, &word, sizeof bytes);
    sink.write({bytes, sizeof bytes});
  }
}

// IORESOURCE_* of linux/ioport.h.
uint32_t resource_flags(const PciFunction::Resource& bar) {
  constexpr uint32_t kIo = 0x100, kMemory = 0x200, kPrefetch = 0x2000, kSizeAlign = 0x40000,
                     kWide = 0x100000;
  uint32_t flags = kSizeAlign | bar.flags | (bar.is_io() ? kIo : kMemory);
  if (!bar.is_io() && (bar.flags & 8) != 0) flags |= kPrefetch;
  if (!bar.is_io() && (bar.flags & 4) != 0) flags |= kWide;
  return flags;
}

// Registers, the ROM, and what only bridges have.
void resource_text(FormatSink& sink, const PciFunction& function) {
  constexpr size_t kOthers = 7;
  for (const PciFunction::Resource& bar : function.bars) {
    bool there = bar.size != 0;
    format(sink, "0x{:016x} 0x{:016x} 0x{:016x}\n", there ? bar.shown() : 0,
           there ? bar.shown() + bar.size - 1 : 0, there ? resource_flags(bar) : 0);
  }
  for (size_t i = 0; i < kOthers; ++i) format(sink, "0x{:016x} 0x{:016x} 0x{:016x}\n", 0, 0, 0);
}

void uevent_text(FormatSink& sink, const PciFunction& function) {
  if (function.driver != nullptr) format(sink, "DRIVER={}\n", function.driver);
  format(sink, "PCI_CLASS={:x}\nPCI_ID={:04x}:{:04x}\nPCI_SLOT_NAME=", function.class_code(),
         function.vendor(), function.device());
  format_address(sink, function.address());
  sink.write("\n");
}

template <size_t offset>
void word_text(FormatSink& sink, const PciFunction& function) {
  format(sink, "0x{:04x}\n", function.read<uint16_t>(offset));
}

struct Attribute {
  StringView name;
  void (*text)(FormatSink& sink, const PciFunction& function);
};
constexpr Attribute kAttributes[] = {
    {"class",
     [](FormatSink& sink, const PciFunction& function) {
       format(sink, "0x{:06x}\n", function.class_code());
     }},
    {"config", config_bytes},
    {"device", word_text<pci::kDevice>},
    {"irq",
     [](FormatSink& sink, const PciFunction& function) {
       format(sink, "{}\n", function.line ? function.line->irq : 0);
     }},
    {"resource", resource_text},
    {"revision",
     [](FormatSink& sink, const PciFunction& function) {
       format(sink, "0x{:02x}\n", function.read<uint8_t>(pci::kRevision));
     }},
    {"subsystem_device", word_text<pci::kSubsystem>},
    {"subsystem_vendor", word_text<pci::kSubsystemVendor>},
    {"uevent", uevent_text},
    {"vendor", word_text<pci::kVendor>},
};

class FunctionText final : public AttributeText {
 public:
  FunctionText(SuperBlock& super_block, size_t index, const PciFunction& function)
      : AttributeText(super_block, number_of(Kind::File, function, index)),
        text_(kAttributes[index].text),
        function_(function) {}
  Result<> generate(FormatSink& sink) override { return text_(sink, function_), Result<>(); }

 private:
  void (*text_)(FormatSink& sink, const PciFunction& function);
  const PciFunction& function_;
};

class FunctionDirectory final : public DynamicDirectory {
 public:
  FunctionDirectory(SuperBlock& super_block, const PciFunction& function)
      : DynamicDirectory(super_block, 0755, number_of(Kind::Directory, function)),
        function_(function) {}

  Result<Ref<Inode>> lookup(StringView name) override {
    for (size_t i = 0; i < std::size(kAttributes); ++i) {
      if (kAttributes[i].name == name)
        return Ref<Inode>(TRY(make_ref<FunctionText>(super_block(), i, function_)));
    }
    if (name != "subsystem") return Errno::NoEnt;
    return make_link(super_block(), number_of(Kind::File, function_, std::size(kAttributes)),
                     TRY(String::create("../../../bus/pci")));
  }

  Result<> read_directory(uint64_t offset, DirectorySink& sink) override {
    for (size_t i = offset - 2; i <= std::size(kAttributes); ++i) {
      bool link = i == std::size(kAttributes);
      if (!sink.entry(link ? "subsystem" : kAttributes[i].name,
                      number_of(Kind::File, function_, i),
                      link ? FileType::Symlink : FileType::Regular, i + 3))
        break;
    }
    return {};
  }

 private:
  const PciFunction& function_;
};

// All functions: their directories, or the links to these.
class FunctionList final : public DynamicDirectory {
 public:
  FunctionList(SuperBlock& super_block, bool links)
      : DynamicDirectory(super_block, 0755), links_(links) {}

  Result<Ref<Inode>> lookup(StringView name) override {
    for (PciFunction* function = pci::next(nullptr); function != nullptr;
         function = pci::next(function)) {
      StringSink address;
      format_address(address, function->address());
      if (TRY(address.take()) != name) continue;
      if (!links_) return Ref<Inode>(TRY(make_ref<FunctionDirectory>(super_block(), *function)));
      return make_link(super_block(), number_of(Kind::File, *function, 0xff),
                       TRY(format_string("../../../devices/pci0000:00/{}", name)));
    }
    return Errno::NoEnt;
  }

  Result<> read_directory(uint64_t offset, DirectorySink& sink) override {
    uint64_t cookie = 2;
    for (PciFunction* function = pci::next(nullptr); function != nullptr;
         function = pci::next(function), ++cookie) {
      if (cookie < offset) continue;
      StringSink address;
      format_address(address, function->address());
      String name = TRY(address.take());
      if (!sink.entry(name, number_of(Kind::Directory, *function),
                      links_ ? FileType::Symlink : FileType::Directory, cookie + 1))
        break;
    }
    return {};
  }

 private:
  bool links_;
};

}  // namespace

Result<> add_pci_devices(StaticDirectory& devices, StaticDirectory& bus) {
  if (pci::next(nullptr) == nullptr) return {};
  SuperBlock& super_block = devices.super_block();
  TRY(devices.add("pci0000:00", TRY(make_ref<FunctionList>(super_block, false))));
  Ref<StaticDirectory> pci_bus = TRY(make_ref<StaticDirectory>(super_block));
  TRY(pci_bus->add("devices", TRY(make_ref<FunctionList>(super_block, true))));
  return bus.add("pci", std::move(pci_bus));
}

}  // namespace kernel::sysfs
