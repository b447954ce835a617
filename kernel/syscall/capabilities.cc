// SPDX-License-Identifier: MIT
// capget(2), capset(2).

#include "syscall/declarations.h"
#include "task/credential_change.h"

namespace kernel::syscall {
namespace {

constexpr uint32_t kVersion1 = 0x19980330, kVersion2 = 0x20071026, kVersion3 = 0x20080522;

// How many 32-bit words each set has in this version of the interface; 0: unknown version, and the
// caller has been told the one to use.
Result<size_t> words_of(UserAddr header) {
  abi::CapabilityHeader given;
  TRY(copy_in(&given.version, header, sizeof given.version));
  if (given.version == kVersion1) return size_t{1};
  if (given.version == kVersion2 || given.version == kVersion3) return size_t{2};
  TRY(copy_out(header, &kVersion3, sizeof kVersion3));
  return size_t{0};
}

Result<int32_t> pid_of(UserAddr header) {
  return UserIn<int32_t>(header + offsetof(abi::CapabilityHeader, pid)).read();
}

constexpr uint32_t word(CapabilitySet set, size_t index) {
  return static_cast<uint32_t>(set >> (32 * index));
}

}  // namespace

Value sys_capget(Context& context, UserAddr header, UserAddr data) {
  size_t words = TRY(words_of(header));
  if (words == 0) {
    if (raw(data) == 0) return 0;
    return Errno::Inval;
  }
  if (raw(data) == 0) return 0;
  int32_t pid = TRY(pid_of(header));
  if (pid < 0) return Errno::Inval;
  Optional<Ref<Task>> other;
  if (pid != 0 && pid != context.task.tid()) {
    other = task::find_task(pid);
    if (!other) return Errno::Srch;
  }
  Ref<Credentials> theirs = task::credentials_of(other ? *other : context.task);
  for (size_t i = 0; i < words; ++i) {
    abi::CapabilityData entry{word(theirs->effective, i), word(theirs->permitted, i),
                              word(theirs->inheritable, i)};
    TRY(copy_out(data + i * sizeof entry, &entry, sizeof entry));
  }
  return 0;
}

Value sys_capset(Context& context, UserAddr header, UserAddr data) {
  size_t words = TRY(words_of(header));
  if (words == 0) return Errno::Inval;
  int32_t pid = TRY(pid_of(header));
  if (pid != 0 && pid != context.task.tid()) return Errno::Perm;
  CapabilitySet effective = 0, permitted = 0, inheritable = 0;
  for (size_t i = 0; i < words; ++i) {
    abi::CapabilityData entry;
    TRY(copy_in(&entry, data + i * sizeof entry, sizeof entry));
    effective |= CapabilitySet{entry.effective} << (32 * i);
    permitted |= CapabilitySet{entry.permitted} << (32 * i);
    inheritable |= CapabilitySet{entry.inheritable} << (32 * i);
  }
  TRY(CredentialChange::set_capabilities(context.task, effective & kAllCapabilities,
                                         permitted & kAllCapabilities,
                                         inheritable & kAllCapabilities));
  return 0;
}

}  // namespace kernel::syscall
