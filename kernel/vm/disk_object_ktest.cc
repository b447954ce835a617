// SPDX-License-Identifier: MIT
// Mapped pages of files on disks, under the real MMU: what a store makes dirty, what write-back
// takes away, what reclaim unmaps. The disk is an array; a page that was never written holds its
// number.

#include "lib/ktest.h"
#include "sched/completion.h"
#include "sched/scheduler.h"
#include "sync/rcu.h"
#include "vm/ktest_space.h"
#include "vm/user_copy.h"
#include "vm/write_back.h"

namespace kernel {
namespace {

constexpr uint64_t kPages = 32;
constexpr uint64_t kEnd = ~uint64_t{0} >> 1;
constexpr uint64_t kFault = ~uint64_t{0};

// Remembers the first word of each of the first pages.
class NumberedFile final : public DiskObject {
 public:
  NumberedFile(WriteBackGroup& group, uint64_t pages) : DiskObject(group) {
    set_size(pages * kPageSize);
    for (uint64_t i = 0; i < kPages; ++i) words[i].store_relaxed(first_word(i));
  }
  static uint64_t first_word(uint64_t index) { return 1000 + index; }
  Atomic<uint64_t> words[kPages];
  Atomic<uint64_t> read, written, prepared;

 private:
  Result<> read_pages(uint64_t first, std::span<const PhysAddr> pages) override {
    for (size_t i = 0; i < pages.size(); ++i) {
      uint64_t index = first + i;
      auto* data = reinterpret_cast<uint64_t*>(frames::frame_data(pages[i]));
      arch::zero_page(arch::linear_address(pages[i]));
      data[0] = index < kPages ? words[index].load_relaxed() : first_word(index);
    }
    read.fetch_add_relaxed(pages.size());
    return {};
  }
  Result<> write_pages(uint64_t first, std::span<const PhysAddr> pages) override {
    for (size_t i = 0; i < pages.size(); ++i) {
      if (first + i < kPages)
        words[first + i].store_relaxed(
            *reinterpret_cast<const uint64_t*>(frames::frame_data(pages[i])));
    }
    written.fetch_add_relaxed(pages.size());
    return {};
  }
  Result<> prepare_write(PendingWrite&) override {
    prepared.fetch_add_relaxed(1);
    return {};
  }
  bool hold_owner() override { return true; }
  void release_owner() override {}
};

bool put(UserAddr at, uint64_t value) { return copy_out(at, &value, sizeof value).ok(); }
uint64_t get(UserAddr at) {
  uint64_t value = 0;
  return copy_in(&value, at, sizeof value).ok() ? value : kFault;
}
UserAddr page(UserAddr base, uint64_t index) { return base + index * kPageSize; }

MapRequest mapping_of(NumberedFile& file, bool shared) {
  MapRequest request;
  request.size = kPages * kPageSize;
  request.protection = kProtRead | kProtWrite;
  request.flags.shared = shared;
  request.object = Ref<MemoryObject>(file);
  return request;
}

// Runs body(space, file) with a space of its own loaded; afterwards no page of a file is left.
template <class Body>
void with_file(Body body) {
  rcu_barrier();  // files of the test before
  uint64_t before = page_cache::statistics().file_pages.load_relaxed();
  {
    WriteBackGroup group;
    {
      Ref<NumberedFile> file = make_ref<NumberedFile>(group, kPages).take();
      Ref<AddressSpace> space = AddressSpace::create().take();
      Loaded loaded(*space);
      body(*space, *file);
    }
    rcu_barrier();
  }
  EXPECT(page_cache::statistics().file_pages.load_relaxed() == before);
}

}  // namespace

KTEST(page_cache_shared_mapping_and_read_are_one) {
  with_file([](AddressSpace& space, NumberedFile& file) {
    UserAddr base = *space.map(mapping_of(file, true));
    for (uint64_t i = 0; i < kPages; ++i) EXPECT(get(page(base, i)) == NumberedFile::first_word(i));
    EXPECT(file.read.load_relaxed() == kPages);
    EXPECT(!file.is_dirty() && file.prepared.load_relaxed() == 0);
    EXPECT(put(page(base, 3), 7));
    EXPECT(file.prepared.load_relaxed() == 1 && file.counts(0, kEnd).dirty == 1);
    uint64_t value = 0;
    IoBuffer buffer = IoBuffer::kernel(&value, sizeof value);
    ReadAhead state;
    EXPECT(file.DiskObject::read(buffer, 3 * kPageSize, state).ok() && value == 7);
    value = 8;
    IoBuffer source = IoBuffer::kernel(&value, sizeof value);
    EXPECT(file.write(source, 3 * kPageSize).ok() && get(page(base, 3)) == 8);
    EXPECT(file.words[3].load_relaxed() == NumberedFile::first_word(3));
  });
}

KTEST(page_cache_write_back_protects_and_the_next_store_is_noticed) {
  with_file([](AddressSpace& space, NumberedFile& file) {
    UserAddr base = *space.map(mapping_of(file, true));
    UserAddr second = *space.map(mapping_of(file, true));
    for (uint64_t round = 1; round <= 3; ++round) {
      EXPECT(put(page(base, 5), round) && put(page(second, 6), round));
      EXPECT(put(page(base, 5), 10 + round));  // no fault: it is dirty
      EXPECT(file.prepared.load_relaxed() == 2 * round);
      EXPECT(file.write_back(0, kEnd).ok());
      EXPECT(!file.is_dirty());
      EXPECT(file.words[5].load_relaxed() == 10 + round && file.words[6].load_relaxed() == round);
      EXPECT(get(page(second, 5)) == 10 + round);
    }
    // mprotect does not make a clean page writable unnoticed.
    EXPECT(space.protect(base, kPages * kPageSize, kProtRead).ok());
    EXPECT(space.protect(base, kPages * kPageSize, kProtRead | kProtWrite).ok());
    EXPECT(put(page(base, 5), 99) && file.is_dirty());
    EXPECT(file.write_back(0, kEnd).ok() && file.words[5].load_relaxed() == 99);
  });
}

KTEST(page_cache_shared_tables_are_protected_too) {
  with_file([](AddressSpace& parent, NumberedFile& file) {
    UserAddr base = *parent.map(mapping_of(file, true));
    EXPECT(put(base, 1) && put(page(base, 1), 1));
    Result<Ref<AddressSpace>> child = parent.fork();
    EXPECT(child.ok());
    if (!child.ok()) return;
    EXPECT(file.write_back(0, kEnd).ok());  // while the leaf table is one
    EXPECT(put(base, 2));                   // which is unshared here
    EXPECT(file.counts(0, kEnd).dirty == 1);
    {
      Loaded loaded(**child);
      EXPECT(get(base) == 2 && put(base, 3) && put(page(base, 1), 4));
    }
    EXPECT(file.counts(0, kEnd).dirty == 2);
    EXPECT(file.write_back(0, kEnd).ok());
    EXPECT(file.words[0].load_relaxed() == 3 && file.words[1].load_relaxed() == 4);
    {
      Loaded loaded(**child);
      EXPECT(put(base, 5));
    }
    EXPECT(file.is_dirty());
    EXPECT(put(base, 6));
    EXPECT(file.write_back(0, kEnd).ok() && file.words[0].load_relaxed() == 6);
  });
}

KTEST(page_cache_private_mappings_make_nothing_dirty) {
  with_file([](AddressSpace& space, NumberedFile& file) {
    UserAddr base = *space.map(mapping_of(file, false));
    EXPECT(get(base) == NumberedFile::first_word(0) && put(base, 1) && put(page(base, 9), 2));
    EXPECT(!file.is_dirty());
    uint64_t value = 8;
    IoBuffer source = IoBuffer::kernel(&value, sizeof value);
    EXPECT(file.write(source, kPageSize).ok());
    EXPECT(get(base) == 1 && get(page(base, 1)) == 8);
    EXPECT(page_lru::reclaim(kPages) > 0);  // what is left of the file is unmapped
    EXPECT(get(base) == 1 && get(page(base, 9)) == 2 && get(page(base, 1)) == 8);
  });
}

KTEST(page_cache_truncation_meets_mappings) {
  with_file([](AddressSpace& space, NumberedFile& file) {
    UserAddr base = *space.map(mapping_of(file, true));
    EXPECT(put(page(base, 10), 1) && put(page(base, 10) + 2048, 2) && put(page(base, 11), 3));
    {
      DiskObject::BlockChange change(file);
      file.set_size(10 * kPageSize + 2048);
      file.truncate(10 * kPageSize + 2048);
    }
    EXPECT(get(page(base, 10)) == 1 && get(page(base, 10) + 2048) == 0);
    EXPECT(get(page(base, 11)) == kFault && !put(page(base, 11), 1));
    EXPECT(space.fault(page(base, 11), arch::Access::Read).failed_with(Errno::Io));
    EXPECT(file.counts(0, kEnd).dirty == 1);
    // What a mapping leaves behind the end does not reach the disk.
    EXPECT(put(page(base, 10) + 2048, 4));
    EXPECT(file.write_back(0, kEnd).ok() && get(page(base, 10) + 2048) == 0);
  });
}

KTEST(page_cache_reclaim_unmaps) {
  with_file([](AddressSpace& space, NumberedFile& file) {
    page_cache::drop_clean();
    UserAddr base = *space.map(mapping_of(file, true));
    for (uint64_t i = 0; i < kPages; ++i) EXPECT(get(page(base, i)) == NumberedFile::first_word(i));
    EXPECT(put(page(base, 4), 44));
    EXPECT(space.lock_range(page(base, 8), kPageSize, true, false).ok());
    EXPECT(page_lru::reclaim(2 * kPages) == kPages - 2);
    EXPECT(file.is_resident(4) && file.is_resident(8) && !file.is_resident(5));
    for (uint64_t i = 0; i < kPages; ++i)
      EXPECT(get(page(base, i)) == (i == 4 ? 44 : NumberedFile::first_word(i)));
    EXPECT(file.read.load_relaxed() == 2 * kPages - 2);
  });
}

// More of a file than there is memory passes through the cache; then somebody needs nearly all of
// the memory, and gets it.
KTEST(page_cache_gives_way) {
  uint64_t total = frames::statistics().total_pages;
  if (total > GiB / kPageSize) KTEST_SKIP("would take long with this much memory");
  uint64_t pages = total + total / 8;
  WriteBackGroup group;
  Ref<NumberedFile> file = make_ref<NumberedFile>(group, pages).take();
  file->leave_group();
  ReadAhead state;
  for (uint64_t i = 0; i < pages; ++i) {
    uint64_t value = 0;
    IoBuffer buffer = IoBuffer::kernel(&value, sizeof value);
    Result<size_t> moved = file->DiskObject::read(buffer, i * kPageSize, state);
    bool right = moved.ok() && value == NumberedFile::first_word(i);
    EXPECT(right);
    if (!right) break;
  }
  EXPECT(frames::statistics().free_pages < total / 4);
  PhysAddr first{};  // a chain through the frames
  uint64_t got = 0;
  frames::Statistics now = frames::statistics();
  uint64_t wanted = (now.free_pages + page_cache::statistics().file_pages.load_relaxed()) * 9 / 10;
  for (; got < wanted; ++got) {
    Result<PhysAddr> frame = frames::allocate(0, FrameUse::Anonymous);
    if (!frame.ok()) break;
    *reinterpret_cast<PhysAddr*>(frames::frame_data(*frame)) = first;
    first = *frame;
  }
  EXPECT(got == wanted);
  while (first != PhysAddr{}) {
    PhysAddr next = *reinterpret_cast<PhysAddr*>(frames::frame_data(first));
    frames::free(first);
    first = next;
  }
}

// --- Several CPUs --------------------------------------------------------------------

namespace {

// Threads count in words of their own of the same pages, through one mapping, while others write
// back and reclaim: in the end the disk has every count.
struct Counting {
  static constexpr size_t kThreads = 4;
  static constexpr uint64_t kRounds = 3000;
  AddressSpace* space;
  NumberedFile* file;
  UserAddr base;
  Atomic<uint32_t> next, running;
  Completion done;

