// SPDX-License-Identifier: MIT
// See dentry_cache.h. The chains are read without locks; what is taken off one keeps its link, so
// that a reader on it goes on. Lock: one stripe, or two in the order of their addresses;
// sequence_lock above.

#include "fs/vfs/dentry_cache.h"

#include "fs/vfs/notify.h"
#include "vm/memory_object.h"

namespace kernel {
namespace {

constexpr size_t kBuckets = 4096;
constexpr size_t kStripes = 64;
// Absent names that are remembered beside the ones that something uses.
constexpr uint64_t kMaxNegative = 4096;

struct Stripe {
  SpinLock<LockRank::DentryHash> lock;
  List<Dentry, DentryLruTag> lru GUARDED_BY(lock);  // the longest unused in front
};

constinit Atomic<Dentry*> buckets[kBuckets];
constinit Stripe stripes[kStripes];
constinit Atomic<uint64_t> total_count;
constinit Atomic<uint64_t> negative_count;

Atomic<Dentry*>& bucket_of(uint32_t hash) { return buckets[hash % kBuckets]; }
Stripe& stripe_of(uint32_t hash) { return stripes[hash % kStripes]; }

size_t name_bytes(size_t size) { return sizeof(DentryName) + size; }

void fill_name(DentryName& name, StringView text, uint32_t hash) {
  name.hash = hash;
  name.size = static_cast<uint16_t>(text.size());
  __builtin_memcpy(name.text, text.data(), text.size());
  name.text[text.size()] = '\0';
}

void free_name(RcuHead* head) {
  auto* name = static_cast<DentryName*>(head);
  operator delete(static_cast<void*>(name));
}

}  // namespace

constinit SequenceCounter DentryCache::sequence;
constinit SpinLock<LockRank::Names> DentryCache::sequence_lock;

Dentry::~Dentry() {
  const DentryName* name = name_.load_relaxed();
  if (static_cast<const void*>(name) != inline_name_)
    operator delete(const_cast<DentryName*>(name));
}

// Not recursive: a deep path may die at once from its end to its root.
void Dentry::last_unref(Dentry* dentry) {
  while (dentry != nullptr) {
    total_count.fetch_sub_relaxed(1);
    if (Inode* inode = dentry->inode_.read()) {
      notify::dentry_ended(*inode);
      inode->unref();
    }
    Dentry* parent = dentry->parent_.read();
    bool parent_ends = parent != dentry && parent->drop();
    retire_object(dentry);
    dentry = parent_ends ? parent : nullptr;
  }
}

namespace {

// Names are short, and this one differs from another only when the hashes are equal by chance.
bool is_named(const DentryName& own, StringView name) {
  if (own.size != name.size()) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    if (own.text[i] != name[i]) return false;
  }
  return true;
}

}  // namespace

uint32_t DentryCache::hash(const Dentry& parent, StringView name) {
  NameHash hash(parent);
  for (char c : name) hash.add(c);
  return hash.value();
}

Dentry* DentryCache::find(const Dentry& parent, StringView name, uint32_t hash) {
  Dentry* dentry = bucket_of(hash).load_acquire();
  for (; dentry != nullptr; dentry = dentry->hash_next_.load_acquire()) {
    const DentryName* own = dentry->name_.load_acquire();
    if (own->hash != hash || dentry->parent_.read() != &parent) continue;
    if (!is_named(*own, name)) continue;
    if (!dentry->recently_used_.load_relaxed()) dentry->recently_used_.store_relaxed(true);
    return dentry;
  }
  return nullptr;
}

Optional<Ref<Dentry>> DentryCache::get(Dentry& parent, StringView name) {
  return get(parent, name, hash(parent, name));
}

Optional<Ref<Dentry>> DentryCache::get(Dentry& parent, StringView name, uint32_t name_hash) {
  // Under the lock: a rename elsewhere may carry a lock-free reader to another chain.
  Guard guard(stripe_of(name_hash).lock);
  Dentry* dentry = find(parent, name, name_hash);
  if (dentry == nullptr || !dentry->try_ref()) return {};
  return Ref<Dentry>::adopt(*dentry);
}

