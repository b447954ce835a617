// SPDX-License-Identifier: MIT

#include "dev/partition_table.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "host_tests/machine.h"
#include "host_tests/mutate.h"
#include "lib/crc32.h"

namespace kernel {
namespace {

constexpr size_t kBlocks = 2048;

// A disk that ends where its bytes do, and says so when somebody reads further.
class Disk final : public SectorReader {
 public:
  explicit Disk(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  Result<> read(uint64_t offset, std::span<uint8_t> to) override {
    if (offset > bytes_.size() || to.size() > bytes_.size() - offset) {
      ADD_FAILURE() << "read of " << to.size() << " bytes at " << offset;
      return Errno::Io;
    }
    std::memcpy(to.data(), bytes_.data() + offset, to.size());
    return {};
  }

 private:
  std::span<const uint8_t> bytes_;
};

using Bytes = std::vector<uint8_t>;

template <class T>
void put(Bytes& image, size_t at, T value) {
  std::memcpy(&image[at], &value, sizeof value);
}

void put_record(Bytes& image, size_t sector, size_t index, uint8_t type, uint32_t start,
                uint32_t size) {
  size_t at = sector * 512 + 446 + 16 * index;
  image[at + 4] = type;
  put(image, at + 8, start);
  put(image, at + 12, size);
  put<uint16_t>(image, sector * 512 + 510, 0xaa55);
}

Bytes make_mbr() {
  Bytes image(kBlocks * 512);
  put<uint32_t>(image, 440, 0x12345678);
  put_record(image, 0, 0, 0x83, 64, 100);
  put_record(image, 0, 1, 0x05, 256, 1000);
  put_record(image, 0, 2, 0x83, 1500, 10'000);  // sticks out
  put_record(image, 0, 3, 0x83, 5000, 10);      // outside
  put_record(image, 256, 0, 0x83, 8, 50);
  put_record(image, 256, 1, 0x05, 100, 60);
  put_record(image, 356, 0, 0x83, 8, 52);
  return image;
}

void put_gpt_header(Bytes& image, size_t block, size_t here, size_t table) {
  size_t at = here * block;
  std::memcpy(&image[at], "EFI PART", 8);
  put<uint32_t>(image, at + 12, 92);
  put<uint32_t>(image, at + 16, 0);
  put<uint64_t>(image, at + 24, here);
  put<uint64_t>(image, at + 40, 34);
  put<uint64_t>(image, at + 48, image.size() / block - 34);
  put<uint64_t>(image, at + 72, table);
  put<uint32_t>(image, at + 80, 16);
  put<uint32_t>(image, at + 84, 128);
  put<uint32_t>(image, at + 88, crc32({&image[table * block], 16 * 128}));
  put<uint32_t>(image, at + 16, crc32({&image[at], 92}));
}

Bytes make_gpt(size_t block = 512) {
  Bytes image(kBlocks * block);
  size_t last = kBlocks - 1;
  for (size_t table : {size_t{2}, last - 4}) {
    for (size_t i : {0, 3}) {
      size_t at = table * block + 128 * i;
      for (size_t byte = 0; byte < 32; ++byte) image[at + byte] = static_cast<uint8_t>(byte + i);
      put<uint64_t>(image, at + 32, 40 + 100 * i);
      put<uint64_t>(image, at + 40, 99 + 100 * i);
      for (size_t c = 0; c < 4; ++c) image[at + 56 + 2 * c] = static_cast<uint8_t>("ro\x01t"[c]);
    }
  }
  put_gpt_header(image, block, 1, 2);
  put_gpt_header(image, block, last, last - 4);
  put_record(image, 0, 0, 0xee, 1, kBlocks - 1);
  return image;
}

std::string text(const Bytes& image, uint32_t block = 512, bool trust_backup = false) {
  Disk disk(image);
  Result<Vector<PartitionEntry>> found = read_partition_table(
      disk, {.sectors = image.size() / 512, .logical_block_size = block,
             .trust_backup = trust_backup});
  if (!found.ok()) return "error";
  std::string result;
  for (const PartitionEntry& entry : *found) {
    result += std::to_string(entry.number) + ":" + std::to_string(entry.start) + "+" +
              std::to_string(entry.sectors) + " " + entry.uuid + " " + entry.label + "\n";
  }
  return result;
}

class PartitionTableTest : public testing::Test {
 protected:
  void SetUp() override { host_tests::boot_machine(); }
};

TEST_F(PartitionTableTest, Mbr) {
  EXPECT_EQ(text(make_mbr()),
            "1:64+100 12345678-01 \n2:256+2 12345678-02 \n3:1500+548 12345678-03 \n"
            "5:264+50 12345678-05 \n6:364+52 12345678-06 \n");
}

TEST_F(PartitionTableTest, WhatIsNoMbr) {
  Bytes image = make_mbr();
  image[510] = 0;
  EXPECT_EQ(text(image), "");
  image = make_mbr();
  image[446] = 1;  // neither active nor not: code
  EXPECT_EQ(text(image), "");
  EXPECT_EQ(text(Bytes(512)), "");
  EXPECT_EQ(text({}), "");
}

TEST_F(PartitionTableTest, AChainThatGoesInCircles) {
  Bytes image = make_mbr();
  put_record(image, 356, 0, 0, 0, 0);
  put_record(image, 356, 1, 0x05, 100, 60);  // itself
  EXPECT_EQ(text(image).find("6:"), std::string::npos);
  put_record(image, 356, 0, 0x83, 8, 52);
  Disk disk(image);
  EXPECT_EQ(read_partition_table(disk, {.sectors = kBlocks, .logical_block_size = 512})->size(),
            256u);
}

TEST_F(PartitionTableTest, Gpt) {
  std::string first = " 13121110-1514-1716-1819-1a1b1c1d1e1f ro!t\n";
  std::string fourth = " 16151413-1817-1a19-1b1c-1d1e1f202122 ro!t\n";
  EXPECT_EQ(text(make_gpt()), "1:40+60" + first + "4:340+60" + fourth);
  EXPECT_EQ(text(make_gpt(4096), 4096), "1:320+480" + first + "4:2720+480" + fourth);
}

TEST_F(PartitionTableTest, DamagedGpt) {
  std::string sound = text(make_gpt());
  for (size_t at : {size_t{512 + 40}, size_t{1024 + 300}}) {  // header, table
    Bytes image = make_gpt();
    ++image[at];
    EXPECT_EQ(text(image), "");
    EXPECT_EQ(text(image, 512, true), sound);
  }
  // A table whose size would not fit anywhere, with a sum that is right.
  Bytes image = make_gpt();
  put<uint32_t>(image, 512 + 80, 0xffff'ffff);
  put<uint32_t>(image, 512 + 16, 0);
  put<uint32_t>(image, 512 + 16, crc32({&image[512], 92}));
  EXPECT_EQ(text(image), "");
}

// The part that a table can be in, mutated; sums made right again half of the time.
TEST_F(PartitionTableTest, Mutations) {
  auto parse = [](std::span<const uint8_t> input) {
    Bytes image(input.begin(), input.end());
    image.resize(kBlocks * 512);
    static_cast<void>(text(image));
    std::memcpy(&image[512], "EFI PART", 8);
    put<uint64_t>(image, 512 + 24, 1);
    uint32_t size = 0;
    std::memcpy(&size, &image[512 + 12], 4);
    if (size <= 512) {
      put<uint32_t>(image, 512 + 16, 0);
      put<uint32_t>(image, 512 + 16, crc32({&image[512], size}));
    }
    static_cast<void>(text(image, 512, true));
  };
  Bytes gpt = make_gpt();
  host_tests::mutate(std::span(gpt).first(2048), 300, parse);
  Bytes mbr = make_mbr();
  host_tests::mutate(std::span(mbr).first(357 * 512), 300, parse);
}

}  // namespace
}  // namespace kernel
