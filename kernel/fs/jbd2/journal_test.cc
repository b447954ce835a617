// SPDX-License-Identifier: MIT
// What callers see of a journal: handles, commits, copies, errors.
#include <atomic>
#include <thread>

#include "host_tests/journal_disk.h"

namespace kernel::jbd2 {
namespace {

constexpr uint64_t kBlock = 3000;  // no file's

const TestImage& small_image() {
  static const TestImage image = make_image(1024, 1, 4);
  return image;
}

TEST(Journal, ACommittedChangeIsInTheLogAndThenAtHome) {
  TestDisk disk(small_image());
  ASSERT_TRUE(disk.open(quiet()).ok());
  EXPECT_FALSE(disk.journal->was_recovered());
  TransactionId id = disk.fill(kBlock, 7).take();
  EXPECT_FALSE(disk.journal->is_committed(id));
  ASSERT_TRUE(disk.journal->commit_through(id).ok());
  EXPECT_TRUE(disk.journal->is_committed(id));
  EXPECT_EQ(disk.home_byte(kBlock), 0);
  ASSERT_TRUE(disk.journal->flush().ok());
  EXPECT_EQ(disk.home_byte(kBlock), 7);
  EXPECT_TRUE(disk.close().ok());
}

TEST(Journal, ACleanEndLeavesNothingToRecover) {
  TestImage after = small_image();
  {
    TestDisk disk(small_image());
    ASSERT_TRUE(disk.open(quiet()).ok());
    for (uint64_t i = 0; i < 20; ++i) ASSERT_TRUE(disk.fill(kBlock + i, 9).ok());
    ASSERT_TRUE(disk.close().ok());
    after.bytes = disk.disk->image();
  }
  host_tests::ImageFile file(after.bytes);
  EXPECT_EQ(get32(after.at(after.journal_block(0)) + superblock::kStart), 0u);
  std::string log = file.debugfs("logdump\n");
  EXPECT_NE(log.find("starts at block 0"), std::string::npos) << log;
  TestDisk again(after);
  ASSERT_TRUE(again.open(quiet()).ok());
  EXPECT_FALSE(again.journal->was_recovered());
  EXPECT_EQ(again.cache->read(kBlock + 19).take()->data()[0], 9);
}

TEST(Journal, HandlesNest) {
  TestDisk disk(small_image());
  ASSERT_TRUE(disk.open(quiet()).ok());
  Handle outer = disk.journal->start(4).take();
  EXPECT_EQ(disk.journal->current_handle(), &outer);
  EXPECT_EQ(disk.fill(kBlock, 1).take(), outer.transaction());
  EXPECT_EQ(outer.credits(), 3u);
  EXPECT_EQ(disk.fill(kBlock, 2).take(), outer.transaction());
  EXPECT_EQ(outer.credits(), 3u);  // the same block
  {
    Handle moved = std::move(outer);
    EXPECT_EQ(disk.journal->current_handle(), &moved);
  }
  EXPECT_EQ(disk.journal->current_handle(), nullptr);
}

TEST(Journal, AHandleExtendsAndRestarts) {
  TestDisk disk(small_image());
  ASSERT_TRUE(disk.open(quiet()).ok());
  unsigned most = disk.journal->max_credits();
  EXPECT_GE(most, 200u);
  EXPECT_EQ(disk.journal->start(most + 1).error(), Errno::NoSpc);
  Handle handle = disk.journal->start(most - 1).take();
  TransactionId first = handle.transaction();
  EXPECT_TRUE(handle.extend(1).ok());
  EXPECT_EQ(handle.extend(1).error(), Errno::NoSpc);
  for (unsigned i = 0; i < most; ++i) ASSERT_TRUE(disk.fill(kBlock + i, 1).ok());
  EXPECT_EQ(handle.credits(), 0u);
  ASSERT_TRUE(handle.restart(10).ok());
  EXPECT_EQ(handle.transaction(), first + 1);
  EXPECT_EQ(handle.credits(), 10u);
}

TEST(Journal, TheCommitHappensByItself) {
  TestDisk disk(small_image());
  ASSERT_TRUE(disk.open({.commit_interval = kNanosPerSecond / 50}).ok());
  for (int round = 0; round < 3; ++round) {
    TransactionId id = disk.fill(kBlock, 1).take();
    for (int i = 0; i < 500 && !disk.journal->is_committed(id); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_TRUE(disk.journal->is_committed(id));
  }
}

TEST(Journal, EmptyTransactionsAreNotWritten) {
  TestDisk disk(small_image());
  ASSERT_TRUE(disk.open(quiet()).ok());
  TransactionId id = 0;
  {
    Handle handle = disk.journal->start(5).take();
    id = handle.transaction();
  }
  ASSERT_TRUE(disk.journal->commit_through(id).ok());
  for (const host_tests::RamDisk::Event& event : disk.disk->events())
    EXPECT_EQ(event.operation, BlockOperation::Flush);
  EXPECT_FALSE(disk.disk->events().empty());  // fsync's promise holds for data
}

// A device whose writes wait until they may go on.
class SlowData : public OrderedData {
 public:
  void flush_ordered() override {
    entered = true;
    while (!go_on) std::this_thread::yield();
    ++flushes;
  }
  std::atomic<bool> entered = false;
  std::atomic<bool> go_on = false;
  std::atomic<int> flushes = 0;
};

TEST(Journal, TheCommittingTransactionKeepsItsOwnContents) {
  TestDisk disk(small_image());
  ASSERT_TRUE(disk.open(quiet()).ok());
  SlowData data;
  TransactionId id = 0;
  {
    Handle handle = disk.journal->start(2).take();
    id = disk.fill(kBlock, 1).take();
    handle.order(data);
  }
  disk.journal->request_commit();
  while (!data.entered) std::this_thread::yield();
  // Before the log has its copy: the next transaction changes the block.
  TransactionId next = disk.fill(kBlock, 2).take();
  EXPECT_EQ(next, id + 1);
  data.go_on = true;
  ASSERT_TRUE(disk.journal->commit_through(id).ok());
  TestImage after = small_image();
  after.bytes = disk.disk->image();
  TestDisk crashed(after);
  ASSERT_TRUE(crashed.open(quiet()).ok());
  EXPECT_TRUE(crashed.journal->was_recovered());
  EXPECT_EQ(crashed.home_byte(kBlock), 1);
  ASSERT_TRUE(disk.close().ok());
  EXPECT_EQ(disk.home_byte(kBlock), 2);
  EXPECT_EQ(data.flushes, 1);
}

TEST(Journal, OrderedDataThatEndsIsForgotten) {
  TestDisk disk(small_image());
  ASSERT_TRUE(disk.open(quiet()).ok());
  TransactionId id = 0;
  {
    SlowData data;
    Handle handle = disk.journal->start(2).take();
    id = handle.transaction();
    handle.order(data);
    disk.journal->forget_ordered(data);
  }
  EXPECT_TRUE(disk.journal->commit_through(id).ok());
}

class Recorder : public CommitCallback {
 public:
  void transaction_ended(Result<> status) override {
    error = status.error();
    ++calls;
  }
  std::atomic<int> calls = 0;
  std::atomic<Errno> error{};
};

TEST(Journal, CallbacksAreCalledBeforeTheCommitIsReported) {
  TestDisk disk(small_image());
  ASSERT_TRUE(disk.open(quiet()).ok());
  Recorder recorder;
  {
    Handle handle = disk.journal->start(2).take();
    ASSERT_TRUE(disk.fill(kBlock, 1).ok());
    handle.on_commit(recorder);
  }
  EXPECT_EQ(recorder.calls, 0);
  ASSERT_TRUE(disk.journal->commit_now().ok());
  EXPECT_EQ(recorder.calls, 1);
  EXPECT_EQ(recorder.error.load(), Errno{});
}

class Client : public JournalClient {
 public:
  void journal_aborted(Errno cause) override { error = cause; }
  std::atomic<Errno> error{};
};

TEST(Journal, AnErrorOfTheDeviceStopsIt) {
  Client client;
  TestImage after = small_image();
  {
    TestDisk disk(small_image());
    JournalOptions options = quiet();
    options.client = &client;
    ASSERT_TRUE(disk.open(options).ok());
    Recorder recorder;
    TransactionId id = disk.fill(kBlock, 1).take();
    {
      Handle handle = disk.journal->start(1).take();
      handle.on_commit(recorder);
    }
    disk.disk->fail_after(BlockOperation::Write, 0);
    EXPECT_EQ(disk.journal->commit_through(id).error(), Errno::Io);
    EXPECT_TRUE(disk.journal->is_aborted());
    // After an abort the callbacks may come a moment later than the answer.
    while (client.error.load() == Errno{} || recorder.calls == 0) std::this_thread::yield();
    EXPECT_EQ(client.error.load(), Errno::Io);
    EXPECT_EQ(recorder.error.load(), Errno::Io);
    EXPECT_EQ(disk.fill(kBlock, 1).error(), Errno::RoFs);
    EXPECT_EQ(disk.journal->commit_now().error(), Errno::Io);
    EXPECT_EQ(disk.close().error(), Errno::Io);
  }
}

TEST(Journal, AnAbortIsRecordedAndAnOpenHandleEndsWell) {
  TestImage after = small_image();
  {
    TestDisk disk(small_image());
    ASSERT_TRUE(disk.open(quiet()).ok());
    ASSERT_TRUE(disk.fill(kBlock, 5).ok());
    ASSERT_TRUE(disk.journal->commit_now().ok());
    {
      Handle handle = disk.journal->start(5).take();
      ASSERT_TRUE(disk.fill(kBlock, 6).ok());
      disk.journal->abort(Errno::Io);
      Ref<Buffer> other = disk.cache->read(kBlock + 1).take();
      EXPECT_EQ(handle.modify(*other).error(), Errno::RoFs);
      EXPECT_EQ(handle.restart(1).error(), Errno::RoFs);
      EXPECT_EQ(handle.modify(*other).error(), Errno::RoFs);
    }
    EXPECT_EQ(disk.close().error(), Errno::Io);
    after.bytes = disk.disk->image();
  }
  TestDisk again(after);
  ASSERT_TRUE(again.open(quiet()).ok());
  EXPECT_TRUE(again.journal->was_recovered());
  EXPECT_EQ(again.journal->recorded_error(), Errno::Io);
  EXPECT_EQ(again.home_byte(kBlock), 5);
  ASSERT_TRUE(again.journal->clear_recorded_error().ok());
  ASSERT_TRUE(again.close().ok());
  after.bytes = again.disk->image();
  TestDisk third(after);
  ASSERT_TRUE(third.open(quiet()).ok());
  EXPECT_EQ(third.journal->recorded_error(), Errno{});
}

TEST(Journal, ReadOnly) {
  TestImage crashed = small_image();
  {
    TestDisk disk(small_image());
    ASSERT_TRUE(disk.open(quiet()).ok());
    ASSERT_TRUE(disk.fill(kBlock, 5).ok());
    ASSERT_TRUE(disk.journal->commit_now().ok());
    crashed.bytes = disk.disk->image();
  }
  {
    TestDisk disk(crashed, true);  // the device itself
    EXPECT_EQ(disk.open({.read_only = true}).error(), Errno::RoFs);
  }
  TestDisk disk(crashed);
  ASSERT_TRUE(disk.open({.read_only = true}).ok());
  EXPECT_EQ(disk.home_byte(kBlock), 5);
  EXPECT_EQ(disk.journal->start(1).error(), Errno::RoFs);
  ASSERT_TRUE(disk.journal->set_read_only(false).ok());
  ASSERT_TRUE(disk.fill(kBlock, 6).ok());
  ASSERT_TRUE(disk.journal->flush().ok());
  ASSERT_TRUE(disk.journal->set_read_only(true).ok());
  EXPECT_EQ(disk.journal->start(1).error(), Errno::RoFs);
  EXPECT_EQ(disk.home_byte(kBlock), 6);
  ASSERT_TRUE(disk.journal->set_read_only(false).ok());
  ASSERT_TRUE(disk.fill(kBlock, 7).ok());
}

TEST(Journal, WithoutALog) {
  TestDisk disk(small_image());
  ASSERT_TRUE(disk.open_without_log(quiet()).ok());
  EXPECT_FALSE(disk.journal->has_log());
  TransactionId id = disk.fill(kBlock, 1).take();
  EXPECT_EQ(disk.home_byte(kBlock), 0);
  ASSERT_TRUE(disk.journal->commit_through(id).ok());
  EXPECT_EQ(disk.home_byte(kBlock), 1);
  EXPECT_EQ(disk.disk->events().back().operation, BlockOperation::Flush);
  for (uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(disk.fill(kBlock + i, 3).ok());
  {
    Handle handle = disk.journal->start(1, 1).take();
    ASSERT_TRUE(handle.revoke(kBlock + 50).ok());
  }
  ASSERT_TRUE(disk.close().ok());
  EXPECT_EQ(disk.home_byte(kBlock + 99), 3);
  EXPECT_EQ(disk.home_byte(kBlock + 50), 0);
}

TEST(Journal, CreateTakesABlockWithoutReadingIt) {
  TestDisk disk(small_image());
  ASSERT_TRUE(disk.open(quiet()).ok());
  {
    Handle handle = disk.journal->start(1).take();
    Ref<Buffer> buffer = disk.cache->fresh(kBlock).take();
    EXPECT_FALSE(buffer->is_up_to_date());
    ASSERT_TRUE(handle.create(*buffer).ok());
    EXPECT_TRUE(buffer->is_up_to_date());
    EXPECT_EQ(buffer->data()[100], 0);
    buffer->data()[0] = 4;
    handle.dirty(*buffer);
  }
  ASSERT_TRUE(disk.close().ok());
  EXPECT_EQ(disk.home_byte(kBlock), 4);
}

TEST(Journal, TheLogWrapsAndSpaceIsMade) {
  TestDisk disk(small_image());
  ASSERT_TRUE(disk.open(quiet()).ok());
  for (unsigned round = 0; round < 100; ++round) {
    Handle handle = disk.journal->start(100).take();
    for (uint64_t i = 0; i < 100; ++i)
      ASSERT_TRUE(disk.fill(kBlock + (round * 37 + i) % 500, static_cast<uint8_t>(round)).ok());
    if (round % 3 == 0) disk.journal->request_commit();
  }
  EXPECT_TRUE(disk.close().ok());
  for (uint64_t i = 0; i < 100; ++i) EXPECT_EQ(disk.home_byte(kBlock + (99 * 37 + i) % 500), 99);
}

TEST(Journal, MemoryIsGivenBack) {
  TestDisk disk(small_image());
  ASSERT_TRUE(disk.open(quiet()).ok());
  disk.cache->read_ahead(kBlock, 200);
  for (uint64_t i = 0; i < 200; ++i) ASSERT_TRUE(disk.cache->read(kBlock + i).ok());
  Ref<Buffer> held = disk.cache->read(kBlock).take();
  ASSERT_TRUE(disk.fill(kBlock + 1, 1).ok());
  EXPECT_EQ(disk.cache->count(), 200u);
  EXPECT_EQ(disk.cache->shrink(1000), 198u);
  EXPECT_EQ(disk.cache->count(), 2u);
  EXPECT_EQ(disk.cache->read(kBlock + 1).take()->data()[0], 1);
  ASSERT_TRUE(disk.journal->flush().ok());
  held = disk.cache->read(kBlock + 2).take();
  EXPECT_EQ(disk.cache->shrink(1000), 2u);
  EXPECT_EQ(disk.cache->read(kBlock + 1).take()->data()[0], 1);
}

}  // namespace
}  // namespace kernel::jbd2
