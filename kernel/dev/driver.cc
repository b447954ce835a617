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

bool supports(const DriverRecord& driver, StringView compatible) {
  for (const char* const* item = driver.compatible; *item != nullptr; ++item) {
    if (compatible == *item) return true;
  }
  return false;
}

// The driver for the most specific of the node's compatible strings.
const DriverRecord* match(DeviceNode node) {
  for (size_t index = 0;; ++index) {
    std::optional<StringView> compatible = node.string("compatible", index);
    if (!compatible) return nullptr;
    for (const DriverRecord* driver = _drivers_start; driver != _drivers_end; ++driver) {
      if (supports(*driver, *compatible)) return driver;
    }
  }
}

// Every enabled node that says what it is, matched once, in document order.
struct Candidate {
  DeviceNode node;
  const DriverRecord* driver;  // null: nobody's
};
constinit Vector<Candidate> candidates;

// Without memory for all of them the last nodes stay without a driver, and the log says so.
void find_candidates() {
  for (std::optional<DeviceNode> node = device_tree::root(); node;
       node = device_tree::next(*node)) {
    if (node->offset() == 0 || !node->has("compatible") || !node->is_enabled()) continue;
    if (!candidates.append({*node, match(*node)}).ok())
      return log_error("drivers: no memory for {}", node->name());
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
  if (candidates.empty()) find_candidates();
  for (const Candidate& candidate : candidates) {
    if (candidate.driver != nullptr && candidate.driver->stage == stage)
      bind(candidate.node, *candidate.driver);
  }
}

void list_unmatched() {
  for (const Candidate& candidate : candidates) {
    if (candidate.driver == nullptr)
      log(LogLevel::Debug, "no driver for {} ({})", candidate.node.name(),
          candidate.node.string("compatible").value_or(""));
  }
}

}  // namespace drivers
}  // namespace kernel
