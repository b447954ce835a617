// SPDX-License-Identifier: MIT
// Which CPUs a thread may use and which one it is on: sched_setaffinity(2), getcpu(2).

#include "sched/scheduler.h"
#include "sync/per_cpu.h"
#include "syscall/declarations.h"
#include "syscall/sched_permission.h"

namespace kernel::syscall {

// A shorter mask is filled up with zeros; CPUs beyond ours do not exist.
Value sys_sched_setaffinity(Context& context, int32_t pid, uint32_t size, UserAddr mask) {
  CpuMask wanted = 0;
  TRY(copy_in(&wanted, mask, size < sizeof wanted ? size : sizeof wanted));
  Ref<Task> target = TRY(find_sched_target(context, pid));
  if (!has_same_owner(context, *target) && !context.task.credentials().has(Capability::SysNice)) {
    return Errno::Perm;
  }
  TRY(target->set_affinity(wanted));
  return 0;
}

// Returns how many bytes it wrote.
Value sys_sched_getaffinity(Context& context, int32_t pid, uint32_t size, UserAddr mask) {
  if (uint64_t{size} * 8 < sched::online_cpu_count() || size % sizeof(uint64_t) != 0)
    return Errno::Inval;
  CpuMask allowed = TRY(find_sched_target(context, pid))->affinity() & sched::online_cpus();
  TRY(copy_out(mask, &allowed, sizeof allowed));
  return int64_t{sizeof allowed};
}

// The third argument is unused since Linux 2.6.24.
Value sys_getcpu(Context& context, UserOut<uint32_t> cpu, UserOut<uint32_t> node, UserAddr) {
  if (!cpu.is_null()) TRY(cpu.write(context.task.cpu()));
  if (!node.is_null()) TRY(node.write(0));
  return 0;
}

}  // namespace kernel::syscall
