// SPDX-License-Identifier: MIT
// The pages of a file of a 9p tree: what mappings see, and with cache=loose reads too. A page that
// a shared mapping has written to is dirty until it is on the server: msync(2), fsync(2), a read
// through a descriptor, the last close, the flusher.
#pragma once

#include "fs/9p/fid.h"
#include "fs/vfs/inode_object.h"

namespace kernel::p9 {

class P9Contents final : public InodeObject {
 public:
  P9Contents(WriteBackGroup& group, Inode& owner) : InodeObject(group, owner) {}
  ~P9Contents() override;

  // Pages come through `fid`, which is open for reading. The newest one stays.
  void read_through(Ref<Fid> fid) { exchange(reader_, std::move(fid)); }
  // Somebody maps it shared and writable: dirty pages go through `fid`.
  void write_through(Ref<Fid> fid) { exchange(writer_, std::move(fid)); }
  // Nobody has it any more: what is dirty is written, and all of it goes.
  void close();
  // The server's file is of this size now.
  void resize(uint64_t size);
  // The server's file is of this version: what is cached of another one goes.
  void set_version(uint32_t version);
  // Writes bytes of the server's file by `write`; pages that are here of them go. The inode's lock
  // is held.
  template <class Write>
  Result<size_t> overwrite(uint64_t start, uint64_t end, Write write) {
    BlockChange change(*this);
    TRY(drop(start, end));
    TRY(drop_tail());
    Result<size_t> moved = write();
    if (moved.ok() && start + *moved > size()) set_size(start + *moved);
    return moved;
  }

 protected:
  Result<> read_pages(uint64_t first, std::span<const PhysAddr> pages) override;
  Result<> write_pages(uint64_t first, std::span<const PhysAddr> pages) override;

 private:
  Result<> drop(uint64_t start, uint64_t end);
  // The page that the end lies in: what is behind the end in it is not what will be there.
  Result<> drop_tail() { return drop(size(), align_up(size(), kPageSize)); }
  Optional<Ref<Fid>> get(Fid* const& place) const;
  void exchange(Fid*& place, Optional<Ref<Fid>> fid);

  Atomic<uint32_t> version_;
  mutable SpinLock<LockRank::FileServer> fid_lock_;
  Fid* reader_ = nullptr;  // references; fid_lock_
  Fid* writer_ = nullptr;
};

}  // namespace kernel::p9
