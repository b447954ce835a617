// SPDX-License-Identifier: MIT
// The cache of names: a hash table from (directory, name) to dentry that walks read inside an RCU
// section, and the dentries' life. Writers hold the directory inode's lock; a stripe of spin locks
// guards the chains. The cache owns one reference on every dentry in it, so that a dentry with no
// other reference may be evicted, and one that anybody uses never is.
#pragma once

#include "fs/vfs/path.h"
#include "sync/seq_lock.h"

namespace kernel {

// The hash of a name below a directory, character by character.
class NameHash {
 public:
  explicit NameHash(const Dentry& parent) : value_(reinterpret_cast<uint64_t>(&parent) >> 4) {}
  void add(char c) {
    value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x9e37'79b1'85eb'ca87;
  }
  uint32_t value() const { return static_cast<uint32_t>(value_ >> 32); }

 private:
  uint64_t value_;
};

class DentryCache {
 public:
  static uint32_t hash(const Dentry& parent, StringView name);

  // The cached dentry or null. RCU section; no reference is taken.
  static Dentry* find(const Dentry& parent, StringView name, uint32_t hash);
  // The cached dentry with a reference.
  static Optional<Ref<Dentry>> get(Dentry& parent, StringView name);

  // The dentry of a name, negative when the directory has none: cached, or from the file system.
  // The parent inode's lock is held.
  static Result<Ref<Dentry>> lookup_locked(Dentry& parent, StringView name);
  // As above, taking the lock when the name is not cached.
  static Result<Ref<Dentry>> lookup(Dentry& parent, StringView name);

  static Result<Ref<Dentry>> create_root(Ref<Inode> inode);
  // A dentry that no lookup finds (O_TMPFILE, pipes, memfd): its own root.
  static Result<Ref<Dentry>> create_detached(StringView name, Ref<Inode> inode,
                                             Dentry* parent = nullptr);

  // A negative dentry becomes the name of `inode`. The parent's lock is held.
  static void instantiate(Dentry& dentry, Ref<Inode> inode);
  // Unlinked or stale: lookups no longer find it.
  static void remove(Dentry& dentry);
  // Takes it out of the cache without marking it deleted (a name that expired).
  static void forget(Dentry& dentry);
  // A rename: `dentry` now stands at (new_parent, new_name); what stood there has been removed.
  // Both directories' locks are held. `name` comes from make_name().
  static Result<DentryName*> make_name(const Dentry& parent, StringView name);
  static void discard_name(DentryName* name);
  static void move(Dentry& dentry, Dentry& new_parent, DentryName* name);
  static void exchange(Dentry& a, DentryName* name_for_a, Dentry& b, DentryName* name_for_b);

  // True when `ancestor` is `dentry` or above it. The rename lock is held.
  static bool is_ancestor(const Dentry& ancestor, const Dentry& dentry);

  // Evicts unused dentries, the longest unused first; returns how many.
  static uint64_t shrink(uint64_t wanted);
  // All unused dentries below a directory. Walks through the whole cache.
  static void evict_below(const Dentry& directory);
  // All unused dentries of a file system that is being unmounted.
  static void evict_all(const SuperBlock& super_block);

  struct Statistics {
    uint64_t total, negative;
  };
  static Statistics statistics();

  // Even while no rename and no change of the mount tree is under way. A walk without references is
  // right only when this did not change (RCU walk), and so is a walk up to the root.
  static SequenceCounter sequence;
  static SpinLock<LockRank::Names> sequence_lock;  // serialises its writers

 private:
  static Optional<Ref<Dentry>> get(Dentry& parent, StringView name, uint32_t hash);
  static Result<Ref<Dentry>> allocate(StringView name, uint32_t hash);
  static void insert(Dentry& dentry);
  static bool unhash(Dentry& dentry);
  static void link_chain(Dentry& dentry, uint32_t hash);
  static void unlink_chain(Dentry& dentry, uint32_t hash);
  template <class Wanted>
  static bool evict_unused(Wanted wanted);
};

}  // namespace kernel
