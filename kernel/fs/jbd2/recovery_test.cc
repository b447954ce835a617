// SPDX-License-Identifier: MIT
// Replay of journals that debugfs wrote, compared with e2fsck's replay of the same image, and of
// journals that nobody should have written.
#include "host_tests/journal_disk.h"
#include "host_tests/mutate.h"

namespace kernel::jbd2 {
namespace {

using host_tests::Image;
using host_tests::ImageFile;

struct Kind {
  const char* name;
  uint32_t block_size;
  const char* features;
  const char* open;  // debugfs: journal_open with a checksum version
};
// How googletest names it.
void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

class Replay : public testing::TestWithParam<Kind> {};

// Random transactions: blocks written, some of them again, some revoked, some with the magic
// number at their beginning; the last one without a commit block.
TestImage make_journal(const Kind& kind, uint32_t seed) {
  host_tests::boot_machine();
  ImageFile file;
  std::string options = "-b " + std::to_string(kind.block_size) +
                        " -J size=" + (kind.block_size == 1024 ? "1" : "4") + " -O " +
                        kind.features;
  uint64_t size = kind.block_size == 1024 ? 4 * MiB : 16 * MiB;
  EXPECT_TRUE(file.make(size, options));
  std::minstd_rand generator(seed);
  auto random = [&generator] { return static_cast<unsigned>(generator()); };
  uint64_t first_free = size / kind.block_size - 300;
  std::string commands = std::string(kind.open) + "\n";
  for (int transaction = 0; transaction < 12; ++transaction) {
    std::string blocks, revoked, data;
    unsigned count = 1 + random() % 20;
    for (unsigned i = 0; i < count; ++i) {
      blocks += (i == 0 ? "" : ",") + std::to_string(first_free + random() % 100 + i * 5 % 100);
      std::string block(kind.block_size, static_cast<char>('a' + random() % 26));
      if (random() % 4 == 0) block.replace(0, 4, "\xc0\x3b\x39\x98");
      data += block;
    }
    // debugfs and e2fsck do not agree on the version 1 checksum of a transaction with revokes.
    unsigned revokes = std::strcmp(kind.name, "version1") == 0 ? 0 : random() % 4;
    for (unsigned i = 0; i < revokes; ++i)
      revoked += (i == 0 ? "" : ",") + std::to_string(first_free + random() % 100);
    std::string name = file.other_path("data" + std::to_string(transaction));
    ImageFile::write_file(name, Image(data.begin(), data.end()));
    bool writes = random() % 5 != 0 || revoked.empty();
    commands += "jw" + std::string(transaction == 11 ? " -c" : "") +
                (revoked.empty() ? "" : " -r " + revoked) +
                (writes ? " -b " + blocks + " " + name : "") + "\n";
  }
  file.debugfs(commands + "jc\n");
  return load_image(file, kind.block_size);
}

// Equal but for the journal and for the superblock with its times and flags.
void expect_same(const TestImage& layout, const Image& ours, const Image& theirs) {
  ASSERT_EQ(ours.size(), theirs.size());
  for (uint64_t block = 0; block < layout.blocks(); ++block) {
    if (layout.is_journal(block) || block * layout.block_size < 2048) continue;
    EXPECT_EQ(std::memcmp(ours.data() + block * layout.block_size,
                          theirs.data() + block * layout.block_size, layout.block_size),
              0)
        << "block " << block;
  }
}

TEST_P(Replay, AsE2fsckDoesIt) {
  for (uint32_t seed = 1; seed <= 2; ++seed) {
    TestImage image = make_journal(GetParam(), seed);
    ImageFile file(image.bytes);
    file.e2fsck("-fy -E journal_only");
    Image theirs = file.load();
    EXPECT_NE(theirs, image.bytes);
    TestDisk disk(image);
    ASSERT_TRUE(disk.open().ok());
    EXPECT_TRUE(disk.journal->was_recovered());
    ASSERT_TRUE(disk.close().ok());
    expect_same(image, disk.disk->image(), theirs);
  }
}

// Our journal goes on where theirs ended, and they understand ours.
TEST_P(Replay, GoesOnWithIt) {
  TestImage image = make_journal(GetParam(), 7);
  uint64_t block = image.blocks() - 120;
  bool checksums = GetParam().block_size == 4096;
  {
    TestDisk disk(image);
    JournalOptions options = quiet();
    options.checksums = checksums;
    options.wide_blocks = checksums;
    ASSERT_TRUE(disk.open(options).ok());
    for (uint8_t i = 0; i < 40; ++i) ASSERT_TRUE(disk.fill(block + i, i).ok());
    ASSERT_TRUE(disk.journal->commit_now().ok());
    {
      Handle handle = disk.journal->start(1, 1).take();
      ASSERT_TRUE(handle.revoke(block + 7).ok());
      Ref<Buffer> magic = disk.cache->fresh(block + 50).take();
      ASSERT_TRUE(handle.create(*magic).ok());
      put32(magic->data(), kMagic);
      handle.dirty(*magic);
    }
    ASSERT_TRUE(disk.journal->commit_now().ok());
    image.bytes = disk.disk->image();
  }
  ImageFile file(image.bytes);
  file.e2fsck("-fy -E journal_only");
  Image theirs = file.load();
  for (uint8_t i = 0; i < 40; ++i)
    EXPECT_EQ(theirs[(block + i) * image.block_size], i == 7 ? image.at(block + 7)[0] : i);
  EXPECT_EQ(get32(theirs.data() + (block + 50) * image.block_size), kMagic);
  TestDisk disk(image);
  ASSERT_TRUE(disk.open().ok());
  ASSERT_TRUE(disk.close().ok());
  expect_same(image, disk.disk->image(), theirs);
}

constexpr Kind kKinds[] = {
    {"plain", 1024, "^metadata_csum,^64bit", "jo"},
    {"indirect", 1024, "^extent,^metadata_csum,^64bit", "jo"},
    {"version1", 1024, "^metadata_csum,^64bit", "jo -c"},
    {"version2", 1024, "metadata_csum,64bit", "jo -c -v 2"},
    {"version3", 1024, "metadata_csum,64bit", "jo -c -v 3"},
    {"narrow2", 4096, "metadata_csum,^64bit", "jo -c -v 2"},
    {"narrow3", 4096, "metadata_csum,^64bit", "jo -c -v 3"},
    {"large", 4096, "metadata_csum,64bit", "jo -c -v 3"},
    {"large_plain", 4096, "^metadata_csum,64bit", "jo"},
};
INSTANTIATE_TEST_SUITE_P(Kinds, Replay, testing::ValuesIn(kKinds),
                         [](const auto& kind) { return std::string(kind.param.name); });

// --- Damage ---

// Four committed transactions, each with 40 blocks of its number.
const TestImage& logged_image() {
  static const TestImage image = [] {
    TestImage made = make_image(1024, 1, 4, "metadata_csum,64bit");
    TestDisk disk(made);
    JournalOptions options = quiet();
    options.checksums = true;
    EXPECT_TRUE(disk.open(options).ok());
    for (uint8_t transaction = 1; transaction <= 4; ++transaction) {
      for (uint64_t i = 0; i < 40; ++i) EXPECT_TRUE(disk.fill(3000 + i, transaction).ok());
      EXPECT_TRUE(disk.journal->commit_now().ok());
    }
    made.bytes = disk.disk->image();
    return made;
  }();
  return image;
}

// Its log: descriptor, 31 data, descriptor, 9 data, commit: 43 blocks each.
constexpr uint32_t kBlocksEach = 43;

TEST(Recovery, ATornLastCommitIsNoCommit) {
  TestImage image = logged_image();
  uint8_t* commit = image.at(image.journal_block(4 * kBlocksEach));
  ASSERT_EQ(get_header(commit).type, BlockType::Commit);
  commit[700] = 1;  // what lay there before
  TestDisk disk(image);
  ASSERT_TRUE(disk.open().ok());
  EXPECT_EQ(disk.home_byte(3000), 3);
}

TEST(Recovery, ADamagedTransactionInTheMiddleIsRefused) {
  for (uint32_t block : {2 * kBlocksEach, kBlocksEach + 1, kBlocksEach + 5}) {
    TestImage image = logged_image();
    image.at(image.journal_block(block))[700] ^= 1;
    TestDisk disk(image);
    EXPECT_EQ(disk.open().error(), Errno::Inval);
    EXPECT_EQ(disk.home_byte(3010), block == kBlocksEach + 5 ? 4 : 1);
  }
}

TEST(Recovery, AnAsynchronousCommitMayComeBeforeItsData) {
  TestImage image = logged_image();
  uint8_t* superblock = image.at(image.journal_block(0));
  put32(superblock + superblock::kIncompat,
        get32(superblock + superblock::kIncompat) | kIncompatAsyncCommit);
  put32(superblock + superblock::kChecksum, 0);
  put32(superblock + superblock::kChecksum, crc32c(~uint32_t{0}, {superblock, superblock::kSize}));
  image.at(image.journal_block(3 * kBlocksEach + 5))[1] ^= 1;  // data of the last one
  TestDisk disk(image);
  ASSERT_TRUE(disk.open().ok());
  EXPECT_EQ(disk.home_byte(3000), 3);
}

TEST(Recovery, FeaturesAndSuperblocksThatAreRefused) {
  struct Change {
    size_t offset;
    uint32_t value;
    Errno error;
  };
  const TestImage plain = make_image(1024, 1, 4, "^metadata_csum,^64bit");
  for (Change change :
       {Change{0, 1, Errno::Inval}, Change{4, 9, Errno::Inval},
        Change{superblock::kBlockSize, 2048, Errno::Inval},
        Change{superblock::kMaxLen, 1025, Errno::Inval},
        Change{superblock::kMaxLen, 20, Errno::Inval}, Change{superblock::kFirst, 0, Errno::Inval},
        Change{superblock::kFirst, 1023, Errno::Inval},
        Change{superblock::kStart, 1024, Errno::Inval},
        Change{superblock::kIncompat, 64, Errno::OpNotSupp},
        Change{superblock::kReadOnlyCompat, 1, Errno::OpNotSupp},
        Change{superblock::kIncompat, kIncompatChecksumV3, Errno::Inval},
        Change{superblock::kIncompat, 24, Errno::Inval}}) {
    TestImage image = plain;
    put32(image.at(image.journal_block(0)) + change.offset, change.value);
    TestDisk disk(image);
    EXPECT_EQ(disk.open().error(), change.error) << change.offset << " " << change.value;
  }
}

// Fast commit records in the area behind the log, as ext4 writes them.
TEST(Recovery, FastCommits) {
  TestImage image = make_image(1024, 1, 4, "^metadata_csum,^64bit");
  {
    TestDisk disk(image);
    ASSERT_TRUE(disk.open(quiet()).ok());
    ASSERT_TRUE(disk.fill(3000, 1).ok());
    ASSERT_TRUE(disk.journal->commit_now().ok());
    image.bytes = disk.disk->image();
  }
  uint8_t* superblock = image.at(image.journal_block(0));
  put32(superblock + superblock::kIncompat, kIncompatRevoke | kIncompatFastCommit);
  put32(superblock + superblock::kFastCommitBlocks, 64);
  {
    TestDisk clean(image);  // nothing there
    ASSERT_TRUE(clean.open().ok());
    EXPECT_EQ(clean.home_byte(3000), 1);
  }
  uint32_t sequence = get32(superblock + superblock::kSequence) + 1;
  uint8_t* at = image.at(image.journal_block(1024 - 64));
  auto put = [&at](uint32_t value, size_t size) {
    for (; size > 0; --size, value >>= 8) *at++ = static_cast<uint8_t>(value);
  };
  const uint8_t* head = at;
  put(9, 2), put(8, 2), put(0, 4), put(sequence, 4);       // head
  put(5, 2), put(12, 2), put(0, 4), put(0, 4), put(0, 4);  // an entry
  put(8, 2), put(8, 2), put(sequence, 4);                  // tail
  uint32_t sum = crc32c(0, {head, static_cast<size_t>(at - head)});
  put(sum, 4);
  {
    TestDisk disk(image);
    EXPECT_EQ(disk.open().error(), Errno::OpNotSupp);
    EXPECT_EQ(disk.home_byte(3000), 0);
  }
  at[-1] ^= 1;  // a torn one counts for nothing
  TestDisk disk(image);
  ASSERT_TRUE(disk.open().ok());
  EXPECT_EQ(disk.home_byte(3000), 1);
}

// Journals with flipped bits and odd numbers: accepted or refused, nothing worse.
TEST(Recovery, Mutations) {
  for (bool checksums : {false, true}) {
    TestImage image = checksums ? logged_image() : make_journal(kKinds[0], 3);
    uint32_t used = checksums ? 4 * kBlocksEach + 1 : 150;
    std::vector<uint8_t> log;
    for (uint32_t i = 0; i < used; ++i) {
      const uint8_t* block = image.at(image.journal_block(i));
      log.insert(log.end(), block, block + image.block_size);
    }
    host_tests::Mutator mutator(log, 5);
    for (int round = 0; round < 100; ++round) {
      std::vector<uint8_t> bytes = mutator.next();
      bytes.resize(log.size());
      TestImage mutated = image;
      for (uint32_t i = 0; i < used; ++i)
        std::memcpy(mutated.at(image.journal_block(i)), &bytes[i * image.block_size],
                    image.block_size);
      // Half of them with a superblock that is taken.
      if (round % 2 == 0)
        std::memcpy(mutated.at(image.journal_block(0)), log.data(), image.block_size);
      TestDisk disk(mutated);
      ignore(disk.open());
    }
  }
}

}  // namespace
}  // namespace kernel::jbd2
