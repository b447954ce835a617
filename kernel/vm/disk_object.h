// SPDX-License-Identifier: MIT
// A DiskObject is the page cache of one file on a disk (or a server): pages are filled from it,
// become dirty, and are written back. A file system derives from it and says how pages and blocks
// meet; when that happens, and which page is in memory, is decided here.
//
// A page is   being filled   in the tree, but no look-up sees it: whoever wants it waits for the
//                            filler, so that nobody can put bytes there that are older by then
//             clean          as on the disk; on a list of reclaim's (page_lru.h)
//             dirty          newer than the disk: kFrameDirty, and the mark in the tree
//             written back   clean again, on its way: kFrameWriteBack and the mark. Nobody changes
//                            its bytes, and it does not leave the tree, until that has ended
// and clean or dirty it may be busy for a moment (kFrameBusy): the kernel changes its bytes, and it
// neither goes under write-back nor leaves.
//
// A mapping can write to a page only while that is dirty: a fault maps it writable under its leaf
// table's lock if it sees the flag there, and write-back takes the flag away before it visits the
// leaf tables. So no store is lost between the two.
//
// Order for a write: inode's lock, fill lock, journal handle, page, extents. The calls below say
// which of them the file system may take in each virtual function.
#pragma once

#include "sched/rw_mutex.h"
#include "vm/error_sequence.h"
#include "vm/memory_object.h"
#include "vm/page_lru.h"
#include "vm/read_ahead.h"

namespace kernel {

class WriteBackGroup;  // vm/write_back.h: the files of one mounted file system or device
struct DirtyObjectTag {};

// A range of bytes that somebody is about to change.
struct PendingWrite {
  enum class Cause : uint8_t {
    Call,     // write(2) and its like: the inode's lock is held
    Mapping,  // first store to a page of a shared mapping: neither the inode's lock nor the
              // address space's is held; the fill lock is (shared). A place to set the mtime.
  };
  uint64_t start;
  uint64_t end;
  Cause cause;
  // The file system's own, from prepare_write() to finish_write(): an open journal handle.
  void* state = nullptr;
};

class DiskObject : public MemoryObject, public ListNode<DiskObject, DirtyObjectTag> {
 public:
  // The most pages that one call of the virtual functions below covers.
  static constexpr size_t kRunPages = 32;

  // Held by a file system around the removal of pages and of the blocks behind them, as one step:
  //   truncate    object.zero(n, end of n's page); { BlockChange change(object);
  //               object.set_size(n); object.truncate(n); free blocks }
  //   punch hole  object.zero(the parts of pages); { BlockChange change(object);
  //               object.punch(whole pages); free blocks }
  // Meanwhile no page is filled and none becomes dirty through a mapping. Taken below the inode's
  // lock, above the journal's.
  class BlockChange : public Pinned {
   public:
    explicit BlockChange(DiskObject& object) : guard_(object.fill_lock_) {}

   private:
    Guard<RwMutex<LockRank::PageFill>> guard_;
  };

  ~DiskObject() override;
  DiskObject* disk() final { return this; }
  PageKind page_kind() const final { return PageKind::File; }

  // --- Bytes. As MemoryObject's, but that a write extends the size itself.
  Result<size_t> read(IoBuffer& buffer, uint64_t offset, ReadAhead& state);
  Result<size_t> write(IoBuffer& buffer, uint64_t offset);
  // Zeroes bytes of one page that the file has, on the disk as well. The inode's lock is held, the
  // fill lock not: the page may have to be filled first.
  Result<> zero(uint64_t start, uint64_t end);
  // The size grows, by truncate(2): what mappings left behind the old end does not become visible.
  void grow(uint64_t size);

  // --- Pages.
  // In memory with a reference, or nothing; waits for whoever is filling it.
  std::optional<PhysAddr> find_page(uint64_t index);
  // Fills what is absent of up to kRunPages pages. Error: that of the first one.
  Result<> fill(uint64_t first, size_t count);
  // The same for any number, as far as memory is there for it (fadvise, readahead(2), madvise).
  void read_ahead(uint64_t first, uint64_t count);
  Result<> bring_in(uint64_t index, ReadAhead::Pattern pattern) override;
  // A shared mapping is about to write to the page. When it is not there any more nothing happens:
  // the fault starts over.
  Result<> make_dirty(uint64_t index) override;
  void truncate(uint64_t start) override;
  void punch(uint64_t start, uint64_t end) override;
  // Clean pages that nobody uses go; mapped ones as well when `even_mapped`. Returns how many.
  uint64_t invalidate(uint64_t start, uint64_t end, bool even_mapped);
  Result<uint64_t> seek(uint64_t offset, bool want_data) override;
  struct Counts {
    uint64_t cached = 0, dirty = 0, write_back = 0;
  };
  Counts counts(uint64_t start, uint64_t end);

  // --- Write-back. The inode lives meanwhile.
  // Writes what is dirty, waits for what others write. The first error of its own writes and of
  // others' meanwhile; each is noted in `errors` as well.
  Result<> write_back(uint64_t start, uint64_t end) override;
  Result<> start_write_back(uint64_t start, uint64_t end);  // only the first half
  void wait_for_write_back(uint64_t start, uint64_t end);
  bool is_dirty() const { return dirty_pages_.load_relaxed() != 0; }
  ErrorSequence errors;
  WriteBackGroup& group() const { return group_; }
  // Nothing is dirty, and nothing will be: from here on the group may end before the object.
  void leave_group();