namespace {

// Whether a cached name still says what is there. What something is mounted on stays.
bool is_current(Dentry& dentry, Inode& directory, StringView name) {
  Inode* inode = dentry.inode();
  if (inode == nullptr) return true;
  if (inode->needs_revalidation() && !inode->revalidate()) return false;
  if (!directory.asks_for_names() || dentry.is_mount_point()) return true;
  if (!directory.has_name(name, *inode)) return false;
  inode->believe(DentryCache::hash(dentry.parent(), name));
  return true;
}

}  // namespace

Result<Ref<Dentry>> DentryCache::lookup(Dentry& parent, StringView name) {
  Optional<Ref<Dentry>> cached = get(parent, name);
  if (cached && is_current(*cached, *parent.inode(), name)) return cached.take();
  Guard guard(parent.inode()->lock);
  return lookup_locked(parent, name);
}

Result<Ref<Dentry>> DentryCache::lookup_locked(Dentry& parent, StringView name) {
  Inode& directory = *parent.inode();
  uint32_t name_hash = hash(parent, name);
  Optional<Ref<Dentry>> cached = get(parent, name, name_hash);
  if (cached) {
    if (is_current(*cached, directory, name)) return cached.take();
    forget(*cached);
  }
  // What is looked up in a removed directory would pin it for nothing.
  if (directory.removed_directory.load_relaxed()) return Errno::NoEnt;
  Result<Ref<Inode>> found = directory.lookup(name);
  if (!found.ok() && !found.failed_with(Errno::NoEnt)) return found.error();

  Ref<Dentry> dentry = TRY(allocate(name, name_hash));
  parent.ref();
  dentry->parent_.publish(&parent);
  if (found.ok()) {
    Inode& inode = *std::move(found).take().leak();
    if (directory.asks_for_names()) inode.believe(name_hash);
    dentry->inode_.publish(&inode);
    insert(*dentry);
  } else if (directory.caches_absent_names()) {
    insert(*dentry);
    if (negative_count.load_relaxed() > kMaxNegative) shrink(kMaxNegative / kStripes);
  }
  return dentry;
}

Result<Ref<Dentry>> DentryCache::allocate(StringView name, uint32_t hash) {
  Ref<Dentry> dentry = TRY(make_ref<Dentry>());
  DentryName* own;
  if (name.size() <= Dentry::kInlineName) {
    own = new (dentry->inline_name_) DentryName;
  } else {
    void* memory = operator new(name_bytes(name.size()), std::nothrow);
    if (memory == nullptr) {
      // Its destructor wants a name and a parent.
      dentry->name_.store_relaxed(new (dentry->inline_name_) DentryName);
      dentry->parent_.publish(dentry.get());
      total_count.fetch_add_relaxed(1);
      return Errno::NoMem;
    }
    own = new (memory) DentryName;
  }
  fill_name(*own, name, hash);
  dentry->name_.store_relaxed(own);
  dentry->parent_.publish(dentry.get());
  total_count.fetch_add_relaxed(1);
  return dentry;
}

Result<Ref<Dentry>> DentryCache::create_root(Ref<Inode> inode) {
  return create_detached("/", std::move(inode));
}

Result<Ref<Dentry>> DentryCache::create_detached(StringView name, Ref<Inode> inode,
                                                 Dentry* parent) {
  Ref<Dentry> dentry = TRY(allocate(name, 0));
  if (parent != nullptr) {
    parent->ref();
    dentry->parent_.publish(parent);
    dentry->removed_.store_relaxed(true);
  }
  dentry->inode_.publish(std::move(inode).leak());
  return dentry;
}

void DentryCache::instantiate(Dentry& dentry, Ref<Inode> inode) {
  DCHECK(dentry.inode() == nullptr);
  if (dentry.hashed_) negative_count.fetch_sub_relaxed(1);
  dentry.inode_.publish(std::move(inode).leak());
  if (!dentry.hashed_) insert(dentry);
}

// The cache's own reference comes with this.
void DentryCache::insert(Dentry& dentry) {
  dentry.ref();
  uint32_t hash = dentry.name_.load_relaxed()->hash;
  if (dentry.inode() == nullptr) negative_count.fetch_add_relaxed(1);
  Guard guard(stripe_of(hash).lock);
  link_chain(dentry, hash);
}

