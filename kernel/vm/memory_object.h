// SPDX-License-Identifier: MIT
// A MemoryObject is the one copy of some data: a file's pages, a memfd, shared anonymous memory.
// Read, write, mmap and exec all see its pages. Private anonymous memory has no object: its pages
// belong to the page tables.
#pragma once

#include "lib/list.h"
#include "lib/radix_tree.h"
#include "lib/ref.h"
#include "mm/frames.h"
#include "sched/mutex.h"
#include "vm/io_buffer.h"
#include "vm/mapping.h"
#include "vm/page_tables.h"
#include "vm/read_ahead.h"

namespace kernel {

class DiskObject;

class MemoryObject : public RefCounted<MemoryObject>, public RcuHead {
 public:
  virtual ~MemoryObject();
  // This, when there is a disk behind it (disk_object.h); such a one is read and written by the
  // functions there.
  virtual DiskObject* disk() { return nullptr; }

  // The page at `index` (file offset / page size) with a reference for the caller. Fills it when it
  // is not there. Errors: Fault past the end (SIGBUS), NoMem, NoSpc, Io. May sleep. `for_write`:
  // not with a disk.
  Result<PhysAddr> get_page(uint64_t index, bool for_write);
  // A fault wants the page: it, and what may be wanted next. Errors as get_page().
  virtual Result<> bring_in(uint64_t index, ReadAhead::Pattern pattern);
  // A shared mapping is about to write to the page; see DiskObject. Without a disk nothing is to be
  // done.
  virtual Result<> make_dirty(uint64_t index) {
    (void)index;
    return {};
  }
  // Without sleeping or filling: a hole or an absent page is nothing. With a reference. Any
  // context.
  std::optional<PhysAddr> peek_page(uint64_t index);
  // The same for neighbours at once; an absent one is PhysAddr{}. Under a leaf table's lock: what
  // it returns is in the cache and inside the object's size while that lock is held.
  void peek_pages(uint64_t first, std::span<PhysAddr> pages);
  // mincore(2): in the cache or not.
  bool is_resident(uint64_t index);

  // Bytes through the cache, bounded by size() for reads. May sleep for pages, but never faults on
  // the buffer, so that the caller may hold its locks (a write: the inode's, and has extended the
  // size before). Return bytes moved: short at the end, on an error behind the first byte, and
  // where the buffer is not accessible: then the caller drops its locks, calls buffer.fault_in(),
  // goes on.
  Result<size_t> read(IoBuffer& buffer, uint64_t offset);
  Result<size_t> write(IoBuffer& buffer, uint64_t offset);

  // In bytes; the end of what can be read or mapped.
  uint64_t size() const { return size_.load_acquire(); }
  void set_size(uint64_t size) { size_.store_release(size); }
  // Drops pages from `start` on (bytes), zeroes the tail of the page that holds it, and unmaps them
  // everywhere. The caller has set the size before.
  virtual void truncate(uint64_t start);
  // FALLOC_FL_PUNCH_HOLE, madvise(MADV_REMOVE).
  virtual void punch(uint64_t start, uint64_t end);
  uint64_t resident_pages() const { return resident_.load_relaxed(); }
  // SEEK_DATA / SEEK_HOLE at page granularity for objects without a disk. Offset or NxIo.
  virtual Result<uint64_t> seek(uint64_t offset, bool want_data);

  bool has_writable_mappings() const;

  // Dirty pages go to the disk now (fsync, msync). Memory-only objects have nothing to do.
  virtual Result<> write_back(uint64_t start, uint64_t end) { (void)start, (void)end; return {}; }
  // Memory-only objects (shmem) are counted apart from files.
  virtual PageKind page_kind() const { return PageKind::Shared; }

  static void last_unref(MemoryObject* object) { retire_object(object); }

 protected:
  // A page that is not in the cache, with a reference for the caller: of zeros.
  virtual Result<PhysAddr> add_page(uint64_t index);
  // What a fresh page, of zeros, is to hold before anybody sees it.
  virtual void fill_page(uint64_t index, PhysAddr page) { (void)index, (void)page; }
  // Accounting of a new page (tmpfs size limit). Called before it is inserted.
  virtual Result<> charge_page() { return {}; }
  virtual void uncharge_pages(uint64_t count) { (void)count; }

  // Values of the tree are addresses of frames. One with the top bit set is a page that is being
  // filled (disk_object.h): no look-up sees it.
  static bool is_ready(uint64_t value) { return static_cast<int64_t>(value) > 0; }
  // Takes the pages out of every address space; private copies as well when `even_copies`.
  void unmap_everywhere(uint64_t first, uint64_t end, bool even_copies);
  // For pages with a disk behind them: no shared mapping may write to them without a fault; and one
  // page goes from all address spaces, if that can be had without waiting.
  void protect_everywhere(uint64_t first, uint64_t end);
  bool try_unmap(uint64_t index);

 private:
  friend class MappingsEdit;
  Result<PhysAddr> make_page(AllocationFlags flags);
  void discard_made_page(PhysAddr fresh);
  Result<PhysAddr> insert_page(uint64_t index, PhysAddr fresh);
  Result<size_t> write_part(IoBuffer& buffer, uint64_t offset, size_t part);
  Result<size_t> write_new_page(IoBuffer& buffer, uint64_t index);
  size_t remove_some(uint64_t first, uint64_t end, std::span<RadixTree::Entry> removed);
  void remove_pages(uint64_t first, uint64_t end, bool unmap);
  void zero_part(uint64_t start, uint64_t end);

 protected:
  Atomic<uint64_t> size_;
  Atomic<uint64_t> resident_;
  SpinLock<LockRank::PageCache> lock_;
  RadixTree pages_ GUARDED_BY(lock_);     // index -> frame, each entry one reference
  mutable Mutex<LockRank::MemoryObject> mappings_lock_;
  List<Mapping, ObjectMappingTag> mappings_ GUARDED_BY(mappings_lock_);
};

// Every Mapping of an object is on its list, so that truncation can unmap. Whoever moves a listed
// mapping's edges, adds or removes one, holds the list for that time; for anonymous memory (null)
// there is nothing to hold.
class MappingsEdit : public Pinned {
 public:
  explicit MappingsEdit(MemoryObject* object) : object_(object) {
    if (object != nullptr) guard_.emplace(object->mappings_lock_);
  }
  void add(Mapping& mapping) NO_THREAD_SAFETY_ANALYSIS {
    // SAFETY: guard_ holds the lock; an optional guard is not followed.
    if (object_ != nullptr) object_->mappings_.push_back(mapping);
  }
  void remove(Mapping& mapping) NO_THREAD_SAFETY_ANALYSIS {
    // SAFETY: as above.
    if (object_ != nullptr) object_->mappings_.remove(mapping);
  }

 private:
  MemoryObject* object_;
  std::optional<Guard<Mutex<LockRank::MemoryObject>>> guard_;
};

// Zero-filled memory that several address spaces share: MAP_SHARED|MAP_ANONYMOUS, memfd, tmpfs
// files.
class AnonymousObject : public MemoryObject {
 public:
  static Result<Ref<AnonymousObject>> create(uint64_t size);
};

}  // namespace kernel
