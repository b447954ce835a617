// SPDX-License-Identifier: MIT
// See write_batch.h.
#include "fs/jbd2/write_batch.h"

#include "mm/frames.h"

namespace kernel::jbd2 {

WriteBatch::~WriteBatch() {
  DCHECK(requests_in_flight_ == 0);
  while (frame_count_ > 0) frames::put(frames_[--frame_count_]);
}

Result<> WriteBatch::prepare(uint32_t block_size) {
  block_size_ = block_size;
  size_t per_frame = kPageSize / block_size;
  for (size_t slot = 0; slot < kSlots; ++slot) {
    if (slot % per_frame == 0) {
      frames_[frame_count_] = TRY(frames::allocate());
      ++frame_count_;
    }
    memory_[slot] = frames_[frame_count_ - 1] + slot % per_frame * block_size;
  }
  return {};
}

bool WriteBatch::contains(uint64_t block) const {
  for (size_t i = 0; i < count_; ++i) {
    if (slots_[i].block == block) return true;
  }
  return false;
}

uint8_t* WriteBatch::add(uint64_t block) {
  DCHECK(!full() && requests_in_flight_ == 0);
  slots_[count_] = {block, memory_[count_]};
  return frames::frame_data(memory_[count_++]);
}

std::span<uint8_t> WriteBatch::scratch() {
  DCHECK(empty());
  return {frames::frame_data(memory_[0]), block_size_};
}

// Few, and mostly in order already.
void WriteBatch::sort() {
  for (size_t i = 1; i < count_; ++i) {
    Slot slot = slots_[i];
    size_t at = i;
    for (; at > 0 && slots_[at - 1].block > slot.block; --at) slots_[at] = slots_[at - 1];
    slots_[at] = slot;
  }
}

void WriteBatch::submit(BlockDevice& device) {
  sort();
  for (size_t i = 0; i < count_; ++i) segments_[i] = {slots_[i].address, block_size_};
  for (size_t first = 0; first < count_;) {
    size_t end = first + 1;
    while (end < count_ && slots_[end].block == slots_[end - 1].block + 1) ++end;
    BlockRequest& request = requests_[requests_in_flight_++].emplace();
    request.operation = BlockOperation::Write;
    request.sector = slots_[first].block * (block_size_ >> kSectorShift);
    request.segments = {&segments_[first], end - first};
    device.submit(request);
    first = end;
  }
}

Result<> WriteBatch::wait() {
  Result<> first;
  for (size_t i = 0; i < requests_in_flight_; ++i) {
    Result<> result = requests_[i]->wait();
    if (first.ok()) first = result;
    requests_[i].reset();
  }
  requests_in_flight_ = 0;
  count_ = 0;
  return first;
}

}  // namespace kernel::jbd2