  static void count(void* argument) {
    auto& self = *static_cast<Counting*>(argument);
    uint64_t number = self.next.fetch_add_relaxed(1);
    {
      Loaded loaded(*self.space);
      for (uint64_t i = 1; i <= kRounds; ++i) EXPECT(put(page(self.base, number), i));
    }
    if (self.running.fetch_sub_acq_rel(1) == 1) self.done.complete();
    sched::exit_thread();
  }
  static void disturb(void* argument) {
    auto& self = *static_cast<Counting*>(argument);
    for (int i = 0; self.running.load_relaxed() > 1; ++i) {
      EXPECT(self.file->write_back(0, kEnd).ok());
      if (i % 4 == 0) page_lru::reclaim(kPages);
      sched::yield();
    }
    if (self.running.fetch_sub_acq_rel(1) == 1) self.done.complete();
    sched::exit_thread();
  }
};

}  // namespace

KTEST(page_cache_no_store_is_lost) {
  with_file([](AddressSpace& space, NumberedFile& file) {
    Counting counting;
    counting.space = &space;
    counting.file = &file;
    counting.base = *space.map(mapping_of(file, true));
    counting.running.store_relaxed(Counting::kThreads + 1);
    for (size_t i = 0; i <= Counting::kThreads; ++i) {
      Result<Ref<Thread>> thread = Thread::create_kernel(
          "count", i == 0 ? Counting::disturb : Counting::count, &counting);
      if (!thread.ok()) return;
      (*thread)->start();
    }
    ignore(counting.done.wait());
    EXPECT(file.write_back(0, kEnd).ok());
    for (size_t i = 0; i < Counting::kThreads; ++i)
      EXPECT(file.words[i].load_relaxed() == Counting::kRounds);
  });
}

}  // namespace kernel
