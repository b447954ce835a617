// SPDX-License-Identifier: MIT
// The page cache over a disk that the test controls: what is read, what becomes dirty, what reaches
// the disk, and what two threads do to each other.

#include <gtest/gtest.h>

#include "host_tests/fake_disk_object.h"
#include "host_tests/machine.h"
#include "host_tests/user_memory.h"
#include "sync/rcu.h"

namespace kernel {
namespace {

using host_tests::FakeDiskObject;
using host_tests::UserMemory;

class DiskObjects : public testing::Test {
 protected:
  DiskObjects() { host_tests::boot_machine(); }
  ~DiskObjects() override {
    object_.reset();
    rcu_barrier();
    EXPECT_EQ(page_cache::statistics().file_pages.load_relaxed(), 0u);
    EXPECT_EQ(page_cache::statistics().dirty.load_relaxed(), 0u);
    EXPECT_EQ(page_cache::statistics().write_back.load_relaxed(), 0u);
    page_lru::Counts counts = page_lru::counts();
    EXPECT_EQ(counts.active + counts.inactive, 0u);
  }
  void SetUp() override {
    group_ = std::make_unique<WriteBackGroup>();
    object_ = make_ref<FakeDiskObject>(*group_).take();
  }
  FakeDiskObject& file() { return *object_; }

  // A file of `pages` pages, page i of bytes 'a' + i.
  void make_file(uint64_t pages) {
    for (uint64_t i = 0; i < pages; ++i) file().put_block(i, pattern(i));
    file().set_size(pages * kPageSize);
  }
  static uint8_t pattern(uint64_t index) { return static_cast<uint8_t>('a' + index % 26); }

  Result<std::string> read(uint64_t offset, size_t size) { return read(offset, size, state_); }
  Result<std::string> read(uint64_t offset, size_t size, ReadAhead& state) {
    std::string text(size, '?');
    IoBuffer buffer = IoBuffer::kernel(text.data(), size);
    Result<size_t> moved = file().read(buffer, offset, state);
    if (!moved.ok()) return moved.error();
    text.resize(*moved);
    return text;
  }
  Result<size_t> write(uint64_t offset, const std::string& text) {
    IoBuffer buffer = IoBuffer::kernel(static_cast<const void*>(text.data()), text.size());
    return file().write(buffer, offset);
  }
  std::string on_disk(uint64_t offset, size_t size) {
    std::string text;
    for (size_t i = 0; i < size; ++i)
      text += static_cast<char>(file().byte_on_disk(offset + i));
    return text;
  }
  static constexpr uint64_t kEnd = ~uint64_t{0} >> 1;

