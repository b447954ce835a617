// SPDX-License-Identifier: MIT
// A file on a disk that the test controls: slow, failing, short of space. It checks what the page
// cache promises a file system: blocks are prepared before they are written, bytes are stable while
// they are, no run is longer than agreed, a fresh block is never read.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "vm/write_back.h"

namespace kernel::host_tests {

class FakeDiskObject final : public DiskObject {
 public:
  using Page = std::vector<uint8_t>;

  explicit FakeDiskObject(WriteBackGroup& group) : DiskObject(group) {}
  ~FakeDiskObject() override {
    if (at_end) at_end();
  }

  // --- What the test sets and sees, under its own mutex.
  std::mutex mutex;
  std::map<uint64_t, Page> blocks;  // absent: a hole
  std::set<uint64_t> failing_reads, failing_writes;
  Errno write_error = Errno::Io;
  uint64_t free_blocks = ~uint64_t{0};
  unsigned slowest_us = 0;
  uint64_t reads = 0, writes = 0, pages_read = 0, pages_written = 0, prepared = 0;
  Atomic<bool> hold_reads, hold_writes;  // they do not return until it is false again
  Atomic<uint32_t> reading, writing;
  bool owner_alive = true;
  int owners = 0;
  std::function<void()> at_end;  // nobody has a reference any more, and the pages are all there

  void put_block(uint64_t index, uint8_t value) { blocks[index] = Page(kPageSize, value); }
  uint8_t byte_on_disk(uint64_t offset) {
    std::lock_guard guard(mutex);
    auto found = blocks.find(offset >> kPageShift);
    return found == blocks.end() ? 0 : found->second[offset & (kPageSize - 1)];
  }
  static void wait_for(const Atomic<uint32_t>& count) {
    while (count.load_acquire() == 0) std::this_thread::yield();
  }

 private:
  static constexpr uint8_t kFresh = 0xdb;  // what lay in a block before it was ours

  void be_slow() {
    if (slowest_us == 0) return;
    thread_local std::minstd_rand random{std::random_device{}()};
    std::this_thread::sleep_for(std::chrono::microseconds(random() % slowest_us));
  }
  static void hold(const Atomic<bool>& held) {
    while (held.load_acquire()) std::this_thread::sleep_for(std::chrono::microseconds(50));
  }

  Result<> read_pages(uint64_t first, std::span<const PhysAddr> pages) override {
    EXPECT_LE(pages.size(), kRunPages);
    reading.fetch_add_acq_rel(1);
    hold(hold_reads);
    be_slow();
    Result<> result;
    {
      std::lock_guard guard(mutex);
      ++reads;
      pages_read += pages.size();
      for (size_t i = 0; i < pages.size(); ++i) {
        if (failing_reads.count(first + i) != 0) result = Errno::Io;
        uint8_t* data = frames::frame_data(pages[i]);
        auto found = blocks.find(first + i);
        if (found == blocks.end()) {
          std::memset(data, 0, kPageSize);
        } else {
          std::memcpy(data, found->second.data(), kPageSize);
          if (unwritten_.count(first + i) != 0) ADD_FAILURE() << "a fresh block is read";
        }
        uint64_t start = (first + i) << kPageShift, end = size();
        if (end < start + kPageSize) {
          size_t used = end > start ? end - start : 0;
          std::memset(data + used, 0, kPageSize - used);
        }
      }
    }
    reading.fetch_sub_acq_rel(1);
    return result;
  }

  Result<> write_pages(uint64_t first, std::span<const PhysAddr> pages) override {
    EXPECT_LE(pages.size(), kRunPages);
    writing.fetch_add_acq_rel(1);
    std::vector<Page> before;
    for (PhysAddr page : pages) {
      const uint8_t* data = frames::frame_data(page);
      before.emplace_back(data, data + kPageSize);
    }
    hold(hold_writes);
    be_slow();
    Result<> result;
    {
      std::lock_guard guard(mutex);
      ++writes;
      pages_written += pages.size();
      for (size_t i = 0; i < pages.size(); ++i) {
        EXPECT_EQ(std::memcmp(before[i].data(), frames::frame_data(pages[i]), kPageSize), 0)
            << "changed under write-back";
        if (failing_writes.count(first + i) != 0) {
          result = write_error;
          continue;
        }
        EXPECT_EQ(blocks.count(first + i), 1u) << "written without a block: " << first + i;
        blocks[first + i] = before[i];
        unwritten_.erase(first + i);
      }
    }
    writing.fetch_sub_acq_rel(1);
    return result;
  }

  Result<> prepare_write(PendingWrite& write) override {
    be_slow();
    std::lock_guard guard(mutex);
    ++prepared;
    uint64_t first = write.start >> kPageShift, end = pages_for(write.end);
    EXPECT_LE(end - first, kRunPages);
    uint64_t missing = 0;
    for (uint64_t index = first; index < end; ++index) missing += blocks.count(index) == 0;
    if (missing > free_blocks) return Errno::NoSpc;
    free_blocks -= missing;
    for (uint64_t index = first; index < end; ++index) {
      if (blocks.count(index) != 0) continue;
      blocks[index] = Page(kPageSize, kFresh);
      unwritten_.insert(index);
    }
    write.state = this;
    return {};
  }
  void finish_write(PendingWrite& write, uint64_t reached) override {
    EXPECT_EQ(write.state, this);
    EXPECT_LE(reached, write.end);
    EXPECT_LE(reached, size());
  }
  bool hold_owner() override {
    std::lock_guard guard(mutex);
    if (owner_alive) ++owners;
    return owner_alive;
  }
  void release_owner() override {
    std::lock_guard guard(mutex);
    --owners;
  }

 public:
  // As a file system does it; the test holds what stands for the inode's lock.
  void truncate_to(uint64_t new_size) {
    if (new_size >= size()) return grow(new_size);
    uint64_t page_end = align_up(new_size, kPageSize);
    if (page_end != new_size) {
      EXPECT_TRUE(zero(new_size, page_end).ok());
    }
    BlockChange change(*this);
    set_size(new_size);
    truncate(new_size);
    free(pages_for(new_size), ~uint64_t{0});
  }
  void punch_pages(uint64_t first, uint64_t end) {
    BlockChange change(*this);
    punch(first << kPageShift, end << kPageShift);
    free(first, end);
  }

 private:
  void free(uint64_t first, uint64_t end) {
    std::lock_guard guard(mutex);
    blocks.erase(blocks.lower_bound(first), blocks.lower_bound(end));
    unwritten_.erase(unwritten_.lower_bound(first), unwritten_.lower_bound(end));
  }
  std::set<uint64_t> unwritten_;
};

}  // namespace kernel::host_tests
