// SPDX-License-Identifier: MIT
// The memory of a process: a tree of mappings and the page table that realises them on demand.
// mmap(2), munmap(2), mprotect(2), mremap(2), brk(2), madvise(2), mincore(2), msync(2), mlock(2).
// Fork shares whole leaf tables, read-only and counted, and unshares one at its first write.
#pragma once

#include "arch/entry.h"
#include "lib/string.h"
#include "lib/tree.h"
#include "vm/memory_object.h"

namespace kernel {

class File;

// mmap(2)'s values.
enum Protection : uint32_t { kProtNone = 0, kProtRead = 1, kProtWrite = 2, kProtExec = 4 };

// What a mapping maps, and how; neighbours with equal ones merge.
struct MappingFlags {
  bool shared = false;
  bool no_reserve = false;
  bool grows_down = false;
  bool locked = false;
  bool dont_fork = false;
  bool wipe_on_fork = false;
  bool dont_dump = false;
  friend bool operator==(MappingFlags, MappingFlags) = default;
};

struct AddressOrder;
struct MappingTreeTag {};

// One range with one kind of backing. Guarded by the address space's lock.
class Mapping : public TreeNode<Mapping, MappingTreeTag>, public ListNode<Mapping, ObjectMappingTag> {
 public:
  UserRange range;
  uint32_t protection = 0;
  uint32_t max_protection = kProtRead | kProtWrite | kProtExec;  // mprotect beyond it: EACCES
  MappingFlags flags;
  AddressSpace* space = nullptr;
  Optional<Ref<MemoryObject>> object;  // none: private anonymous
  uint64_t object_offset = 0;          // bytes, of range.start
  File* file = nullptr;                // owned reference: name in /proc/PID/maps, and its inode stays
  StringView special;                  // "[heap]", "[stack]", "[vdso]": literals
  uint64_t gap_before = 0;             // to the mapping below; and the largest in this subtree:
  uint64_t largest_gap = 0;
};

struct MapRequest {
  UserAddr address{};        // hint, or the place when fixed
  uint64_t size = 0;
  uint32_t protection = 0;
  uint32_t max_protection = kProtRead | kProtWrite | kProtExec;
  MappingFlags flags;
  enum class Placement : uint8_t { Hint, Fixed, FixedNoReplace } placement = Placement::Hint;
  bool populate = false;
  Optional<Ref<MemoryObject>> object;
  uint64_t object_offset = 0;
  File* file = nullptr;      // a reference is taken
  StringView special;
};

class AddressSpace final : public RefCounted<AddressSpace> {
 public:
  // Empty, with ASLR bases chosen (unless `randomise` is false: ADDR_NO_RANDOMIZE).
  static Result<Ref<AddressSpace>> create(bool randomise);
  // fork: the same mappings, pages shared copy-on-write.
  Result<Ref<AddressSpace>> fork();
  ~AddressSpace();

  Result<UserAddr> map(const MapRequest& request);
  Result<> unmap(UserAddr start, uint64_t size);
  Result<> protect(UserAddr start, uint64_t size, uint32_t protection);
  Result<UserAddr> remap(UserAddr old, uint64_t old_size, uint64_t new_size, uint32_t flags, UserAddr fixed);
  Result<UserAddr> set_break(UserAddr wanted);  // returns the break in force
  Result<> advise(UserAddr start, uint64_t size, int advice);
  // One byte a page: bit 0 = resident.
  Result<> residency(UserAddr start, std::span<uint8_t> pages);
  Result<> sync(UserAddr start, uint64_t size, uint32_t flags);
  Result<> lock_range(UserAddr start, uint64_t size, bool locked, bool on_fault);
  Result<> lock_all(uint32_t flags);
  Result<> unlock_all();

  // Resolves a page fault. Errors, as the signal: Fault = SEGV_MAPERR, Acces = SEGV_ACCERR,
  // Io = BUS_ADRERR, NoMem = out of memory. May sleep.
  Result<> fault(UserAddr address, arch::Access access);
  // Pages brought in ahead (MAP_POPULATE, mlock, exec's stack). May sleep.
  Result<> populate(UserRange range, bool for_write);

  // Reads or writes another process's memory (process_vm_readv, /proc/PID/mem, ptrace): returns bytes.
  Result<size_t> access_memory(UserAddr start, IoBuffer& buffer, bool write);

  // The frame and object offset behind a shared mapping, for shared futex keys. The object is null for
  // private memory.
  struct Backing {
    Optional<Ref<MemoryObject>> object;
    uint64_t offset = 0;
  };
  Result<Backing> backing_of(UserAddr address);

  // exec's layout.
  struct Layout {
    UserRange code, data;
    UserAddr break_start{}, break_end{};
    UserAddr stack_start{};
    UserRange arguments, environment;
    UserAddr vdso{};
  };
  Layout layout;             // written by exec only, before user code runs; break under lock_
  File* executable = nullptr;  // owned reference: /proc/PID/exe
  UserAddr mmap_base{};
  uint64_t auxv[64] = {};    // for /proc/PID/auxv
  size_t auxv_count = 0;

  struct Statistics {
    uint64_t mapped_pages = 0, peak_mapped_pages = 0;
    uint64_t resident_anonymous = 0, resident_file = 0, resident_shared = 0, peak_resident = 0;
    uint64_t locked_pages = 0, data_pages = 0, stack_pages = 0, code_pages = 0, table_pages = 0;
  };
  Statistics statistics();

  // Calls visit for each mapping at or above `from` while it returns true, with the lock held: visit
  // neither sleeps on user memory nor calls back. For /proc/PID/maps and smaps.
  struct MappingView {
    const Mapping& mapping;
    uint64_t resident, shared_clean, shared_dirty, private_clean, private_dirty, anonymous, swap;
  };
  using Visitor = bool (*)(const MappingView& view, void* context);
  void for_each_mapping(UserAddr from, bool with_pages, Visitor visit, void* context);

  // RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK and RLIMIT_MEMLOCK in force, copied in by setrlimit and exec.
  Atomic<uint64_t> limit_total{~uint64_t{0}}, limit_data{~uint64_t{0}}, limit_stack{8 * MiB},
      limit_locked{8 * MiB};
  bool may_exceed_locked = false;  // CAP_IPC_LOCK

  PhysAddr root() const { return root_; }
  // membarrier-like facts and ASID state; see asid.h.
  Atomic<uint64_t> asid_generation;
  static void load_on_this_cpu(AddressSpace* space);  // the scheduler's hook

 private:
  friend class PageTableEditor;
  AddressSpace() = default;
  mutable Mutex<LockRank::AddressSpace> lock_;
  Tree<Mapping, AddressOrder, MappingTreeTag> mappings_ GUARDED_BY(lock_);
  PhysAddr root_{};
  Statistics statistics_ GUARDED_BY(lock_);
};

}  // namespace kernel
