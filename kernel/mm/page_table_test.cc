// SPDX-License-Identifier: MIT
// The entry format (every attribute combination) and the walk over block, table, page and invalid
// entries at each level (MM9), with table memory that lives in a map of the test.

#include "mm/page_table.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>

namespace kernel {
namespace {

using Format = arch::PagingFormat;

struct TestMemory {
  using Table = std::array<uint64_t, 512>;
  static inline std::map<uint64_t, std::unique_ptr<Table>> tables;
  static inline uint64_t next = 0x1000;
  static inline int budget = 1000;

  static uint64_t* entries(PhysAddr table) { return tables.at(raw(table))->data(); }
  static Result<PhysAddr> allocate_table() {
    if (budget-- <= 0) return Errno::NoMem;
    uint64_t address = next;
    next += 0x1000;
    tables[address] = std::make_unique<Table>();
    return PhysAddr{address};
  }
};
using Walk = PageTableWalk<Format, TestMemory>;

class PageTable : public ::testing::Test {
 protected:
  void SetUp() override {
    TestMemory::tables.clear();
    TestMemory::budget = 1000;
    root_ = TestMemory::allocate_table().take();
  }
  PhysAddr root_{};
};

constexpr uint64_t kAddress = 0x0000'1234'5678'9000;

TEST(PagingFormat, AttributesRoundTrip) {
  for (unsigned bits = 0; bits < 32; ++bits) {
    for (arch::MemoryType type :
         {arch::MemoryType::Normal, arch::MemoryType::NonCacheable, arch::MemoryType::Device}) {
      arch::PageAttributes wanted{
          (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, type,
          (bits & 16) != 0};
      for (unsigned level = 0; level <= 2; ++level) {
        arch::PageEntry entry = Format::leaf(PhysAddr{0x8000'0000}, wanted, level);
        EXPECT_TRUE(Format::is_present(entry));
        EXPECT_FALSE(Format::is_table(entry, level));
        EXPECT_EQ(Format::address(entry), PhysAddr{0x8000'0000});
        arch::PageAttributes got = Format::attributes(entry);
        // W^X in the kernel: a writable kernel page never is executable.
        if (!wanted.user && wanted.writable) {
          EXPECT_FALSE(got.executable);
          got.executable = wanted.executable;
        }
        EXPECT_EQ(got, wanted);
      }
    }
  }
}

TEST(PagingFormat, Geometry) {
  EXPECT_EQ(Format::span(0), 4096u);
  EXPECT_EQ(Format::span(1), 2 * MiB);
  EXPECT_EQ(Format::span(2), GiB);
  EXPECT_FALSE(Format::can_block(0));
  EXPECT_TRUE(Format::can_block(1));
  EXPECT_FALSE(Format::can_block(Format::kTopLevel));
  EXPECT_EQ(Format::index(kAddress, 0), (kAddress >> 12) & 511);
  EXPECT_EQ(Format::index(kAddress, 3), (kAddress >> 39) & 511);
}

TEST(PagingFormat, Tables) {
  arch::PageEntry entry = Format::table(PhysAddr{0x5000});
  EXPECT_TRUE(Format::is_present(entry) && Format::is_table(entry, 1) &&
              !Format::is_read_only_table(entry));
  EXPECT_FALSE(Format::is_table(entry, 0));
  arch::PageEntry shared = Format::read_only_table(PhysAddr{0x5000});
  EXPECT_TRUE(Format::is_table(shared, 1) && Format::is_read_only_table(shared));
  EXPECT_EQ(Format::address(shared), PhysAddr{0x5000});
  EXPECT_FALSE(Format::is_present(0));
}

TEST_F(PageTable, InvalidAtEachLevel) {
  for (unsigned level = Format::kTopLevel; level > 0; --level) {
    Walk::Slot slot = Walk::find(root_, kAddress);
    EXPECT_EQ(slot.level, level);
    EXPECT_FALSE(Format::is_present(*slot.entry));
    ASSERT_TRUE(Walk::make(root_, kAddress, level - 1).ok());  // adds the table below
  }
  EXPECT_EQ(Walk::find(root_, kAddress).level, 0u);
}

TEST_F(PageTable, BlockAtEachLevel) {
  for (unsigned level = 1; level <= 2; ++level) {
    SetUp();
    uint64_t* entry = Walk::make(root_, kAddress, level).take();
    *entry = Format::leaf(PhysAddr{0x4000'0000}, {.writable = true}, level);
    Walk::Slot slot = Walk::find(root_, kAddress + 0x1000);
    EXPECT_EQ(slot.entry, entry);
    EXPECT_EQ(slot.level, level);
    // A block is not taken for a table: nothing can be made below it.
    EXPECT_EQ(Walk::make(root_, kAddress, level - 1).error(), Errno::Exist);
  }
}

TEST_F(PageTable, PagesDoNotDisturbNeighbours) {
  for (uint64_t i = 0; i < 600; ++i) {
    uint64_t* entry = Walk::make(root_, kAddress + i * kPageSize, 0).take();
    EXPECT_EQ(*entry, 0u);
    *entry = Format::leaf(PhysAddr{(i + 1) << 12}, {.user = true}, 0);
  }
  for (uint64_t i = 0; i < 600; ++i) {
    Walk::Slot slot = Walk::find(root_, kAddress + i * kPageSize);
    EXPECT_EQ(slot.level, 0u);
    EXPECT_EQ(Format::address(*slot.entry), PhysAddr{(i + 1) << 12});
  }
  EXPECT_FALSE(Format::is_present(*Walk::find(root_, kAddress + 600 * kPageSize).entry));
  EXPECT_FALSE(Format::is_present(*Walk::find(root_, kAddress - kPageSize).entry));
}

TEST_F(PageTable, OutOfMemory) {
  TestMemory::budget = 2;
  EXPECT_EQ(Walk::make(root_, kAddress, 0).error(), Errno::NoMem);
  TestMemory::budget = 1;
  EXPECT_TRUE(Walk::make(root_, kAddress, 0).ok());  // goes on where it stopped
}

}  // namespace
}  // namespace kernel
