// SPDX-License-Identifier: MIT
// A random workload on the journal, with the power cut at every write and flush, unflushed sectors
// lost, reordered and torn. Whatever recovers the image must find the state at the end of a
// transaction, no older than what commit_through() had promised.
//
// Every handle also counts in a marker block: the number found there says which handles happened.
#include <atomic>
#include <map>

#include "host_tests/journal_disk.h"

namespace kernel::jbd2 {
namespace {

using host_tests::Image;
using host_tests::ImageFile;

constexpr uint64_t kMarker = 2500;
constexpr uint64_t kFirst = 2600;
constexpr uint64_t kPool = 60;

class Workload {
 public:
  Workload(const TestImage& image, uint32_t seed, const JournalOptions& options)
      : random_(seed), freeing_(kPool), states_(1), disk_(image) {
    EXPECT_TRUE(disk_.open(options).ok());
    states_[0].resize(kPool);
  }

  void run(unsigned handles) {
    for (unsigned i = 0; i < handles; ++i) {
      one_handle();
      unsigned dice = below(12);
      if (dice == 0) commit();
      if (dice == 1) disk_.journal->request_commit();
      if (dice == 2 && below(3) == 0) {
        EXPECT_TRUE(disk_.journal->flush().ok());
        promise();
      }
      if (dice < 6) write_data();
    }
    if (below(2) == 0) commit();
    EXPECT_TRUE(disk_.close().ok());
    promise();
  }

  // Every cut: the state must be that of a transaction's end.
  void check_cuts(unsigned every, unsigned every_e2fsck) {
    size_t events = disk_.disk->events().size();
    ASSERT_GT(events, 50u);
    for (size_t cut = 0; cut <= events; cut += every) {
      TestImage image = disk_.layout;
      image.bytes = disk_.disk->image_after_cut(cut, static_cast<uint32_t>(cut) + 1);
      TestDisk replayed(image);
      ASSERT_TRUE(replayed.open().ok()) << "cut " << cut;
      ASSERT_TRUE(replayed.close().ok());
      check(replayed.disk->image(), cut);
      if (testing::Test::HasFailure()) return;
      if (every_e2fsck == 0 || cut / every % every_e2fsck != 0) continue;
      ImageFile file(image.bytes);
      file.e2fsck("-fy -E journal_only");
      Image theirs = file.load();
      check(theirs, cut);
      if (testing::Test::HasFailure()) return;
      EXPECT_EQ(marker(theirs), marker(replayed.disk->image()));
    }
  }

 private:
  // What a block of the pool holds after a handle.
  struct Block {
    bool in_use = false;  // metadata
    uint64_t stamp = 0;   // its contents; of a free one, those of the data written there last
    size_t written = 0;   // for data: number of events when it was on the device
  };
  using State = std::vector<Block>;

  unsigned below(unsigned limit) { return static_cast<unsigned>(random_()) % limit; }

  static void stamp(std::span<uint8_t> bytes, uint64_t value) {
    for (size_t at = 0; at < bytes.size(); at += 8) std::memcpy(&bytes[at], &value, 8);
  }
  uint64_t next_stamp() {
    // Now and then one that looks like a block of the log.
    ++stamps_;
    return below(8) == 0 ? (stamps_ << 32 | 0x98393bc0) : stamps_;
  }

  class Freed final : public CommitCallback {
   public:
    Freed(Workload& workload, uint64_t index) : workload_(workload), index_(index) {}
    void transaction_ended(Result<> status) override {
      EXPECT_TRUE(status.ok());
      --workload_.freeing_[index_];
      delete this;
    }

   private:
    Workload& workload_;
    uint64_t index_;
  };

  void one_handle() {
    State state = states_.back();
    Handle handle = disk_.journal->start(9, 3).take();
    handle_transactions_.push_back(handle.transaction());
    for (unsigned i = 0, changes = 1 + below(6); i < changes; ++i) {
      uint64_t index = below(kPool);
      Block& block = state[index];
      uint64_t number = kFirst + index;
      if (block.in_use && below(4) == 0) {
        ASSERT_TRUE(handle.revoke(number).ok());
        ++freeing_[index];
        handle.on_commit(*new Freed(*this, index));
        block = {};
        continue;
      }
      uint64_t value = next_stamp();
      Ref<Buffer> buffer =
          (block.in_use ? disk_.cache->read(number) : disk_.cache->fresh(number)).take();
      if (block.in_use) {
        uint64_t held = 0;
        std::memcpy(&held, buffer->data(), 8);
        ASSERT_EQ(held, block.stamp);
        ASSERT_TRUE(handle.modify(*buffer).ok());
      } else {
        ASSERT_TRUE(handle.create(*buffer).ok());
      }
      stamp(buffer->bytes(), value);
      handle.dirty(*buffer);
      block = {true, value, 0};
    }
    Ref<Buffer> marker = disk_.cache->read(kMarker).take();
    ASSERT_TRUE(handle.modify(*marker).ok());
    uint64_t count = states_.size();
    std::memcpy(marker->data(), &count, 8);
    handle.dirty(*marker);
    states_.push_back(std::move(state));
  }

