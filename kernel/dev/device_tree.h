// SPDX-License-Identifier: MIT
// The flattened device tree (Devicetree Specification 0.4, chapter 5) as the kernel reads it: a
// thin typed layer over libfdt. The blob is mapped and checked once at boot and stays. Read-only,
// any context.
#pragma once

#include <optional>

#include "lib/result.h"
#include "lib/string_view.h"
#include "lib/types.h"

namespace kernel {

class DeviceTree;

class DeviceNode {
 public:
  StringView name() const;                              // "pl011@9000000"
  std::optional<StringView> string(StringView property) const;
  // The n-th string of a list (compatible, reg-names…).
  std::optional<StringView> string(StringView property, size_t index) const;
  std::optional<uint32_t> cell(StringView property, size_t index = 0) const;
  size_t cell_count(StringView property) const;         // 0 when absent
  // One- or two-cell number.
  std::optional<uint64_t> number(StringView property) const;
  bool has(StringView property) const;
  bool is_compatible(StringView compatible) const;
  bool is_enabled() const;                              // status absent, "okay" or "ok"

  // The n-th entry of `reg`, translated through the ranges of every parent bus.
  std::optional<PhysRange> reg(size_t index) const;
  size_t reg_count() const;
  // `dma-coherent` here or on a parent.
  bool is_dma_coherent() const;

  std::optional<DeviceNode> parent() const;
  std::optional<DeviceNode> first_child() const;
  std::optional<DeviceNode> next_sibling() const;
  std::optional<DeviceNode> child(StringView name) const;  // the unit address may be left out

  // The node that interrupts of this one go to (interrupt-parent, inherited).
  std::optional<DeviceNode> interrupt_parent() const;

  int offset() const { return offset_; }
  friend bool operator==(DeviceNode a, DeviceNode b) { return a.offset_ == b.offset_; }

 private:
  friend class DeviceTree;
  explicit DeviceNode(int offset) : offset_(offset) {}
  int offset_;  // of the node in the blob
};

namespace device_tree {

// Boot: `blob` is readable at this address for good. Error: Inval when it is malformed.
Result<> init(const void* blob);
bool is_present();
const void* blob();

DeviceNode root();
std::optional<DeviceNode> find(StringView path);           // aliases are followed
std::optional<DeviceNode> by_phandle(uint32_t phandle);
// Every node in document order, parents first: next(root()) and on.
std::optional<DeviceNode> next(DeviceNode node);
std::optional<DeviceNode> next_compatible(std::optional<DeviceNode> after, StringView compatible);
// The node that /chosen/stdout-path names, without its options.
std::optional<DeviceNode> stdout_node();
StringView boot_arguments();

}  // namespace device_tree
}  // namespace kernel
