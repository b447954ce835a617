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

namespace kernel {

class MemoryObject : public RefCounted<MemoryObject>, public RcuHead {
 public:
  virtual ~MemoryObject();

  // The page at `index` (file offset / page size) with a reference for the caller. Fills it when it
  // is not there. Errors: Fault past the end (SIGBUS), NoMem, NoSpc, Io. May sleep.
  Result<PhysAddr> get_page(uint64_t index, bool for_write);
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
  void truncate(uint64_t start);
  // FALLOC_FL_PUNCH_HOLE, madvise(MADV_REMOVE).
  void punch(uint64_t start, uint64_t end);
  uint64_t resident_pages() const { return resident_.load_relaxed(); }
  // SEEK_DATA / SEEK_HOLE at page granularity for objects without a disk. Offset or NxIo.
  Result<uint64_t> seek(uint64_t offset, bool want_data);

  bool has_writable_mappings() const;

  // Dirty pages go to the disk now (fsync, msync). Memory-only objects have nothing to do.
  virtual Result<> write_back(uint64_t start, uint64_t end) { (void)start, (void)end; return {}; }
  // Memory-only objects (shmem) are counted apart from files.
  PageKind page_kind() const { return holes_are_zero() ? PageKind::Shared : PageKind::File; }

  static void last_unref(MemoryObject* object) { retire_object(object); }

 protected:
  // Fills a fresh page that is not in the cache: the disk's bytes for files. `page` is zeroed
  // already.
  virtual Result<> fill_page(uint64_t index, PhysAddr page) = 0;
  // Accounting of a new page (tmpfs size limit). Called before it is inserted.
  virtual Result<> charge_page() { return {}; }
  virtual void uncharge_pages(uint64_t count) { (void)count; }
  // A hole reads as zeros without allocating a page, when true.
  virtual bool holes_are_zero() const { return false; }

 private:
  friend class MappingsEdit;
  Result<PhysAddr> add_page(uint64_t index);
  Result<PhysAddr> insert_page(uint64_t index, PhysAddr fresh);
  size_t remove_some(uint64_t first, uint64_t end, std::span<RadixTree::Entry> removed);
  void remove_pages(uint64_t first, uint64_t end, bool unmap);
  void zero_part(uint64_t start, uint64_t end);
  // Takes the pages out of every address space; private copies as well when `even_copies`.
  void unmap_everywhere(uint64_t first, uint64_t end, bool even_copies);

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

 protected:
  Result<> fill_page(uint64_t, PhysAddr) override { return {}; }
  bool holes_are_zero() const override { return true; }
};

}  // namespace kernel
