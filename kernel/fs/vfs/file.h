// SPDX-License-Identifier: MIT
// File: an open file description (open(2)): what descriptors refer to, across dup and fork. Kinds
// derive from it: regular, directory, pipe end, terminal, eventfd, …
#pragma once

#include "fs/vfs/async_signals.h"
#include "fs/vfs/path.h"
#include "fs/vfs/poll.h"
#include "vm/io_buffer.h"

namespace kernel {

class EpollItem;
struct WatchedFileTag {};

// O_* flags of arm64 (asm-generic with arm's own four).
inline constexpr uint32_t kOpenReadOnly = 0, kOpenWriteOnly = 1, kOpenReadWrite = 2,
                          kOpenAccessMode = 3, kOpenCreate = 0100, kOpenExclusive = 0200,
                          kOpenNoCtty = 0400, kOpenTruncate = 01000, kOpenAppend = 02000,
                          kOpenNonBlock = 04000, kOpenDsync = 010000, kOpenAsync = 020000,
                          kOpenDirectory = 040000, kOpenNoFollow = 0100000, kOpenDirect = 0200000,
                          kOpenLargeFile = 0400000, kOpenNoAtime = 01000000,
                          kOpenCloseOnExec = 02000000, kOpenSync = 04010000, kOpenPath = 010000000,
                          kOpenTmpFile = 020040000;

// The bits that stay with the open file and that F_GETFL shows.
inline constexpr uint32_t kOpenStatusMask =
    ~(kOpenCreate | kOpenExclusive | kOpenNoCtty | kOpenTruncate | kOpenCloseOnExec);
inline constexpr uint64_t kMaxFileSize =
    0x7fff'ffff'ffff'ffff;  // MAX_LFS_FILESIZE of a 64-bit Linux

// RWF_* flags of preadv2(2).
inline constexpr uint32_t kTransferHighPriority = 1, kTransferDsync = 2, kTransferSync = 4,
                          kTransferNoWait = 8, kTransferAppend = 16;
// What is honoured by every file whose kind does not say otherwise.
inline constexpr uint32_t kTransferFlags =
    kTransferHighPriority | kTransferDsync | kTransferSync | kTransferAppend;

// Serialises the users of one open file's position. Not a Mutex: it is held over user copies that
// may fault and over waits for data. It is taken with no lock held, and two only in the order of
// their addresses, so it cannot be part of a cycle.
class CAPABILITY("file position") PositionLock {
 public:
  void acquire() ACQUIRE() { body_.acquire(); }
  void release() RELEASE() { body_.release(); }

 private:
  MutexBase body_;
};

enum class Whence : uint8_t { Set = 0, Current = 1, End = 2, Data = 3, Hole = 4 };

class File : public RefCounted<File>, public RcuHead {
 public:
  virtual ~File();

  // Data at `offset` (positional kinds) or from the stream (offset ignored). May sleep unless
  // nonblocking(): then Again. Return bytes moved; 0 at the end of a read.
  virtual Result<size_t> read(IoBuffer& buffer, uint64_t offset);
  virtual Result<size_t> write(IoBuffer& buffer, uint64_t offset);
  // RWF_* flags of preadv2(2) that such a transfer honours; the others are refused.
  virtual uint32_t read_flags() const { return kTransferFlags; }
  virtual uint32_t write_flags() const { return kTransferFlags; }
  // The present events; registers on the queues that change them. A kind that has none to wait for
  // leaves it as it is.
  virtual uint32_t poll(PollRegistration* registration);
  virtual Result<int64_t> ioctl(uint32_t request, uint64_t argument);  // NoTty by default
  virtual Result<uint64_t> seek(int64_t offset, Whence whence);        // SPipe by default
  virtual Result<> read_directory(DirectorySink& sink);                // NotDir by default
  virtual Result<> allocate(uint32_t mode, uint64_t start, uint64_t length);  // fallocate(2)
  // What mmap maps; NoDev by default. May refuse protections (Acces).
  virtual Result<Ref<MemoryObject>> memory_object(uint32_t protection, bool shared);
  // One more mapping of a file that counts them (MappingFlags::counted), or one less. The first
  // with the address space locked, the second without any lock.
  virtual void mapped() {}
  virtual void unmapped() {}
  virtual Result<> synchronise(bool data_only);                        // Inval by default
  // sync_file_range(2): its flags, in this order.
  static constexpr uint32_t kWaitBefore = 1, kStartWriting = 2, kWaitAfter = 4;
  virtual Result<> write_back_range(uint64_t start, uint64_t end, uint32_t steps) {
    (void)start, (void)end, (void)steps;
    return {};
  }
  // syncfs(2): errors of write-back anywhere in the file system since this was opened.
  virtual Result<> report_file_system_errors() { return {}; }
  // posix_fadvise(2)'s values. What lies in memory anyway needs none.
  enum class Advice : uint8_t { Normal, Random, Sequential, WillNeed, DontNeed, NoReuse };
  virtual void advise(Advice advice, uint64_t start, uint64_t end) {
    (void)advice, (void)start, (void)end;
  }
  // O_DIRECT means something to it.
  virtual bool takes_direct() const { return false; }
  // At each close of a descriptor (not the last only): POSIX locks go.
  virtual Result<> flush() { return {}; }
  // /proc/PID/fdinfo lines beyond pos, flags, mnt_id.
  virtual void show_info(FormatSink& sink) { (void)sink; }
  // True for files with a position (lseek works, read/write use and move it).
  virtual bool is_seekable() const { return false; }
  // Pages that come back when nobody has this open any more. For the out-of-memory killer: takes
  // no lock.
  virtual uint64_t held_pages() const { return 0; }
  // A constant of the derived class, for calls that take one kind of file only (pidfds); null:
  // none.
  virtual const void* kind() const { return nullptr; }
  // False: splice(2) takes nothing from it, as Linux has it for files that make up their data.
  virtual bool splices() const { return true; }
  // What tells of this file's events by signal; none: O_ASYNC means nothing to it.
  virtual AsyncQueues async_queues() { return {}; }
  // O_ASYNC is set: a terminal's chance to say who the owner is.
  virtual void async_wanted() {}
  // The ring behind a pipe or FIFO end, for splice.
  virtual Pipe* pipe() { return nullptr; }

