// SPDX-License-Identifier: MIT
// Who a task is: user and group ids, supplementary groups, capabilities (credentials(7),
// capabilities(7)). Immutable once published: a change makes a copy and replaces the whole. Open
// files keep the credentials they were opened with.
#pragma once

#include "lib/ref.h"
#include "lib/vector.h"
#include "sync/rcu.h"
#include "task/user_account.h"

namespace kernel {

using Uid = uint32_t;
using Gid = uint32_t;
inline constexpr uint32_t kNoId = ~uint32_t{0};  // (uid_t)-1: leave unchanged

enum class Capability : uint8_t {
  Chown = 0,
  DacOverride = 1,
  DacReadSearch = 2,
  Fowner = 3,
  Fsetid = 4,
  Kill = 5,
  Setgid = 6,
  Setuid = 7,
  Setpcap = 8,
  LinuxImmutable = 9,
  NetBindService = 10,
  NetBroadcast = 11,
  NetAdmin = 12,
  NetRaw = 13,
  IpcLock = 14,
  IpcOwner = 15,
  SysModule = 16,
  SysRawio = 17,
  SysChroot = 18,
  SysPtrace = 19,
  SysPacct = 20,
  SysAdmin = 21,
  SysBoot = 22,
  SysNice = 23,
  SysResource = 24,
  SysTime = 25,
  SysTtyConfig = 26,
  Mknod = 27,
  Lease = 28,
  AuditWrite = 29,
  AuditControl = 30,
  Setfcap = 31,
  MacOverride = 32,
  MacAdmin = 33,
  Syslog = 34,
  WakeAlarm = 35,
  BlockSuspend = 36,
  AuditRead = 37,
  Perfmon = 38,
  Bpf = 39,
  CheckpointRestore = 40,
};
inline constexpr unsigned kLastCapability = 40;

using CapabilitySet = uint64_t;
inline constexpr CapabilitySet kAllCapabilities = (uint64_t{1} << (kLastCapability + 1)) - 1;
constexpr CapabilitySet capability_bit(Capability c) {
  return uint64_t{1} << static_cast<unsigned>(c);
}

// Securebits (capabilities(7)); each has a lock bit one above it.
inline constexpr uint32_t kSecureNoRoot = 1, kSecureNoSetuidFixup = 4, kSecureKeepCaps = 16,
                          kSecureKeepCapsLocked = 32, kSecureNoAmbientRaise = 64;
inline constexpr uint32_t kSecureAll = 0x55, kSecureAllLocks = 0xaa;

class Credentials final : public RefCounted<Credentials>, public RcuHead {
 public:
  Uid uid = 0, euid = 0, suid = 0, fsuid = 0;
  Gid gid = 0, egid = 0, sgid = 0, fsgid = 0;
  Vector<Gid> groups;  // sorted
  CapabilitySet permitted = kAllCapabilities;
  CapabilitySet effective = kAllCapabilities;
  CapabilitySet inheritable = 0;
  CapabilitySet bounding = kAllCapabilities;
  CapabilitySet ambient = 0;
  uint32_t securebits = 0;
  Ref<UserAccount> account;  // of uid

  // Those of the first process. Error: NoMem.
  static Result<Ref<Credentials>> create_root();
  // A private copy to change and publish.
  Result<Ref<Credentials>> clone() const;
  bool has(Capability capability) const { return (effective & capability_bit(capability)) != 0; }
  // Effective file-system group or a supplementary one.
  bool in_group(Gid group) const;
  bool in_egroup(Gid group) const;

  static void last_unref(Credentials* credentials) { retire_object(credentials); }

 private:
  template <class T, class... Arguments>
  friend Result<Ref<T>> make_ref(Arguments&&... arguments);
  explicit Credentials(Ref<UserAccount> user) : account(std::move(user)) {}
  bool in_supplementary(Gid group) const;
};

}  // namespace kernel
