// SPDX-License-Identifier: MIT
// See init.h. PID 1 begins as a task without memory in the kernel and becomes a program by the same
// execve as everybody else.

#include "process/init.h"

#include "arch/entry.h"
#include "arch/timer.h"
#include "lib/command_line.h"
#include "lib/log.h"
#include "process/exec.h"
#include "process/root_device.h"
#include "process/system_settings.h"
#include "process/task_factory.h"
#include "sched/clock.h"
#include "sched/scheduler.h"

namespace kernel {
namespace {

constexpr size_t kMaxInitStrings = 64;

Result<> run(Task& task, StringView path) {
  StringView arguments[kMaxInitStrings] = {path};
  size_t count = 1;
  for (StringView word : command_line::init_arguments()) {
    if (count < kMaxInitStrings) arguments[count++] = word;
  }
  ExecFile file{.start = {}, .path = path, .name = path};
  ExecStrings strings = TRY(begin_exec_strings(task, path));
  TRY(add_kernel_strings(strings, {arguments, count}, command_line::init_environment()));
  log_info("init: running {}", path);
  return execute(task, task.user_frame(), file, std::move(strings));
}

void open_console(Task& task) {
  vfs::OpenRequest request;
  request.flags = kOpenReadWrite;
  Result<Ref<File>> console = vfs::open({}, "/dev/console", request);
  if (!console.ok()) {
    log_warning("init: unable to open an initial console (error {})",
                static_cast<int32_t>(console.error()));
    return;
  }
  for (Fd fd = 0; fd < 3; ++fd) {
    if (!task.files->install(*console, false, 3, fd).ok()) return;
  }
}

bool is_missing(const Result<>& result) {
  return result.failed_with(Errno::NoEnt) || result.failed_with(Errno::NotDir);
}

// Returns when a program is ready to run in user mode.
void become_init(Task& task) {
  StringView early = command_line::value("rdinit").value_or("/init");
  if (vfs::lookup({}, early).ok()) {
    Result<> ran = run(task, early);
    if (ran.ok()) return;
    log_error("init: failed to execute {} (error {})", early, static_cast<int32_t>(ran.error()));
  } else {
    mount_root_device();
  }
  if (std::optional<StringView> chosen = command_line::value("init")) {
    Result<> asked = run(task, *chosen);
    if (asked.ok()) return;
    log_error("init: failed to execute {} (error {})", *chosen,
              static_cast<int32_t>(asked.error()));
    panic("Requested init failed");
  }
  constexpr StringView kUsual[] = {"/sbin/init", "/etc/init", "/bin/init", "/bin/sh"};
  for (StringView path : kUsual) {
    Result<> tried = run(task, path);
    if (tried.ok()) return;
    if (!is_missing(tried))
      log_error("init: {} exists but cannot be executed (error {})", path,
                static_cast<int32_t>(tried.error()));
  }
  panic("No working init found. Pass init= or rdinit= on the command line.");
}

void init_main(void*) {
  Task& task = current_task();
  open_console(task);
  become_init(task);
  // With QEMU's -icount a nanosecond is an instruction, and the counter starts with the machine: so
  // `samara run --icount` tells how many it took to come here.
  log_info("init: starts at {} ns, {} ns of them idle", clock::counter_to_ns(arch::counter()),
           sched::cpu_times(0).idle);
  handle_user_return_work(task.user_frame());
  arch::return_to_user(task.user_frame());
}

void set_limits(ThreadGroup& group) {
  uint64_t threads = settings::thread_limit() / 2;
  Guard guard(group.signal_lock);
  auto set = [&group](Resource resource, uint64_t soft, uint64_t hard) NO_THREAD_SAFETY_ANALYSIS {
    group.limits[static_cast<size_t>(resource)] = {soft, hard};  // SAFETY: the lock is held around
  };
  set(Resource::Stack, 8 * MiB, kUnlimited);
  set(Resource::Core, 0, kUnlimited);
  set(Resource::Processes, threads, threads);
  set(Resource::OpenFiles, 1024, 4096);
  set(Resource::MemLock, 8 * MiB, 8 * MiB);
  set(Resource::SigPending, threads, threads);
  set(Resource::MsgQueue, 819200, 819200);
  set(Resource::Nice, 0, 0);
  set(Resource::RtPriority, 0, 0);
}

}  // namespace

Result<> start_init(Ref<FsContext> context) {
  Ref<Pid> pid = TRY(Pid::allocate_number(1));
  UnbornTask task(TRY(TaskFactory::create(TRY(Credentials::create_root()), init_main)));
  Ref<ThreadGroup> group = TRY(TaskFactory::create_group(TRY(SignalHandlers::create())));
  set_limits(*group);
  group->unkillable = true;
  TaskFactory::set_leader_pid(*group, *pid);
  TaskFactory::set_group(*task, group);
  TaskFactory::set_pid(*task, pid);
  task->set_name("init");
  // Its children inherit it.
  if (command_line::value("trace") == StringView("syscalls")) {
    task->work.fetch_or_relaxed(kWorkTraceSyscall);
  }
  task->files = TRY(FdTable::create()).leak();
  task->fs_context = std::move(context).leak();
  {
    Guard guard(task::tree_lock);
    ProcessTree::add_group(*group, *task, nullptr, nullptr, Pid::zero(), Pid::zero());
  }
  std::move(task).born()->start();
  return {};
}

}  // namespace kernel
