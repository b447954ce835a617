// SPDX-License-Identifier: MIT
// setuid(2), getresuid(2) and their relatives, getgroups(2), setgroups(2).

#include "syscall/declarations.h"
#include "task/credential_change.h"

namespace kernel::syscall {
namespace {

constexpr int32_t kMaxGroups = 65536;

void sort(Vector<Gid>& groups) {
  // Shell sort: no recursion, no allocation, and the list is short as a rule.
  for (size_t gap = groups.size() / 2; gap > 0; gap /= 2) {
    for (size_t i = gap; i < groups.size(); ++i) {
      Gid moved = groups[i];
      size_t at = i;
      for (; at >= gap && groups[at - gap] > moved; at -= gap) groups[at] = groups[at - gap];
      groups[at] = moved;
    }
  }
}

Value write_three(UserOut<uint32_t> a, UserOut<uint32_t> b, UserOut<uint32_t> c, uint32_t x,
                  uint32_t y, uint32_t z) {
  TRY(a.write(x));
  TRY(b.write(y));
  TRY(c.write(z));
  return 0;
}

}  // namespace

Value sys_getresuid(Context& context, UserOut<uint32_t> real, UserOut<uint32_t> effective,
                    UserOut<uint32_t> saved) {
  const Credentials& mine = context.task.credentials();
  return write_three(real, effective, saved, mine.uid, mine.euid, mine.suid);
}
Value sys_getresgid(Context& context, UserOut<uint32_t> real, UserOut<uint32_t> effective,
                    UserOut<uint32_t> saved) {
  const Credentials& mine = context.task.credentials();
  return write_three(real, effective, saved, mine.gid, mine.egid, mine.sgid);
}

Value sys_setuid(Context& context, Uid uid) {
  return done(CredentialChange::set_uid(context.task, uid));
}
Value sys_setgid(Context& context, Gid gid) {
  return done(CredentialChange::set_gid(context.task, gid));
}
Value sys_setreuid(Context& context, Uid real, Uid effective) {
  return done(CredentialChange::set_real_effective_uid(context.task, real, effective));
}
Value sys_setregid(Context& context, Gid real, Gid effective) {
  return done(CredentialChange::set_real_effective_gid(context.task, real, effective));
}
Value sys_setresuid(Context& context, Uid real, Uid effective, Uid saved) {
  return done(CredentialChange::set_all_uids(context.task, real, effective, saved));
}
Value sys_setresgid(Context& context, Gid real, Gid effective, Gid saved) {
  return done(CredentialChange::set_all_gids(context.task, real, effective, saved));
}
// These two never fail: they say what was in force.
Value sys_setfsuid(Context& context, Uid uid) {
  Uid before = context.task.credentials().fsuid;
  return CredentialChange::set_fs_uid(context.task, uid).value_or(before);
}
Value sys_setfsgid(Context& context, Gid gid) {
  Gid before = context.task.credentials().fsgid;
  return CredentialChange::set_fs_gid(context.task, gid).value_or(before);
}

Value sys_getgroups(Context& context, int32_t size, UserOut<uint32_t> list) {
  const Vector<Gid>& groups = context.task.credentials().groups;
  if (size < 0) return Errno::Inval;
  if (size == 0) return static_cast<int64_t>(groups.size());
  if (groups.size() > static_cast<size_t>(size)) return Errno::Inval;
  if (!groups.empty()) TRY(list.write_array(groups.data(), groups.size()));
  return static_cast<int64_t>(groups.size());
}

Value sys_setgroups(Context& context, int32_t size, UserIn<uint32_t> list) {
  if (!context.task.credentials().has(Capability::Setgid)) return Errno::Perm;
  if (size < 0 || size > kMaxGroups) return Errno::Inval;
  Vector<Gid> groups;
  TRY(groups.resize(static_cast<size_t>(size)));
  TRY(list.read_array(groups.data(), groups.size()));
  for (Gid group : groups) {
    if (group == kNoId) return Errno::Inval;
  }
  sort(groups);
  return done(CredentialChange::set_groups(context.task, std::move(groups)));
}

}  // namespace kernel::syscall
