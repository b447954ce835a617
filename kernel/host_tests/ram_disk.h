// SPDX-License-Identifier: MIT
// A disk in memory for tests of what lies above block devices. It answers at once. It records
// every write and flush in order, so that a test can look at what a power cut would have left:
// writes that no flush followed may be there or not, whole or in part.
//
//   RamDisk disk(image); … run … for (size_t n = 0; n <= disk.events().size(); ++n)
//     check(disk.image_after_cut(n, seed));
#pragma once

#include <cstring>
#include <mutex>
#include <random>
#include <vector>

#include "dev/block_device.h"
#include "mm/frames.h"

namespace kernel::host_tests {

using Image = std::vector<uint8_t>;

class RamDisk final : public BlockDevice {
 public:
  struct Event {
    BlockOperation operation;  // Write, Flush; a discard is a write of zeros
    bool force_unit_access;
    uint64_t offset;
    Image bytes;
  };

  explicit RamDisk(Image image, uint32_t logical_block_size = kSectorSize, bool read_only = false)
      : BlockDevice(geometry(image.size(), logical_block_size, read_only)),
        first_(image),
        image_(std::move(image)) {}

  // These two while nobody uses the disk; what follows also while requests come.
  const Image& image() const { return image_; }
  const std::vector<Event>& events() const { return events_; }
  size_t event_count() const {
    std::lock_guard guard(mutex_);
    return events_.size();
  }
  // From here on the present contents are what a power cut falls back to.
  void restart_recording() {
    std::lock_guard guard(mutex_);
    first_ = image_;
    events_.clear();
  }
  // Requests of this kind fail with EIO once `count` more of them succeeded.
  void fail_after(BlockOperation operation, uint64_t count) {
    std::lock_guard guard(mutex_);
    failing_ = operation;
    until_failure_ = count;
  }
  void stop_failing() {
    std::lock_guard guard(mutex_);
    until_failure_ = ~uint64_t{0};
  }

  // Everything of the first `count` events, in order.
  Image image_after(size_t count) const {
    std::lock_guard guard(mutex_);
    return image_after_locked(count);
  }
  // The power goes while event `count` would start. Each sector holds what it held at the last
  // flush, or what any later write (or, unless it was flushed, none) put there: torn and reordered
  // writes, by `seed`. Sectors written with force_unit_access keep at least that.
  Image image_after_cut(size_t count, uint32_t seed) const {
    std::lock_guard guard(mutex_);
    size_t flushed = count;
    while (flushed != 0 && events_[flushed - 1].operation != BlockOperation::Flush) --flushed;
    Image image = image_after_locked(flushed);
    std::mt19937 random(seed);
    // In order, each sector of each write happens or not; what happens last wins, so every mixture
    // can come out.
    for (size_t i = flushed; i < count; ++i) {
      const Event& event = events_[i];
      for (size_t at = 0; at < event.bytes.size(); at += kSectorSize) {
        if (!event.force_unit_access && random() % 2 == 0) continue;
        std::memcpy(image.data() + event.offset + at, event.bytes.data() + at, kSectorSize);
      }
    }
    return image;
  }

 protected:
  void start(BlockRequest& request) override {
    BlockSegment room[8];
    bool last = false;
    while (!last) {
      BlockRequest::Piece piece = request.take_piece(limits(), room);
      last = request.piece_done(perform(request, piece));
    }
    request.finish();
  }

 private:
  static Geometry geometry(uint64_t size, uint32_t logical_block_size, bool read_only) {
    return {.sectors = size >> kSectorShift,
            .logical_block_size = logical_block_size,
            .physical_block_size = logical_block_size,
            .read_only = read_only,
            .has_fua = true,
            .limits = {.max_segments = 8,
                       .max_discard_sectors = 1u << 16,
                       .max_write_zeroes_sectors = 1u << 16,
                       .discard_granularity = logical_block_size}};
  }

  Result<> perform(const BlockRequest& request, const BlockRequest::Piece& piece) {
    std::lock_guard guard(mutex_);
    if (request.operation == failing_ && until_failure_ != ~uint64_t{0}) {
      if (until_failure_ == 0) return Errno::Io;
      --until_failure_;
    }
    uint64_t offset = piece.sector << kSectorShift;
    if (piece.operation == BlockOperation::Flush) {
      events_.push_back({BlockOperation::Flush, false, 0, {}});
      return {};
    }
    Image bytes;
    if (request.operation == BlockOperation::Discard ||
        request.operation == BlockOperation::WriteZeroes)
      bytes.resize(piece.sectors << kSectorShift);
    for (const BlockSegment& segment : piece.segments) {
      uint8_t* data = frames::frame_data(segment.address);
      if (request.operation == BlockOperation::Read) {
        std::memcpy(data, image_.data() + offset, segment.length);
        offset += segment.length;
      } else {
        bytes.insert(bytes.end(), data, data + segment.length);
      }
    }
    if (request.operation == BlockOperation::Read) return {};
    events_.push_back(
        {BlockOperation::Write, request.force_unit_access, offset, std::move(bytes)});
    apply(image_, events_.back());
    return {};
  }

  Image image_after_locked(size_t count) const {
    Image image = first_;
    for (size_t i = 0; i < count; ++i) apply(image, events_[i]);
    return image;
  }
  static void apply(Image& image, const Event& event) {
    if (!event.bytes.empty())
      std::memcpy(image.data() + event.offset, event.bytes.data(), event.bytes.size());
  }

  // Of all below while requests come; who uses image() or events() has waited for those.
  mutable std::mutex mutex_;
  Image first_;  // before events_
  Image image_;
  std::vector<Event> events_;
  BlockOperation failing_ = BlockOperation::Read;
  uint64_t until_failure_ = ~uint64_t{0};
};

}  // namespace kernel::host_tests
