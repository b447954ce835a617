// SPDX-License-Identifier: MIT
// The page table of one address space, and every way in which it is read or changed. It knows
// entries, frames and tables, not mappings: what may be there is the caller's business.
//
//   root (level 3) -> level 2 -> level 1 -> leaf table, 2 MiB: 512 entries
//                                   \-- read-only (APTable) while the leaf table is shared after
//                                   fork
//
// Locks, outermost first:
//   the address space's lock   shared: tables that mappings reach do not go away; exclusive: fork,
//   unmap upper_lock_                tables come, go, and are unshared the leaf table's lock the
//   entries of one leaf table (hashed by its address), of all sharers
// Truncation comes from the object's side with neither the space's lock nor the right to free
// tables: it holds the object's list of mappings, and no table is freed under a mapping that is on
// such a list.
//
// What a table knows of itself is in its frame (table_record): which parts of it were ever used, so
// that nobody walks the rest, and of a leaf table how many pages of each kind it maps.
// `references` of a leaf table's frame is the number of spaces that share it. While it is shared
// its entries are only ever taken away (truncation) or made read-only; whoever wants more takes a
// copy of his own (lock_own_leaf).
#pragma once

#include <optional>

#include "arch/paging.h"
#include "mm/frames.h"
#include "sync/spin_lock.h"
#include "vm/asid.h"

namespace kernel {

using Format = arch::PagingFormat;
using arch::PageAttributes;
using arch::PageEntry;

inline constexpr uint64_t kLeafSpan = Format::span(1);

// What resident pages are counted as (/proc/PID/status: RssAnon, RssFile, RssShmem).
enum class PageKind : uint8_t { Anonymous, File, Shared };

struct PageCounts {
  uint64_t anonymous = 0, file = 0, shared = 0;
  uint64_t tables = 0;
  uint64_t total() const { return anonymous + file + shared; }
};

// Frame::flags of this layer. The page's bytes are what instruction fetches see.
inline constexpr uint16_t kFrameInstructionsSynced = 1u << 0;
// Written to since it was filled. With a disk behind it: newer than there; changed under the lock
// of the object's pages, and only what has it is ever mapped writable.
inline constexpr uint16_t kFrameDirty = 1u << 1;
// Of pages with a disk behind them (disk_object.h); the first two under the lock of the object's
// pages. On its way to the disk; its bytes are being changed by the kernel.
inline constexpr uint16_t kFrameWriteBack = 1u << 2;
inline constexpr uint16_t kFrameBusy = 1u << 3;
// Used since reclaim last looked, once and more than once; on the list of active pages.
inline constexpr uint16_t kFrameUsed = 1u << 4;
inline constexpr uint16_t kFrameUsedAgain = 1u << 5;
inline constexpr uint16_t kFrameActive = 1u << 6;

// An entry is empty (0), present, or hidden: a page under PROT_NONE, kept but not translated.
// The page belongs to this mapping alone (anonymous, copy-on-write), not to a memory object.
constexpr bool is_owned(PageEntry entry) { return Format::attributes(entry).anonymous; }
constexpr PageEntry with_attributes(PageEntry entry, PageAttributes attributes) {
  return Format::leaf(Format::address(entry), attributes, 0);
}
constexpr PageEntry without_write(PageEntry entry) {
  PageAttributes attributes = Format::attributes(entry);
  attributes.writable = false;
  PageEntry result = with_attributes(entry, attributes);
  return Format::is_present(entry) ? result : Format::hidden(result);
}

class PageTables;

// A leaf table, locked. Does not outlive the call that locked it.
class LeafTable : public Pinned {
 public:
  PageEntry get(UserAddr address) const { return __atomic_load_n(slot(address), __ATOMIC_ACQUIRE); }
  // A change that needs no break: from nothing, to nothing, or of permissions only.
  void set(UserAddr address, PageEntry entry) {
    __atomic_store_n(slot(address), entry, __ATOMIC_RELEASE);
  }
  // Takes the entry away; its page is no longer counted.
  PageEntry take(UserAddr address, PageKind kind);
  // Adds an entry where none is; its page is counted. The entry takes over a reference on the
  // frame.
  void put(UserAddr address, PageEntry entry, PageKind kind);
  void count(PageKind kind, int change);
  bool is_locked() const { return guard_.has_value(); }
  void unlock() { guard_.reset(); }

 private:
  friend class PageTables;
  uint64_t* slot(UserAddr address) const { return entries_ + Format::index(raw(address), 0); }

  PhysAddr table_{};
  uint64_t* entries_ = nullptr;
  std::optional<Guard<SpinLock<LockRank::PageTable>>> guard_;
};

// Collects what must be flushed from the TLBs before the frames behind it may be used again.
// Flushed by flush() or at the end of its scope; no spin lock held.
class TlbBatch : public Pinned {
 public:
  explicit TlbBatch(PageTables& tables) : tables_(tables) {}
  ~TlbBatch() { flush(); }

  void add_page(UserAddr address) { extend({address, address + kPageSize}); }
  // Room for frames is limited: full() asks for a flush().
  void add_frame(UserAddr address, PhysAddr frame) {
    extend({address, address + kPageSize});
    frames_[frame_count_++] = frame;
  }
  bool full() const { return frame_count_ == kFrames || table_count_ == kTables; }
  // What goes was in a table that other spaces share: their TLB entries go as well.
  void set_all_spaces() { all_spaces_ = true; }
  void add_leaf_table(UserAddr start, PhysAddr table);
  void add_upper_table(UserRange range, PhysAddr table);
  void flush();

