// SPDX-License-Identifier: MIT
// See block_request.h.

#include "dev/block_request.h"

#include "dev/block_device.h"

namespace kernel {

Result<> BlockRequest::wait() {
  DCHECK(done == nullptr);
  ignore(finished_.wait());  // uninterruptible and without a deadline: cannot fail
  return status;
}

BlockRequest::Piece BlockRequest::take_piece(const BlockLimits& limits,
                                             std::span<BlockSegment> room) {
  uint64_t left = sectors - sectors_taken_;
  if (left == 0) {
    flush_wanted_ = false;
    ++pieces_out_;
    return {BlockOperation::Flush, 0, 0, room.first(0)};
  }
  Piece piece{operation, start_ + sector + sectors_taken_, 0, room.first(0)};
  switch (operation) {
    case BlockOperation::Flush: break;
    case BlockOperation::Discard:
      piece.sectors = left < limits.max_discard_sectors ? left : limits.max_discard_sectors;
      break;
    case BlockOperation::WriteZeroes:
      piece.sectors =
          left < limits.max_write_zeroes_sectors ? left : limits.max_write_zeroes_sectors;
      break;
    case BlockOperation::Read:
    case BlockOperation::Write: {
      size_t count = 0;
      size_t most = room.size() < limits.max_segments ? room.size() : limits.max_segments;
      uint64_t bytes = uint64_t{limits.max_sectors} << kSectorShift;
      while (segment_ < segments.size() && count < most && bytes != 0) {
        const BlockSegment& segment = segments[segment_];
        uint64_t part = segment.length - segment_offset_;
        if (part > bytes) part = bytes;
        if (part > limits.max_segment_bytes) part = limits.max_segment_bytes;
        room[count++] = {segment.address + segment_offset_, static_cast<uint32_t>(part)};
        bytes -= part;
        piece.sectors += part >> kSectorShift;
        segment_offset_ += static_cast<uint32_t>(part);
        if (segment_offset_ == segment.length) ++segment_, segment_offset_ = 0;
      }
      piece.segments = room.first(count);
      break;
    }
  }
  sectors_taken_ += piece.sectors;
  ++pieces_out_;
  return piece;
}

bool BlockRequest::piece_done(Result<> result) {
  DCHECK(pieces_out_ != 0);
  --pieces_out_;
  if (!result.ok()) return abandon(result.error());
  return pieces_out_ == 0 && !has_more();
}

bool BlockRequest::abandon(Errno error) {
  if (status.ok()) status = error;
  sectors_taken_ = sectors;
  flush_wanted_ = false;
  return pieces_out_ == 0;
}

void BlockRequest::finish() {
  if (device_ != nullptr) device_->account_end(*this);
  if (done != nullptr) return done(*this);
  finished_.complete();
}

}  // namespace kernel
