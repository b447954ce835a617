// SPDX-License-Identifier: MIT
// For the journal's tests: an image of mkfs.ext4 on a disk in memory, with the journal of its inode
// 8, and blocks to play with that no file uses.
#pragma once

#include <gtest/gtest.h>

#include <cstring>

#include "fs/jbd2/journal.h"
#include "host_tests/e2fsprogs.h"
#include "host_tests/machine.h"

namespace kernel::jbd2 {

struct TestImage {
  host_tests::Image bytes;
  uint32_t block_size = 0;
  std::vector<JournalExtent> journal;
  uint64_t blocks() const { return bytes.size() / block_size; }

  bool is_journal(uint64_t block) const {
    for (const JournalExtent& extent : journal) {
      if (block >= extent.first && block < extent.first + extent.count) return true;
    }
    return false;
  }
  uint64_t journal_block(uint32_t index) const {
    for (const JournalExtent& extent : journal) {
      if (index < extent.count) return extent.first + index;
      index -= extent.count;
    }
    return 0;
  }
  uint8_t* at(uint64_t block) { return bytes.data() + block * block_size; }
};

inline TestImage load_image(const host_tests::ImageFile& file, uint32_t block_size) {
  TestImage image{file.load(), block_size, {}};
  for (host_tests::ImageFile::Extent extent : file.extents(8))
    image.journal.push_back({extent.first, extent.count});
  return image;
}

// The journal's size in MiB; the file system marked as in need of recovery, as a mount does it.
inline TestImage make_image(uint32_t block_size, unsigned journal_size, unsigned size,
                            const std::string& features = "") {
  host_tests::boot_machine();
  host_tests::ImageFile file;
  std::string options = "-b " + std::to_string(block_size) +
                        " -J size=" + std::to_string(journal_size) +
                        (features.empty() ? "" : " -O " + features);
  EXPECT_TRUE(file.make(size * MiB, options));
  file.debugfs("feature needs_recovery\n");
  TestImage image = load_image(file, block_size);
  EXPECT_FALSE(image.journal.empty());
  return image;
}

class TestDisk {
 public:
  explicit TestDisk(const TestImage& image, bool read_only = false)
      : layout{{}, image.block_size, image.journal},
        disk(Ref<host_tests::RamDisk>::adopt(
            *new host_tests::RamDisk(image.bytes, kSectorSize, read_only))),
        cache(BufferCache::create(Ref<BlockDevice>(*disk), image.block_size).take()) {}
  ~TestDisk() {
    if (journal) ignore(close());  // an aborted one has an error
  }

  Result<> open(const JournalOptions& options = {}) {
    auto opened = Journal::open(*cache, layout.journal, options);
    if (!opened.ok()) return opened.error();
    journal = std::move(opened).take();
    return {};
  }
  Result<> open_without_log(const JournalOptions& options = {}) {
    auto opened = Journal::open_without_log(*cache, options);
    if (!opened.ok()) return opened.error();
    journal = std::move(opened).take();
    return {};
  }
  Result<> close() {
    Result<> result = journal->close();
    journal.reset();
    return result;
  }

  // What the disk holds at home.
  std::vector<uint8_t> home(uint64_t block) const {
    const host_tests::Image& image = disk->image();
    auto first = image.begin() + static_cast<long>(block * layout.block_size);
    return {first, first + layout.block_size};
  }
  uint8_t home_byte(uint64_t block) const { return disk->image()[block * layout.block_size]; }

  // Fills the block with one value, in a handle of its own or the thread's.
  Result<TransactionId> fill(uint64_t block, uint8_t value) {
    Handle handle = TRY(journal->start(1));
    Ref<Buffer> buffer = TRY(cache->read(block));
    TRY(handle.modify(*buffer));
    std::memset(buffer->data(), value, buffer->size());
    handle.dirty(*buffer);
    return handle.transaction();
  }

  const TestImage layout;  // without the bytes
  Ref<host_tests::RamDisk> disk;
  Owned<BufferCache> cache;
  Optional<Ref<Journal>> journal;
};

// A journal that commits and writes home only when it is told.
inline JournalOptions quiet() { return {.commit_interval = 3600 * kNanosPerSecond}; }

}  // namespace kernel::jbd2
