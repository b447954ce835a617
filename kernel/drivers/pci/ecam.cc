// SPDX-License-Identifier: MIT
// PCI host bridges with an Enhanced Configuration Access Mechanism (PCI Express Base 3.0, 7.2.2;
// the device tree's pci-host-ecam-generic and IEEE 1275's PCI binding): finds every function,
// numbers the busses behind bridges, and gives every base address register a place in the windows
// that `ranges` names. What firmware may have set is set anew.

#include "dev/driver.h"
#include "dev/pci.h"
#include "lib/log.h"

namespace kernel {
namespace {

constexpr size_t kFunctionSize = 4 * KiB, kBusSize = 1 * MiB;
constexpr unsigned kDevices = 32, kFunctions = 8;
constexpr uint64_t kBridgeMemoryStep = 1 * MiB, kBridgeIoStep = 4 * KiB;
constexpr uint8_t kMultiFunction = 0x80;

// Of a bridge's header (PCI-to-PCI Bridge Architecture 1.2, 3.2).
constexpr size_t kBusNumbers = 0x18, kIoBase = 0x1c, kIoLimit = 0x1d, kMemoryBase = 0x20,
                 kPrefetchBase = 0x24, kPrefetchBaseHigh = 0x28, kPrefetchLimitHigh = 0x2c,
                 kIoBaseHigh = 0x30;

// A range of bus addresses that is handed out from its start on.
struct Window {
  uint64_t next = 0;
  uint64_t end = 0;
  uint64_t to_cpu = 0;  // added: the CPU's address

  std::optional<uint64_t> take(uint64_t size, uint64_t alignment) {
    uint64_t start = align_up(next, alignment);
    if (start < next || start > end || size > end - start) return {};
    next = start + size;
    return start;
  }
  void align(uint64_t alignment) {
    uint64_t aligned = align_up(next, alignment);
    if (aligned < end) next = aligned;
  }
};

class EcamBridge final : public Device {
 public:
  EcamBridge(DeviceNode node, PhysRange configuration, bool coherent)
      : node_(node), configuration_(configuration), coherent_(coherent) {}
  Result<> read_tree();
  // What was found before an error is there, too.
  Result<> scan() {
    Result<> scanned = scan_bus(first_bus_);
    pci::bind_added();
    return scanned;
  }

 private:
  Result<> read_ranges();
  Result<> scan_bus(uint8_t bus);
  Result<PciFunction*> scan_function(const Mmio& configuration, PciAddress address);
  void assign(PciFunction& function);
  void assign_bar(PciFunction& function, size_t index);
  Window* window_for(uint32_t flags);
  Result<> scan_behind(PciFunction& bridge);
  std::optional<InterruptController::Line> find_line(const PciFunction& function) const;

