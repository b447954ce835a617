// SPDX-License-Identifier: MIT
// Copies and group membership; the rules of change are in credential_change.cc.

#include "task/credentials.h"

namespace kernel {

Result<Ref<Credentials>> Credentials::create_root() {
  return make_ref<Credentials>(TRY(UserAccount::of(0)));
}

Result<Ref<Credentials>> Credentials::clone() const {
  Ref<Credentials> copy = TRY(make_ref<Credentials>(account));
  copy->uid = uid, copy->euid = euid, copy->suid = suid, copy->fsuid = fsuid;
  copy->gid = gid, copy->egid = egid, copy->sgid = sgid, copy->fsgid = fsgid;
  TRY(copy->groups.reserve(groups.size()));
  for (Gid group : groups) copy->groups.append_reserved(group);
  copy->permitted = permitted, copy->effective = effective, copy->inheritable = inheritable;
  copy->bounding = bounding, copy->ambient = ambient;
  copy->securebits = securebits;
  return copy;
}

bool Credentials::in_supplementary(Gid group) const {
  size_t low = 0, high = groups.size();
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (groups[middle] == group) return true;
    if (groups[middle] < group) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return false;
}

bool Credentials::in_group(Gid group) const { return group == fsgid || in_supplementary(group); }
bool Credentials::in_egroup(Gid group) const { return group == egid || in_supplementary(group); }

}  // namespace kernel
