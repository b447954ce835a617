// SPDX-License-Identifier: MIT
// One request to a block device: what to move, where, and who is told at the end. The submitter
// owns it and its segments until `done` is called (or wait() returns). No allocation: a driver
// takes the request piece by piece, as large as its device has them, and the request knows when
// the last piece came back.
#pragma once

#include <span>

#include "lib/list.h"
#include "lib/result.h"
#include "lib/types.h"
#include "sched/completion.h"

namespace kernel {

inline constexpr unsigned kSectorShift = 9;
inline constexpr uint32_t kSectorSize = 1u << kSectorShift;

// Physically contiguous RAM, whole sectors long and 4-byte aligned.
struct BlockSegment {
  PhysAddr address;
  uint32_t length;
};

enum class BlockOperation : uint8_t { Read, Write, Flush, Discard, WriteZeroes };

// What one piece may be.
struct BlockLimits {
  uint32_t max_segments = 1;
  uint32_t max_segment_bytes = 1u << 20;
  uint32_t max_sectors = 2048;           // of a read or write
  uint32_t max_discard_sectors = 0;      // 0: the device cannot
  uint32_t max_write_zeroes_sectors = 0;
  uint32_t discard_granularity = 0;      // bytes
};

class BlockRequest : public ListNode<BlockRequest> {
 public:
  using Done = void (*)(BlockRequest& request);

  BlockOperation operation = BlockOperation::Read;
  bool force_unit_access = false;  // Write: on the medium when it is done
  uint64_t sector = 0;             // of 512 bytes, from the device's start
  std::span<const BlockSegment> segments;  // Read, Write
  uint64_t sectors = 0;                    // Discard, WriteZeroes; else set by submit()
  // Called once, in thread context of the device's thread (or of the submitter, when the device
  // answers at once). It must not wait for other requests. The request may end in it. Null: the
  // submitter calls wait().
  Done done = nullptr;
  void* owner = nullptr;  // the submitter's
  Result<> status;

  // Only with `done` null. Uninterruptible; every device answers in bounded time.
  Result<> wait();

  // --- For devices ---
  // The next piece that is not handed out yet, its segments in `room`. Sectors are the disk's.
  struct Piece {
    BlockOperation operation;
    uint64_t sector;
    uint64_t sectors;
    std::span<BlockSegment> segments;
  };
  // There may be more again when the last piece is back: the flush behind a write that is to be on
  // the medium.
  bool has_more() const {
    return sectors_taken_ < sectors || (flush_wanted_ && pieces_out_ == 0);
  }
  Piece take_piece(const BlockLimits& limits, std::span<BlockSegment> room);
  // One piece is back. True when it was the last one: then finish() follows. The device serialises
  // these two with take_piece.
  bool piece_done(Result<> result);
  // Nothing more is handed out: the device failed. True when no piece is out: finish() follows.
  bool abandon(Errno error);
  void finish();

 private:
  friend class BlockDevice;

  uint64_t start_ = 0;  // of the partition on the disk, in sectors
  uint64_t sectors_taken_ = 0;
  size_t segment_ = 0;            // the next to hand out
  uint32_t segment_offset_ = 0;   // within it
  uint32_t pieces_out_ = 0;
  bool flush_wanted_ = false;     // to come, behind everything else
  uint64_t started_ns_ = 0;
  class BlockDevice* device_ = nullptr;  // whose account it is on; null: refused
  Completion finished_;
};

}  // namespace kernel
