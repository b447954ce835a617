// SPDX-License-Identifier: MIT
// The order of all locks, outermost first: a lock may be taken only below every lock held. Debug
// builds check it at each acquisition. Within a rank a subclass orders instances (parent before
// child); other same-rank pairs use Guard2, which orders by address.
#pragma once

#include "arch/cpu.h"
#include "lib/types.h"

namespace kernel {

enum class LockRank : uint16_t {
  // Sleeping locks (sched/mutex.h), outermost first.
  DeviceMounts,    // fs: which devices are mounted; held while one is
  MountNamespace,  // fs: the mount tree, changed by mount/umount/pivot_root
  Rename,          // fs: one per superblock, cross-directory rename
  Execve,          // process: credentials and image change of one process
  PidNamespace,    // task: process tree: parents, children, groups, sessions
  EpollNesting,    // fs: which epoll set watches which
  EpollSet,        // fs: one epoll set; subclass by depth of nesting
  Terminal,        // fs/tty: configuration of one terminal
  File,            // fs: position of an open file
  WriteBackGroup,  // vm: one thread at a time writes a file system's dirty files
  BlockOpen,       // fs: a block device is opened first, or closed last
  Inode,           // fs: contents of one inode; subclass orders directories
  OverlayCopyUp,   // fs/overlay: one file moves to the upper layer
  PageFill,        // vm: pages of a file on a disk are filled (shared), blocks change hands
  Pipe,            // fs: buffer of one pipe
  PosixQueue,      // fs: one POSIX message queue
  IpcTable,        // ipc: which objects of one kind there are
  IpcUndo,         // ipc: what one process gives back to semaphores
  IpcObject,       // ipc: one queue, set or segment
  SocketReader,    // net: one reader of a stream at a time
  FilesInFlight,   // net/unix: which sockets lie in queues of others
  FdTable,         // fs: descriptor table, growth
  FsContext,       // fs: root, working directory, umask
  AddressSpace,    // vm: mappings of one address space; subclass 1 = the child in fork
  MemoryObject,    // vm: pages of one memory object
  Ext4Super,       // fs/ext4: changes of a volume's superblock of their own
  Ext4Load,        // fs/ext4: one inode is read
  Ext4Orphans,     // fs/ext4: what is to be deleted
  Ext4Map,         // fs/ext4: block map and inode of one file, as they lie on the disk
  Ext4Xattrs,      // fs/ext4: blocks of attributes that inodes share
  Ext4Allocation,  // fs/ext4: bitmaps and group descriptors
  Ext4SuperBytes,  // fs/ext4: the superblock in memory: fields, and the checksum over them
  Checkpoint,      // fs/jbd2: one thread writes a journal's buffers home
  JournalArea,     // fs/jbd2: a journal's superblock, in memory and on its way
  DriverThread,    // drivers: state of one device, thread context
  // Spin locks, outermost first.
  SocketNames,     // net/unix: who is bound to which name
  Socket,          // net: state and queue of one socket; subclasses: see unix_socket.h
  Names,           // fs: writers of the name sequence (rename, mount)
  TerminalBuffer,  // fs/tty: input and output rings
  AsyncQueue,      // fs: files that want SIGIO
  FileOwner,       // fs: who gets it
  ProcessTimers,   // process: one process's timers; subclass 1 below the list of all
  TimerFile,       // fs: one timerfd; subclass 1 below the list of all
  ProcessTree,     // task: parents, children, threads, groups, sessions (tree_lock)
  Task,            // task: signals of one thread group (signal_lock)
  SignalActions,   // task: one table of signal actions
  PidMap,          // task: pid allocation
  FileLocks,       // fs: the list of all inodes' locks
  InodeSpin,       // fs: small fields of an inode
  Ext4Nodes,       // fs/ext4: which inodes are in memory, and which are dirty
  Inotify,         // fs: events and watches of one inotify file
  DentryHash,      // fs: dentry cache
  MountHash,       // fs: mount lookup
  FutexBucket,     // vm
  Inheritance,     // sched: who waits for whom (priority_inheritance.h)
  PageTable,       // vm: entries of one leaf table or one address space
  PageCache,       // vm: tree of one memory object's pages
  PageLru,         // vm: lists of clean pages
  JournalState,    // fs/jbd2: which transaction a buffer is in, the log's ends
  BufferHash,      // fs/jbd2: one hash bucket of a buffer cache
  FileServer,      // fs/9p: requests and fids of one session
  Device,          // drivers: registers and rings
  WaitQueue,       // sched
  TimerQueue,      // sched
  RunQueue,        // sched; subclass by CPU number order
  Asid,            // vm: address space identifiers, taken in a context switch
  StackCache,      // mm: a CPU's spare kernel stacks
  KernelMap,       // mm: ranges and tables of kernel mappings
  HeapCache,       // mm: a CPU's magazines of objects
  Slab,            // mm: slab lists of one size class
  FrameCache,      // mm: a CPU's cache of frames
  Frames,          // mm: buddy lists
  RandomCpu,       // sync: a CPU's random key
  Random,          // sync: entropy pool
  Console,         // lib: output of the log
  Leaf,            // a lock under which nothing else is taken
};

inline constexpr size_t kLockRanks = static_cast<size_t>(LockRank::Leaf) + 1;
inline constexpr LockRank kFirstSpinRank = LockRank::SocketNames;
// The last one that a file system on top of others holds while it asks them.
inline constexpr LockRank kLastStackedRank = LockRank::OverlayCopyUp;

namespace lockdep {

// A try-lock never waits, so it is exempt from the order; what is taken below it is not.
inline constexpr unsigned kTrySubclass = 255;

#ifdef SAMARA_DEBUG
// Panics with both locks' ranks when `rank` may not be taken now.
void acquire(const void* lock, LockRank rank, unsigned subclass, bool is_spin);
void release(const void* lock);
// Panics when the running thread may not sleep: it holds a spin lock, or is not preemptible.
void assert_may_sleep();
// Panics when the running thread holds any lock, a Mutex included (user copies that may fault).
void assert_no_locks_held();
const char* rank_name(LockRank rank);
void enter_level();
void leave_level();
#else
inline void acquire(const void*, LockRank, unsigned, bool) {}
inline void release(const void*) {}
inline void assert_may_sleep() {}
inline void assert_no_locks_held() {}
inline void enter_level() {}
inline void leave_level() {}
#endif

// What is locked inside it belongs to the file systems below a stacked one, whose locks, up to
// kLastStackedRank, are all outer ones: nobody asks upwards.
class NextLevel {
 public:
  NextLevel() { enter_level(); }
  ~NextLevel() { leave_level(); }
  NextLevel(const NextLevel&) = delete;
  NextLevel& operator=(const NextLevel&) = delete;
};

}  // namespace lockdep
}  // namespace kernel
