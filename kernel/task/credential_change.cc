// SPDX-License-Identifier: MIT
// See credential_change.h. Own thread only: nobody else changes a task's credentials, so reading
// the present ones needs no lock.

#include "task/credential_change.h"

namespace kernel {
namespace {

constexpr CapabilitySet kFileCapabilities =
    capability_bit(Capability::Chown) | capability_bit(Capability::Mknod) |
    capability_bit(Capability::DacOverride) | capability_bit(Capability::DacReadSearch) |
    capability_bit(Capability::Fowner) | capability_bit(Capability::Fsetid) |
    capability_bit(Capability::LinuxImmutable) | capability_bit(Capability::MacOverride);

bool is_subset(CapabilitySet part, CapabilitySet whole) { return (part & ~whole) == 0; }

// capabilities(7), "Effect of user ID changes on capabilities".
void fix_capabilities(Credentials& changed, const Credentials& old) {
  if ((old.securebits & kSecureNoSetuidFixup) != 0) return;
  bool was_root = old.uid == 0 || old.euid == 0 || old.suid == 0;
  bool is_root = changed.uid == 0 || changed.euid == 0 || changed.suid == 0;
  if (was_root && !is_root) {
    if ((old.securebits & kSecureKeepCaps) == 0) changed.permitted = changed.effective = 0;
    changed.ambient = 0;
  }
  if (old.euid == 0 && changed.euid != 0) changed.effective = 0;
  if (old.euid != 0 && changed.euid == 0) changed.effective = changed.permitted;
}

bool may_set_uid(const Credentials& credentials) { return credentials.has(Capability::Setuid); }
bool may_set_gid(const Credentials& credentials) { return credentials.has(Capability::Setgid); }

// The account of a new real user.
Result<> change_user(Credentials& changed) {
  changed.account = TRY(UserAccount::of(changed.uid));
  return {};
}

// A process whose user has more than RLIMIT_NPROC of them finds out at its next execve, because
// programs do not check setuid's result. A new user's do not count this one yet.
void note_process_limit(Task& task, const Credentials& changed) {
  Limit limit = task::limit(task.group(), Resource::Processes);
  task.process_limit_exceeded =
      changed.uid != 0 && changed.account->processes.load_relaxed() > limit.soft;
}

}  // namespace

void CredentialChange::commit(Task& task, Ref<Credentials> credentials) {
  Credentials* old = task.credentials_.read();
  bool identity_changed = old->euid != credentials->euid || old->egid != credentials->egid ||
                          old->fsuid != credentials->fsuid || old->fsgid != credentials->fsgid;
  if (identity_changed || !is_subset(credentials->permitted, old->permitted)) {
    task.group().dumpable = false;
    task.parent_death_signal = 0;
  }
  if (credentials->account != old->account) {
    credentials->account->processes.fetch_add_relaxed(1);
    old->account->processes.fetch_sub_relaxed(1);
  }
  task.credentials_.publish(std::move(credentials).leak());
  old->unref();
}

Result<> CredentialChange::set_uid(Task& task, Uid uid) {
  const Credentials& old = task.credentials();
  if (uid == kNoId) return Errno::Inval;
  Ref<Credentials> changed = TRY(old.clone());
  if (may_set_uid(old)) {
    changed->uid = changed->suid = uid;
    if (uid != old.uid) TRY(change_user(*changed));
  } else if (uid != old.uid && uid != old.suid) {
    return Errno::Perm;
  }
  changed->euid = changed->fsuid = uid;
  fix_capabilities(*changed, old);
  note_process_limit(task, *changed);
  commit(task, std::move(changed));
  return {};
}

Result<> CredentialChange::set_real_effective_uid(Task& task, Uid real, Uid effective) {
  const Credentials& old = task.credentials();
  bool privileged = may_set_uid(old);
  Ref<Credentials> changed = TRY(old.clone());
  if (real != kNoId) {
    if (real != old.uid && real != old.euid && !privileged) return Errno::Perm;
    changed->uid = real;
  }
  if (effective != kNoId) {
    if (effective != old.uid && effective != old.euid && effective != old.suid && !privileged)
      return Errno::Perm;
    changed->euid = effective;
  }
  if (changed->uid != old.uid) TRY(change_user(*changed));
  if (real != kNoId || (effective != kNoId && effective != old.uid)) changed->suid = changed->euid;
  changed->fsuid = changed->euid;
  fix_capabilities(*changed, old);
  note_process_limit(task, *changed);
  commit(task, std::move(changed));
  return {};
}

Result<> CredentialChange::set_all_uids(Task& task, Uid real, Uid effective, Uid saved) {
  const Credentials& old = task.credentials();
  auto is_foreign = [&old](Uid uid) {
    return uid != kNoId && uid != old.uid && uid != old.euid && uid != old.suid;
  };
  if ((is_foreign(real) || is_foreign(effective) || is_foreign(saved)) && !may_set_uid(old))
    return Errno::Perm;
  Ref<Credentials> changed = TRY(old.clone());
  if (real != kNoId) changed->uid = real;
  if (effective != kNoId) changed->euid = effective;
  if (saved != kNoId) changed->suid = saved;
  if (changed->uid != old.uid) TRY(change_user(*changed));
  changed->fsuid = changed->euid;
  fix_capabilities(*changed, old);
  note_process_limit(task, *changed);
  commit(task, std::move(changed));
  return {};
}

Result<Uid> CredentialChange::set_fs_uid(Task& task, Uid uid) {
  const Credentials& old = task.credentials();
  Uid before = old.fsuid;
  bool allowed =
      uid == old.uid || uid == old.euid || uid == old.suid || uid == before || may_set_uid(old);
  if (uid == kNoId || uid == before || !allowed) return before;
  Ref<Credentials> changed = TRY(old.clone());
  changed->fsuid = uid;
  if ((old.securebits & kSecureNoSetuidFixup) == 0) {
    if (before == 0) changed->effective &= ~kFileCapabilities;
    if (uid == 0) changed->effective |= changed->permitted & kFileCapabilities;
  }
  commit(task, std::move(changed));
  return before;
}

Result<> CredentialChange::set_gid(Task& task, Gid gid) {
  const Credentials& old = task.credentials();
  if (gid == kNoId) return Errno::Inval;
  Ref<Credentials> changed = TRY(old.clone());
  if (may_set_gid(old)) {
    changed->gid = changed->sgid = gid;
  } else if (gid != old.gid && gid != old.sgid) {
    return Errno::Perm;
  }
  changed->egid = changed->fsgid = gid;
  commit(task, std::move(changed));
  return {};
}

Result<> CredentialChange::set_real_effective_gid(Task& task, Gid real, Gid effective) {
  const Credentials& old = task.credentials();
  bool privileged = may_set_gid(old);
  Ref<Credentials> changed = TRY(old.clone());
  if (real != kNoId) {
    if (real != old.gid && real != old.egid && !privileged) return Errno::Perm;
    changed->gid = real;
  }
  if (effective != kNoId) {
    if (effective != old.gid && effective != old.egid && effective != old.sgid && !privileged)
      return Errno::Perm;
    changed->egid = effective;
  }
  if (real != kNoId || (effective != kNoId && effective != old.gid)) changed->sgid = changed->egid;
  changed->fsgid = changed->egid;
  commit(task, std::move(changed));
  return {};
}

Result<> CredentialChange::set_all_gids(Task& task, Gid real, Gid effective, Gid saved) {
  const Credentials& old = task.credentials();
  auto is_foreign = [&old](Gid gid) {
    return gid != kNoId && gid != old.gid && gid != old.egid && gid != old.sgid;
  };
  if ((is_foreign(real) || is_foreign(effective) || is_foreign(saved)) && !may_set_gid(old))
    return Errno::Perm;
  Ref<Credentials> changed = TRY(old.clone());
  if (real != kNoId) changed->gid = real;
  if (effective != kNoId) changed->egid = effective;
  if (saved != kNoId) changed->sgid = saved;
  changed->fsgid = changed->egid;
  commit(task, std::move(changed));
  return {};
}

Result<Gid> CredentialChange::set_fs_gid(Task& task, Gid gid) {
  const Credentials& old = task.credentials();
  Gid before = old.fsgid;
  bool allowed =
      gid == old.gid || gid == old.egid || gid == old.sgid || gid == before || may_set_gid(old);
  if (gid == kNoId || gid == before || !allowed) return before;
  Ref<Credentials> changed = TRY(old.clone());
  changed->fsgid = gid;
  commit(task, std::move(changed));
  return before;
}

Result<> CredentialChange::set_groups(Task& task, Vector<Gid> groups) {
  const Credentials& old = task.credentials();
  if (!may_set_gid(old)) return Errno::Perm;
  Ref<Credentials> changed = TRY(old.clone());
  changed->groups = std::move(groups);
  commit(task, std::move(changed));
  return {};
}

Result<> CredentialChange::set_capabilities(Task& task, CapabilitySet effective,
                                            CapabilitySet permitted, CapabilitySet inheritable) {
  const Credentials& old = task.credentials();
  bool capped = !old.has(Capability::Setpcap);
  if (capped && !is_subset(inheritable, old.inheritable | old.permitted)) return Errno::Perm;
  if (!is_subset(inheritable, old.inheritable | old.bounding)) return Errno::Perm;
  if (!is_subset(permitted, old.permitted) || !is_subset(effective, permitted)) return Errno::Perm;
  Ref<Credentials> changed = TRY(old.clone());
  changed->effective = effective;
  changed->permitted = permitted;
  changed->inheritable = inheritable;
  changed->ambient &= permitted & inheritable;
  commit(task, std::move(changed));
  return {};
}

Result<> CredentialChange::drop_bounding(Task& task, Capability capability) {
  const Credentials& old = task.credentials();
  if (!old.has(Capability::Setpcap)) return Errno::Perm;
  Ref<Credentials> changed = TRY(old.clone());
  changed->bounding &= ~capability_bit(capability);
  commit(task, std::move(changed));
  return {};
}

Result<> CredentialChange::set_securebits(Task& task, uint32_t bits) {
  const Credentials& old = task.credentials();
  uint32_t locked = (old.securebits & kSecureAllLocks) >> 1;
  bool refused = (locked & (old.securebits ^ bits)) != 0 ||          // a locked bit would change
                 (old.securebits & kSecureAllLocks & ~bits) != 0 ||  // a lock would open
                 (bits & ~(kSecureAll | kSecureAllLocks)) != 0 || !old.has(Capability::Setpcap);
  if (refused) return Errno::Perm;
  Ref<Credentials> changed = TRY(old.clone());
  changed->securebits = bits;
  commit(task, std::move(changed));
  return {};
}

Result<> CredentialChange::keep_capabilities(Task& task, bool keep) {
  const Credentials& old = task.credentials();
  if ((old.securebits & kSecureKeepCapsLocked) != 0) return Errno::Perm;
  Ref<Credentials> changed = TRY(old.clone());
  changed->securebits &= ~kSecureKeepCaps;
  if (keep) changed->securebits |= kSecureKeepCaps;
  commit(task, std::move(changed));
  return {};
}

Result<> CredentialChange::raise_ambient(Task& task, Capability capability) {
  const Credentials& old = task.credentials();
  CapabilitySet bit = capability_bit(capability);
  if ((old.permitted & old.inheritable & bit) == 0 || (old.securebits & kSecureNoAmbientRaise) != 0)
    return Errno::Perm;
  Ref<Credentials> changed = TRY(old.clone());
  changed->ambient |= bit;
  commit(task, std::move(changed));
  return {};
}

Result<> CredentialChange::lower_ambient(Task& task, CapabilitySet capabilities) {
  Ref<Credentials> changed = TRY(task.credentials().clone());
  changed->ambient &= ~capabilities;
  commit(task, std::move(changed));
  return {};
}

// capabilities(7), "Transformation of capabilities during execve()".
Result<CredentialChange::ExecResult> CredentialChange::for_exec(Task& task,
                                                                const ExecRequest& request) {
  const Credentials& old = task.credentials();
  Ref<Credentials> changed = TRY(old.clone());
  if (request.set_uid) changed->euid = *request.set_uid;
  if (request.set_gid) changed->egid = *request.set_gid;

  changed->permitted = 0;
  bool effective = false;
  if (request.file) {
    const FileCapabilities& file = *request.file;
    effective = file.effective;
    changed->permitted = (old.bounding & file.permitted) | (old.inheritable & file.inheritable);
    // A program that would not notice what it lacks is not run.
    if (effective && !is_subset(file.permitted, changed->permitted)) return Errno::Perm;
  }
  // Root has them all; but a program that is set-user-ID root for others has those of its file.
  bool set_user_root = changed->euid == 0 && changed->uid != 0;
  if ((old.securebits & kSecureNoRoot) == 0 && !(request.file && set_user_root)) {
    if (changed->euid == 0 || changed->uid == 0)
      changed->permitted = old.bounding | old.inheritable;
    if (changed->euid == 0) effective = true;
  }
  bool gained = !is_subset(changed->permitted, old.permitted);
  bool changes_id = changed->euid != old.uid || changed->egid != old.gid;
  // Somebody who shares our root directory, or a promise never to gain, takes privileges away
  // again.
  if ((changes_id || gained) && (request.shares_fs || task.no_new_privileges)) {
    if (!may_set_uid(old) || task.no_new_privileges) {
      changed->euid = changed->uid;
      changed->egid = changed->gid;
    }
    changed->permitted &= old.permitted;
  }
  changed->suid = changed->fsuid = changed->euid;
  changed->sgid = changed->fsgid = changed->egid;
  if (changes_id || request.file) changed->ambient = 0;
  changed->permitted |= changed->ambient;
  changed->effective = effective ? changed->permitted : changed->ambient;
  changed->securebits &= ~kSecureKeepCaps;
  bool grew = !is_subset(changed->permitted, changed->ambient);
  bool secure = changes_id || (changed->uid != 0 && (effective || grew));
  return ExecResult{std::move(changed), secure, gained || changes_id};
}

}  // namespace kernel
