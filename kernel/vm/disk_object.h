// SPDX-License-Identifier: MIT
// A DiskObject is the page cache of one file on a disk (or a server): pages are filled from it,
// become dirty, and are written back. A file system derives from it and says how pages and blocks
// meet; when that happens, and which page is in memory, is decided here.
//
// A page is   Filling   in the tree, but no look-up sees it: whoever wants it waits for the filler
//             clean     as on the disk
//             dirty     newer than the disk
//             dirty or clean, and under write-back: nobody changes its bytes until that has ended
//
// Order for a write: inode's lock, fill lock, journal handle, page, extents. The calls below say
// which of them the file system may take in each virtual function.
#pragma once

#include "sched/rw_mutex.h"
#include "vm/memory_object.h"

namespace kernel {

class DiskObject;
class WriteBackGroup;  // vm/write_back.h: the files of one mounted file system or device

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

class DiskObject : public MemoryObject {
 public:
  // Held by a file system around the removal of pages and of the blocks behind them, as one step:
  //   truncate    { BlockChange change(object); object.set_size(n); object.truncate(n); free blocks }
  //   punch hole  { BlockChange change(object); object.punch(from, to); free blocks }
  // Meanwhile no page is filled and none becomes dirty through a mapping. Taken below the inode's
  // lock, above the journal's.
  class BlockChange : public Pinned {
   public:
    explicit BlockChange(DiskObject& object) : guard_(object.fill_lock_) {}

   private:
    Guard<RwMutex<LockRank::PageFill>> guard_;
  };

 protected:
  explicit DiskObject(WriteBackGroup& group) : group_(group) {}
  WriteBackGroup& group_;

  // --- What a file system answers. No spin lock is held; all may sleep.

  // Fills consecutive pages from the disk: what lies in a hole or behind the end of the file
  // becomes zeros. The fill lock is held (shared): blocks do not change hands meanwhile. On an
  // error no page counts as filled. Called by readers and by read-ahead, several at a time.
  virtual Result<> read_pages(uint64_t first, std::span<const PhysAddr> pages) = 0;
  // Writes consecutive pages; their blocks exist, their bytes are stable, what lies behind the end
  // of the file is zero already (and need not be written). Returns when the disk has acknowledged
  // the data, not necessarily on a stable medium: that is fsync's flush. Never waits for the
  // journal, for a fill lock or an inode's lock: whoever holds those may be waiting for it.
  virtual Result<> write_pages(uint64_t first, std::span<const PhysAddr> pages) = 0;
  // Before bytes change: reserves or allocates their blocks. On success the whole range becomes
  // dirty for certain and finish_write() follows from the same thread, with nothing between that
  // waits for anything but write_pages(): a journal handle may stay open. On an error (NoSpc, DQuot,
  // Io, RoFs, FBig) nothing changes. Within one write to pages that are dirty already it is called
  // only when block_size() is smaller than a page.
  virtual Result<> prepare_write(PendingWrite& write) { (void)write; return {}; }
  // The pages are dirty, up to `reached` (start..end) with new bytes, and size() has grown when it
  // had to: where the file system writes its own record of the size, in the same transaction as the
  // blocks.
  virtual void finish_write(PendingWrite& write, uint64_t reached) { (void)write, (void)reached; }
  // Of allocation; see prepare_write().
  virtual uint32_t block_size() const { return kPageSize; }
  // Whoever writes pages back needs the inode: takes a reference on it, false when it is dying
  // already (then its evict() writes or drops what is dirty). And gives it back.
  virtual bool hold_owner() = 0;
  virtual void release_owner() = 0;

  // A MemoryObject's way of filling, which is not used here.
  Result<> fill_page(uint64_t, PhysAddr) final { return Errno::Io; }

 private:
  RwMutex<LockRank::PageFill> fill_lock_;
};

}  // namespace kernel