 private:
  static constexpr size_t kFrames = 64, kTables = 16;
  void extend(UserRange range);

  PageTables& tables_;
  UserRange range_{};
  bool tables_gone_ = false;
  bool all_spaces_ = false;
  size_t frame_count_ = 0, table_count_ = 0;
  PhysAddr frames_[kFrames];
  struct {
    PhysAddr address;
    bool is_leaf;
  } table_list_[kTables];
};

class PageTables : public Pinned {
 public:
  PageTables() = default;
  ~PageTables();

  Result<> init();
  PhysAddr root() const { return root_; }
  AsidContext& asid() { return asid_; }

  // --- With the space's lock, shared or exclusive.
  // A look without locks; the answer may be old when it arrives.
  struct View {
    PageEntry entry = 0;
    bool table_shared = false;
    const uint64_t* upper = nullptr;  // where the leaf table hangs, and what was there
    PageEntry table = 0;
  };
  View look(UserAddr address) const;
  // Whether the `count` entries below the address looked at, in the same leaf table, are all in
  // use; as uncertain as look().
  static bool is_run_below(const View& view, UserAddr address, size_t count);
  // Locks the leaf table to read it; false when there is none.
  bool lock_leaf(UserAddr address, LeafTable& leaf);
  // Locks a leaf table that belongs to this space alone, made or unshared when need be. Error:
  // NoMem.
  Result<> lock_own_leaf(UserAddr address, LeafTable& leaf);
  // The same behind a look under the same hold of the lock: mostly without another walk.
  Result<> lock_own_leaf(const View& view, UserAddr address, LeafTable& leaf);
  // The start of the first span at or above `address` that has a leaf table, below `end`; or `end`.
  UserAddr next_leaf(UserAddr address, UserAddr end) const;
  bool is_leaf_shared(UserAddr address) const;
  void flush_page(UserAddr address);
  // Another CPU has done what was wanted: forget what this one remembers.
  void flush_page_here(UserAddr address);

  // --- With the space's lock, exclusive.
  // Makes the leaf tables that `range` covers only partly this space's own, so that clear() cannot
  // fail.
  Result<> unshare_edges(UserRange range);
  // The same for all of them, for protect().
  Result<> unshare_all(UserRange range);
  // Takes all pages of the range away. Leaf tables wholly inside go as a whole.
  void clear(UserRange range, PageKind kind, TlbBatch& batch);
  // Frees the tables within `hole`, which no mapping reaches.
  // Only tables over `range`, in the hole, can have become useless.
  void free_tables(UserRange range, UserRange hole, TlbBatch& batch);
  // Gives the leaf table over `span_start` to `child` as well, read-only for both. The caller
  // flushes.
  Result<> share_leaf(UserAddr span_start, PageTables& child);
  // Copies one mapping's part of a leaf table instead, where another part must not be inherited.
  Result<> copy_entries(UserRange part, PageTables& child, PageKind kind);
  void flush_all();
  // Empties the whole table; nobody uses the space any more, though a CPU may have its root loaded.
  void destroy();

  // --- From the object's side (see above).
  bool lock_leaf_for_truncation(UserAddr address, LeafTable& leaf);
  UserAddr next_leaf_for_truncation(UserAddr address, UserAddr end);

  // Sum over the leaf tables: shared ones count fully, as Linux counts. And of one that is there.
  PageCounts counts() const;
  void count_leaf(UserAddr span_start, PageCounts& sum) const;

 private:
  friend class TlbBatch;
  // Calls flush(asid, reach) for the CPUs whose TLBs may know the space; after stores to entries.
  template <class Flush>
  void flush_where_used(Flush flush);
  void flush_range(UserRange range);
  uint64_t* find_upper(UserAddr address) const;
  Result<PhysAddr> make_upper(UserAddr address);
  bool try_lock_leaf(const uint64_t* upper, PageEntry value, LeafTable& leaf);
  Result<> install_table(PhysAddr table, size_t index);
  Result<> unshare(uint64_t* slot, UserAddr span_start);
  void copy_leaf_locked(PhysAddr from, PhysAddr to);
  void replace_table_locked(uint64_t* slot, UserAddr span_start, PageEntry entry);
  void detach_leaf(UserAddr span_start, TlbBatch& batch);
  void clear_leaf(UserRange part, PageKind kind, TlbBatch& batch);
  void free_level(PhysAddr table, unsigned level, uint64_t base, UserRange range, UserRange hole,
                  TlbBatch& batch);
  static void release_subtree(PhysAddr table, unsigned level);

  PhysAddr root_{};
  AsidContext asid_;
  SpinLock<LockRank::PageTable> upper_lock_;
};

// The frame that read faults of untouched memory map; never counted, never freed.
PhysAddr zero_frame();
void init_zero_frame();

// Takes entries of a locked leaf table away until the batch is full; `at` moves on to what is left.
void clear_locked_entries(LeafTable& leaf, UserRange part, PageKind kind, TlbBatch& batch,
                          UserAddr& at);

// Gives up one space's share of a leaf table; the last one drops the pages and the frame.
void release_leaf_table(PhysAddr table);

}  // namespace kernel
