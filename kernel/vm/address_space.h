// SPDX-License-Identifier: MIT
// The memory of a process: a tree of mappings and the page table that realises them on demand.
// mmap(2), munmap(2), mprotect(2), mremap(2), brk(2), madvise(2), mincore(2), msync(2), mlock(2).
// Fork shares whole leaf tables, read-only and counted, and unshares one at its first write.
#pragma once

#include "arch/entry.h"
#include "sched/rw_mutex.h"
#include "vm/mapping_tree.h"
#include "vm/memory_object.h"
#include "vm/page_tables.h"

namespace kernel {

inline constexpr UserAddr kLowestAddress{64 * KiB};  // vm.mmap_min_addr
inline constexpr size_t kMaxMappings = 65530;        // vm.max_map_count

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
  // Boot, once: before the first one is made or loaded.
  static void init();
  // Empty.
  static Result<Ref<AddressSpace>> create();
  // fork: the same mappings, pages shared copy-on-write.
  Result<Ref<AddressSpace>> fork();
  ~AddressSpace();

  Result<UserAddr> map(const MapRequest& request);
  // The errors of the placement alone, which mmap(2) has before those of the file.
  Result<> check_placement(const MapRequest& request);
  Result<> unmap(UserAddr start, uint64_t size);
  // shmdt(2): what is left of the counted mapping that was made at `start`. Error: Inval.
  Result<> unmap_attachment(UserAddr start);
  Result<> protect(UserAddr start, uint64_t size, uint32_t protection);
  Result<UserAddr> remap(UserAddr old, uint64_t old_size, uint64_t new_size, uint32_t flags,
                         UserAddr fixed);
  // A range of a shared mapping shows another part of its object.
  Result<> remap_object(UserRange range, uint64_t object_offset, bool populate);
  UserAddr set_break(UserAddr wanted);  // returns the break in force
  Result<> advise(UserAddr start, uint64_t size, int advice);
  // One byte a page: bit 0 = resident.
  Result<> residency(UserAddr start, std::span<uint8_t> pages);
  Result<> sync(UserAddr start, uint64_t size, uint32_t flags);
  Result<> lock_range(UserAddr start, uint64_t size, bool locked, bool on_fault);
  Result<> lock_all(uint32_t flags);
  Result<> unlock_all();

  // Resolves a page fault. Errors, as the signal: Fault = SEGV_MAPERR, Acces = SEGV_ACCERR,
  // Io or NoSpc = BUS_ADRERR, NoMem = out of memory. May sleep.
  Result<> fault(UserAddr address, arch::Access access);
  // Pages brought in ahead (MAP_POPULATE, mlock, exec's stack). May sleep.
  Result<> populate(UserRange range, bool for_write);

  // Reads or writes another process's memory (process_vm_readv, /proc/PID/mem, ptrace): returns
  // bytes. Force: as a debugger does, whatever the mapping's protection says; a write to a private
  // mapping makes the page private first.
  enum class MemoryAccess : uint8_t { Read, Write, ForceRead, ForceWrite };
  Result<size_t> access_memory(UserAddr start, IoBuffer& buffer, MemoryAccess access);

  // The object and offset behind a shared mapping, for shared futex keys; no object for private
  // memory. Error: Fault also where nothing could ever change: private memory that is read-only.
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
  static constexpr uint64_t kLeastStackRoom = 128 * MiB;
  UserAddr mmap_base{};  // mmap(2) places downwards from here; written by exec only
  uint64_t auxv[64] = {};    // for /proc/PID/auxv
  size_t auxv_count = 0;

  struct Statistics {
    uint64_t mapped_pages = 0, peak_mapped_pages = 0;
    uint64_t resident_anonymous = 0, resident_file = 0, resident_shared = 0, peak_resident = 0;
    uint64_t locked_pages = 0, data_pages = 0, stack_pages = 0, code_pages = 0, table_pages = 0;
  };
  Statistics statistics();
  // Resident and table pages without waiting for anybody: the last known count while the space is
  // busy. For the out-of-memory killer, whose caller may hold any space's lock.
  uint64_t footprint();

