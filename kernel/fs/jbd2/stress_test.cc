// SPDX-License-Identifier: MIT
// Many threads with handles at once, commits and checkpoints under them, memory taken away; TSan
// watches. At the end every change must be on the disk once.
#include <mutex>
#include <random>
#include <thread>

#include "host_tests/journal_disk.h"

namespace kernel::jbd2 {
namespace {

constexpr uint64_t kShared = 3000;
constexpr size_t kSharedBlocks = 24;
constexpr uint64_t kPrivate = 3200;  // of each thread
constexpr size_t kPrivateBlocks = 16;
constexpr unsigned kThreads = 4;

class Data : public OrderedData {
 public:
  void flush_ordered() override { std::this_thread::yield(); }
};

class Stress {
 public:
  explicit Stress(TestDisk& disk) : disk_(disk) {}

  void run(unsigned rounds) {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kThreads; ++i)
      threads.emplace_back([this, i, rounds] { change(i, rounds); });
    std::thread memory([this] {
      while (!done_) {
        static_cast<void>(disk_.cache->shrink(64));
        disk_.cache->read_ahead(kShared, kSharedBlocks);
        std::this_thread::yield();
      }
    });
    for (std::thread& thread : threads) thread.join();
    done_ = true;
    memory.join();
  }

  void check() {
    for (size_t i = 0; i < kSharedBlocks; ++i) EXPECT_EQ(number_at(kShared + i), sums_[i]);
    for (unsigned thread = 0; thread < kThreads; ++thread) {
      for (size_t i = 0; i < kPrivateBlocks; ++i) {
        uint64_t stamp = stamps_[thread][i];
        if (stamp != 0) {
          EXPECT_EQ(number_at(private_block(thread, i)), stamp);
        }
      }
    }
  }

 private:
  static uint64_t private_block(unsigned thread, size_t index) {
    return kPrivate + thread * kPrivateBlocks + index;
  }
  uint64_t number_at(uint64_t block) const {
    uint64_t number = 0;
    std::vector<uint8_t> bytes = disk_.home(block);
    std::memcpy(&number, bytes.data(), 8);
    return number;
  }

  void change(unsigned thread, unsigned rounds) {
    std::minstd_rand generator(thread + 1);
    auto below = [&generator](unsigned limit) {
      return static_cast<unsigned>(generator()) % limit;
    };
    Data data;
    for (unsigned round = 1; round <= rounds; ++round) {
      TransactionId id = 0;
      {
        Handle handle = disk_.journal->start(4, 1).take();
        if (below(8) == 0) handle.order(data);
        for (unsigned i = 0, count = 1 + below(3); i < count; ++i)
          add(handle, below(kSharedBlocks), 1 + below(9));
        own_block(handle, thread, below(kPrivateBlocks), round);
        if (below(30) == 0) {
          ASSERT_TRUE(handle.restart(2).ok());
          add(handle, below(kSharedBlocks), 1);
        }
        id = handle.transaction();
      }
      unsigned dice = below(40);
      if (dice == 0) {
        ASSERT_TRUE(disk_.journal->commit_through(id).ok());
      }
      if (dice == 1) disk_.journal->request_commit();
      if (dice == 2 && below(4) == 0) {
        ASSERT_TRUE(disk_.journal->flush().ok());
      }
      if (dice == 3) disk_.journal->forget_ordered(data);
    }
    disk_.journal->forget_ordered(data);
  }

  void add(Handle& handle, unsigned index, uint64_t amount) {
    Ref<Buffer> buffer = disk_.cache->read(kShared + index).take();
    std::lock_guard guard(locks_[index]);
    ASSERT_TRUE(handle.modify(*buffer).ok());
    uint64_t sum = 0;
    std::memcpy(&sum, buffer->data(), 8);
    ASSERT_EQ(sum, sums_[index]);
    sum += amount;
    std::memcpy(buffer->data(), &sum, 8);
    sums_[index] = sum;
    handle.dirty(*buffer);
  }

  void own_block(Handle& handle, unsigned thread, unsigned index, uint64_t stamp) {
    uint64_t block = private_block(thread, index);
    uint64_t& held = stamps_[thread][index];
    if (held != 0 && stamp % 3 == 0) {
      ASSERT_TRUE(handle.revoke(block).ok());
      held = 0;
      return;
    }
    Ref<Buffer> buffer = (held == 0 ? disk_.cache->fresh(block) : disk_.cache->read(block)).take();
    if (held == 0) {
      ASSERT_TRUE(handle.create(*buffer).ok());
    } else {
      ASSERT_TRUE(handle.modify(*buffer).ok());
      uint64_t found = 0;
      std::memcpy(&found, buffer->data(), 8);
      ASSERT_EQ(found, held);
    }
    held = stamp;
    std::memcpy(buffer->data(), &stamp, 8);
    handle.dirty(*buffer);
  }

  TestDisk& disk_;
  std::atomic<bool> done_ = false;
  std::mutex locks_[kSharedBlocks];
  uint64_t sums_[kSharedBlocks] = {};
  uint64_t stamps_[kThreads][kPrivateBlocks] = {};
};

TEST(JournalStress, WithALog) {
  TestImage image = make_image(1024, 1, 4);
  put32(image.at(image.journal_block(0)) + superblock::kMaxLen, 120);  // goes around often
  JournalOptions options;
  options.commit_interval = kNanosPerSecond / 1000;
  TestDisk disk(image);
  ASSERT_TRUE(disk.open(options).ok());
  Stress stress(disk);
  stress.run(1500);
  ASSERT_TRUE(disk.close().ok());
  stress.check();
}

TEST(JournalStress, WithoutALog) {
  JournalOptions options;
  options.commit_interval = kNanosPerSecond / 1000;
  TestDisk disk(make_image(1024, 1, 4));
  ASSERT_TRUE(disk.open_without_log(options).ok());
  Stress stress(disk);
  stress.run(1500);
  ASSERT_TRUE(disk.close().ok());
  stress.check();
}

// The device fails in the middle of everything: nobody hangs.
TEST(JournalStress, AnErrorInBetween) {
  for (uint64_t after : {0, 3, 40, 200}) {
    TestImage image = make_image(1024, 1, 4);
    put32(image.at(image.journal_block(0)) + superblock::kMaxLen, 120);
    JournalOptions options;
    options.commit_interval = kNanosPerSecond / 1000;
    TestDisk disk(image);
    ASSERT_TRUE(disk.open(options).ok());
    disk.disk->fail_after(BlockOperation::Write, after);
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kThreads; ++i) {
      threads.emplace_back([&disk, i] {
        for (unsigned round = 0; round < 2000; ++round) {
          if (!disk.fill(kPrivate + i * kPrivateBlocks + round % kPrivateBlocks, 1).ok()) break;
          if (round % 50 == 0) ignore(disk.journal->commit_now());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(disk.close().error(), Errno::Io);
  }
}

}  // namespace
}  // namespace kernel::jbd2
