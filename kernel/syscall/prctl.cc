// SPDX-License-Identifier: MIT
// prctl(2). Options of other architectures and of features that are not there answer EINVAL, as on
// a Linux configured without them.

#include "syscall/declarations.h"
#include "task/credential_change.h"

namespace kernel::syscall {
namespace {

enum Option : int32_t {
  kSetDeathSignal = 1,
  kGetDeathSignal = 2,
  kGetDumpable = 3,
  kSetDumpable = 4,
  kGetKeepCaps = 7,
  kSetKeepCaps = 8,
  kGetTiming = 13,
  kSetTiming = 14,
  kSetName = 15,
  kGetName = 16,
  kGetSeccomp = 21,
  kCapBsetRead = 23,
  kCapBsetDrop = 24,
  kGetSecureBits = 27,
  kSetSecureBits = 28,
  kSetTimerSlack = 29,
  kGetTimerSlack = 30,
  kMceKill = 33,
  kMceKillGet = 34,
  kSetChildSubreaper = 36,
  kGetChildSubreaper = 37,
  kSetNoNewPrivs = 38,
  kGetNoNewPrivs = 39,
  kGetTidAddress = 40,
  kSetThpDisable = 41,
  kGetThpDisable = 42,
  kCapAmbient = 47,
  kSetTaggedAddresses = 55,
  kGetTaggedAddresses = 56,
};
enum Ambient : uint64_t {
  kAmbientIsSet = 1,
  kAmbientRaise = 2,
  kAmbientLower = 3,
  kAmbientClearAll = 4
};
constexpr uint64_t kDefaultTimerSlack = 50'000;

Value put_int(uint64_t address, int32_t value) {
  TRY(copy_out(UserAddr{address}, &value, sizeof value));
  return 0;
}

Value set_name(Task& task, uint64_t address) {
  char name[Thread::kNameSize] = {};
  // As strncpy_from_user: up to the NUL, at most 15 bytes.
  for (size_t i = 0; i < sizeof name - 1; ++i) {
    TRY(copy_in(&name[i], UserAddr{address + i}, 1));
    if (name[i] == '\0') break;
  }
  task.set_name(StringView(name));
  return 0;
}

Value get_name(const Task& task, uint64_t address) {
  char name[Thread::kNameSize] = {};
  StringView text = task.name();
  for (size_t i = 0; i < text.size() && i < sizeof name - 1; ++i) name[i] = text[i];
  TRY(copy_out(UserAddr{address}, name, sizeof name));
  return 0;
}

Value capability_ambient(Task& task, uint64_t operation, uint64_t number, uint64_t c, uint64_t d) {
  if (operation == kAmbientClearAll) {
    if (number != 0 || c != 0 || d != 0) return Errno::Inval;
    TRY(CredentialChange::lower_ambient(task, kAllCapabilities));
    return 0;
  }
  if (c != 0 || d != 0 || number > kLastCapability) return Errno::Inval;
  auto capability = static_cast<Capability>(number);
  switch (operation) {
    case kAmbientIsSet:
      return (task.credentials().ambient & capability_bit(capability)) != 0 ? 1 : 0;
    case kAmbientRaise: TRY(CredentialChange::raise_ambient(task, capability)); return 0;
    case kAmbientLower:
      TRY(CredentialChange::lower_ambient(task, capability_bit(capability)));
      return 0;
    default: return Errno::Inval;
  }
}

Value capability_option(Task& task, int32_t option, uint64_t a, uint64_t b, uint64_t c,
                        uint64_t d) {
  const Credentials& mine = task.credentials();
  switch (option) {
    case kGetKeepCaps: return (mine.securebits & kSecureKeepCaps) != 0 ? 1 : 0;
    case kSetKeepCaps:
      if (a > 1) return Errno::Inval;
      TRY(CredentialChange::keep_capabilities(task, a == 1));
      return 0;
    case kCapBsetRead:
      if (a > kLastCapability) return Errno::Inval;
      return (mine.bounding & capability_bit(static_cast<Capability>(a))) != 0 ? 1 : 0;
    case kCapBsetDrop:
      if (!mine.has(Capability::Setpcap)) return Errno::Perm;
      if (a > kLastCapability) return Errno::Inval;
      TRY(CredentialChange::drop_bounding(task, static_cast<Capability>(a)));
      return 0;
    case kGetSecureBits: return mine.securebits;
    case kSetSecureBits:
      if (a > 0xffffffff) return Errno::Perm;
      TRY(CredentialChange::set_securebits(task, static_cast<uint32_t>(a)));
      return 0;
    default: return capability_ambient(task, a, b, c, d);
  }
}

Value process_option(Task& task, int32_t option, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
  ThreadGroup& group = task.group();
  bool rest = b != 0 || c != 0 || d != 0;
  switch (option) {
    case kSetDeathSignal:
      if (a != 0 && !is_valid_signal(static_cast<int64_t>(a))) return Errno::Inval;
      task.parent_death_signal = static_cast<uint8_t>(a);
      return 0;
    case kGetDeathSignal: return put_int(a, task.parent_death_signal);
    case kGetDumpable: return group.dumpable ? 1 : 0;
    case kSetDumpable:
      if (a > 1) return Errno::Inval;
      group.dumpable = a == 1;
      return 0;
    case kSetChildSubreaper: group.is_subreaper = a != 0; return 0;
    case kGetChildSubreaper: return put_int(a, group.is_subreaper ? 1 : 0);
    case kSetNoNewPrivs:
      if (a != 1 || rest) return Errno::Inval;
      task.no_new_privileges = true;
      return 0;
    case kGetNoNewPrivs:
      if (a != 0 || rest) return Errno::Inval;
      return task.no_new_privileges ? 1 : 0;
    default: return Errno::Inval;
  }
}

// Kept and told; there are no machine checks whose policy it could be.
Value set_machine_check_policy(Task& task, uint64_t operation, uint64_t policy, uint64_t c,
                               uint64_t d) {
  constexpr uint64_t kClear = 0, kSet = 1;
  constexpr uint8_t kDefault = 2;
  if (c != 0 || d != 0) return Errno::Inval;
  if (operation == kClear && policy == 0) {
    task.machine_check_policy = kDefault;
  } else if (operation == kSet && policy <= kDefault) {
    task.machine_check_policy = static_cast<uint8_t>(policy);
  } else {
    return Errno::Inval;
  }
  return 0;
}

Value memory_option(Task& task, int32_t option, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
  bool rest = b != 0 || c != 0 || d != 0;
  bool& no_huge_pages = task.group().no_huge_pages;
  switch (option) {
    case kMceKill: return set_machine_check_policy(task, a, b, c, d);
    case kMceKillGet:
      if (a != 0 || rest) return Errno::Inval;
      return task.machine_check_policy;
    case kSetThpDisable:
      if (rest) return Errno::Inval;
      no_huge_pages = a != 0;
      return 0;
    case kGetThpDisable:
      if (a != 0 || rest) return Errno::Inval;
      return no_huge_pages ? 1 : 0;
    case kSetTaggedAddresses:
      if (a > 1 || rest) return Errno::Inval;
      task.memory_flags &= ~uint32_t{kMemoryTaggedAddresses};
      if (a == 1) task.memory_flags |= kMemoryTaggedAddresses;
      return 0;
    default:
      if (a != 0 || rest) return Errno::Inval;
      return (task.memory_flags & kMemoryTaggedAddresses) != 0 ? 1 : 0;
  }
}

}  // namespace

Value sys_prctl(Context& context, int32_t option, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
  Task& task = context.task;
  switch (option) {
    case kSetName: return set_name(task, a);
    case kGetName: return get_name(task, a);
    case kSetTimerSlack:
      task.timer_slack_ns = static_cast<int64_t>(a) <= 0 ? kDefaultTimerSlack : a;
      return 0;
    case kGetTimerSlack: return static_cast<int64_t>(task.timer_slack_ns);
    case kGetTidAddress: {
      uint64_t address = raw(task.clear_child_tid);
      TRY(copy_out(UserAddr{a}, &address, sizeof address));
      return 0;
    }
    case kGetTiming: return 0;  // statistical
    case kSetTiming:
      if (a != 0) return Errno::Inval;
      return 0;
    case kGetSeccomp: return 0;  // no filter can be set
    case kMceKill:
    case kMceKillGet:
    case kSetThpDisable:
    case kGetThpDisable:
    case kSetTaggedAddresses:
    case kGetTaggedAddresses: return memory_option(task, option, a, b, c, d);
    case kGetKeepCaps:
    case kSetKeepCaps:
    case kCapBsetRead:
    case kCapBsetDrop:
    case kGetSecureBits:
    case kSetSecureBits:
    case kCapAmbient: return capability_option(task, option, a, b, c, d);
    default: return process_option(task, option, a, b, c, d);
  }
}

}  // namespace kernel::syscall
