// SPDX-License-Identifier: MIT
// See radix_tree.h.

#include "lib/radix_tree.h"

namespace kernel {

namespace {
constexpr unsigned kBits = 6;
constexpr unsigned kSlots = 1u << kBits;
constexpr size_t kPresent = static_cast<size_t>(RadixTree::Mark::Present);
}  // namespace

struct RadixNode {
  RadixNode* parent = nullptr;
  uint64_t marks[RadixTree::kMarks] =
      {};  // bit per slot; above the leaves: somewhere below the slot
  uint8_t shift = 0;
  uint8_t offset = 0;  // slot in the parent
  uint64_t slots[kSlots] = {};

  unsigned slot_of(uint64_t index) const { return static_cast<unsigned>(index >> shift) % kSlots; }
  RadixNode* child(unsigned slot) const { return reinterpret_cast<RadixNode*>(slots[slot]); }
  bool empty() const { return marks[kPresent] == 0; }
  void link(unsigned slot, RadixNode* child) {
    slots[slot] = reinterpret_cast<uint64_t>(child);
    child->parent = this;
    child->offset = static_cast<uint8_t>(slot);
    marks[kPresent] |= uint64_t{1} << slot;
  }
  void clear_slot(unsigned slot) {
    slots[slot] = 0;
    for (uint64_t& bits : marks) bits &= ~(uint64_t{1} << slot);
  }
};

namespace {

RadixNode* node_at(uint64_t word) { return reinterpret_cast<RadixNode*>(word); }

// Clears a mark upwards for as long as nothing below carries it any more.
void clear_mark_up(RadixNode* node, unsigned slot, size_t mark) {
  for (;;) {
    node->marks[mark] &= ~(uint64_t{1} << slot);
    if (node->marks[mark] != 0 || node->parent == nullptr) return;
    slot = node->offset;
    node = node->parent;
  }
}
void set_mark_up(RadixNode* node, unsigned slot, size_t mark) {
  for (; node != nullptr; slot = node->offset, node = node->parent)
    node->marks[mark] |= uint64_t{1} << slot;
}

}  // namespace

RadixSpare::~RadixSpare() {
  while (RadixNode* node = take()) delete node;
}

Result<> RadixSpare::fill() {
  // A path has a node per level, and growing may add as many above the old root.
  while (count_ < 2 * RadixTree::kMaxHeight) {
    RadixNode* node = new (std::nothrow) RadixNode;
    if (node == nullptr) return Errno::NoMem;
    node->parent = nodes_;
    nodes_ = node;
    ++count_;
  }
  return {};
}

RadixNode* RadixSpare::take() {
  RadixNode* node = nodes_;
  if (node == nullptr) return nullptr;
  nodes_ = std::exchange(node->parent, nullptr);
  --count_;
  return node;
}

RadixNode* RadixTree::new_node(RadixSpare* spare) {
  return spare != nullptr ? spare->take() : new (std::nothrow) RadixNode;
}

bool RadixTree::reaches(uint64_t index) const {
  return height_ >= kMaxHeight || index >> (height_ * kBits) == 0;
}

RadixTree::Position RadixTree::locate(uint64_t index) const {
  if (height_ == 0 || !reaches(index)) return {nullptr, 0};
  RadixNode* node = node_at(root_);
  while (node != nullptr && node->shift != 0) node = node->child(node->slot_of(index));
  return {node, node == nullptr ? 0 : node->slot_of(index)};
}

uint64_t RadixTree::find(uint64_t index) const {
  if (height_ == 0) return index == 0 ? root_ : 0;
  auto [node, slot] = locate(index);
  return node == nullptr ? 0 : node->slots[slot];
}

Result<> RadixTree::insert(uint64_t index, uint64_t value, RadixSpare* spare) {
  DCHECK(value != 0);
  Result<> grown = grow_to(index, spare);
  if (!grown.ok()) return grown;
  if (height_ == 0) {
    if (root_ != 0) return Errno::Exist;
    root_ = value;
    root_marks_ = 1u << kPresent;
    return {};
  }
  RadixNode* node = node_at(root_);
  while (node->shift != 0) {
    unsigned slot = node->slot_of(index);
    if (node->slots[slot] == 0) {
      RadixNode* added = new_node(spare);
      if (added == nullptr) {
        if (node->empty()) remove_slot(node, slot);  // takes back what was made for this index
        shrink();
        return Errno::NoMem;
      }
      added->shift = static_cast<uint8_t>(node->shift - kBits);
      node->link(slot, added);
    }
    node = node->child(slot);
  }
  unsigned slot = node->slot_of(index);
  if (node->slots[slot] != 0) return Errno::Exist;
  node->slots[slot] = value;
  node->marks[kPresent] |= uint64_t{1} << slot;
  return {};
}

// Puts nodes on top until the tree reaches the index; an empty one starts with a node at that
// height.
Result<> RadixTree::grow_to(uint64_t index, RadixSpare* spare) {
  while (!reaches(index)) {
    RadixNode* top = new_node(spare);
    if (top == nullptr) {
      shrink();
      return Errno::NoMem;
    }
    if (root_ == 0) {
      while (!reaches(index)) ++height_;
      top->shift = static_cast<uint8_t>((height_ - 1) * kBits);
      root_ = reinterpret_cast<uint64_t>(top);
      return {};
    }
    top->shift = static_cast<uint8_t>(height_ * kBits);
    uint64_t below[kMarks];
    for (size_t mark = 0; mark < kMarks; ++mark)
      below[mark] = height_ == 0 ? root_marks_ >> mark & 1 : node_at(root_)->marks[mark] != 0;
    if (height_ == 0) {
      top->slots[0] = root_;
    } else {
      top->link(0, node_at(root_));
    }
    for (size_t mark = 0; mark < kMarks; ++mark) top->marks[mark] = below[mark];
    root_ = reinterpret_cast<uint64_t>(top);
    ++height_;
  }
  return {};
}

uint64_t RadixTree::replace(uint64_t index, uint64_t value) {
  DCHECK(value != 0 && find(index) != 0);
  if (height_ == 0) return std::exchange(root_, value);
  auto [node, slot] = locate(index);
  return std::exchange(node->slots[slot], value);
}

uint64_t RadixTree::remove(uint64_t index) {
  uint64_t value = find(index);
  if (value == 0) return 0;
  if (height_ == 0) {
    root_ = 0;
    return value;
  }
  auto [node, slot] = locate(index);
  remove_slot(node, slot);
  shrink();
  return value;
}

// Empties the slot and frees the nodes that have nothing left.
void RadixTree::remove_slot(RadixNode* node, unsigned slot) {
  for (size_t mark = 0; mark < kMarks; ++mark) {
    if ((node->marks[mark] >> slot & 1) != 0) clear_mark_up(node, slot, mark);
  }
  node->slots[slot] = 0;
  while (node != nullptr && node->empty()) {
    RadixNode* parent = node->parent;
    if (parent != nullptr) {
      parent->clear_slot(node->offset);
    } else {
      root_ = 0;
      height_ = 0;
    }
    delete node;
    node = parent;
  }
}

// Takes away top nodes that only lead to slot 0.
void RadixTree::shrink() {
  while (height_ > 0 && root_ != 0) {
    RadixNode* top = node_at(root_);
    if (top->marks[kPresent] > 1) return;
    if (height_ == 1) {
      root_marks_ = 0;
      for (size_t mark = 0; mark < kMarks; ++mark)
        root_marks_ = static_cast<uint8_t>(root_marks_ | (top->marks[mark] & 1) << mark);
    }
    root_ = top->slots[0];
    --height_;
    if (height_ > 0 && root_ != 0) node_at(root_)->parent = nullptr;
    delete top;
  }
  if (root_ == 0) height_ = 0;
}

std::optional<RadixTree::Entry> RadixTree::next(uint64_t from, Mark mark) const {
  auto which = static_cast<size_t>(mark);
  if (root_ == 0 || !reaches(from)) return std::nullopt;
  if (height_ == 0) {
    if ((root_marks_ >> which & 1) == 0) return std::nullopt;
    return Entry{0, root_};
  }
  uint64_t index = from;
  const RadixNode* node = node_at(root_);
  for (;;) {
    uint64_t bits = node->marks[which] >> node->slot_of(index);
    if (bits == 0) {
      // Up to the first level that has a slot to the right of the way down.
      unsigned slot = kSlots - 1;
      while (slot == kSlots - 1) {
        if (node->parent == nullptr) return std::nullopt;
        slot = node->offset;
        node = node->parent;
      }
      index = ((index >> node->shift) + 1) << node->shift;
      if (index == 0) return std::nullopt;  // the top node of a full tree has 16 slots only
      continue;
    }
    auto skip = static_cast<uint64_t>(std::countr_zero(bits));
    if (skip != 0) index = ((index >> node->shift) + skip) << node->shift;
    if (node->shift == 0) return Entry{index, node->slots[node->slot_of(index)]};
    node = node->child(node->slot_of(index));
  }
}

void RadixTree::set_mark(uint64_t index, Mark mark) {
  DCHECK(find(index) != 0);
  auto which = static_cast<size_t>(mark);
  if (height_ == 0) {
    root_marks_ = static_cast<uint8_t>(root_marks_ | 1u << which);
    return;
  }
  auto [node, slot] = locate(index);
  set_mark_up(node, slot, which);
}

void RadixTree::clear_mark(uint64_t index, Mark mark) {
  DCHECK(find(index) != 0 && mark != Mark::Present);
  auto which = static_cast<size_t>(mark);
  if (height_ == 0) {
    root_marks_ = static_cast<uint8_t>(root_marks_ & ~(1u << which));
    return;
  }
  auto [node, slot] = locate(index);
  clear_mark_up(node, slot, which);
}

bool RadixTree::has_mark(uint64_t index, Mark mark) const {
  auto which = static_cast<size_t>(mark);
  if (find(index) == 0) return false;
  if (height_ == 0) return (root_marks_ >> which & 1) != 0;
  auto [node, slot] = locate(index);
  return (node->marks[which] >> slot & 1) != 0;
}

}  // namespace kernel
