// SPDX-License-Identifier: MIT
// See queue.h. What the device wrote is not trusted: indices are checked before use.

#include "drivers/virtio/queue.h"

#include "arch/mmu.h"
#include "lib/log.h"

namespace kernel::virtio {
namespace {

constexpr uint16_t kNext = 1, kDeviceWrites = 2;  // VIRTQ_DESC_F_NEXT, _WRITE
constexpr uint16_t kNoNotify = 1;                 // VIRTQ_USED_F_NO_NOTIFY

}  // namespace

Result<Owned<Queue>> Queue::create(uint16_t size, bool coherent) {
  DmaBuffer memory = TRY(DmaBuffer::allocate(total_size(size), coherent));
  Vector<uint64_t> tokens;
  TRY(tokens.resize(size));
  Queue* queue = new (std::nothrow) Queue(size, std::move(memory), std::move(tokens));
  if (queue == nullptr) return Errno::NoMem;
  return Owned<Queue>::adopt(queue);
}

Queue::Queue(uint16_t size, DmaBuffer memory, Vector<uint64_t> tokens)
    : size_(size), memory_(std::move(memory)), tokens_(std::move(tokens)), free_count_(size) {
  for (uint16_t i = 0; i < size; ++i) table()[i].next = static_cast<uint16_t>(i + 1);
  for (uint64_t& token : tokens_) token = kNoToken;
}

Result<> Queue::add(std::span<const Buffer> chain, uint64_t token) {
  if (chain.empty() || chain.size() > free_count_) return Errno::NoSpc;
  uint16_t head = free_head_;
  uint16_t at = head;
  for (size_t i = 0; i < chain.size(); ++i) {
    Descriptor& descriptor = table()[at];
    bool last = i + 1 == chain.size();
    descriptor.address = raw(chain[i].address);
    descriptor.size = chain[i].size;
    descriptor.flags =
        static_cast<uint16_t>((last ? 0 : kNext) | (chain[i].device_writes ? kDeviceWrites : 0));
    at = descriptor.next;
  }
  free_head_ = at;
  free_count_ = static_cast<uint16_t>(free_count_ - chain.size());
  tokens_[head] = token;
  available_ring()[2 + next_available_ % size_] = head;
  ++next_available_;
  return {};
}

bool Queue::publish() {
  arch::device_fence();  // the descriptors and ring entries before the index
  *static_cast<volatile uint16_t*>(&available_ring()[1]) = next_available_;
  arch::device_fence();  // the index before the device's flags, and before the notification
  return (*static_cast<volatile uint16_t*>(&used_ring()[0]) & kNoNotify) == 0;
}

std::optional<Queue::Finished> Queue::take_finished() {
  uint16_t index = *static_cast<volatile uint16_t*>(&used_ring()[1]);
  if (index == last_used_ || broken_) return std::nullopt;
  arch::device_fence();  // the index before the element and the data
  UsedElement element = used_elements()[last_used_ % size_];
  ++last_used_;
  if (element.id >= size_ || tokens_[element.id] == kNoToken) {
    log_error("virtio: the device returned descriptor {}", element.id);
    broken_ = true;
    return std::nullopt;
  }
  uint16_t head = static_cast<uint16_t>(element.id);
  uint16_t tail = head;
  uint16_t length = 1;
  while ((table()[tail].flags & kNext) != 0 && length < size_) {
    tail = table()[tail].next;
    ++length;
  }
  table()[tail].next = free_head_;
  free_head_ = head;
  free_count_ = static_cast<uint16_t>(free_count_ + length);
  return Finished{std::exchange(tokens_[head], kNoToken), element.written};
}

}  // namespace kernel::virtio