  const Path& path() const { return path_; }
  Inode& inode() const { return path_.inode(); }
  uint32_t flags() const { return flags_.load_relaxed(); }
  // The fourth access mode, 3, opens for neither (ioctl only).
  bool readable() const { return open_for(flags(), kOpenReadOnly); }
  bool writable() const { return open_for(flags(), kOpenWriteOnly); }
  bool nonblocking() const { return (flags() & kOpenNonBlock) != 0; }
  void change_flags(uint32_t clear, uint32_t set);  // fcntl F_SETFL
  const Credentials& credentials() const { return *credentials_; }

  // The position; read and write without offset hold position_lock around the transfer.
  PositionLock position_lock;
  uint64_t position GUARDED_BY(position_lock) = 0;
  // The position as it is, for those who only show it.
  uint64_t position_hint() const NO_THREAD_SAFETY_ANALYSIS {
    return __atomic_load_n(&position, __ATOMIC_RELAXED);  // SAFETY: one word, shown to people
  }
  FileOwner owner;  // F_SETOWN, F_SETSIG
  // Sets or clears O_ASYNC; `fd` is what the signals will name. Errors: NoMem.
  Result<> set_async(int32_t fd, bool on);
  bool can_be_async() { return async_queues().first != nullptr; }

  // Who watches it in an epoll set; the inode's attribute_lock guards the list.
  List<EpollItem, WatchedFileTag> watchers;
  Atomic<bool> is_watched;  // was ever put on that list

  static void last_unref(File* file);  // closes, then retires

  // Bookkeeping of open: what closing has to give back.
  void hold_write_access() { holds_write_access_ = true; }
  void hold_execution() { holds_execution_ = true; }

 protected:
  // The credentials are the running task's.
  File(Path path, uint32_t flags);
  // The last reference has gone: give up locks, wake the other end. May sleep.
  virtual void on_close() {}

  // lseek(2): the position becomes base + offset. position_lock is held by whoever calls seek() and
  // read_directory(). Errors: Inval.
  Result<uint64_t> move_position(uint64_t base, int64_t offset);

  // What flags() say of reading or writing.
  static bool open_for(uint32_t flags, uint32_t mode) {
    uint32_t present = flags & (kOpenAccessMode | kOpenPath);
    return present == mode || present == kOpenReadWrite;
  }
  Path path_;
  Atomic<uint32_t> flags_;
  Ref<Credentials> credentials_;

 private:
  bool holds_write_access_ = false;  // counted in inode.writers
  bool holds_execution_ = false;     // counted negatively there
  void end();
  File* next_closing_ = nullptr;     // of those that end one behind the other (last_unref)
};

// Takes a file's position for a block.
class SCOPED_CAPABILITY PositionGuard : public Pinned {
 public:
  explicit PositionGuard(File& file) ACQUIRE(file.position_lock) : lock_(file.position_lock) {
    lockdep::assert_no_locks_held();
    lock_.acquire();
  }
  ~PositionGuard() RELEASE() { lock_.release(); }

 private:
  PositionLock& lock_;
};

}  // namespace kernel