  DeviceNode node_;
  PhysRange configuration_;
  bool coherent_;
  uint16_t domain_ = 0;
  uint8_t first_bus_ = 0;
  uint8_t last_bus_ = 0xff;
  uint8_t used_bus_ = 0;
  const PciFunction* behind_ = nullptr;  // the bridge whose bus is scanned
  Window io_, memory_, wide_memory_;
};

// --- The device tree ------------------------------------------------------------------

Result<> EcamBridge::read_tree() {
  domain_ = static_cast<uint16_t>(node_.cell("linux,pci-domain").value_or(0));
  first_bus_ = static_cast<uint8_t>(node_.cell("bus-range", 0).value_or(0));
  last_bus_ = static_cast<uint8_t>(node_.cell("bus-range", 1).value_or(0xff));
  if (last_bus_ < first_bus_) return Errno::Inval;
  uint64_t room = configuration_.size() / kBusSize;
  if (room == 0) return Errno::Inval;
  if (last_bus_ - first_bus_ >= static_cast<int64_t>(room))
    last_bus_ = static_cast<uint8_t>(first_bus_ + room - 1);
  used_bus_ = first_bus_;
  return read_ranges();
}

// Each entry: the bus address (kind, then 64 bits), the CPU's, the size.
Result<> EcamBridge::read_ranges() {
  std::optional<DeviceNode> parent = node_.parent();
  size_t parent_cells = parent ? parent->cell("#address-cells").value_or(2) : 2;
  size_t width = 3 + parent_cells + 2;
  if (parent_cells == 0 || parent_cells > 2) return Errno::Inval;
  auto number = [&](size_t at, size_t cells) {
    uint64_t value = 0;
    for (size_t i = 0; i < cells; ++i)
      value = value << 32 | node_.cell("ranges", at + i).value_or(0);
    return value;
  };
  for (size_t at = 0; at + width <= node_.cell_count("ranges"); at += width) {
    uint32_t space = node_.cell("ranges", at).value_or(0) >> 24 & 3;
    Window* windows[] = {nullptr, &io_, &memory_, &wide_memory_};
    Window* window = windows[space];
    if (window == nullptr || window->end != 0) continue;
    window->next = number(at + 1, 2);
    window->to_cpu = number(at + 3, parent_cells) - window->next;
    window->end = window->next + number(at + 3 + parent_cells, 2);
  }
  // Address 0 would mean: nothing.
  if (io_.next == 0) io_.next = kBridgeIoStep;
  return {};
}

// The entry of interrupt-map for a function's pin. Behind a bridge pins are counted on from device
// to device, up to the host bridge.
std::optional<InterruptController::Line> EcamBridge::find_line(const PciFunction& function) const {
  uint32_t pin = function.read<uint8_t>(pci::kInterruptPin);
  if (pin == 0 || pin > 4) return {};
  const PciFunction* top = &function;
  for (; top->bridge != nullptr; top = top->bridge) pin = (pin - 1 + top->address().device) % 4 + 1;
  uint32_t unit = uint32_t{top->address().device} << 11 | uint32_t{top->address().function} << 8;
  uint32_t unit_mask = node_.cell("interrupt-map-mask", 0).value_or(0);
  uint32_t pin_mask = node_.cell("interrupt-map-mask", 3).value_or(7);
  for (size_t at = 0; at + 5 <= node_.cell_count("interrupt-map");) {
    auto cell = [&](size_t index) { return node_.cell("interrupt-map", at + index).value_or(0); };
    std::optional<DeviceNode> parent = device_tree::by_phandle(cell(4));
    if (!parent) return {};
    size_t address_cells = parent->cell("#address-cells").value_or(0);
    size_t interrupt_cells = parent->cell("#interrupt-cells").value_or(0);
    std::array<uint32_t, 8> specifier;
    if (interrupt_cells == 0 || interrupt_cells > specifier.size()) return {};
    if (cell(0) == (unit & unit_mask) && cell(3) == (pin & pin_mask)) {
      for (size_t i = 0; i < interrupt_cells; ++i) specifier[i] = cell(5 + address_cells + i);
      Result<InterruptController::Line> line =
          interrupt_controller().translate(std::span(specifier).first(interrupt_cells));
      if (!line.ok()) return {};
      return *line;
    }
    at += 5 + address_cells + interrupt_cells;
  }
  return {};
}

// --- Busses ---------------------------------------------------------------------------

Result<> EcamBridge::scan_bus(uint8_t bus) {
  PhysAddr start = configuration_.start + (bus - first_bus_) * kBusSize;
  Owned<Mmio> mapped = TRY(make_owned<Mmio>(TRY(Mmio::map(start, kBusSize))));
  Vector<PciFunction*> found;
  for (uint8_t device = 0; device < kDevices; ++device) {
    for (uint8_t function = 0; function < kFunctions; ++function) {
      PciAddress address{domain_, bus, device, function};
      TRY(found.reserve(found.size() + 1));
      PciFunction* present = TRY(scan_function(*mapped, address));
      if (present != nullptr) found.append_reserved(present);
      size_t first = device * kFunctions * kFunctionSize;
      if ((mapped->read<uint8_t>(first + pci::kHeaderType) & kMultiFunction) == 0) break;
      if (function == 0 && present == nullptr) break;
    }
  }
  if (!found.empty()) std::move(mapped).leak();  // its functions refer to it, for good
  // The whole bus first, then what is behind it: the order in which Linux counts.
  for (PciFunction* function : found) {
    if (function->is_bridge()) TRY(scan_behind(*function));
  }
  return {};
}

// Null: nobody is there.
Result<PciFunction*> EcamBridge::scan_function(const Mmio& configuration, PciAddress address) {
  size_t offset = (address.device * kFunctions + address.function) * kFunctionSize;
  uint16_t vendor = configuration.read<uint16_t>(offset + pci::kVendor);
  if (vendor == 0xffff || vendor == 0) return nullptr;
  Owned<PciFunction> function =
      TRY(make_owned<PciFunction>(address, configuration, offset, coherent_));
  function->bridge = behind_;
  assign(*function);
  function->line = find_line(*function);
  if (function->line)
    function->write<uint8_t>(pci::kInterruptLine, static_cast<uint8_t>(function->line->irq));
  PciFunction* found = std::move(function).leak();
  pci::add(*found);
  return found;
}

Result<> EcamBridge::scan_behind(PciFunction& bridge) {
  if (used_bus_ == last_bus_) {
    log_warning("pci: no bus number is left for a bridge");
    return {};
  }
  uint8_t primary = bridge.address().bus;
  uint8_t secondary = ++used_bus_;
  auto number = [&](uint8_t subordinate) {
    bridge.write<uint32_t>(kBusNumbers, static_cast<uint32_t>(primary | secondary << 8 |
                                                              subordinate << 16));
  };
  number(last_bus_);
  // A bridge that knows no addresses of 64 bits passes none.
  bool passes_wide = (bridge.read<uint8_t>(kPrefetchBase) & 15) == 1;
  Window saved;
  if (!passes_wide) saved = std::exchange(wide_memory_, Window{kBridgeMemoryStep, 0, 0});
  io_.align(kBridgeIoStep);
  memory_.align(kBridgeMemoryStep);
  wide_memory_.align(kBridgeMemoryStep);
  uint64_t io = io_.next, memory = memory_.next, wide = wide_memory_.next;
  const PciFunction* outer = std::exchange(behind_, &bridge);
  TRY(scan_bus(secondary));
  behind_ = outer;
  number(used_bus_);
  io_.align(kBridgeIoStep);
  memory_.align(kBridgeMemoryStep);
  wide_memory_.align(kBridgeMemoryStep);
  // Base above limit: the window is closed.
  uint64_t io_last = io_.next - 1, memory_last = memory_.next - 1;
  uint64_t wide_last = wide_memory_.next - 1;
  bridge.write<uint8_t>(kIoBase, static_cast<uint8_t>(io >> 8 & 0xf0));
  bridge.write<uint8_t>(kIoLimit, static_cast<uint8_t>(io_last >> 8 & 0xf0));
  bridge.write<uint32_t>(kIoBaseHigh, static_cast<uint32_t>(io >> 16 | (io_last & ~0xffffu)));
  bridge.write<uint32_t>(kMemoryBase, static_cast<uint32_t>((memory >> 16 & 0xfff0) |
                                                            (memory_last & 0xfff0'0000)));
  bridge.write<uint32_t>(kPrefetchBase, static_cast<uint32_t>((wide >> 16 & 0xfff0) |
                                                              (wide_last & 0xfff0'0000)));
  bridge.write<uint32_t>(kPrefetchBaseHigh, static_cast<uint32_t>(wide >> 32));
  bridge.write<uint32_t>(kPrefetchLimitHigh, static_cast<uint32_t>(wide_last >> 32));
  if (!passes_wide) wide_memory_ = saved;
  bridge.enable(pci::kCommandIo | pci::kCommandMemory | pci::kCommandMaster);
  return {};
}

// --- Base address registers --------------------------------------------------------------

Window* EcamBridge::window_for(uint32_t flags) {
  if ((flags & 1) != 0) return &io_;
  constexpr uint32_t kWidePrefetchable = 4 | 8;
  bool wide = (flags & kWidePrefetchable) == kWidePrefetchable && wide_memory_.end != 0;
  return wide ? &wide_memory_ : &memory_;
}

void EcamBridge::assign(PciFunction& function) {
  // Off while the registers are written all ones.
  uint16_t off = pci::kCommandIo | pci::kCommandMemory;
  function.write<uint16_t>(
      pci::kCommand, static_cast<uint16_t>(function.read<uint16_t>(pci::kCommand) & ~off));
  size_t count = function.is_bridge() ? 2 : pci::kBars;
  for (size_t i = 0; i < count; ++i) {
    assign_bar(function, i);
    if ((function.bars[i].flags & 5) == 4) ++i;  // the next register is its upper half
  }
  uint16_t on = 0;
  for (const PciFunction::Resource& bar : function.bars) {
    if (bar.size != 0) on |= bar.is_io() ? pci::kCommandIo : pci::kCommandMemory;
  }
  if (on != 0) function.enable(on);
}

void EcamBridge::assign_bar(PciFunction& function, size_t index) {
  size_t at = pci::kBar0 + 4 * index;
  function.write<uint32_t>(at, ~0u);
  uint32_t low = function.read<uint32_t>(at);
  if (low == 0 || low == ~0u) return function.write<uint32_t>(at, 0);
  uint32_t flags = low & ((low & 1) != 0 ? 3 : 15);
  bool wide = (flags & 5) == 4;
  uint64_t mask = (low & ~uint64_t{flags}) | uint64_t{0xffff'ffff} << 32;
  if ((flags & 1) != 0) mask |= 0xffff'0000;  // the upper half need not be there
  if (wide) {
    function.write<uint32_t>(at + 4, ~0u);
    mask = (mask & 0xffff'ffff) | uint64_t{function.read<uint32_t>(at + 4)} << 32;
  }
  uint64_t size = ~mask + 1;
  // A place in a page of its own: nobody else is behind a mapping of it.
  Window* window = window_for(flags);
  bool io = (flags & 1) != 0;
  uint64_t alignment = io || size > kPageSize ? size : kPageSize;
  std::optional<uint64_t> start =
      std::has_single_bit(size) ? window->take(size, alignment) : std::nullopt;
  if (!start) {
    const PciAddress& where = function.address();
    log_warning("pci: {:04x}:{:02x}:{:02x}.{}: no place for {} bytes of register {}", where.domain,
                where.bus, where.device, where.function, size, index);
    start = 0;
  } else {
    function.bars[index] = {PhysAddr{*start + window->to_cpu}, *start, size, flags};
  }
  function.bars[index].flags = flags;
  function.write<uint32_t>(at, static_cast<uint32_t>(*start));
  if (wide) function.write<uint32_t>(at + 4, static_cast<uint32_t>(*start >> 32));
}

Result<Owned<Device>> probe(DeviceNode node, const Resources& resources) {
  std::optional<PhysRange> configuration = node.reg(0);
  if (!configuration) return Errno::NoDev;
  Owned<EcamBridge> bridge =
      TRY(make_owned<EcamBridge>(node, *configuration, resources.dma_coherent()));
  TRY(bridge->read_tree());
  TRY(bridge->scan());
  return Owned<Device>(std::move(bridge));
}

DRIVER(pci_host_ecam, Stage::Bus, probe, "pci-host-ecam-generic");

}  // namespace
}  // namespace kernel