  // Calls visit for each mapping at or above `from` while it returns true, with the lock held:
  // visit neither sleeps on user memory nor calls back. For /proc/PID/maps and smaps.
  struct MappingView {
    const Mapping& mapping;
    uint64_t resident, shared_clean, shared_dirty, private_clean, private_dirty, anonymous, swap;
  };
  using Visitor = bool (*)(const MappingView& view, void* context);
  void for_each_mapping(UserAddr from, bool with_pages, Visitor visit, void* context);

  // RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK and RLIMIT_MEMLOCK in force, copied in by setrlimit and
  // exec.
  Atomic<uint64_t> limit_total{~uint64_t{0}}, limit_data{~uint64_t{0}}, limit_stack{8 * MiB},
      limit_locked{8 * MiB};
  Atomic<uint32_t> membarrier_registrations;  // membarrier(2): the commands it registered for

  PhysAddr root() const { return tables_.root(); }
  static void load_on_this_cpu(AddressSpace* space);  // the scheduler's hook
  // CPUs that run a kernel thread give back the table of the process that ran there before (leak
  // tests, drop_caches). Thread context.
  static void drop_borrowed_tables();
  // The last user has gone: everything but the root goes now, the root with the last CPU that has
  // it loaded. Thread context, no lock held.
  static void last_unref(AddressSpace* space);

 private:
  friend class Owned<AddressSpace>;
  AddressSpace() = default;

  // Helpers of the calls above, by the file that holds them. Those that take `doomed` put there
  // what is to be destroyed after the lock.
  static PageKind kind_of(const Mapping& mapping);

  // map.cc
  static bool may_map_lowest();  // CAP_SYS_RAWIO of the caller
  Result<UserAddr> place_locked(const MapRequest& request) const REQUIRES_SHARED(lock_);
  Result<> check_room_locked(const MapRequest& request, uint64_t replaced) const REQUIRES(lock_);
  uint64_t mapped_pages_locked(UserRange range) const REQUIRES(lock_);
  void insert_locked(Mapping& mapping) REQUIRES(lock_);
  void enter_locked(Mapping& mapping) REQUIRES(lock_);
  Result<Owned<Mapping>> inherit_locked(const Mapping& mapping) REQUIRES(lock_);
  void account_locked(const Mapping& mapping, int sign) REQUIRES(lock_);

  // unmap.cc
  Result<> unmap_locked(UserRange range, DoomedMappings& doomed) REQUIRES(lock_);
  void remove_locked(Mapping& mapping, DoomedMappings& doomed) REQUIRES(lock_);
  void forget_locked(Mapping& mapping, DoomedMappings& doomed) REQUIRES(lock_);
  Result<> drop_pages_locked(const Mapping& mapping, UserRange range) REQUIRES(lock_);
  Result<Mapping*> split_locked(Mapping& mapping, UserAddr at) REQUIRES(lock_);
  // Splits at both ends, so that the range consists of whole mappings.
  Result<> isolate_locked(UserRange range) REQUIRES(lock_);
  void merge_around_locked(UserRange range, DoomedMappings& doomed) REQUIRES(lock_);
  void note_peak_locked() REQUIRES(lock_);

  // break.cc, protect.cc
  Result<> grow_break_locked(UserRange added, DoomedMappings& doomed) REQUIRES(lock_);
  Result<> protect_part_locked(Mapping& whole, UserRange part, uint32_t protection) REQUIRES(lock_);
  void protect_pages_locked(const Mapping& mapping, UserRange range) REQUIRES(lock_);
  static PageEntry entry_for(const Mapping& mapping, PhysAddr frame, bool owned, bool write);

  // remap.cc
  struct RemapRequest;
  Result<UserAddr> remap_locked(RemapRequest& request, DoomedMappings& doomed) REQUIRES(lock_);
  Result<> check_growth_locked(const Mapping& mapping, uint64_t pages) const REQUIRES(lock_);
  Result<UserAddr> move_locked(Mapping& mapping, RemapRequest& request, DoomedMappings& doomed)
      REQUIRES(lock_);
  Result<Owned<Mapping>> copy_shared(UserRange range);
  Result<> prepare_move_locked(UserRange from, UserAddr to) REQUIRES(lock_);
  void move_pages_locked(UserRange from, UserAddr to, PageKind kind) REQUIRES(lock_);

