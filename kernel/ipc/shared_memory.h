// SPDX-License-Identifier: MIT
// System V shared memory (shmget(2), shmat(2), shmctl(2)): a segment is a file of tmpfs without a
// name. Each mapping of it is an attachment; a segment that was removed lives until the last one
// goes.
#pragma once

#include "fs/vfs/file.h"
#include "ipc/table.h"

namespace kernel::ipc {

class Segment final : public Object, public RefCounted<Segment> {
 public:
  static constexpr uint32_t kDestroyed = 01000, kLocked = 02000;  // SHM_DEST, SHM_LOCKED in mode

  // Errors: NoMem, NoSpc.
  enum class Reserve : uint8_t { Yes, No };
  static Result<Ref<Segment>> create(const Permission& permission, uint64_t size, Reserve reserve);
  ~Segment();

  uint64_t size() const { return size_; }
  uint64_t pages() const { return align_up(size_, kPageSize) >> kPageShift; }
  uint64_t resident_pages() const { return place_.inode().contents()->resident_pages(); }
  const Path& place() const { return place_; }
  PidNumber creator_pid() const { return creator_pid_; }

  // The part that changes where the object's lock cannot be taken: in fork, with mappings locked.
  struct Attachments {
    uint64_t count = 0;
    int64_t attach_time = 0, detach_time = 0;
    PidNumber last_pid = 0;
  };
  Attachments attachments() const {
    Guard guard(attachments_lock_);
    return attachments_;
  }
  void attached();
  void detached();
  // Counts like an attachment, for a moment. The last one of a destroyed segment is its end: no
  // lock held.
  void hold();
  void release();

  // IPC_RMID: at once, or with the last attachment. Errors: Perm, IdRm.
  // SHM_LOCK, SHM_UNLOCK: there is no swap, so it is accounting only. Errors: Perm, NoMem, IdRm.
  Result<> set_locked(bool locked);

 private:
  Segment(const Permission& given, uint64_t size, Path place, uint64_t promised)
      : Object(given), size_(size), promised_pages_(promised), place_(std::move(place)) {}
  template <class T>
  friend class Table;
  void named();
  void destroyed_locked() REQUIRES(lock);
  bool end_locked() REQUIRES(lock);  // when it was destroyed and nobody has it attached

  const uint64_t size_;
  const uint64_t promised_pages_;  // counted as committed memory
  const Path place_;
  const PidNumber creator_pid_ = current_pid();
  Optional<Ref<UserAccount>> locked_for_ GUARDED_BY(lock);  // whose locked memory it counts as
  mutable SpinLock<LockRank::Leaf> attachments_lock_;
  Attachments attachments_ GUARDED_BY(attachments_lock_);
};

namespace segments {

Table<Segment>& table();
// shmget(2).
Result<int32_t> get(int32_t key, uint64_t size, uint32_t flags);
// shmat(2). Errors: as of mmap(2), and Acces, IdRm.
struct AttachRequest {
  UserAddr address{};      // page-aligned, or 0: anywhere
  bool read_only = false;
  bool executable = false;
  bool replace = false;    // SHM_REMAP
};
Result<UserAddr> attach(Task& task, int32_t id, const AttachRequest& request);
uint64_t total_pages();     // of all segments
uint64_t resident_pages();

}  // namespace segments
}  // namespace kernel::ipc
