// SPDX-License-Identifier: MIT

#include "dev/block_device.h"

#include <gtest/gtest.h>

#include <numeric>

#include "host_tests/machine.h"
#include "host_tests/ram_disk.h"

namespace kernel {
namespace {

using host_tests::Image;
using host_tests::RamDisk;

class Frames {
 public:
  explicit Frames(unsigned order) : frame_(frames::allocate(order).take()) {
    size_ = kPageSize << order;
  }
  ~Frames() { frames::free(frame_); }
  std::span<uint8_t> bytes() const { return {frames::frame_data(frame_), size_}; }
  PhysAddr address() const { return frame_; }

 private:
  PhysAddr frame_;
  size_t size_;
};

class BlockDeviceTest : public testing::Test {
 protected:
  void SetUp() override { host_tests::boot_machine(); }
};

TEST_F(BlockDeviceTest, ReadsWhatWasWritten) {
  RamDisk disk(Image(1 * MiB));
  Frames memory(4);
  std::iota(memory.bytes().begin(), memory.bytes().end(), uint8_t{3});
  ASSERT_TRUE(disk.write(8 * KiB, memory.bytes()).ok());
  Image expected(memory.bytes().begin(), memory.bytes().end());
  std::fill(memory.bytes().begin(), memory.bytes().end(), uint8_t{0});
  ASSERT_TRUE(disk.read(8 * KiB, memory.bytes()).ok());
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), memory.bytes().begin()));
}

TEST_F(BlockDeviceTest, RefusesWhatDoesNotFit) {
  RamDisk disk(Image(64 * KiB), 4096);
  Frames memory(0);
  EXPECT_EQ(disk.read(64 * KiB, memory.bytes()).error(), Errno::Io);
  EXPECT_EQ(disk.read(~uint64_t{0} - 4095, memory.bytes()).error(), Errno::Io);
  EXPECT_EQ(disk.read(512, memory.bytes()).error(), Errno::Inval);
  EXPECT_EQ(disk.read(0, memory.bytes().first(512)).error(), Errno::Inval);
  EXPECT_EQ(disk.read(0, memory.bytes().first(100)).error(), Errno::Inval);
  EXPECT_EQ(disk.discard(60 * KiB, 8 * KiB).error(), Errno::Io);
  RamDisk fixed(Image(64 * KiB), 512, /*read_only=*/true);
  EXPECT_EQ(fixed.write(0, memory.bytes()).error(), Errno::RoFs);
  EXPECT_TRUE(fixed.flush().ok());
}

TEST_F(BlockDeviceTest, TakesRequestsInPieces) {
  Frames memory(4);
  std::vector<BlockSegment> segments;
  auto size = static_cast<uint32_t>(memory.bytes().size());
  for (uint32_t at = 0; at < size;) {
    uint32_t length = 512 * (1 + at % 7);
    if (length > size - at) length = size - at;
    segments.push_back({memory.address() + at, length});
    at += length;
  }
  for (uint32_t most : {1u, 2u, 3u, 100u}) {
    BlockRequest request;
    request.operation = BlockOperation::Write;
    request.segments = segments;
    request.sectors = memory.bytes().size() / kSectorSize;
    BlockLimits limits{.max_segments = most, .max_segment_bytes = 1024, .max_sectors = 5};
    uint64_t sector = 0;
    PhysAddr address = memory.address();
    unsigned pieces = 0;
    while (request.has_more()) {
      BlockSegment room[16];
      BlockRequest::Piece piece = request.take_piece(limits, room);
      ++pieces;
      EXPECT_EQ(piece.sector, sector);
      EXPECT_LE(piece.segments.size(), most);
      EXPECT_LE(piece.sectors, 5u);
      for (const BlockSegment& segment : piece.segments) {
        EXPECT_EQ(segment.address, address);
        EXPECT_LE(segment.length, 1024u);
        address += segment.length;
      }
      sector += piece.sectors;
    }
    EXPECT_EQ(sector, request.sectors);
    while (--pieces != 0) EXPECT_FALSE(request.piece_done({}));
    EXPECT_TRUE(request.piece_done({}));
    EXPECT_TRUE(request.status.ok());
  }
}

TEST_F(BlockDeviceTest, AFailedPieceEndsTheRequest) {
  Frames memory(0);
  BlockSegment segment{memory.address(), 4096};
  BlockRequest request;
  request.operation = BlockOperation::Read;
  request.segments = {&segment, 1};
  request.sectors = 8;
  BlockLimits limits{.max_sectors = 2};
  BlockSegment room[1];
  request.take_piece(limits, room);
  request.take_piece(limits, room);
  EXPECT_FALSE(request.piece_done(Errno::Io));
  EXPECT_FALSE(request.has_more());
  EXPECT_TRUE(request.piece_done({}));
  EXPECT_EQ(request.status.error(), Errno::Io);
}

TEST_F(BlockDeviceTest, APowerCutKeepsWhatWasFlushed) {
  RamDisk disk(Image(16 * KiB));
  Frames memory(0);
  auto fill = [&](uint8_t value) {
    std::fill(memory.bytes().begin(), memory.bytes().end(), value);
  };
  fill(1);
  ASSERT_TRUE(disk.write(0, memory.bytes()).ok());
  ASSERT_TRUE(disk.flush().ok());
  fill(2);
  ASSERT_TRUE(disk.write(0, memory.bytes()).ok());
  ASSERT_TRUE(disk.write(4096, memory.bytes(), /*force_unit_access=*/true).ok());
  bool old_seen = false;
  bool new_seen = false;
  for (uint32_t seed = 0; seed < 20; ++seed) {
    Image image = disk.image_after_cut(disk.events().size(), seed);
    for (size_t sector = 0; sector < 8; ++sector) {
      uint8_t value = image[sector * 512];
      old_seen |= value == 1;
      new_seen |= value == 2;
      EXPECT_NE(value, 0);
    }
    EXPECT_EQ(image[4096], 2);
    EXPECT_EQ(disk.image_after_cut(2, seed)[0], 1);
  }
  EXPECT_TRUE(old_seen && new_seen);
  disk.fail_after(BlockOperation::Write, 1);
  EXPECT_TRUE(disk.write(0, memory.bytes()).ok());
  EXPECT_EQ(disk.write(0, memory.bytes()).error(), Errno::Io);
}

}  // namespace
}  // namespace kernel
