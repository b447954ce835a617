// SPDX-License-Identifier: MIT
// See observe.h. A task gives these objects up, or exchanges them, under its group's signal lock.

#include "process/observe.h"

namespace kernel {

Optional<Ref<AddressSpace>> address_space_of(const Task& task) {
  Guard guard(task.group().signal_lock);
  if (task.address_space == nullptr) return {};
  return Ref<AddressSpace>(*task.address_space);
}

Optional<Ref<FdTable>> files_of(const Task& task) {
  Guard guard(task.group().signal_lock);
  if (task.files == nullptr) return {};
  return Ref<FdTable>(*task.files);
}

Optional<Ref<FsContext>> fs_context_of(const Task& task) {
  Guard guard(task.group().signal_lock);
  if (task.fs_context == nullptr) return {};
  return Ref<FsContext>(*task.fs_context);
}

bool may_trace(const Task& self, Task& target, IdsFrom ids) {
  if (&self.group() == &target.group()) return true;
  const Credentials& mine = self.credentials();
  if (mine.has(Capability::SysPtrace)) return true;
  Ref<Credentials> theirs = task::credentials_of(target);
  bool real = ids == IdsFrom::Real;
  Uid uid = real ? mine.uid : mine.fsuid;
  Gid gid = real ? mine.gid : mine.fsgid;
  CapabilitySet capabilities = real ? mine.permitted : mine.effective;
  bool same = uid == theirs->uid && uid == theirs->euid && uid == theirs->suid &&
              gid == theirs->gid && gid == theirs->egid && gid == theirs->sgid;
  return same && target.group().dumpable && (theirs->permitted & ~capabilities) == 0;
}

uint64_t pending_signal_count(const Credentials& credentials) {
  return credentials.account->pending_signals.load_relaxed();
}

}  // namespace kernel
