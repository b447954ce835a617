// SPDX-License-Identifier: MIT
// Block contents on their way to the disk: copies, so that whoever changes a buffer meanwhile
// waits for no I/O. All memory is there from the start: a commit cannot fail for lack of it.
#pragma once

#include <optional>

#include "dev/block_device.h"

namespace kernel::jbd2 {

class WriteBatch : public Pinned {
 public:
  static constexpr size_t kSlots = 32;

  WriteBatch() = default;
  ~WriteBatch();
  Result<> prepare(uint32_t block_size);  // once, first

  bool empty() const { return count_ == 0; }
  bool full() const { return count_ == kSlots; }
  size_t room() const { return kSlots - count_; }
  bool contains(uint64_t block) const;
  // Memory for the contents of this block of the device, to be filled before submit().
  uint8_t* add(uint64_t block);

  // Memory for one block that is written by itself, while the batch is empty.
  std::span<uint8_t> scratch();

  // Hands everything over to the device, neighbours together, and returns.
  void submit(BlockDevice& device);
  // Until it is done; then the batch is empty again. The first error.
  Result<> wait();

 private:
  struct Slot {
    uint64_t block;
    PhysAddr address;
  };
  void sort();

  uint32_t block_size_ = 0;
  size_t count_ = 0;
  size_t requests_in_flight_ = 0;
  size_t frame_count_ = 0;
  PhysAddr frames_[kSlots] = {};
  PhysAddr memory_[kSlots] = {};  // of each slot, wherever sort() moved it
  Slot slots_[kSlots] = {};
  BlockSegment segments_[kSlots] = {};
  std::optional<BlockRequest> requests_[kSlots];
};

}  // namespace kernel::jbd2
