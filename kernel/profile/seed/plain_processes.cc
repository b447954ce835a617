// SPDX-License-Identifier: MIT
// A seam: a process has one thread, one user, no terminal and no timers, and leaves no core.

#include "arch/user_registers.h"
#include "fs/tty/controlling.h"
#include "lib/log.h"
#include "ipc/undo_sharing.h"
#include "process/core_dump.h"
#include "process/fault_report.h"
#include "process/observe.h"
#include "process/pidfd.h"
#include "process/process_timers.h"
#include "process/restartable_sequence.h"
#include "process/system_settings.h"
#include "task/credential_change.h"
#include "vm/futex.h"

namespace kernel {

Result<std::optional<FileCapabilities>> FileCapabilities::parse(StringView) { return Errno::Inval; }
// The set-user-ID bits of files are not looked at.
Result<CredentialChange::ExecResult> CredentialChange::for_exec(Task& task, const ExecRequest&) {
  return ExecResult{TRY(task.credentials().clone()), false, false};
}
void CredentialChange::commit(Task&, Ref<Credentials>) {}

Result<> update_restartable_sequence(Task&, arch::TrapFrame&) { return {}; }
void set_restartable_area(Task&, UserAddr, uint32_t) {}

namespace futex {
void exit_pi(Task&) {}
void exit_robust_list(UserAddr, int32_t) {}
Result<int> wake(UserAddr, int, Scope, uint32_t) { return 0; }
}  // namespace futex

Result<SemaphoreUndoList*> share_semaphore_undo(Task&) { return Errno::Inval; }
void release_semaphore_undo(Task&) {}

Result<ReservedPidFd> ReservedPidFd::reserve(Task&, Ref<Pid>, UserAddr) { return Errno::Inval; }
ReservedPidFd::~ReservedPidFd() = default;
void ReservedPidFd::commit() {}
Result<Ref<Pid>> pid_of_pidfd(const File&) { return Errno::BadF; }

void leave_controlling_terminal(ThreadGroup&) {}
void hang_up_controlling_terminal() {}

namespace process_timers {
void exec(ThreadGroup&) {}
void end(ThreadGroup&) {}
void timer_signal_taken(ThreadGroup&, SignalInfo&) {}
}  // namespace process_timers

Optional<Ref<AddressSpace>> address_space_of(const Task& task) {
  Guard guard(task.group().signal_lock);
  if (task.address_space == nullptr) return {};
  return Ref<AddressSpace>(*task.address_space);
}

void report_fatal_signal(Task& task, const arch::TrapFrame& frame, const SignalInfo& info) {
  log_info("{}[{}]: signal {} at pc 0x{x}", task.name(), task.tid(),
           static_cast<unsigned>(info.signal), arch::program_counter(frame));
}
void dump_core(Task&, const SignalInfo&, int32_t) {}
void stop_for_core_dump(Task&) {}

// --- Memory: nothing is locked or counted, and what is to be populated comes by demand.
Result<> AddressSpace::populate(UserRange, bool) { return {}; }
bool AddressSpace::may_exceed_locked() { return true; }
AddressSpace::Statistics AddressSpace::statistics() { return {}; }

namespace settings {
namespace {
constinit char name[kNameLimit] = "(none)";
constinit size_t length = 6;
}  // namespace

Result<String> host_name() { return String::create(StringView(name, length)); }
Result<> set_host_name(StringView wanted) {
  if (wanted.size() > kNameLimit) return Errno::Inval;
  __builtin_memcpy(name, wanted.data(), length = wanted.size());
  return {};
}
Result<String> domain_name() { return String::create("(none)"); }
Result<> set_domain_name(StringView) { return Errno::Perm; }
uint64_t thread_limit() { return 4096; }
bool randomise_addresses() { return false; }
}  // namespace settings
}  // namespace kernel
