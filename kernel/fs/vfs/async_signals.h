// SPDX-License-Identifier: MIT
// Signals instead of poll (fcntl(2): O_ASYNC, F_SETOWN, F_SETSIG): a FileOwner says who is told of
// what happens to an open file and by which signal, an AsyncQueue which open files one object, such
// as a pipe, tells. Thread context, with no spin lock held.
#pragma once

#include "lib/list.h"
#include "sync/spin_lock.h"
#include "task/pid.h"

namespace kernel {

class File;

// What happened: si_code of the signal, POLL_IN and so on.
enum class FileEvent : uint8_t { In = 1, Out = 2, Message = 3 };

class FileOwner : public Pinned {
 public:
  enum class Kind : uint8_t { Thread = 0, Process = 1, Group = 2 };  // F_OWNER_*
  struct Shown {
    Kind kind;
    PidNumber number;  // 0: there is none, or it has gone
  };

  // The running task's identity is what the signal is sent with.
  void set(Optional<Ref<Pid>> pid, Kind kind);
  // A terminal's default: not when somebody has been set already.
  void set_default(Ref<Pid> pid, Kind kind);
  Shown get() const;
  // 0: SIGIO, and no more in it than that.
  void set_signal(uint8_t signal) { signal_.store_relaxed(signal); }
  uint8_t signal() const { return signal_.load_relaxed(); }
  void send(int32_t fd, FileEvent event);

 private:
  void set_locked(Optional<Ref<Pid>>& pid, Kind kind) REQUIRES(lock_);

  mutable SpinLock<LockRank::FileOwner> lock_;
  Optional<Ref<Pid>> pid_ GUARDED_BY(lock_);
  Kind kind_ GUARDED_BY(lock_) = Kind::Thread;
  uint32_t uid_ GUARDED_BY(lock_) = 0;
  uint32_t effective_uid_ GUARDED_BY(lock_) = 0;
  Atomic<uint8_t> signal_;
};

class AsyncQueue : public Pinned {
 public:
  constexpr AsyncQueue() = default;
  ~AsyncQueue() { DCHECK(files_.empty()); }

  // `fd` is what the signal names. A file that is there already gets the new one.
  Result<> add(File& file, int32_t fd);
  void remove(File& file);
  // A hang-up: what is open now hears no more.
  void clear();
  void notify(FileEvent event);

 private:
  struct Entry : ListNode<Entry> {
    Entry(File& told, int32_t named) : file(told), fd(named) {}
    File& file;
    int32_t fd;
  };
  Entry* find_locked(const File& file) REQUIRES(lock_);

  SpinLock<LockRank::AsyncQueue> lock_;
  List<Entry> files_ GUARDED_BY(lock_);
  Atomic<uint32_t> count_;  // of files_: nearly always none, and then no lock is taken
};

// The queues that tell of a file's events: a FIFO that is open both ways has two.
struct AsyncQueues {
  AsyncQueue* first = nullptr;
  AsyncQueue* second = nullptr;
};

}  // namespace kernel