void DentryCache::link_chain(Dentry& dentry, uint32_t hash) NO_THREAD_SAFETY_ANALYSIS {
  // SAFETY: called with the lock of `hash`'s stripe, which the analysis cannot name.
  Atomic<Dentry*>& bucket = bucket_of(hash);
  dentry.hash_next_.store_relaxed(bucket.load_relaxed());
  bucket.store_release(&dentry);
  stripe_of(hash).lru.push_back(dentry);
  dentry.hashed_ = true;
}

void DentryCache::unlink_chain(Dentry& dentry, uint32_t hash) NO_THREAD_SAFETY_ANALYSIS {
  // SAFETY: as link_chain.
  Atomic<Dentry*>* link = &bucket_of(hash);
  while (link->load_relaxed() != &dentry) link = &link->load_relaxed()->hash_next_;
  link->store_release(dentry.hash_next_.load_relaxed());
  stripe_of(hash).lru.remove(dentry);
  dentry.hashed_ = false;
}

// True when it was in the cache: the caller then drops the cache's reference.
bool DentryCache::unhash(Dentry& dentry) {
  uint32_t hash = dentry.name_.load_relaxed()->hash;
  Guard guard(stripe_of(hash).lock);
  if (!dentry.hashed_) return false;
  unlink_chain(dentry, hash);
  if (dentry.inode() == nullptr) negative_count.fetch_sub_relaxed(1);
  return true;
}

void DentryCache::remove(Dentry& dentry) {
  dentry.removed_.store_relaxed(true);
  forget(dentry);
  // Absent names that are cached hold their directory, and inotify tells when that ends.
  Inode& inode = *dentry.inode();
  if (inode.is_directory() && notify::is_watched(inode)) evict_below(dentry);
}

void DentryCache::forget(Dentry& dentry) {
  if (unhash(dentry)) dentry.unref();
}

Result<DentryName*> DentryCache::make_name(const Dentry& parent, StringView name) {
  void* memory = operator new(name_bytes(name.size()), std::nothrow);
  if (memory == nullptr) return Errno::NoMem;
  auto* made = new (memory) DentryName;
  fill_name(*made, name, hash(parent, name));
  return made;
}

void DentryCache::discard_name(DentryName* name) { operator delete(static_cast<void*>(name)); }

namespace {

// The name that a dentry had goes when no reader can see it; an inline one stays in its dentry.
void retire_name(const DentryName* name, const void* inline_place) {
  if (static_cast<const void*>(name) != inline_place)
    retire(*const_cast<DentryName*>(name), free_name);
}

}  // namespace

void DentryCache::move(Dentry& dentry, Dentry& new_parent, DentryName* name) {
  const DentryName* old_name = dentry.name_.load_relaxed();
  Dentry* old_parent = dentry.parent_.read();
  new_parent.ref();
  {
    Guard serial(sequence_lock);
    sequence.begin_write();
    {
      Guard2 guard(stripe_of(old_name->hash).lock, stripe_of(name->hash).lock);
      if (dentry.hashed_) unlink_chain(dentry, old_name->hash);
      dentry.parent_.publish(&new_parent);
      dentry.name_.store_release(name);
      link_chain(dentry, name->hash);
    }
    sequence.end_write();
  }
  retire_name(old_name, dentry.inline_name_);
  old_parent->unref();
}

void DentryCache::exchange(Dentry& a, DentryName* name_for_a, Dentry& b, DentryName* name_for_b) {
  const DentryName* old_a = a.name_.load_relaxed();
  const DentryName* old_b = b.name_.load_relaxed();
  Dentry* parent_of_a = a.parent_.read();
  {
    Guard serial(sequence_lock);
    sequence.begin_write();
    {
      Guard2 guard(stripe_of(old_a->hash).lock, stripe_of(old_b->hash).lock);
      unlink_chain(a, old_a->hash);
      unlink_chain(b, old_b->hash);
      a.parent_.publish(b.parent_.read());
      b.parent_.publish(parent_of_a);
      a.name_.store_release(name_for_a);
      b.name_.store_release(name_for_b);
      // The names' hashes are those of the two places: the same two stripes.
      link_chain(a, name_for_a->hash);
      link_chain(b, name_for_b->hash);
    }
    sequence.end_write();
  }
  retire_name(old_a, a.inline_name_);
  retire_name(old_b, b.inline_name_);
}