  // A clean page that was taken off its list goes, or is put back there. Takes no lock that may be
  // waited for. True when it went. The object is pinned: it may be ending.
  bool reclaim_page(uint64_t index, PhysAddr page);
  Atomic<uint32_t> reclaim_pins;  // page_lru.cc's

 protected:
  explicit DiskObject(WriteBackGroup& group) : group_(group) {}

  // --- What a file system answers. No spin lock is held; all may sleep.

  // Fills consecutive pages from the disk: what lies in a hole or behind the end of the file
  // becomes zeros. The fill lock is held (shared): blocks do not change hands meanwhile. On an
  // error no page counts as filled. Called by readers and by read-ahead, several at a time.
  virtual Result<> read_pages(uint64_t first, std::span<const PhysAddr> pages) = 0;
  // Writes consecutive pages; their blocks exist, their bytes are stable, what lies behind the end
  // of the file is zero already (and need not be written). Returns when the disk has acknowledged
  // the data, not necessarily on a stable medium: that is fsync's flush. Never waits for the
  // journal, for a fill lock or an inode's lock: whoever holds those may be waiting for it. On
  // NoMem the pages stay dirty; any other error is told to whoever has the file open, once.
  virtual Result<> write_pages(uint64_t first, std::span<const PhysAddr> pages) = 0;
  // Before bytes change: reserves or allocates their blocks. On success the whole range becomes
  // dirty for certain and finish_write() follows from the same thread, with nothing between that
  // waits for anything but write_pages(): a journal handle may stay open. On an error (NoSpc,
  // DQuot, Io, RoFs, FBig) nothing changes. For pages that are dirty already it is called only when
  // block_size() is smaller than a page.
  virtual Result<> prepare_write(PendingWrite& write) { (void)write; return {}; }
  // The pages are dirty, up to `reached` (start..end) with new bytes, and size() has grown when it
  // had to: where the file system writes its own record of the size, in the same transaction as the
  // blocks.
  virtual void finish_write(PendingWrite& write, uint64_t reached) { (void)write, (void)reached; }
  // Of allocation; see prepare_write().
  virtual uint32_t block_size() const { return kPageSize; }

  Result<PhysAddr> add_page(uint64_t index) override;

 private:
  friend class WriteBackGroup;
  struct Run;

  // Whoever writes pages back unasked needs the inode: takes a reference on it, false when it is
  // dying already (then its evict() writes or drops what is dirty). And gives it back.
  virtual bool hold_owner() = 0;
  virtual void release_owner() = 0;

  // disk_pages.cc
  Result<size_t> reserve(uint64_t first, std::span<PhysAddr> pages);
  Result<> allocate_run(uint64_t first, std::span<PhysAddr>& pages);
  void publish(uint64_t first, std::span<const PhysAddr> pages, bool dirty);
  void abandon(uint64_t first, std::span<const PhysAddr> pages);
  std::optional<PhysAddr> make_busy(uint64_t index);
  void end_busy(uint64_t index, PhysAddr page, bool dirty);
  bool mark_dirty_locked(uint64_t index, PhysAddr page) REQUIRES(lock_);
  void forget_locked(PhysAddr page) REQUIRES(lock_);
  void wait_filled(uint64_t index, uint64_t value);
  void wait_idle(uint64_t index, PhysAddr page);
  size_t remove_some(uint64_t first, uint64_t end, std::span<RadixTree::Entry> removed,
                     std::optional<RadixTree::Entry>& blocked);
  void remove_range(uint64_t first, uint64_t end, bool unmap);
  void drop_pages(std::span<const RadixTree::Entry> pages);
  size_t collect_unused(uint64_t& first, uint64_t end, std::span<RadixTree::Entry> unused);
  void zero_in_memory(uint64_t start, uint64_t end);

  // disk_read.cc
  Result<> fill_for_read(uint64_t index, uint64_t wanted, ReadAhead& state);

  // disk_write.cc
  Result<size_t> write_run(IoBuffer& buffer, uint64_t offset, size_t wanted);
  Result<size_t> write_fresh(IoBuffer& buffer, uint64_t offset, size_t wanted);
  size_t copy_fresh(IoBuffer& buffer, uint64_t offset, size_t wanted,
                    std::span<const PhysAddr> pages);
  Result<size_t> write_present(IoBuffer& buffer, uint64_t offset, size_t wanted);
  size_t copy_present(IoBuffer& buffer, PendingWrite& write, bool prepared);
  size_t hold_present(uint64_t first, std::span<PhysAddr> pages, bool& all_dirty);
  void extend_to(uint64_t end);

  // disk_write_back.cc
  bool take_dirty_run(uint64_t& from, uint64_t end, Run& run);
  Result<> write_run_back(Run& run);
  void end_write_back(const Run& run, Result<> result);

  WriteBackGroup& group_;
  RwMutex<LockRank::PageFill> fill_lock_;
  Atomic<uint64_t> dirty_pages_;  // changed under lock_
  bool listed_ = false;           // group's lock: on its list
  Nanoseconds dirty_since_ = 0;   // group's lock
};

}  // namespace kernel
