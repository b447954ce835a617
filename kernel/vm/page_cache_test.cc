// SPDX-License-Identifier: MIT
// The flusher: it writes what has been dirty for long, and holds those up who make pages dirty
// faster than the disk takes them.

#include "vm/page_cache.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "host_tests/fake_disk_object.h"
#include "host_tests/machine.h"
#include "sync/rcu.h"

namespace kernel {
namespace {

using host_tests::FakeDiskObject;

class Flusher : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    host_tests::boot_machine();
    ASSERT_TRUE(page_cache::start_flusher().ok());
    // The thread never ends, and static objects that it waits on must not end before it.
    std::atexit([] {
      std::fflush(nullptr);
      std::_Exit(testing::UnitTest::GetInstance()->Failed() ? 1 : 0);
    });
  }
  void SetUp() override {
    group_ = std::make_unique<WriteBackGroup>();
    object_ = make_ref<FakeDiskObject>(*group_).take();
  }
  ~Flusher() override {
    page_cache::Limits& limits = page_cache::limits();
    limits.expire_centisecs.store_relaxed(3000);
    limits.write_back_centisecs.store_relaxed(500);
    limits.bytes.store_relaxed(0);
    limits.background_bytes.store_relaxed(0);
    page_cache::limits_changed();
    EXPECT_TRUE(object_->write_back(0, ~uint64_t{0} >> 1).ok());
    object_.reset();
    rcu_barrier();
  }
  void write(uint64_t offset, const std::string& text) {
    IoBuffer buffer = IoBuffer::kernel(static_cast<const void*>(text.data()), text.size());
    Result<size_t> moved = object_->write(buffer, offset);
    ASSERT_TRUE(moved.ok());
    ASSERT_EQ(*moved, text.size());
  }

  std::unique_ptr<WriteBackGroup> group_;
  Optional<Ref<FakeDiskObject>> object_;
};

TEST_F(Flusher, WritesWhatIsOld) {
  page_cache::limits().expire_centisecs.store_relaxed(5);
  page_cache::limits().write_back_centisecs.store_relaxed(2);
  page_cache::limits_changed();
  write(0, "old soon");
  for (int i = 0; i < 1000 && object_->is_dirty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_FALSE(object_->is_dirty());
  object_->wait_for_write_back(0, kPageSize);
  EXPECT_EQ(object_->byte_on_disk(0), 'o');
}

TEST_F(Flusher, HoldsDirtiersUp) {
  constexpr uint64_t kLimit = 1024, kSlack = 640;  // pages; what passes between two looks
  page_cache::limits().bytes.store_relaxed(kLimit * kPageSize);
  page_cache::limits().background_bytes.store_relaxed(kLimit / 2 * kPageSize);
  object_->slowest_us = 200;
  std::string part(128 * KiB, 'd');
  uint64_t most = 0;
  for (uint64_t i = 0; i < 256; ++i) {
    write(i * part.size(), part);
    uint64_t unclean = page_cache::statistics().dirty.load_relaxed() +
                       page_cache::statistics().write_back.load_relaxed();
    if (unclean > most) most = unclean;
  }
  EXPECT_LE(most, kLimit + kSlack);
  EXPECT_GT(most, kLimit / 4);
}

TEST_F(Flusher, LeavesDyingFilesAlone) {
  {
    std::lock_guard guard(object_->mutex);
    object_->owner_alive = false;
  }
  write(0, "mine");
  page_cache::wake_flusher();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_TRUE(object_->is_dirty());
}

}  // namespace
}  // namespace kernel