bool DentryCache::is_ancestor(const Dentry& ancestor, const Dentry& dentry) {
  RcuReadGuard guard;
  for (const Dentry* at = &dentry;; at = &at->parent()) {
    if (at == &ancestor) return true;
    if (at->is_root()) return false;
  }
}

namespace {

// Takes one unused dentry off a stripe, or gives the used ones a second chance at its end.
template <class Unlink, class Wanted>
Dentry* take_victim(Stripe& stripe, Unlink unlink, Wanted wanted) {
  Guard guard(stripe.lock);
  Dentry* next = nullptr;
  for (Dentry* dentry = stripe.lru.front(); dentry != nullptr; dentry = next) {
    next = stripe.lru.next(*dentry);
    if (dentry->ref_count() != 1 || !wanted(*dentry)) continue;
    // The cache's reference is the last one: from here on no lookup can take another.
    if (dentry->drop_if_last()) {
      unlink(*dentry);
      return dentry;
    }
  }
  return nullptr;
}

}  // namespace

uint64_t DentryCache::shrink(uint64_t wanted) {
  static constinit Atomic<uint32_t> next_stripe;
  uint64_t evicted = 0;
  // Two rounds: the first clears the marks of recent use, the second takes what was not used since.
  for (size_t i = 0; i < 2 * kStripes && evicted < wanted; ++i) {
    Stripe& stripe = stripes[next_stripe.fetch_add_relaxed(1) % kStripes];
    auto unlink = [](Dentry& dentry) {
      unlink_chain(dentry, dentry.name_.load_relaxed()->hash);
      if (dentry.inode() == nullptr) negative_count.fetch_sub_relaxed(1);
    };
    auto cold = [](Dentry& dentry) {
      // With the name would go what is cached of the file, which is the better part of it: reclaim
      // chooses among pages by their use, and the flusher writes them. The name follows.
      Inode* inode = dentry.inode();
      MemoryObject* contents = inode == nullptr ? nullptr : inode->contents();
      if (contents != nullptr && contents->disk() != nullptr && contents->resident_pages() != 0)
        return false;
      bool used = dentry.recently_used_.load_relaxed();
      dentry.recently_used_.store_relaxed(false);
      return !used;
    };
    while (evicted < wanted) {
      Dentry* victim = take_victim(stripe, unlink, cold);
      if (victim == nullptr) break;
      Dentry::last_unref(victim);
      ++evicted;
    }
  }
  return evicted;
}

// True when there was one: its parent may be unused now.
template <class Wanted>
bool DentryCache::evict_unused(Wanted wanted) {
  auto unlink = [](Dentry& dentry) {
    unlink_chain(dentry, dentry.name_.load_relaxed()->hash);
    if (dentry.inode() == nullptr) negative_count.fetch_sub_relaxed(1);
  };
  bool any = false;
  for (Stripe& stripe : stripes) {
    while (Dentry* victim = take_victim(stripe, unlink, wanted)) {
      Dentry::last_unref(victim);
      any = true;
    }
  }
  return any;
}

void DentryCache::evict_below(const Dentry& directory) {
  evict_unused([&directory](Dentry& dentry) { return dentry.parent_.read() == &directory; });
}

void DentryCache::evict_all(const SuperBlock& super_block) {
  // The file system of a negative dentry is that of its parent, which has an inode.
  auto is_of = [&super_block](Dentry& dentry) {
    Inode* inode = dentry.inode() != nullptr ? dentry.inode() : dentry.parent().inode();
    return inode != nullptr && &inode->super_block() == &super_block;
  };
  while (evict_unused(is_of)) {  // children go before their parents become unused
  }
}

DentryCache::Statistics DentryCache::statistics() {
  return {total_count.load_relaxed(), negative_count.load_relaxed()};
}

}  // namespace kernel
