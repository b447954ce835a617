// SPDX-License-Identifier: MIT
// Bad days: the power goes at any moment, and metadata that was damaged. What fsync(2) promised is
// there, e2fsck finds nothing wrong after a replay, and damage gives errors, not crashes.

#include <random>

#include "host_tests/ext4_volume.h"

namespace kernel::ext4 {
namespace {

using host_tests::Image;

Bytes pattern(uint32_t seed, size_t size) {
  std::mt19937 random(seed);
  Bytes bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

class PowerCut : public testing::TestWithParam<std::string> {};

TEST_P(PowerCut, WhatWasSyncedIsThere) {
  TestVolume test(make_image(24 << 20, GetParam()));
  ASSERT_TRUE(test.ok()) << int(test.error());
  test.disk().restart_recording();
  struct Promise {
    size_t events;
    std::string path;
    Bytes bytes;
  };
  std::vector<Promise> promises;
  std::mt19937 random(7);
  for (uint32_t round = 0; round < 60; ++round) {
    std::string name = "kept" + std::to_string(round), other = "other" + std::to_string(round);
    ASSERT_TRUE(test.make_directory("d" + std::to_string(round)).ok());
    std::string directory = "d" + std::to_string(random() % (round + 1));
    std::string path = directory + "/" + name;
    Bytes bytes = pattern(round, 1 + random() % 60'000);
    {
      Result<Ref<Inode>> file = test.create(path);
      ASSERT_TRUE(file.ok());
      ASSERT_TRUE(test.write(**file, 0, bytes).ok());
      ASSERT_TRUE((*file)->synchronise(round % 2 == 0).ok());
      promises.push_back({test.disk().event_count(), path, bytes});
    }
    // Traffic that nobody waits for.
    {
      Result<Ref<Inode>> file = test.create(other);
      ASSERT_TRUE(file.ok());
      ASSERT_TRUE(test.write(**file, random() % 9000, pattern(round + 999, 30'000)).ok());
      ASSERT_TRUE(test.truncate(**file, random() % 20'000).ok());
    }
    if (round % 3 == 2) {
      std::string old = "other" + std::to_string(random() % round);
      ASSERT_TRUE(test.rename(other, old).ok());
    }
    if (round % 5 == 4) static_cast<void>(test.unlink("other" + std::to_string(random() % round)));
  }
  size_t total = test.disk().event_count();
  for (unsigned cut = 0; cut < 25; ++cut) {
    size_t events = random() % (total + 1);
    TestVolume after(test.disk().image_after_cut(events, cut));
    ASSERT_TRUE(after.ok()) << int(after.error());
    for (const Promise& promise : promises) {
      if (promise.events > events) break;
      Result<Bytes> bytes = after.read_all(promise.path);
      ASSERT_TRUE(bytes.ok()) << promise.path << " " << int(bytes.error());
      EXPECT_TRUE(*bytes == promise.bytes) << promise.path;
    }
    EXPECT_FALSE(after.volume().has_errors());
    after.unmount();
    ASSERT_TRUE(is_clean(after.image())) << "cut at event " << events << " of " << total;
  }
}

INSTANTIATE_TEST_SUITE_P(Features, PowerCut,
                         testing::Values("-b 4096", "-b 1024", "-b 4096 -t ext3",
                                         "-b 2048 -O orphan_file"));

TEST(PowerCutTest, AnOpenFileWithoutNameIsDeletedByTheNextMount) {
  TestVolume test(make_image(16 << 20, "-b 1024"));
  ASSERT_TRUE(test.ok());
  uint64_t free_before = test.volume().statistics().free_blocks;
  Image left;
  {
    Result<Ref<Inode>> file = test.create("gone");
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(test.write(**file, 0, pattern(1, 500'000)).ok());
    ASSERT_TRUE(test.unlink("gone").ok());
    ASSERT_TRUE((*file)->synchronise(false).ok());
    left = test.image();
    EXPECT_EQ(test.read(**file, 0, 500'000).value(), pattern(1, 500'000));
  }
  EXPECT_TRUE(test.volume().synchronise().ok());
  EXPECT_EQ(test.volume().statistics().free_blocks, free_before);
  TestVolume after(left);
  ASSERT_TRUE(after.ok());
  after.unmount();
  EXPECT_TRUE(is_clean(after.image()));
}

// --- Damage -----------------------------------------------------------------------------------

// Everything that can be asked, whatever comes of it.
void use(TestVolume& test, const std::string& path, unsigned depth) {
  Result<std::vector<std::string>> names = test.list(path);
  if (!names.ok() || depth == 0) return;
  size_t count = 0;
  for (const std::string& name : *names) {
    if (++count > 12) break;
    std::string inside = path + "/" + name;
    Result<Ref<Inode>> found = test.find(inside);
    if (!found.ok()) continue;
    Inode& inode = **found;
    {
      Guard guard(inode.lock);
      static_cast<void>(inode.list_xattrs());
    }
    if (inode.is_directory()) {
      use(test, inside, depth - 1);
    } else if (inode.type() == FileType::Regular) {
      static_cast<void>(test.read(inode, 0, std::min<uint64_t>(inode.size(), 100'000)));
    }
  }
}

void change(TestVolume& test) {
  Result<Ref<Inode>> made = test.create("new-file");
  if (made.ok()) {
    static_cast<void>(test.write(**made, 0, Bytes(40'000, 'w')));
    static_cast<void>(test.set_xattr(**made, "user.big", std::string(700, 'v')));
    static_cast<void>(test.truncate(**made, 100));
  }
  static_cast<void>(test.make_directory("new-directory"));
  static_cast<void>(test.rename("a/large", "new-directory/moved"));
  Result<Ref<Inode>> large = test.find("new-directory/moved");
  if (large.ok()) {
    static_cast<void>(test.write(**large, 5000, Bytes(100'000, 'x')));
    static_cast<void>(test.allocate(**large, 3, 8192, 50'000));
    static_cast<void>(test.truncate(**large, 10));
  }
  for (int i = 0; i < 10; ++i) static_cast<void>(test.unlink("many/n" + std::to_string(i)));
  static_cast<void>(test.unlink("a/small"));
  static_cast<void>(test.remove_directory("a"));
  static_cast<void>(test.volume().synchronise());
}

Image full_image(const std::string& options) {
  TestVolume test(make_image(8 << 20, options));
  EXPECT_TRUE(test.ok());
  EXPECT_TRUE(test.make_directory("a").ok());
  EXPECT_TRUE(test.make_directory("many").ok());
  for (int i = 0; i < 150; ++i)
    EXPECT_TRUE(test.create("many/n" + std::to_string(i) + std::string(40, 'x')).ok());
  {
    Ref<Inode> large = test.create("a/large").value();
    for (int i = 0; i < 40; ++i)
      EXPECT_TRUE(test.write(*large, uint64_t(i) * 20'000, Bytes(3000, 'l')).ok());
    EXPECT_TRUE(test.set_xattr(*large, "user.attribute", std::string(500, 'a')).ok());
    Ref<Inode> small = test.create("a/small").value();
    EXPECT_TRUE(test.write(*small, 0, "small").ok());
    EXPECT_TRUE(test.create("a/link", FileType::Symlink, 0777, std::string(100, 's')).ok());
  }
  test.unmount();
  return test.image();
}

// Wherever the layout puts bitmaps and tables, they are no file's: here all in the first group of
// more than 64.
TEST(DamageTest, FixedMetadataIsNoData) {
  for (const char* layout : {"-b 1024 -g 256 -N 1536 -G 128", "-b 1024 -g 256 -N 1536 -G 16",
                             "-b 1024 -g 256 -N 1536 -O ^flex_bg,^resize_inode"}) {
    TestVolume test(make_image(24 << 20, layout));
    ASSERT_TRUE(test.ok()) << layout;
    const Geometry& geometry = test.volume().geometry();
    const Groups& groups = test.volume().groups();
    ASSERT_GT(geometry.groups, 64u);
    for (uint32_t group = 0; group < geometry.groups; ++group) {
      EXPECT_FALSE(groups.may_be_data(groups.block_bitmap(group), 1)) << group;
      EXPECT_FALSE(groups.may_be_data(groups.inode_bitmap(group) - 1, 2)) << group;
      uint64_t table = groups.inode_table(group);
      for (uint32_t i = 0; i < geometry.inode_table_blocks(); ++i)
        EXPECT_FALSE(groups.may_be_data(table + i, 1)) << group;
      EXPECT_TRUE(!geometry.has_super_copy(group) ||
                  !groups.may_be_data(geometry.group_start(group), 1));
    }
    EXPECT_TRUE(groups.may_be_data(geometry.blocks - 1, 1));
    EXPECT_FALSE(groups.may_be_data(geometry.blocks - 1, 2));
  }
}

TEST(DamageTest, RunsOfASetOfBlocksMerge) {
  std::mt19937 random(11);
  for (int round = 0; round < 50; ++round) {
    BlockSet set;
    std::vector<bool> is_in(300);
    for (int i = 0; i < 12; ++i) {
      uint64_t first = random() % 280, count = random() % 12;
      ASSERT_TRUE(set.add(first, count).ok());
      for (uint64_t block = first; block < first + count; ++block) is_in[block] = true;
    }
    size_t runs = 0;
    for (size_t block = 0; block < 290; ++block) {
      if (is_in[block] && (block == 0 || !is_in[block - 1])) ++runs;
      uint64_t count = random() % 9;
      bool expected = false;
      for (uint64_t i = 0; i < count; ++i) expected |= is_in[block + i];
      EXPECT_EQ(count != 0 && set.touches(block, count), expected) << block;
    }
    EXPECT_EQ(set.runs(), runs);
  }
}

// The journal remembers that it was aborted, should the superblock that said so have been lost (to
// a replay of an older one): the next mount that writes marks the volume again, and forgets.
TEST(DamageTest, AnAbortThatTheJournalRecordedMarksTheVolume) {
  TestVolume test(make_image(16 << 20, "-b 1024"));
  ASSERT_TRUE(test.ok());
  test.volume().journal().abort(Errno::Io);
  test.unmount();
  Image left = test.image();
  auto super_of = [](Image& image) -> DiskSuper& {
    return *reinterpret_cast<DiskSuper*>(image.data() + kSuperOffset);
  };
  DiskSuper& super = super_of(left);
  EXPECT_NE(super.state & kStateErrors, 0);
  super.state &= static_cast<uint16_t>(~kStateErrors);
  super.error_count = 0;
  super.checksum = super_checksum(super);
  {
    TestVolume reader(left, "", true);
    ASSERT_TRUE(reader.ok());
    EXPECT_EQ(reader.volume().journal().recorded_error(), Errno::Io);
    EXPECT_FALSE(reader.volume().has_errors());  // a volume that is only read stays as it is
    reader.unmount();
  }
  TestVolume again(left, "errors=remount-ro");
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again.volume().has_errors());
  EXPECT_FALSE(again.volume().read_only());
  EXPECT_EQ(again.volume().journal().recorded_error(), Errno{});
  again.unmount();
  Image marked = again.image();
  EXPECT_NE(super_of(marked).state & kStateErrors, 0);
  EXPECT_EQ(super_of(marked).error_count, 1u);
  TestVolume third(marked);
  ASSERT_TRUE(third.ok());
  EXPECT_EQ(third.volume().journal().recorded_error(), Errno{});
  EXPECT_FALSE(third.volume().has_errors());
}

class Damage : public testing::TestWithParam<std::string> {};

// Bits flip in blocks of metadata: those that are not zero and lie in the first part.
TEST_P(Damage, GivesErrors) {
  Image image = full_image(GetParam());
  std::vector<size_t> places;  // bytes of metadata: what is not zero and not a file's contents
  for (size_t i = 1024; i < image.size(); ++i)
    if (image[i] != 0 && image[i] != 'l') places.push_back(i);
  unsigned rounds = 170;
  if (const char* wanted = std::getenv("EXT4_MUTATIONS")) rounds = unsigned(std::atoi(wanted));
  std::mt19937 random(3);
  log_set_console_level(LogLevel::Emerg);
  for (unsigned round = 0; round < rounds; ++round) {
    Image damaged = image;
    for (size_t flips = 1 + random() % 8; flips != 0; --flips) {
      size_t at = places[random() % places.size()];
      if (random() % 3 == 0) at = (at & ~size_t{511}) + random() % 512;
      if (at >= damaged.size()) continue;
      damaged[at] = random() % 2 == 0 ? static_cast<uint8_t>(damaged[at] ^ 1u << random() % 8)
                                      : static_cast<uint8_t>(random());
    }
    TestVolume test(std::move(damaged));
    if (!test.ok()) continue;
    use(test, "", 3);
    change(test);
    use(test, "", 2);
  }
}

INSTANTIATE_TEST_SUITE_P(Features, Damage,
                         testing::Values("-b 1024 -O ^metadata_csum", "-b 1024",
                                         "-b 4096 -O ^metadata_csum,^64bit",
                                         "-b 1024 -t ext2 -O ^resize_inode", "-b 1024 -t ext3",
                                         "-b 4096 -O inline_data,^metadata_csum"));

}  // namespace
}  // namespace kernel::ext4
