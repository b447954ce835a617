// SPDX-License-Identifier: MIT
// One mapping: a range of user addresses with one kind of backing (mmap(2)). Data only; what
// happens to mappings is in address_space.h. Guarded by the lock of its address space.
#pragma once

#include "lib/list.h"
#include "lib/ref.h"
#include "lib/string_view.h"
#include "lib/tree.h"
#include "lib/types.h"
#include "vm/read_ahead.h"

namespace kernel {

class AddressSpace;
class File;
class MemoryObject;

// mmap(2)'s values.
enum Protection : uint32_t { kProtNone = 0, kProtRead = 1, kProtWrite = 2, kProtExec = 4 };
inline constexpr uint32_t kProtAll = kProtRead | kProtWrite | kProtExec;

// What a mapping maps, and how; neighbours with equal ones merge.
struct MappingFlags {
  bool shared = false;
  bool no_reserve = false;
  bool grows_down = false;
  bool locked = false;
  bool lock_on_fault = false;
  bool dont_fork = false;
  bool wipe_on_fork = false;
  bool dont_dump = false;
  ReadAhead::Pattern pattern = ReadAhead::Pattern::Normal;  // MADV_RANDOM, MADV_SEQUENTIAL
  bool huge = false;       // MADV_HUGEPAGE and MADV_NOHUGEPAGE: remembered for smaps
  bool no_huge = false;
  bool accounted = false;  // counts as committed memory (overcommit.h)
  bool fixed_size = false; // a kernel page like the vDSO: neither mremap nor merging
  bool counted = false;    // its file counts its mappings (shmat): no merging
  friend bool operator==(MappingFlags, MappingFlags) = default;
};

struct MappingTreeTag {};
struct ObjectMappingTag {};
struct LooseTag {};  // in no tree: on its way in, or out

class Mapping final : public TreeNode<Mapping, MappingTreeTag>,
                      public ListNode<Mapping, ObjectMappingTag>,
                      public ListNode<Mapping, LooseTag> {
 public:
  UserRange range;
  uint32_t protection = 0;
  uint32_t max_protection = kProtAll;  // mprotect beyond it: EACCES
  MappingFlags flags;
  AddressSpace* space = nullptr;
  Optional<Ref<MemoryObject>> object;  // none: private anonymous
  uint64_t object_offset = 0;          // bytes, of range.start
  File* file = nullptr;  // owned reference: name in /proc/PID/maps, and its inode stays
  StringView special;                  // "[heap]", "[stack]", "[vdso]": literals
  uint64_t gap_before = 0;             // to the mapping below; and the largest in this subtree:
  uint64_t largest_gap = 0;

  Mapping() = default;
  ~Mapping();  // drops the object and the file: no lock held

  uint64_t size() const { return range.size(); }
  uint64_t pages() const { return range.size() >> kPageShift; }
  uint64_t offset_of(UserAddr address) const { return object_offset + (address - range.start); }
  bool is_anonymous() const { return !object.has_value(); }

  // A copy of everything but the range's place in trees and lists; takes references.
  Result<Owned<Mapping>> clone() const;
  // Whether `upper`, which starts where this ends, continues it.
  bool continues_with(const Mapping& upper) const;
};

// Mappings taken out of an address space, destroyed when its lock is no longer held (the last
// reference of a file may sleep).
class DoomedMappings : public Pinned {
 public:
  ~DoomedMappings() {
    while (Mapping* gone = list_.pop_front()) delete gone;
  }
  void add(Mapping& mapping) { list_.push_back(mapping); }

 private:
  List<Mapping, LooseTag> list_;
};

// fs: how vm holds files without knowing them. Set once at boot.
struct FileReferences {
  void (*ref)(File& file);
  void (*unref)(File& file);
  void (*mapped)(File& file);  // for mappings that are counted
  void (*unmapped)(File& file);
  Result<> (*synchronise)(File& file);  // as fdatasync(2)
};
void set_file_references(FileReferences functions);
void ref_mapped_file(File& file);
void unref_mapped_file(File& file);
Result<> synchronise_mapped_file(File& file);
// A new mapping of its file: the reference, and the count where the file keeps one.
void hold_file(const Mapping& mapping);

}  // namespace kernel