  // A block whose freeing is committed belongs to a file now.
  void write_data() {
    uint64_t index = below(kPool);
    if (states_.back()[index].in_use || freeing_[index] != 0) return;
    Ref<Buffer> memory = disk_.cache->fresh(kMarker + 1).take();  // only its memory
    uint64_t value = next_stamp();
    stamp(memory->bytes(), value);
    EXPECT_TRUE(disk_.disk->write((kFirst + index) * 1024, memory->bytes()).ok());
    // Every later state has it, until the block is metadata again.
    states_.back()[index] = {false, value, disk_.disk->event_count()};
  }

  void commit() {
    TransactionId id = disk_.journal->newest();
    EXPECT_TRUE(disk_.journal->commit_through(id).ok());
    promise();
  }
  void promise() { promises_[disk_.disk->event_count()] = states_.size() - 1; }

  static uint64_t marker(const Image& image) {
    uint64_t count = 0;
    std::memcpy(&count, &image[kMarker * 1024], 8);
    return count;
  }

  void check(const Image& image, size_t cut) {
    uint64_t count = marker(image);
    ASSERT_LT(count, states_.size()) << "cut " << cut;
    if (count != 0 && count + 1 < states_.size()) {
      ASSERT_NE(handle_transactions_[count - 1], handle_transactions_[count])
          << "cut " << cut << ": within a transaction";
    }
    auto promised = promises_.upper_bound(cut);
    if (promised != promises_.begin()) {
      ASSERT_GE(count, std::prev(promised)->second) << "cut " << cut;
    }
    size_t flushed = cut;
    const auto& events = disk_.disk->events();
    while (flushed != 0 && events[flushed - 1].operation != BlockOperation::Flush) --flushed;
    for (uint64_t index = 0; index < kPool; ++index) check_block(image, cut, flushed, count, index);
  }

  void check_block(const Image& image, size_t cut, size_t flushed, uint64_t count, uint64_t index) {
    const Block& block = states_[count][index];
    if (!block.in_use) {
      // Data on the medium must have survived, unless more was written there before the cut.
      Block last = block;
      for (uint64_t later = count + 1; later < states_.size(); ++later) {
        const Block& next = states_[later][index];
        if (next.in_use) break;
        if (next.stamp != last.stamp && next.written <= cut) last = next;
        if (next.written > cut) return;
      }
      if (last.written == 0 || last.written > flushed) return;
      expect_stamp(image, cut, index, last.stamp);
      return;
    }
    expect_stamp(image, cut, index, block.stamp);
  }

  void expect_stamp(const Image& image, size_t cut, uint64_t index, uint64_t expected) {
    for (size_t at = 0; at < 1024; at += 8) {
      uint64_t found = 0;
      std::memcpy(&found, &image[(kFirst + index) * 1024 + at], 8);
      ASSERT_EQ(found, expected) << "cut " << cut << " block " << index << " at " << at;
    }
  }

  std::minstd_rand random_;
  std::vector<std::atomic<int>> freeing_;  // frees that are not committed yet
  std::vector<State> states_;              // after each handle, from none on
  std::vector<TransactionId> handle_transactions_;
  std::map<size_t, uint64_t> promises_;  // number of events → handles that are durable from there
  uint64_t stamps_ = 0;
  TestDisk disk_;  // its end calls what is left of the callbacks
};

// A journal of 1024 blocks would need much to go around: its superblock says less.
TestImage tight_image(const char* features, uint32_t blocks) {
  TestImage image = make_image(1024, 1, 3, features);
  for (uint64_t block = kMarker; block < kFirst + kPool; ++block)
    EXPECT_FALSE(image.is_journal(block));
  put32(image.at(image.journal_block(0)) + superblock::kMaxLen, blocks);
  return image;
}

TEST(PowerCut, Plain) {
  Workload workload(tight_image("^metadata_csum,^64bit", 1024), 1, quiet());
  workload.run(100);
  workload.check_cuts(2, 12);
}

TEST(PowerCut, Checksums) {
  JournalOptions options = quiet();
  options.checksums = true;
  options.wide_blocks = true;
  Workload workload(tight_image("metadata_csum,64bit", 1024), 3, options);
  workload.run(100);
  workload.check_cuts(2, 12);
}

// Commits on their own account at any moment, in a log that goes around again and again. e2fsck
// does not take a journal as small as that.
TEST(PowerCut, TinyLog) {
  JournalOptions options;
  options.commit_interval = kNanosPerSecond / 500;
  Workload workload(tight_image("^metadata_csum,^64bit", 100), 4, options);
  workload.run(100);
  workload.check_cuts(3, 0);
}

}  // namespace
}  // namespace kernel::jbd2
