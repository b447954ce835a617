// SPDX-License-Identifier: MIT
// A split virtqueue (Virtual I/O Device 1.2, section 2.7): descriptor table, available ring, used
// ring, in one contiguous buffer whose layout also suits legacy devices. The caller serialises all
// calls.
#pragma once

#include <optional>
#include <span>

#include "lib/ref.h"
#include "lib/vector.h"
#include "mm/kernel_map.h"

namespace kernel::virtio {

// One piece of memory that the device reads or writes.
struct Buffer {
  PhysAddr address;
  uint32_t size;
  bool device_writes;
};

class Queue {
 public:
  static Result<Owned<Queue>> create(uint16_t size, bool coherent);

  uint16_t size() const { return size_; }
  PhysAddr descriptors() const { return memory_.physical(); }
  PhysAddr available() const { return memory_.physical() + available_offset(); }
  PhysAddr used() const { return memory_.physical() + used_offset(size_); }

  // Queues a chain; `token` comes back with it. Error: NoSpc when too few descriptors are free.
  Result<> add(std::span<const Buffer> chain, uint64_t token);
  // Makes what was added visible. True when the device wants to be told (notify).
  bool publish();
  // The next chain that the device has finished. `written`: bytes that it wrote. A chain that was
  // not given to it breaks the queue: nothing comes from it any more.
  struct Finished {
    uint64_t token;
    uint32_t written;
  };
  std::optional<Finished> take_finished();
  bool is_broken() const { return broken_; }
  size_t free_descriptors() const { return free_count_; }

  static constexpr uint32_t kLegacyAlignment = 4096;

 private:
  Queue(uint16_t size, DmaBuffer memory, Vector<uint64_t> tokens);
  size_t available_offset() const { return size_t{16} * size_; }
  // Behind the available ring (flags, index, entries, used_event), at the next alignment boundary.
  static size_t used_offset(uint16_t size) {
    return align_up(size_t{16} * size + 6 + size_t{2} * size, size_t{kLegacyAlignment});
  }
  static size_t total_size(uint16_t size) { return used_offset(size) + 6 + size_t{8} * size; }

  struct Descriptor {
    uint64_t address;
    uint32_t size;
    uint16_t flags;
    uint16_t next;
  };
  struct UsedElement {
    uint32_t id;
    uint32_t written;
  };
  Descriptor* table() const { return reinterpret_cast<Descriptor*>(memory_.data()); }
  // The fields of a ring's head: flags, then the running index.
  uint16_t* available_ring() const {
    return reinterpret_cast<uint16_t*>(memory_.data() + available_offset());
  }
  uint16_t* used_ring() const {
    return reinterpret_cast<uint16_t*>(memory_.data() + used_offset(size_));
  }
  UsedElement* used_elements() const { return reinterpret_cast<UsedElement*>(used_ring() + 2); }

  uint16_t size_;
  DmaBuffer memory_;
  static constexpr uint64_t kNoToken = ~uint64_t{0};
  Vector<uint64_t> tokens_;     // by first descriptor of a chain that the device has
  bool broken_ = false;
  uint16_t free_head_ = 0;
  uint16_t free_count_;
  uint16_t next_available_ = 0; // not yet published
  uint16_t last_used_ = 0;
};

}  // namespace kernel::virtio