  std::unique_ptr<WriteBackGroup> group_;
  Optional<Ref<FakeDiskObject>> object_;
  ReadAhead state_;
};

// --- Reading -----------------------------------------------------------------------

TEST_F(DiskObjects, ReadsWhatTheDiskHas) {
  make_file(3);
  file().set_size(2 * kPageSize + 10);
  EXPECT_EQ(*read(kPageSize - 2, 4), "aabb");
  EXPECT_EQ(*read(2 * kPageSize, 100), std::string(10, 'c'));
  EXPECT_EQ(read(2 * kPageSize + 10, 1)->size(), 0u);
  // Behind the end there are zeros, whatever the disk has.
  PhysAddr page = *file().get_page(2, false);
  EXPECT_EQ(frames::frame_data(page)[9], 'c');
  EXPECT_EQ(frames::frame_data(page)[10], 0);
  frames::put(page);
}

TEST_F(DiskObjects, ReadsAhead) {
  make_file(100);
  EXPECT_EQ(read(0, 1)->size(), 1u);
  EXPECT_EQ(file().reads, 1u);
  EXPECT_GE(file().pages_read, 4u);
  for (uint64_t i = 0; i < 100; ++i) EXPECT_EQ((*read(i * kPageSize, 10))[0], pattern(i));
  EXPECT_LE(file().reads, 7u);
  EXPECT_EQ(file().pages_read, 100u);
}

TEST_F(DiskObjects, ReadsNotAheadHereAndThere) {
  make_file(100);
  for (uint64_t i : {50, 20, 70, 10, 90}) EXPECT_EQ(read(i * kPageSize, 10)->size(), 10u);
  EXPECT_EQ(file().pages_read, 5u);
  ReadAhead random;
  random.set_pattern(ReadAhead::Pattern::Random);
  EXPECT_EQ(read(0, 10, random)->size(), 10u);
  EXPECT_EQ(file().pages_read, 6u);
}

TEST_F(DiskObjects, ReadAheadFillsHoles) {
  make_file(40);
  EXPECT_EQ(read(5 * kPageSize, 1, state_)->size(), 1u);
  file().read_ahead(0, 40);
  EXPECT_EQ(file().pages_read, 40u);
  EXPECT_EQ(file().counts(0, kEnd).cached, 40u);
}

TEST_F(DiskObjects, ReadErrorIsOfItsPage) {
  make_file(8);
  file().failing_reads.insert(2);
  EXPECT_EQ(read(0, 2 * kPageSize)->size(), 2 * kPageSize);
  EXPECT_EQ(read(kPageSize, 2 * kPageSize)->size(), kPageSize);  // up to it
  EXPECT_TRUE(read(2 * kPageSize, 1).failed_with(Errno::Io));
  EXPECT_FALSE(file().get_page(2, false).ok());
  EXPECT_EQ(read(3 * kPageSize, 1)->size(), 1u);
  file().failing_reads.clear();
  EXPECT_EQ(*read(2 * kPageSize, 1), "c");
}

TEST_F(DiskObjects, OneFillerForAPage) {
  make_file(1);
  file().hold_reads.store_release(true);
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([this] {
      ReadAhead state;
      EXPECT_EQ(*read(0, 1, state), "a");
    });
  }
  FakeDiskObject::wait_for(file().reading);
  file().hold_reads.store_release(false);
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(file().reads, 1u);
}

// --- Writing -----------------------------------------------------------------------

TEST_F(DiskObjects, WritesWholeAndPartialPages) {
  make_file(3);
  EXPECT_EQ(*write(kPageSize - 1, "X" + std::string(kPageSize, 'Y') + "Z"), kPageSize + 2);
  // The whole page was not read for that.
  EXPECT_EQ(file().pages_read, 2u);
  EXPECT_EQ(*read(kPageSize - 2, 3), "aXY");
  EXPECT_EQ(*read(2 * kPageSize - 1, 3), "YZc");
  EXPECT_EQ(on_disk(kPageSize - 1, 2), "ab");
  EXPECT_TRUE(file().is_dirty());
  EXPECT_EQ(file().counts(0, kEnd).dirty, 3u);
  EXPECT_TRUE(file().write_back(0, kEnd).ok());
  EXPECT_FALSE(file().is_dirty());
  EXPECT_EQ(on_disk(kPageSize - 2, 3), "aXY");
  EXPECT_EQ(on_disk(2 * kPageSize - 1, 3), "YZc");
  EXPECT_EQ(file().writes, 1u);  // one run
}

TEST_F(DiskObjects, AppendsAndLeavesHoles) {
  EXPECT_EQ(*write(0, "hello"), 5u);
  EXPECT_EQ(*write(5, " world"), 6u);
  EXPECT_EQ(file().size(), 11u);
  EXPECT_EQ(file().reads, 0u);
  EXPECT_EQ(*write(3 * kPageSize + 7, "far"), 3u);
  EXPECT_EQ(file().size(), 3 * kPageSize + 10);
  EXPECT_EQ((*read(8, 8)), std::string("rld\0\0\0\0\0", 8));
  EXPECT_EQ((*read(3 * kPageSize + 5, 9)), std::string("\0\0far", 5));
  EXPECT_TRUE(file().write_back(0, kEnd).ok());
  EXPECT_EQ(file().blocks.size(), 2u);
  EXPECT_EQ(on_disk(3 * kPageSize + 6, 5), std::string("\0far\0", 5));
}

TEST_F(DiskObjects, WriteOfManyRuns) {
  std::string big(200 * kPageSize + 123, 'q');
  for (size_t i = 0; i < big.size(); i += 97) big[i] = static_cast<char>(i);
  EXPECT_EQ(*write(55, big), big.size());
  EXPECT_EQ(*read(55, big.size()), big);
  EXPECT_TRUE(file().write_back(0, kEnd).ok());
  EXPECT_EQ(on_disk(55, big.size()), big);
  EXPECT_EQ(file().reads, 0u);
}

TEST_F(DiskObjects, NoSpaceChangesNothing) {
  make_file(2);
  file().free_blocks = 1;
  std::string text(3 * kPageSize, 'n');
  Result<size_t> moved = write(kPageSize, text);
  EXPECT_EQ(*moved, 2 * kPageSize);  // as far as it goes
  EXPECT_EQ(file().size(), 3 * kPageSize);
  EXPECT_TRUE(write(3 * kPageSize, text).failed_with(Errno::NoSpc));
  EXPECT_EQ(file().size(), 3 * kPageSize);
  EXPECT_EQ(file().counts(0, kEnd).cached, 2u);
}

// As RegularFile does it: what is absent is brought in without locks, one page at a time.
TEST_F(DiskObjects, ShortCopiesLeaveNoGarbage) {
  make_file(6);
  for (size_t shift : {size_t{0}, size_t{100}}) {
    UserMemory memory(8);
    for (size_t i = 0; i < 8 * kPageSize; ++i) memory.bytes()[i] = static_cast<uint8_t>(i * 7 >> 3);
    size_t size = 5 * kPageSize - shift, total = 0, stops = 0;
    IoBuffer buffer = IoBuffer::user(UserMemory::kStart + shift, size);
    while (buffer.remaining() != 0) {
      Result<size_t> moved = file().write(buffer, 300 + total);
      ASSERT_TRUE(moved.ok());
      total += *moved;
      ASSERT_LE(++stops, 20u);
      // Only the page that the cursor is at; the one before goes.
      size_t page = (shift + total) >> kPageShift;
      for (size_t i = 0; i < 8; ++i)
        memory.set_present(i, i == page || (stops % 2 == 0 && i <= page + 1));
    }
    EXPECT_EQ(total, size);
    std::string expected(reinterpret_cast<char*>(memory.bytes()) + shift, size);
    EXPECT_EQ(*read(300, size), expected);
    EXPECT_TRUE(file().write_back(0, kEnd).ok());
    EXPECT_EQ(on_disk(300, size), expected);
    EXPECT_EQ((*read(0, 300)), std::string(300, 'a'));
  }
}

TEST_F(DiskObjects, WriterWaitsForAFiller) {
  make_file(1);
  file().hold_reads.store_release(true);
  std::thread reader([this] {
    ReadAhead state;
    EXPECT_EQ(read(0, 1, state)->size(), 1u);
  });
  FakeDiskObject::wait_for(file().reading);
  std::thread writer([this] { EXPECT_EQ(*write(0, std::string(kPageSize, 'W')), kPageSize); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  file().hold_reads.store_release(false);
  reader.join();
  writer.join();
  // The older bytes of the disk did not overtake it.
  EXPECT_EQ(*read(0, kPageSize), std::string(kPageSize, 'W'));
  EXPECT_TRUE(file().write_back(0, kEnd).ok());
  EXPECT_EQ(on_disk(0, 1), "W");
}

// --- Write-back ----------------------------------------------------------------------

TEST_F(DiskObjects, PagesAreStableUnderWriteBack) {
  EXPECT_EQ(*write(0, "old"), 3u);
  file().hold_writes.store_release(true);
  std::thread syncer([this] { EXPECT_TRUE(file().write_back(0, kEnd).ok()); });
  FakeDiskObject::wait_for(file().writing);
  std::thread writer([this] { EXPECT_EQ(*write(0, "new"), 3u); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(*read(0, 3), "old");  // a reader does not wait, the writer does
  file().hold_writes.store_release(false);
  syncer.join();
  writer.join();
  EXPECT_EQ(on_disk(0, 3), "old");
  EXPECT_TRUE(file().write_back(0, kEnd).ok());
  EXPECT_EQ(on_disk(0, 3), "new");
}

TEST_F(DiskObjects, TruncationWaitsForWriteBack) {
  EXPECT_EQ(*write(0, std::string(3 * kPageSize, 't')), 3 * kPageSize);
  file().hold_writes.store_release(true);
  std::thread syncer([this] { EXPECT_TRUE(file().write_back(0, kEnd).ok()); });
  FakeDiskObject::wait_for(file().writing);
  Atomic<bool> truncated;
  std::thread truncator([&] {
    file().truncate_to(kPageSize);
    truncated.store_release(true);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(truncated.load_acquire());
  file().hold_writes.store_release(false);
  syncer.join();
  truncator.join();
  EXPECT_EQ(file().blocks.size(), 1u);
  EXPECT_EQ(file().counts(0, kEnd).cached, 1u);
}

TEST_F(DiskObjects, DirtyPagesBehindTheEndAreNotWritten) {
  EXPECT_EQ(*write(0, std::string(3 * kPageSize, 't')), 3 * kPageSize);
  file().set_size(10);  // the first half of a truncation
  EXPECT_TRUE(file().write_back(0, kEnd).ok());
  EXPECT_EQ(file().pages_written, 1u);
  EXPECT_EQ(on_disk(9, 2), std::string("t\0", 2));  // the tail is zeroed on its way
  file().truncate(10);
}

TEST_F(DiskObjects, EachOpenFileHearsOfAnErrorOnce) {
  Atomic<uint32_t> first(file().errors.sample()), second(file().errors.sample());
  EXPECT_EQ(*write(0, "lost"), 4u);
  file().failing_writes.insert(0);
  EXPECT_TRUE(file().write_back(0, kEnd).failed_with(Errno::Io));
  EXPECT_FALSE(file().is_dirty());  // as on Linux: it is lost, and told
  EXPECT_TRUE(file().write_back(0, kEnd).ok());
  EXPECT_TRUE(file().errors.report(first).failed_with(Errno::Io));
  EXPECT_TRUE(file().errors.report(first).ok());
  EXPECT_TRUE(file().errors.report(second).failed_with(Errno::Io));
  Atomic<uint32_t> late(file().errors.sample());
  EXPECT_TRUE(file().errors.report(late).ok());
  EXPECT_EQ(*write(0, "lost"), 4u);
  EXPECT_FALSE(file().write_back(0, kEnd).ok());
  for (Atomic<uint32_t>* position : {&first, &second, &late})
    EXPECT_TRUE(file().errors.report(*position).failed_with(Errno::Io));
  Atomic<uint32_t> group_position;
  EXPECT_TRUE(group_->errors.report(group_position).failed_with(Errno::Io));
}

TEST_F(DiskObjects, AnErrorNobodyHeardOfWaitsForTheNextOpen) {
  EXPECT_EQ(*write(0, "lost"), 4u);
  file().failing_writes.insert(0);
  EXPECT_FALSE(file().write_back(0, kEnd).ok());
  Atomic<uint32_t> late(file().errors.sample());
  EXPECT_TRUE(file().errors.report(late).failed_with(Errno::Io));
}

TEST_F(DiskObjects, WithoutMemoryPagesStayDirty) {
  EXPECT_EQ(*write(0, "kept"), 4u);
  file().failing_writes.insert(0);
  file().write_error = Errno::NoMem;
  EXPECT_TRUE(file().write_back(0, kEnd).failed_with(Errno::NoMem));
  EXPECT_TRUE(file().is_dirty());
  file().failing_writes.clear();
  EXPECT_TRUE(group_->synchronise().ok());
  EXPECT_EQ(on_disk(0, 4), "kept");
}

TEST_F(DiskObjects, GroupsWriteWhatLives) {
  EXPECT_EQ(*write(0, "x"), 1u);
  EXPECT_TRUE(group_->synchronise().ok());
  EXPECT_EQ(on_disk(0, 1), "x");
  EXPECT_EQ(file().owners, 0);
  EXPECT_EQ(*write(0, "y"), 1u);
  file().owner_alive = false;  // its inode's end will write it
  EXPECT_TRUE(group_->synchronise().ok());
  EXPECT_EQ(on_disk(0, 1), "x");
  EXPECT_TRUE(file().write_back(0, kEnd).ok());
  EXPECT_EQ(on_disk(0, 1), "y");
}

// --- Mappings, truncation, holes -------------------------------------------------------

TEST_F(DiskObjects, AMappedPageBecomesDirty) {
  make_file(2);
  file().blocks.erase(1);  // a hole
  EXPECT_TRUE(file().bring_in(1, ReadAhead::Pattern::Random).ok());
  EXPECT_EQ(file().pages_read, 1u);
  EXPECT_TRUE(file().make_dirty(1).ok());
  PhysAddr page = *file().get_page(1, false);
  frames::frame_data(page)[5] = 'm';  // the mapping's store
  frames::put(page);
  EXPECT_TRUE(file().write_back(0, kEnd).ok());
  EXPECT_EQ(on_disk(kPageSize + 4, 3), std::string("\0m\0", 3));
  EXPECT_TRUE(file().make_dirty(2).failed_with(Errno::Fault));
  EXPECT_TRUE(file().make_dirty(0).ok());  // not in memory: the fault starts over
  EXPECT_FALSE(file().is_dirty());
}

TEST_F(DiskObjects, TruncatedBytesDoNotComeBack) {
  make_file(4);
  EXPECT_EQ(read(0, 4 * kPageSize)->size(), 4 * kPageSize);
  file().truncate_to(kPageSize + 100);
  file().truncate_to(3 * kPageSize);
  EXPECT_EQ(*read(kPageSize + 99, 3), std::string("b\0\0", 3));
  EXPECT_EQ(*read(2 * kPageSize, 2), std::string("\0\0", 2));
  EXPECT_TRUE(file().write_back(0, kEnd).ok());
  EXPECT_EQ(on_disk(kPageSize + 99, 3), std::string("b\0\0", 3));
  file().truncate_to(0);
  EXPECT_EQ(file().counts(0, kEnd).cached, 0u);
}

TEST_F(DiskObjects, WhatMappingsLeftBehindTheEndStaysHidden) {
  EXPECT_EQ(*write(0, "abc"), 3u);
  PhysAddr page = *file().get_page(0, false);
  frames::frame_data(page)[10] = '!';
  EXPECT_EQ(*write(20, "x"), 1u);
  EXPECT_EQ((*read(9, 3)), std::string("\0\0\0", 3));
  frames::frame_data(page)[30] = '!';
  EXPECT_EQ(*write(kPageSize * 2, "x"), 1u);
  EXPECT_EQ((*read(29, 3)), std::string("\0\0\0", 3));
  frames::put(page);
}

TEST_F(DiskObjects, PunchedPagesAreHoles) {
  make_file(4);
  EXPECT_EQ(read(0, 4 * kPageSize)->size(), 4 * kPageSize);
  EXPECT_EQ(*write(kPageSize, std::string(kPageSize, 'D')), kPageSize);
  file().punch_pages(1, 3);
  EXPECT_EQ(*read(kPageSize - 1, 3), std::string("a\0\0", 3));
  EXPECT_EQ(*read(3 * kPageSize - 1, 2), std::string("\0d", 2));
  EXPECT_FALSE(file().is_dirty());
}

// --- Reclaim -------------------------------------------------------------------------

TEST_F(DiskObjects, ReclaimTakesTheLongestUnusedAndNothingDirty) {
  make_file(64);
  ReadAhead random;
  random.set_pattern(ReadAhead::Pattern::Random);
  for (uint64_t i = 0; i < 64; ++i) EXPECT_TRUE(read(i * kPageSize, 1, random).ok());
  EXPECT_EQ(*write(7 * kPageSize, "dirty"), 5u);
  EXPECT_TRUE(read(1 * kPageSize, 1, random).ok());  // used again
  EXPECT_EQ(page_lru::counts().inactive, 63u);
  EXPECT_EQ(page_lru::reclaim(8), 8u);
  EXPECT_FALSE(file().is_resident(0));
  EXPECT_TRUE(file().is_resident(1));
  EXPECT_FALSE(file().is_resident(2));
  EXPECT_TRUE(file().is_resident(7));
  EXPECT_TRUE(file().is_resident(9 + 1));
  EXPECT_EQ(page_lru::counts().active, 1u);
  PhysAddr held = *file().get_page(40, false);
  EXPECT_EQ(page_lru::reclaim(~uint64_t{0}), 64u - 8 - 2);  // all but the dirty and the held one
  EXPECT_TRUE(file().is_resident(40));
  EXPECT_TRUE(file().is_resident(7));
  frames::put(held);
  EXPECT_TRUE(file().write_back(0, kEnd).ok());
  page_cache::drop_clean();
  EXPECT_EQ(file().counts(0, kEnd).cached, 0u);
  EXPECT_EQ((*read(7 * kPageSize, 5)), "dirty");
}

TEST_F(DiskObjects, ReclaimFindsPagesWhenAllWereUsed) {
  make_file(100);
  file().read_ahead(0, 100);
  for (uint64_t i = 0; i < 100; ++i) {
    PhysAddr frame = *file().get_page(i, false);
    FilePage& page = file_page(frame);
    page_lru::remove(page);
    page_lru::put_back(page, /*active=*/true);
    page_lru::note_use(frames::frame_of(frame));
    frames::put(frame);
  }
  EXPECT_EQ(page_lru::counts().inactive, 0u);
  EXPECT_EQ(page_lru::reclaim(8), 8u);
  EXPECT_EQ(page_lru::reclaim(~uint64_t{0}), 92u);
}

TEST_F(DiskObjects, ReclaimTakesPagesOfAFileThatEnds) {
  make_file(40);
  file().read_ahead(0, 40);
  uint64_t taken = 0, before = page_cache::statistics().gone.load_relaxed();
  file().at_end = [&taken] { taken = page_lru::reclaim(8); };
  object_.reset();
  rcu_barrier();
  EXPECT_EQ(taken, 8u);
  EXPECT_EQ(page_cache::statistics().gone.load_relaxed() - before, 40u);
}

TEST_F(DiskObjects, FilesEndWhileReclaimLooksAtThem) {
  constexpr int kFiles = 300;
  constexpr uint64_t kPages = 64;
  Atomic<bool> ended;
  std::vector<std::thread> reclaimers;
  for (int i = 0; i < 2; ++i) {
    reclaimers.emplace_back([&ended] {
      while (!ended.load_acquire()) page_lru::reclaim(16);
    });
  }
  for (int i = 0; i < kFiles; ++i) {
    Ref<FakeDiskObject> other = make_ref<FakeDiskObject>(*group_).take();
    other->set_size(kPages * kPageSize);
    other->read_ahead(0, kPages);
  }
  ended.store_release(true);
  for (std::thread& reclaimer : reclaimers) reclaimer.join();
  EXPECT_EQ(page_lru::in_hand(), 0u);
}

TEST_F(DiskObjects, InvalidateLeavesWhatIsInUse) {
  make_file(8);
  file().read_ahead(0, 8);
  EXPECT_EQ(*write(0, "d"), 1u);
  PhysAddr held = *file().get_page(3, false);
  EXPECT_EQ(file().invalidate(0, 6 * kPageSize, false), 4u);
  EXPECT_EQ(file().counts(0, kEnd).cached, 4u);
  frames::put(held);
}

// --- Everything at once ----------------------------------------------------------------

// Each page holds one byte many times, chosen by the last writer; readers see what a writer wrote
// last, or zeros behind a truncation. A lock per page stands for what a program would do to make
// sense of its own reads and writes; the inode's lock is a mutex.
TEST_F(DiskObjects, ManyThreads) {
  constexpr uint64_t kPages = 48;
  constexpr int kRounds = 400;
  file().slowest_us = 30;
  std::mutex inode_lock;
  std::mutex page_locks[kPages];
  uint8_t expected[kPages] = {};
  EXPECT_EQ(*write(0, std::string(kPages * kPageSize, '\0')), kPages * kPageSize);
  Atomic<uint32_t> running;
  auto run = [&](unsigned seed, auto body) {
    running.fetch_add_acq_rel(1);
    return std::thread([&running, seed, body] {
      std::minstd_rand random(seed);
      for (int i = 0; i < kRounds; ++i) body(random);
      running.fetch_sub_acq_rel(1);
    });
  };
  auto reader = [&](std::minstd_rand& random) {
    uint64_t page = random() % kPages;
    std::lock_guard guard(page_locks[page]);
    ReadAhead state;
    Result<std::string> text = read(page * kPageSize, kPageSize, state);
    ASSERT_TRUE(text.ok());
    for (char byte : *text) ASSERT_EQ(static_cast<uint8_t>(byte), expected[page]) << page;
  };
  auto writer = [&](std::minstd_rand& random) {
    uint64_t page = random() % kPages, count = 1 + random() % 3;
    if (page + count > kPages) count = kPages - page;
    auto value = static_cast<uint8_t>(random());
    std::lock_guard inode(inode_lock);
    for (uint64_t i = 0; i < count; ++i) page_locks[page + i].lock();
    // In two parts, so that partial pages come up.
    size_t size = count * kPageSize, half = random() % size;
    std::string text(size, static_cast<char>(value));
    ASSERT_EQ(write(page * kPageSize, text.substr(0, half)).value_or(0), half);
    ASSERT_EQ(write(page * kPageSize + half, text.substr(half)).value_or(0), size - half);
    for (uint64_t i = 0; i < count; ++i) {
      expected[page + i] = value;
      page_locks[page + i].unlock();
    }
  };
  auto changer = [&](std::minstd_rand& random) {
    uint64_t first = random() % kPages, end = first + 1 + random() % 4;
    if (end > kPages) end = kPages;
    std::lock_guard inode(inode_lock);
    bool truncate = random() % 4 == 0;
    if (truncate) end = kPages;
    for (uint64_t i = first; i < end; ++i) page_locks[i].lock();
    if (truncate) {
      file().truncate_to(first * kPageSize);
      file().truncate_to(kPages * kPageSize);
    } else {
      file().punch_pages(first, end);
    }
    for (uint64_t i = first; i < end; ++i) {
      expected[i] = 0;
      page_locks[i].unlock();
    }
  };
  auto mapper = [&](std::minstd_rand& random) {
    uint64_t page = random() % kPages;
    std::lock_guard guard(page_locks[page]);
    Result<> dirty = file().make_dirty(page);
    ASSERT_TRUE(dirty.ok());
  };
  auto syncer = [&](std::minstd_rand& random) {
    if (random() % 2 == 0) {
      ASSERT_TRUE(file().write_back(0, kEnd).ok());
    } else {
      ASSERT_TRUE(group_->synchronise().ok());
    }
  };
  auto reclaimer = [&](std::minstd_rand& random) {
    page_lru::reclaim(random() % 16);
    file().invalidate(random() % kPages * kPageSize, kEnd, random() % 2 == 0);
    file().read_ahead(random() % kPages, 20);
    std::this_thread::yield();
  };
  std::vector<std::thread> threads;
  unsigned seed = 1;
  for (int i = 0; i < 2; ++i) threads.push_back(run(seed++, reader));
  for (int i = 0; i < 2; ++i) threads.push_back(run(seed++, writer));
  threads.push_back(run(seed++, changer));
  threads.push_back(run(seed++, mapper));
  threads.push_back(run(seed++, syncer));
  threads.push_back(run(seed++, reclaimer));
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(file().write_back(0, kEnd).ok());
  for (uint64_t page = 0; page < kPages; ++page) {
    EXPECT_EQ(file().byte_on_disk(page * kPageSize), expected[page]);
    EXPECT_EQ(file().byte_on_disk((page + 1) * kPageSize - 1), expected[page]);
  }
}

}  // namespace
}  // namespace kernel
