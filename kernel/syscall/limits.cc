// SPDX-License-Identifier: MIT
// getrlimit(2), setrlimit(2), prlimit(2), getrusage(2).

#include "process/observe.h"
#include "syscall/declarations.h"
#include "syscall/resource_usage.h"

namespace kernel::syscall {
namespace {

constexpr uint64_t kMaxOpenFiles = 1048576;  // fs.nr_open

// prlimit(2), "CAP_SYS_RESOURCE": another's limits only when all its ids are ours.
Result<> check_access(const Task& caller, const Task& target) {
  if (&caller == &target) return {};
  const Credentials& mine = caller.credentials();
  Ref<Credentials> theirs = task::credentials_of(target);
  bool same = mine.uid == theirs->euid && mine.uid == theirs->suid && mine.uid == theirs->uid &&
              mine.gid == theirs->egid && mine.gid == theirs->sgid && mine.gid == theirs->gid;
  if (same || mine.has(Capability::SysResource)) return {};
  return Errno::Perm;
}

Result<> change_limit(const Task& caller, ThreadGroup& group, Resource resource, Limit wanted) {
  if (wanted.soft > wanted.hard) return Errno::Inval;
  if (resource == Resource::OpenFiles && wanted.hard > kMaxOpenFiles) return Errno::Perm;
  Guard guard(group.signal_lock);
  Limit& present = group.limits[static_cast<size_t>(resource)];
  if (wanted.hard > present.hard && !caller.credentials().has(Capability::SysResource))
    return Errno::Perm;
  present = wanted;
  return {};
}

// The limits that an address space keeps a copy of.
void tell_address_space(const Task& target, Resource resource, uint64_t soft) {
  Optional<Ref<AddressSpace>> space = address_space_of(target);
  if (!space) return;
  switch (resource) {
    case Resource::AddressSpace: space->limit_total.store_relaxed(soft); break;
    case Resource::Data: space->limit_data.store_relaxed(soft); break;
    case Resource::Stack: space->limit_stack.store_relaxed(soft); break;
    case Resource::MemLock: space->limit_locked.store_relaxed(soft); break;
    default: break;
  }
}

Result<> set_limit(const Task& caller, Task& target, Resource resource,
                   const abi::ResourceLimit& wanted) {
  TRY(change_limit(caller, target.group(), resource, {wanted.soft, wanted.hard}));
  tell_address_space(target, resource, wanted.soft);
  return {};
}

}  // namespace

Value sys_getrlimit(Context& context, uint32_t resource, UserOut<abi::ResourceLimit> limit) {
  if (resource >= kResourceCount) return Errno::Inval;
  Limit present = task::limit(context.task.group(), static_cast<Resource>(resource));
  TRY(limit.write({present.soft, present.hard}));
  return 0;
}

Value sys_setrlimit(Context& context, uint32_t resource, UserIn<abi::ResourceLimit> limit) {
  abi::ResourceLimit wanted = TRY(limit.read());
  if (resource >= kResourceCount) return Errno::Inval;
  TRY(set_limit(context.task, context.task, static_cast<Resource>(resource), wanted));
  return 0;
}

Value sys_prlimit64(Context& context, int32_t pid, uint32_t number,
                    UserIn<abi::ResourceLimit> limit, UserOut<abi::ResourceLimit> old) {
  abi::ResourceLimit wanted{};
  if (!limit.is_null()) wanted = TRY(limit.read());
  Optional<Ref<Task>> target;
  if (pid == 0) {
    target = Ref<Task>(context.task);
  } else {
    target = task::find_task(pid);
  }
  if (!target) return Errno::Srch;
  TRY(check_access(context.task, *target));
  if (number >= kResourceCount) return Errno::Inval;
  auto resource = static_cast<Resource>(number);
  Limit before = task::limit(target->group(), resource);
  if (!limit.is_null()) TRY(set_limit(context.task, *target, resource, wanted));
  if (!old.is_null()) TRY(old.write({before.soft, before.hard}));
  return 0;
}

Value sys_getrusage(Context& context, int32_t who, UserOut<abi::ResourceUsage> usage) {
  constexpr int32_t kSelf = 0, kChildren = -1, kThread = 1;
  ResourceUsage sum;
  ThreadGroup& group = context.task.group();
  switch (who) {
    case kSelf: sum = task::usage_of(group); break;
    case kThread: sum = task::usage_of(context.task); break;
    case kChildren: {
      Guard guard(task::tree_lock);
      sum = group.reaped_children;
      break;
    }
    default: return Errno::Inval;
  }
  if (who != kChildren && context.task.address_space != nullptr) {
    uint64_t peak = context.task.address_space->statistics().peak_resident * (kPageSize / KiB);
    if (peak > sum.max_resident_kib) sum.max_resident_kib = peak;
  }
  TRY(usage.write(encode_usage(sum)));
  return 0;
}

}  // namespace kernel::syscall
