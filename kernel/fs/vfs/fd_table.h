// SPDX-License-Identifier: MIT
// Descriptor tables: small numbers to open files, with the close-on-exec flag. Shared by
// CLONE_FILES. Lookup takes no lock: an RCU section and try_ref; a table used by one thread only
// borrows.
#pragma once

#include "fs/vfs/file.h"

namespace kernel {

using Fd = int32_t;

// A file in use by one system call: holds a reference, or only borrows it from a table that nobody
// else can change meanwhile.
class FileUse {
 public:
  FileUse(File& file, bool owned) : file_(&file), owned_(owned) {}
  FileUse(FileUse&& other) noexcept
      : file_(other.file_), owned_(std::exchange(other.owned_, false)) {}
  FileUse& operator=(FileUse&&) = delete;
  ~FileUse() {
    if (owned_) file_->unref();
  }
  File& operator*() const { return *file_; }
  File* operator->() const { return file_; }
  File* get() const { return file_; }
  Ref<File> to_ref() const { return Ref<File>(*file_); }
  // Nobody else has this open file: its position needs no lock.
  bool is_only_user() const { return !owned_ && file_->ref_count() == 1; }

 private:
  File* file_;
  bool owned_;
};

class FdTable final : public RefCounted<FdTable> {
 public:
  static Result<Ref<FdTable>> create();
  // fork without CLONE_FILES: the same files under the same numbers.
  Result<Ref<FdTable>> clone() const;
  ~FdTable();

  // Error: BadF (also for O_PATH files unless `allow_path`).
  Result<Ref<File>> get(Fd fd, bool allow_path = false) const;
  // The same for the length of one system call of the table's own task.
  Result<FileUse> use(Fd fd, bool allow_path = false) const;
  // Only the calling thread has this table: nobody closes a file while it does something else.
  bool is_unshared() const { return ref_count() == 1; }
  // Of such a table, without a reference. Null: BadF.
  File* borrow(Fd fd, bool allow_path = false) const;

  // The lowest free number >= `from`, below the limit RLIMIT_NOFILE given. Errors: MFile, NoMem.
  Result<Fd> install(Ref<File> file, bool close_on_exec, uint64_t limit, Fd from = 0);
  // In two steps, for calls that must not fail after the file was made (pipe2, accept).
  Result<Fd> reserve(uint64_t limit, Fd from = 0);
  void fill(Fd fd, Ref<File> file, bool close_on_exec);
  void release(Fd fd);
  // dup2/dup3: replaces what is there. Errors: BadF beyond the limit; Busy: reserved by a call
  // under way.
  Result<> replace(Fd fd, Ref<File> file, bool close_on_exec, uint64_t limit);

  Result<> close(Fd fd);  // BadF; the error of flush() is passed on
  void close_range(uint32_t first, uint32_t last, bool only_mark_close_on_exec);
  void close_on_exec();   // execve
  Result<bool> close_on_exec_flag(Fd fd) const;
  Result<> set_close_on_exec(Fd fd, bool value);
  // The first open descriptor >= from; -1 when none. For /proc/PID/fd.
  Fd next_open(Fd from) const;
  // Pages that stand or fall with what is open here, roughly. For the out-of-memory killer: takes
  // no lock and no reference.
  uint64_t held_pages() const;
  size_t capacity() const;  // slots there are now: FDSize of /proc/PID/status

 private:
  // Replaced, and retired, when the table grows.
  struct Slots : RcuHead {
    uint32_t capacity;         // a multiple of 64
    Atomic<File*>* files;      // owned references
    Atomic<uint64_t>* open;    // bit: in use or reserved
    Atomic<uint64_t>* cloexec;

    static bool test(Atomic<uint64_t>* bits, Fd fd) {
      auto n = static_cast<uint32_t>(fd);
      return (bits[n / 64].load_relaxed() >> (n % 64) & 1) != 0;
    }
    // Writers hold the table's lock: no read-modify-write instruction is needed.
    static void set(Atomic<uint64_t>* bits, Fd fd, bool value) {
      auto n = static_cast<uint32_t>(fd);
      uint64_t bit = uint64_t{1} << (n % 64);
      uint64_t word = bits[n / 64].load_relaxed();
      bits[n / 64].store_relaxed(value ? word | bit : word & ~bit);
    }
    bool covers(Fd fd) const { return static_cast<uint32_t>(fd) < capacity; }
  };
  FdTable() = default;
  static Result<Slots*> make_slots(uint32_t capacity);
  Result<> grow(uint32_t wanted) EXCLUDES(lock_);
  Result<Fd> take_lowest_locked(Fd from, uint64_t limit) REQUIRES(lock_);
  Optional<Ref<File>> take_out_locked(Fd fd) REQUIRES(lock_);
  Result<> let_go(File& file);
  Slots* slots_locked() const REQUIRES(lock_) { return slots_.read(); }

  mutable SpinLock<LockRank::Leaf> lock_;
  RcuPointer<Slots> slots_;
  Fd next_free_ GUARDED_BY(lock_) = 0;  // nothing below it is free
};

inline File* FdTable::borrow(Fd fd, bool allow_path) const {
  Slots* slots = slots_.read();
  if (!slots->covers(fd)) return nullptr;
  File* file = slots->files[fd].load_relaxed();
  if (file == nullptr || ((file->flags() & kOpenPath) != 0 && !allow_path)) return nullptr;
  return file;
}

inline Result<FileUse> FdTable::use(Fd fd, bool allow_path) const {
  if (is_unshared()) [[likely]] {
    File* file = borrow(fd, allow_path);
    if (file == nullptr) return Errno::BadF;
    return FileUse(*file, false);
  }
  Ref<File> file = TRY(get(fd, allow_path));
  return FileUse(*std::move(file).leak(), true);
}

}  // namespace kernel
