// SPDX-License-Identifier: MIT
// See system_settings.h.

#include "process/system_settings.h"

#include "fs/vfs/dentry_cache.h"
#include "mm/frames.h"
#include "mm/heap.h"
#include "mm/kernel_map.h"
#include "sync/rcu.h"
#include "sync/spin_lock.h"
#include "vm/address_space.h"
#include "vm/overcommit.h"
#include "vm/page_cache.h"
#include "vm/shrinker.h"

namespace kernel::settings {
namespace {

constexpr size_t kPatternLimit = 127;
struct Name {
  char text[kPatternLimit + 1];
  size_t size;
};

constinit SpinLock<LockRank::Leaf> names_lock;
// Written and read under names_lock.
constinit Name host = {"(none)", 6};
constinit Name domain = {"(none)", 6};
constinit Name pattern = {"core", 4};
constinit Atomic<bool> pid_in_core_name;
constinit Atomic<bool> randomise{true};
constinit Atomic<uint64_t> last_drop;

Result<String> copy_of(const Name& name) {
  Name copy;
  {
    Guard guard(names_lock);
    copy = name;
  }
  return String::create({copy.text, copy.size});
}

Result<> set(Name& name, StringView text, size_t limit = kNameLimit) {
  if (text.size() > limit) return Errno::Inval;
  Guard guard(names_lock);
  __builtin_memset(name.text, 0, sizeof name.text);
  __builtin_memcpy(name.text, text.data(), text.size());
  name.size = text.size();
  return {};
}

}  // namespace

Result<String> host_name() { return copy_of(host); }
Result<> set_host_name(StringView name) { return set(host, name); }
Result<String> domain_name() { return copy_of(domain); }
Result<> set_domain_name(StringView name) { return set(domain, name); }

Result<String> core_pattern() { return copy_of(pattern); }
Result<> set_core_pattern(StringView text) {
  if (text.starts_with("|")) return Errno::Inval;
  return set(pattern, text.substr(0, kPatternLimit), kPatternLimit);
}
bool core_uses_pid() { return pid_in_core_name.load_relaxed(); }
void set_core_uses_pid(bool on) { pid_in_core_name.store_relaxed(on); }

// As Linux: kernel stacks take at most an eighth of memory.
uint64_t thread_limit() {
  uint64_t limit = frames::total_pages() * kPageSize / (kKernelStackSize * 8);
  return limit < 20 ? 20 : limit;
}

// Repeated: what one round gives back may be the last user of something that the next can.
void drop_caches(uint64_t what) {
  last_drop.store_relaxed(what);
  constexpr int kRounds = 3;
  for (int round = 0; round < kRounds; ++round) {
    if ((what & 1) != 0) page_cache::drop_clean();
    if ((what & 2) != 0) {
      DentryCache::shrink(~uint64_t{0});
      Shrinker::shrink_all(1);
    }
    rcu_barrier();
  }
  AddressSpace::drop_borrowed_tables();
  kernel_map::drain_caches();
  heap::shrink();
  frames::drain_caches();
}
uint64_t last_cache_drop() { return last_drop.load_relaxed(); }

uint64_t overcommit_mode() { return static_cast<uint64_t>(overcommit::mode()); }
void set_overcommit_mode(uint64_t mode) {
  overcommit::set_mode(static_cast<overcommit::Mode>(mode));
}

bool randomise_addresses() { return randomise.load_relaxed(); }
void set_randomise_addresses(bool on) { randomise.store_relaxed(on); }

}  // namespace kernel::settings
