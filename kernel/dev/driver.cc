// SPDX-License-Identifier: MIT
// The walk that binds drivers to nodes; see driver.h.

#include "dev/driver.h"

#include "lib/log.h"
#include "lib/vector.h"

extern "C" {
extern const kernel::DriverRecord _drivers_start[];
extern const kernel::DriverRecord _drivers_end[];
}

namespace kernel {

Result<Mmio> Resources::mmio(size_t index) const {
  std::optional<PhysRange> range = node_.reg(index);
  if (!range || range->empty()) return Errno::NoDev;
  return Mmio::map(range->start, range->size());
}

Result<InterruptController::Line> Resources::interrupt(size_t index) const {
  std::optional<DeviceNode> controller = node_.interrupt_parent();
  if (!controller) return Errno::NoDev;
  size_t width = controller->cell("#interrupt-cells").value_or(0);
  std::array<uint32_t, 8> specifier;
  if (width == 0 || width > specifier.size()) return Errno::Inval;
  for (size_t i = 0; i < width; ++i) {
    std::optional<uint32_t> cell = node_.cell("interrupts", index * width + i);
    if (!cell) return Errno::NoDev;
    specifier[i] = *cell;
  }
  return interrupt_controller().translate(std::span(specifier).first(width));
}

Result<InterruptController::Line> Resources::interrupt(StringView name) const {
  for (size_t index = 0;; ++index) {
    std::optional<StringView> item = node_.string("interrupt-names", index);
    if (!item) return Errno::NoDev;
    if (*item == name) return interrupt(index);
  }
}

namespace drivers {
namespace {

// The offsets of nodes that have a driver, and the devices, which stay for good.
constinit Vector<int>* taken = nullptr;

bool is_taken(DeviceNode node) {
  for (int offset : *taken) {
    if (offset == node.offset()) return true;
  }
  return false;
}

bool supports(const DriverRecord& driver, StringView compatible) {
  for (const char* const* item = driver.compatible; *item != nullptr; ++item) {
    if (compatible == *item) return true;
  }
  return false;
}

// The driver of this stage for the most specific of the node's compatible strings.
const DriverRecord* match(DeviceNode node, std::optional<Stage> stage) {
  for (size_t index = 0;; ++index) {
    std::optional<StringView> compatible = node.string("compatible", index);
    if (!compatible) return nullptr;
    for (const DriverRecord* driver = _drivers_start; driver != _drivers_end; ++driver) {
      if (stage && driver->stage != *stage) continue;
      if (supports(*driver, *compatible)) return driver;
    }
  }
}

void bind(DeviceNode node, const DriverRecord& driver) {
  Result<Owned<Device>> device = driver.probe(node, Resources(node));
  if (!device.ok()) {
    // Nodev: the node is a place where nothing is plugged in (virtio-mmio slots).
    if (!device.failed_with(Errno::NoDev))
      log_warning("{}: {} failed with error {}", node.name(), driver.name, device.error());
    return;
  }
  std::move(device).take().leak();  // devices of the tree are never unplugged
}

}  // namespace

void probe(Stage stage) {
  static constinit Vector<int> nodes;
  taken = &nodes;
  for (std::optional<DeviceNode> node = device_tree::root(); node; node = device_tree::next(*node)) {
    if (!node->is_enabled() || !node->has("compatible") || is_taken(*node)) continue;
    const DriverRecord* driver = match(*node, stage);
    if (driver == nullptr) continue;
    // Without memory for the note the node is at worst listed as unmatched, or probed once more.
    ignore(nodes.append(node->offset()));
    bind(*node, *driver);
  }
}

void list_unmatched() {
  for (std::optional<DeviceNode> node = device_tree::root(); node; node = device_tree::next(*node)) {
    if (!node->is_enabled() || node->offset() == 0 || match(*node, std::nullopt) != nullptr) continue;
    if (std::optional<StringView> compatible = node->string("compatible"))
      log(LogLevel::Debug, "no driver for {} ({})", node->name(), *compatible);
  }
}

}  // namespace drivers
}  // namespace kernel
