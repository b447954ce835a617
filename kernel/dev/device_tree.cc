// SPDX-License-Identifier: MIT
// See device_tree.h. All offsets and lengths of the blob are checked by libfdt.

#include "dev/device_tree.h"

#include "lib/check.h"

extern "C" {
#include <libfdt.h>
}

namespace kernel {
namespace {

constinit const void* the_blob = nullptr;

// The tree's shape, found in one walk: libfdt looks for a parent from the blob's start each time.
// Nodes of a tree that is larger than any known one are looked up that slow way.
struct IndexEntry {
  int offset;
  int parent;
  uint32_t phandle;
};
constexpr size_t kMaxIndexed = 1024;
constexpr int kMaxDepth = 32;
constinit IndexEntry node_index[kMaxIndexed] = {};
constinit size_t indexed = 0;  // 0: no index

void build_index() {
  int parents[kMaxDepth] = {-1};
  int depth = 0;
  size_t count = 0;
  for (int offset = 0; offset >= 0 && depth >= 0;
       offset = fdt_next_node(the_blob, offset, &depth)) {
    if (count == kMaxIndexed || depth + 1 >= kMaxDepth) return;
    node_index[count++] = {offset, parents[depth], fdt_get_phandle(the_blob, offset)};
    parents[depth + 1] = offset;
  }
  indexed = count;
}

// The entry of a node; null without an index.
const IndexEntry* entry_of(int offset) {
  size_t low = 0, high = indexed;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (node_index[middle].offset == offset) return &node_index[middle];
    if (node_index[middle].offset < offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return nullptr;
}

int parent_offset(int offset) {
  const IndexEntry* entry = entry_of(offset);
  return entry != nullptr ? entry->parent : fdt_parent_offset(the_blob, offset);
}

int next_offset(int offset) {
  const IndexEntry* entry = entry_of(offset);
  if (entry == nullptr) return fdt_next_node(the_blob, offset, nullptr);
  return entry + 1 < node_index + indexed ? entry[1].offset : -1;
}

// The first node from `entry` on that has this parent; nodes between are descendants of its elder.
int first_with_parent(const IndexEntry* entry, int parent) {
  for (; entry < node_index + indexed && entry->parent >= parent; ++entry) {
    if (entry->parent == parent) return entry->offset;
  }
  return -1;
}

int first_child_offset(int offset) {
  const IndexEntry* entry = entry_of(offset);
  return entry != nullptr ? first_with_parent(entry + 1, offset)
                          : fdt_first_subnode(the_blob, offset);
}

int next_sibling_offset(int offset) {
  const IndexEntry* entry = entry_of(offset);
  return entry != nullptr ? first_with_parent(entry + 1, entry->parent)
                          : fdt_next_subnode(the_blob, offset);
}

int phandle_offset(uint32_t phandle) {
  if (indexed == 0) return fdt_node_offset_by_phandle(the_blob, phandle);
  for (size_t i = 0; i < indexed; ++i) {
    if (node_index[i].phandle == phandle) return node_index[i].offset;
  }
  return -1;
}

struct Cells {
  const fdt32_t* data = nullptr;
  size_t count = 0;

  // The number in `width` cells from `at`; wide addresses (PCI's three cells) keep the low two.
  uint64_t take(size_t at, size_t width) const {
    uint64_t value = 0;
    for (size_t i = 0; i < width; ++i) value = value << 32 | fdt32_to_cpu(data[at + i]);
    return value;
  }
};

std::optional<Cells> cells_of(int offset, StringView property) {
  int size = 0;
  const void* data = fdt_getprop_namelen(the_blob, offset, property.data(),
                                         static_cast<int>(property.size()), &size);
  if (data == nullptr || size < 0) return std::nullopt;
  return Cells{static_cast<const fdt32_t*>(data), static_cast<size_t>(size) / 4};
}

std::optional<StringView> text_of(int offset, StringView property) {
  int size = 0;
  const void* data = fdt_getprop_namelen(the_blob, offset, property.data(),
                                         static_cast<int>(property.size()), &size);
  if (data == nullptr || size <= 0) return std::nullopt;
  return StringView(static_cast<const char*>(data), static_cast<size_t>(size));
}

// libfdt answers a negative error for nonsense: no cells then.
size_t cell_width(int cells) { return cells < 0 ? 0 : static_cast<size_t>(cells); }
size_t address_cells(int offset) { return cell_width(fdt_address_cells(the_blob, offset)); }
size_t size_cells(int offset) { return cell_width(fdt_size_cells(the_blob, offset)); }

// One step up: an address on `bus` as its parent sees it. Nothing when the bus does not pass it on.
std::optional<uint64_t> translate(int bus, int parent, uint64_t address) {
  std::optional<Cells> ranges = cells_of(bus, "ranges");
  if (!ranges) return std::nullopt;
  if (ranges->count == 0) return address;
  size_t child = address_cells(bus), above = address_cells(parent), size = size_cells(bus);
  size_t step = child + above + size;
  for (size_t at = 0; step > 0 && at + step <= ranges->count; at += step) {
    uint64_t start = ranges->take(at, child);
    uint64_t length = ranges->take(at + child + above, size);
    if (address >= start && address - start < length)
      return ranges->take(at + child, above) + (address - start);
  }
  return std::nullopt;
}

std::optional<DeviceNode> no_node() { return std::nullopt; }

}  // namespace

StringView DeviceNode::name() const {
  int size = 0;
  const char* name = fdt_get_name(the_blob, offset_, &size);
  return name == nullptr ? StringView() : StringView(name, static_cast<size_t>(size));
}

std::optional<StringView> DeviceNode::string(StringView property) const {
  return string(property, 0);
}

std::optional<StringView> DeviceNode::string(StringView property, size_t index) const {
  std::optional<StringView> list = text_of(offset_, property);
  if (!list) return std::nullopt;
  for (; !list->empty(); --index) {
    StringView item = list->take_until('\0');
    if (index == 0) return item;
  }
  return std::nullopt;
}

std::optional<uint32_t> DeviceNode::cell(StringView property, size_t index) const {
  std::optional<Cells> cells = cells_of(offset_, property);
  if (!cells || index >= cells->count) return std::nullopt;
  return fdt32_to_cpu(cells->data[index]);
}

size_t DeviceNode::cell_count(StringView property) const {
  std::optional<Cells> cells = cells_of(offset_, property);
  return cells ? cells->count : 0;
}

std::optional<uint64_t> DeviceNode::number(StringView property) const {
  std::optional<Cells> cells = cells_of(offset_, property);
  if (!cells || cells->count < 1 || cells->count > 2) return std::nullopt;
  return cells->take(0, cells->count);
}

bool DeviceNode::has(StringView property) const { return cells_of(offset_, property).has_value(); }

bool DeviceNode::is_compatible(StringView compatible) const {
  for (size_t index = 0;; ++index) {
    std::optional<StringView> item = string("compatible", index);
    if (!item) return false;
    if (*item == compatible) return true;
  }
}

bool DeviceNode::is_enabled() const {
  std::optional<StringView> status = string("status");
  return !status || *status == "okay" || *status == "ok";
}

size_t DeviceNode::reg_count() const {
  std::optional<DeviceNode> bus = parent();
  if (!bus) return 0;
  size_t step = address_cells(bus->offset_) + size_cells(bus->offset_);
  return step == 0 ? 0 : cell_count("reg") / step;
}

std::optional<PhysRange> DeviceNode::reg(size_t index) const {
  std::optional<DeviceNode> bus = parent();
  std::optional<Cells> cells = cells_of(offset_, "reg");
  if (!bus || !cells) return std::nullopt;
  size_t addresses = address_cells(bus->offset_), sizes = size_cells(bus->offset_);
  size_t at = index * (addresses + sizes);
  if (addresses == 0 || at + addresses + sizes > cells->count) return std::nullopt;
  uint64_t start = cells->take(at, addresses);
  uint64_t size = cells->take(at + addresses, sizes);
  while (std::optional<DeviceNode> above = bus->parent()) {
    std::optional<uint64_t> translated = translate(bus->offset_, above->offset_, start);
    if (!translated) return std::nullopt;
    start = *translated;
    bus = above;
  }
  if (start + size < start) return std::nullopt;
  return PhysRange{PhysAddr{start}, PhysAddr{start + size}};
}

bool DeviceNode::is_dma_coherent() const {
  for (std::optional<DeviceNode> node = *this; node; node = node->parent()) {
    if (node->has("dma-coherent")) return true;
    if (node->has("dma-noncoherent")) return false;
  }
  return false;
}

std::optional<DeviceNode> DeviceNode::parent() const {
  int offset = parent_offset(offset_);
  return offset < 0 ? no_node() : DeviceNode(offset);
}
std::optional<DeviceNode> DeviceNode::first_child() const {
  int offset = first_child_offset(offset_);
  return offset < 0 ? no_node() : DeviceNode(offset);
}
std::optional<DeviceNode> DeviceNode::next_sibling() const {
  int offset = next_sibling_offset(offset_);
  return offset < 0 ? no_node() : DeviceNode(offset);
}
std::optional<DeviceNode> DeviceNode::child(StringView name) const {
  int offset =
      fdt_subnode_offset_namelen(the_blob, offset_, name.data(), static_cast<int>(name.size()));
  return offset < 0 ? no_node() : DeviceNode(offset);
}

std::optional<DeviceNode> DeviceNode::interrupt_parent() const {
  for (std::optional<DeviceNode> node = *this; node; node = node->parent()) {
    if (std::optional<uint32_t> phandle = node->cell("interrupt-parent")) {
      return device_tree::by_phandle(*phandle);
    }
  }
  return std::nullopt;
}

namespace device_tree {

Result<> init(const void* blob) {
  if (fdt_check_header(blob) != 0) return Errno::Inval;
  the_blob = blob;
  build_index();
  return {};
}

bool is_present() { return the_blob != nullptr; }
const void* blob() { return the_blob; }

}  // namespace device_tree

// Makes nodes from offsets for the functions of the namespace.
class DeviceTree {
 public:
  static std::optional<DeviceNode> node(int offset) {
    return offset < 0 ? no_node() : DeviceNode(offset);
  }
  static DeviceNode root() { return DeviceNode(0); }
};

namespace device_tree {

DeviceNode root() {
  DCHECK(is_present());
  return DeviceTree::root();
}

std::optional<DeviceNode> find(StringView path) {
  if (!is_present()) return std::nullopt;
  return DeviceTree::node(
      fdt_path_offset_namelen(the_blob, path.data(), static_cast<int>(path.size())));
}

std::optional<DeviceNode> by_phandle(uint32_t phandle) {
  return DeviceTree::node(phandle_offset(phandle));
}

std::optional<DeviceNode> next(DeviceNode node) {
  return DeviceTree::node(next_offset(node.offset()));
}

std::optional<DeviceNode> next_compatible(std::optional<DeviceNode> after, StringView compatible) {
  for (std::optional<DeviceNode> node = after ? next(*after) : root(); node; node = next(*node)) {
    if (node->is_compatible(compatible)) return node;
  }
  return std::nullopt;
}

std::optional<DeviceNode> stdout_node() {
  std::optional<DeviceNode> chosen = find("/chosen");
  if (!chosen) return std::nullopt;
  std::optional<StringView> path = chosen->string("stdout-path");
  if (!path) return std::nullopt;
  return find(path->substr(0, path->find(':')));
}

StringView boot_arguments() {
  std::optional<DeviceNode> chosen = find("/chosen");
  if (!chosen) return {};
  return chosen->string("bootargs").value_or(StringView());
}

}  // namespace device_tree
}  // namespace kernel
