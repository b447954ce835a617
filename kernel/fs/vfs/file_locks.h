// SPDX-License-Identifier: MIT
// Advisory locks of one inode: POSIX record locks and open-file-description locks
// (fcntl_locking(2)), and flock(2). The ranges of one owner never overlap; those of different
// owners only when both read.
#pragma once

#include "fs/vfs/inode.h"
#include "sched/wait_queue.h"

namespace kernel {

class File;

class FileLocks : public ListNode<FileLocks> {
 public:
  enum class Kind : uint8_t { Posix, OpenFile, Flock };
  enum class Type : uint8_t { Read, Write, Unlock };

  struct Request {
    Kind kind = Kind::Posix;
    Type type = Type::Read;
    uint64_t start = 0;
    uint64_t end = ~uint64_t{0} >> 1;  // inclusive
    const void* owner = nullptr;       // descriptor table (Posix) or open file
    int32_t pid = 0;                   // what F_GETLK shows; -1 for OpenFile
  };

  // The locks of an inode, made when they are not there yet.
  static Result<FileLocks*> of(Inode& inode);

  // Errors: Again (conflict, when not waiting), DeadLk, RestartSys, NoMem.
  Result<> set(const Request& request, bool wait);
  // The first lock in the way of `request`; nothing when it could be had.
  std::optional<Request> conflict(const Request& request);
  // Everything that `owner` holds.
  void release(Kind kind, const void* owner);

  // For /proc/locks: every lock that is held, each before those who wait for it.
  struct Shown {
    Request request;
    bool waits;
    DeviceNumber device;
    uint64_t inode;
  };
  static Result<Vector<Shown>> all();

  explicit FileLocks(const Inode& inode);
  ~FileLocks();

 private:
  struct Waiting : ListNode<Waiting> {
    Request request;
  };
  struct Record : ListNode<Record> {
    Request request;
  };
  // Records made before the lock is taken: a change needs at most two.
  struct Spare {
    Optional<Owned<Record>> records[2];
    Result<> fill();
    Record& take();
  };
  Record* find_conflict_locked(const Request& request) REQUIRES(lock_);
  void apply_locked(const Request& request, Spare& spare) REQUIRES(lock_);
  void carve_locked(const Request& request, Spare& spare) REQUIRES(lock_);
  void drop_locked(Record& record) REQUIRES(lock_);
  Result<> try_set(const Request& request, Spare& spare, const void*& blocker);
  Result<> wait_for(const Request& request, Spare& spare, const void* blocker);
  void show_locked(Vector<Shown>& to) REQUIRES(lock_);

  const DeviceNumber device_;
  const uint64_t inode_;
  SpinLock<LockRank::InodeSpin> lock_;
  List<Record> records_ GUARDED_BY(lock_);  // by start
  List<Waiting> waiting_ GUARDED_BY(lock_);
  WaitQueue changed_;
};

// close(2): what the closing of a descriptor, and of the open file itself, gives up.
void release_posix_locks(Inode& inode, const void* table);
void release_open_file_locks(Inode& inode, const File* file);

}  // namespace kernel