  // advise.cc, lock_memory.cc
  Result<> advise_flags_locked(Mapping& whole, UserRange part, int advice) REQUIRES(lock_);
  Result<> advise_part_locked(Mapping& mapping, UserRange part, int advice) REQUIRES(lock_);
  Result<> advise_populate(UserRange range, bool for_write);
  Result<> advise_remove(UserRange range);
  Result<> advise_will_need(UserRange range);
  uint64_t locked_pages_locked(UserRange range) const REQUIRES(lock_);
  Result<> set_locked_locked(UserRange range, bool locked, bool on_fault, DoomedMappings& doomed)
      REQUIRES(lock_);
  void set_all_locked_locked(bool locked, bool on_fault, DoomedMappings& doomed) REQUIRES(lock_);
  static bool may_exceed_locked();  // CAP_IPC_LOCK of the caller
  bool populate_step(UserAddr at, bool for_write, UserAddr& end,
                     std::optional<arch::Access>& access);
  void populate_all(UserRange range);

  // fault.cc, stack_growth.cc
  enum class FaultStep : uint8_t { Done, Retry, Grow, Fill, MakeDirty };
  struct Fault;
  Result<> resolve(Fault& fault);
  Result<FaultStep> fault_once(Fault& fault);
  Result<FaultStep> fault_locked(Fault& fault) REQUIRES_SHARED(lock_);
  Result<FaultStep> anonymous_fault_locked(Fault& fault) REQUIRES_SHARED(lock_);
  Result<FaultStep> object_fault_locked(Fault& fault) REQUIRES_SHARED(lock_);
  Result<FaultStep> present_fault_locked(Fault& fault) REQUIRES_SHARED(lock_);
  Result<FaultStep> widen_locked(Fault& fault) REQUIRES_SHARED(lock_);
  Result<FaultStep> copy_on_write_locked(Fault& fault) REQUIRES_SHARED(lock_);
  Result<FaultStep> install_zeroed_locked(Fault& fault) REQUIRES_SHARED(lock_);
  Result<FaultStep> install_copy_locked(Fault& fault, PhysAddr source) REQUIRES_SHARED(lock_);
  Result<FaultStep> replace_entry_locked(Fault& fault, PhysAddr fresh) REQUIRES_SHARED(lock_);
  void map_around_locked(const Fault& fault, LeafTable& leaf) REQUIRES_SHARED(lock_);
  static FaultStep outside_lock(Fault& fault, FaultStep step);
  Result<> grow_stack(UserAddr page);

  // transfer.cc, inspect.cc
  Result<PhysAddr> hold_page(UserAddr address, MemoryAccess access);
  Result<> note_written(UserAddr address, MemoryAccess access);
  std::optional<PhysAddr> hold_present_locked(const Fault& fault) REQUIRES_SHARED(lock_);
  void count_pages_locked(MappingView& view) REQUIRES_SHARED(lock_);
  PageCounts counts_locked() const REQUIRES(lock_);

  // fork.cc
  Result<> copy_mappings_locked(AddressSpace& child) REQUIRES(lock_) REQUIRES(child.lock_);
  Result<> share_tables_locked(AddressSpace& child) REQUIRES(lock_) REQUIRES(child.lock_);
  Result<> share_span_locked(UserAddr span_start, AddressSpace& child) REQUIRES(lock_)
      REQUIRES(child.lock_);

  friend struct Truncation;

  mutable RwMutex<LockRank::AddressSpace> lock_;
  Atomic<uint64_t> known_footprint_;
  MappingTree mappings_ GUARDED_BY(lock_);
  PageTables tables_;                      // its own rules: page_tables.h
  Statistics statistics_ GUARDED_BY(lock_);
  MappingFlags default_flags_ GUARDED_BY(lock_);  // mlockall(MCL_FUTURE)
};

}  // namespace kernel
