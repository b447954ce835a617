// SPDX-License-Identifier: MIT
// See system_settings.h.

#include "process/system_settings.h"

#include "mm/frames.h"
#include "mm/kernel_map.h"
#include "sync/spin_lock.h"

namespace kernel::settings {
namespace {

struct Name {
  char text[kNameLimit + 1];
  size_t size;
};

constinit SpinLock<LockRank::Leaf> names_lock;
// Written and read under names_lock.
constinit Name host = {"(none)", 6};
constinit Name domain = {"(none)", 6};
constinit Atomic<bool> randomise{true};

Result<String> copy_of(const Name& name) {
  Name copy;
  {
    Guard guard(names_lock);
    copy = name;
  }
  return String::create({copy.text, copy.size});
}

Result<> set(Name& name, StringView text) {
  if (text.size() > kNameLimit) return Errno::Inval;
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

// As Linux: kernel stacks take at most an eighth of memory.
uint64_t thread_limit() {
  static constinit Atomic<uint64_t> known;
  uint64_t limit = known.load_relaxed();
  if (limit == 0) {
    limit = frames::statistics().total_pages * kPageSize / (kKernelStackSize * 8);
    if (limit < 20) limit = 20;
    known.store_relaxed(limit);
  }
  return limit;
}

bool randomise_addresses() { return randomise.load_relaxed(); }
void set_randomise_addresses(bool on) { randomise.store_relaxed(on); }

}  // namespace kernel::settings
