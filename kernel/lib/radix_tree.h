// SPDX-License-Identifier: MIT
// RadixTree: a sparse map from 64-bit indices to non-zero 64-bit values, such as the pages of a
// file. Neighbouring indices lie together, so that ranges are walked fast. An entry can carry
// marks, by which the walk then finds it. A tree of one entry at index 0 needs no memory. The lock
// is the caller's.
//
//   root, shift 6   [0 . . 3 . ... 63]          each node has 64 slots; a bitmap per mark says in
//   which
//                    |     |                    subtrees to look
//   leaf, shift 0   [0..63][192..255]
#pragma once

#include "lib/check.h"
#include "lib/ref.h"
#include "lib/types.h"

namespace kernel {

struct RadixNode;

// Nodes allocated beforehand, for insertion under a lock that does not let one wait for memory.
class RadixSpare : public Pinned {
 public:
  RadixSpare() = default;
  ~RadixSpare();
  // Makes sure of enough nodes for one insertion anywhere. May wait.
  Result<> fill();

 private:
  friend class RadixTree;
  RadixNode* take();
  RadixNode* nodes_ = nullptr;
  size_t count_ = 0;
};

class RadixTree : public Pinned {
 public:
  enum class Mark : uint8_t { Present, Dirty, Writeback };  // Present: every entry has it
  static constexpr size_t kMarks = 3;
  static constexpr unsigned kMaxHeight = 11;  // of 6 bits each: all 64

  struct Entry {
    uint64_t index;
    uint64_t value;
  };

  constexpr RadixTree() = default;
  // Empty: what the values own is the caller's to drop.
  ~RadixTree() { DCHECK(empty()); }

  bool empty() const { return root_ == 0; }
  // 0: nothing there.
  uint64_t find(uint64_t index) const;
  // Errors: Exist, NoMem. Nodes come from the heap, or, under a lock that does not let one wait,
  // from the spare ones only: on NoMem release the lock, fill them and try again.
  Result<> insert(uint64_t index, uint64_t value, RadixSpare* spare = nullptr);
  // Another value for an entry that exists; its marks stay. Returns the old value.
  uint64_t replace(uint64_t index, uint64_t value);
  // Returns the value, 0 when there was none.
  uint64_t remove(uint64_t index);

  // The first entry at or behind `from` that carries the mark.
  std::optional<Entry> next(uint64_t from, Mark mark = Mark::Present) const;

  // For entries that exist.
  void set_mark(uint64_t index, Mark mark);
  void clear_mark(uint64_t index, Mark mark);
  bool has_mark(uint64_t index, Mark mark) const;

 private:
  struct Position {
    RadixNode* node;  // leaf; null: the entry is the root itself, or there is none
    unsigned slot;
  };
  static RadixNode* new_node(RadixSpare* spare);
  bool reaches(uint64_t index) const;
  Position locate(uint64_t index) const;
  Result<> grow_to(uint64_t index, RadixSpare* spare);
  void remove_slot(RadixNode* node, unsigned slot);
  void shrink();

  uint64_t root_ = 0;  // height 0: the value of index 0; else the top node
  uint8_t height_ = 0;
  uint8_t root_marks_ = 0;  // height 0: bit per mark
};

}  // namespace kernel
