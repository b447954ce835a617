// SPDX-License-Identifier: MIT
// ELF headers: what is read of a good file, what is refused, and 40,000 mutations.

#include "process/elf.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "host_tests/mutate.h"

namespace kernel::elf {
namespace {

using Bytes = std::vector<uint8_t>;

template <class T>
void put(Bytes& bytes, size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

void put_segment(Bytes& bytes, size_t index, uint32_t type, Segment segment) {
  size_t at = kHeaderSize + index * kProgramHeaderSize;
  put<uint32_t>(bytes, at, type);
  put<uint32_t>(bytes, at + 4, segment.flags);
  put<uint64_t>(bytes, at + 8, segment.offset);
  put<uint64_t>(bytes, at + 16, segment.address);
  put<uint64_t>(bytes, at + 24, segment.address);
  put<uint64_t>(bytes, at + 32, segment.file_size);
  put<uint64_t>(bytes, at + 40, segment.memory_size);
  put<uint64_t>(bytes, at + 48, segment.alignment);
}

constexpr uint32_t kLoad = 1, kInterp = 3, kStack = 0x6474e551;

Bytes sample() {
  Bytes bytes(kHeaderSize + 4 * kProgramHeaderSize);
  std::memcpy(bytes.data(),
              "\x7f"
              "ELF\2\1\1",
              7);
  put<uint16_t>(bytes, 16, 3);    // ET_DYN
  put<uint16_t>(bytes, 18, 183);  // EM_AARCH64
  put<uint32_t>(bytes, 20, 1);
  put<uint64_t>(bytes, 24, 0x1234);
  put<uint64_t>(bytes, 32, kHeaderSize);
  put<uint16_t>(bytes, 52, kHeaderSize);
  put<uint16_t>(bytes, 54, kProgramHeaderSize);
  put<uint16_t>(bytes, 56, 4);
  put_segment(bytes, 0, kInterp, {.offset = 0x238, .address = 0x238, .file_size = 27});
  put_segment(bytes, 1, kLoad,
              {.address = 0x0,
               .file_size = 0x8000,
               .memory_size = 0x8000,
               .alignment = 0x10000,
               .flags = kRead | kExecute});
  put_segment(bytes, 2, kLoad,
              {.offset = 0x8000,
               .address = 0x18010,
               .file_size = 0x500,
               .memory_size = 0x2345,
               .alignment = 0x1000,
               .flags = kRead | kWrite});
  put_segment(bytes, 3, kStack, {.flags = kRead | kWrite});
  return bytes;
}

Result<Image> parse(std::span<const uint8_t> bytes) {
  Header header = TRY(parse_header(bytes));
  if (header.table_offset > bytes.size()) return Errno::NoExec;
  return parse_segments(header, bytes.subspan(header.table_offset));
}

TEST(Elf, GoodFile) {
  Result<Image> result = parse(sample());
  ASSERT_TRUE(result.ok());
  const Image& image = *result;
  EXPECT_TRUE(image.header.position_independent);
  EXPECT_EQ(image.header.entry, 0x1234u);
  ASSERT_EQ(image.loads.size(), 2u);
  EXPECT_EQ(image.loads[1].memory_size, 0x2345u);
  EXPECT_EQ(image.interpreter->file_size, 27u);
  EXPECT_FALSE(image.executable_stack);
  EXPECT_EQ(image.headers_address, kHeaderSize);
  EXPECT_EQ(image.greatest_alignment, 0x10000u);
  EXPECT_EQ(image.lowest_page(), 0u);
  EXPECT_EQ(image.span(), 0x18010u + 0x2345);
}

TEST(Elf, Refused) {
  auto refused = [](size_t at, auto value) {
    Bytes bytes = sample();
    put(bytes, at, value);
    return parse(bytes).failed_with(Errno::NoExec);
  };
  EXPECT_TRUE(refused(0, uint8_t{0x7e}));
  EXPECT_TRUE(refused(16, uint16_t{1}));   // a relocatable file
  EXPECT_TRUE(refused(16, uint16_t{4}));   // a core dump
  EXPECT_TRUE(refused(18, uint16_t{62}));  // x86-64
  EXPECT_TRUE(refused(54, uint16_t{32}));  // 32-bit program headers
  EXPECT_TRUE(refused(56, uint16_t{0}));
  EXPECT_TRUE(refused(56, uint16_t{74}));  // more than a page of them
  EXPECT_TRUE(refused(56, uint16_t{5}));   // beyond the end of the file
  Bytes bytes = sample();
  for (size_t size = 0; size < kHeaderSize; ++size)
    EXPECT_TRUE(parse_header(std::span(bytes).first(size)).failed_with(Errno::NoExec));
}

TEST(Elf, Mutations) {
  unsigned accepted = 0;
  host_tests::mutate(sample(), 40'000, [&accepted](std::span<const uint8_t> bytes) {
    Result<Image> image = parse(bytes);
    if (!image.ok()) {
      EXPECT_EQ(image.error(), Errno::NoExec);
      return;
    }
    ++accepted;
    EXPECT_LE(image->loads.size(), kPageSize / kProgramHeaderSize);
    static_cast<void>(image->span() + image->lowest_page());
  });
  EXPECT_GT(accepted, 1000u);  // mutations that reach the second stage
}

}  // namespace
}  // namespace kernel::elf
