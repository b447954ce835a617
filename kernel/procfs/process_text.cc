// SPDX-License-Identifier: MIT
// The text files of a process: stat, status, limits and their like (proc(5)), in Linux's formats.

#include "fs/vfs/fd_table.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/vfs.h"
#include "fs/tty/terminal_file.h"
#include "process/observe.h"
#include "procfs/process.h"
#include "sched/cpu_list.h"
#include "vm/address_space.h"

namespace kernel::procfs {
namespace {

struct StateName {
  char letter;
  const char* name;
};

StateName state_of(const Task& task) {
  if (task.group().state != ThreadGroup::State::Live && task.is_group_leader())
    return {'Z', "zombie"};
  switch (task.state()) {
    case ThreadState::Interruptible: return {'S', "sleeping"};
    case ThreadState::Killable:
    case ThreadState::Uninterruptible: return {'D', "disk sleep"};
    case ThreadState::Stopped: return {'T', "stopped"};
    case ThreadState::Dead:
      return {task.is_group_leader() ? 'Z' : 'X', task.is_group_leader() ? "zombie" : "dead"};
    default: return {'R', "running"};
  }
}

// What stat and status need of the tree and the signals, taken at one moment each.
struct Relations {
  PidNumber parent = 0, group = 0, session = 0;
  unsigned threads = 0;
};
Relations relations_of(const Task& task) {
  ThreadGroup& group = task.group();
  Guard guard(task::tree_lock);
  Relations relations;
  if (group.parent != nullptr) relations.parent = group.parent->pid();
  relations.group = group.process_group->number();
  relations.session = group.session->number();
  relations.threads = group.thread_count == 0 ? 1 : group.thread_count;
  return relations;
}

struct SignalState {
  SignalSet pending, shared, blocked, ignored, caught;
};
SignalState signals_of(const Task& task) {
  ThreadGroup& group = task.group();
  SignalState state;
  Guard guard(group.signal_lock);
  state.pending = task.pending.set();
  state.shared = group.pending.set();
  state.blocked = task.blocked;
  Guard actions_guard(group.handlers->lock);
  for (unsigned number = 1; number <= kSignalCount; ++number) {
    uint64_t handler = group.handlers->actions[number].handler;
    if (handler == kHandlerIgnore) state.ignored.add(static_cast<Signal>(number));
    if (handler > kHandlerIgnore) state.caught.add(static_cast<Signal>(number));
  }
  return state;
}

// Linux's encoding of a terminal in stat: minor in bits 31-20 and 7-0, major in 15-8.
struct TerminalNumbers {
  uint64_t device = 0;
  int32_t foreground = -1;
};
TerminalNumbers terminal_of(const Task& task) {
  TerminalNumbers numbers;
  Optional<Ref<Terminal>> terminal;
  {
    Guard guard(task::tree_lock);
    Terminal* found = task::session_terminal(*task.group().session);
    if (found != nullptr && found->try_ref()) terminal = Ref<Terminal>::adopt(*found);
  }
  if (!terminal) return numbers;
  numbers.device = terminal->number().encode();
  numbers.foreground = terminal->foreground_number();
  return numbers;
}

constexpr uint64_t pages_to_kib(uint64_t pages) { return pages * (kPageSize / KiB); }

}  // namespace

Result<> stat_text(FormatSink& sink, Task& task, bool whole_process) {
  Relations relations = relations_of(task);
  SignalState signals = signals_of(task);
  TerminalNumbers terminal = terminal_of(task);
  SchedParameters sched = task.parameters();
  ResourceUsage usage = whole_process ? task::usage_of(task.group()) : task::usage_of(task);
  ResourceUsage children;
  {
    Guard guard(task::tree_lock);
    children = task.group().reaped_children;
  }
  Optional<Ref<AddressSpace>> space = address_space_of(task);
  AddressSpace::Statistics memory;
  AddressSpace::Layout layout;
  if (space) {
    memory = space->statistics();
    if (may_inspect(task)) layout = space->layout;
  }
  SchedParameters effective = task.effective_parameters();
  int priority = effective.is_realtime() ? -1 - effective.rt_priority : 20 + effective.nice;

  format(sink, "{} ({}) {} {} {} {} {} {} {} ", whole_process ? task.group().pid() : task.tid(),
         task.name(), state_of(task).letter, relations.parent, relations.group, relations.session,
         terminal.device, terminal.foreground, !task.group().executed ? 0x40u : 0u);
  format(sink, "{} {} {} {} {} {} {} {} ", usage.minor_faults, children.minor_faults,
         usage.major_faults, children.major_faults, ticks(usage.user_time_ns),
         ticks(usage.system_time_ns), ticks(children.user_time_ns), ticks(children.system_time_ns));
  format(sink, "{} {} {} 0 {} {} {} {} ", priority, sched.nice, relations.threads,
         ticks(task.start_time_ns), memory.mapped_pages * kPageSize,
         memory.resident_anonymous + memory.resident_file + memory.resident_shared,
         task::limit(task.group(), Resource::Rss).soft);
  format(sink, "{} {} {} 0 0 ", raw(layout.code.start), raw(layout.code.end),
         raw(layout.stack_start));
  format(sink, "{} {} {} {} ", signals.pending.bits() & 0x7fffffff,
         signals.blocked.bits() & 0x7fffffff, signals.ignored.bits() & 0x7fffffff,
         signals.caught.bits() & 0x7fffffff);
  format(sink, "0 0 0 {} {} {} {} 0 0 0 ",
         task.group().exit_signal == Signal::None ? 0 : static_cast<int>(task.group().exit_signal),
         task.cpu(), sched.rt_priority, static_cast<int>(sched.policy));
  format(sink, "{} {} {} {} {} {} {} {}\n", raw(layout.data.start), raw(layout.data.end),
         raw(layout.break_start), raw(layout.arguments.start), raw(layout.arguments.end),
         raw(layout.environment.start), raw(layout.environment.end),
         may_inspect(task) ? task.group().exit_code : 0);
  return {};
}

Result<> statm_text(FormatSink& sink, Task& task, bool) {
  Optional<Ref<AddressSpace>> space = address_space_of(task);
  if (!space) {
    sink.write("0 0 0 0 0 0 0\n");
    return {};
  }
  AddressSpace::Statistics memory = space->statistics();
  uint64_t shared = memory.resident_file + memory.resident_shared;
  format(sink, "{} {} {} {} 0 {} 0\n", memory.mapped_pages, memory.resident_anonymous + shared,
         shared, memory.code_pages, memory.data_pages + memory.stack_pages);
  return {};
}

namespace {

// A name may hold anything: newlines and backslashes would break the lines that follow.
void put_escaped(FormatSink& sink, StringView text) {
  for (char c : text) {
    if (c == '\n') {
      sink.write("\\n");
    } else if (c == '\\') {
      sink.write("\\\\");
    } else {
      sink.write(StringView(&c, 1));
    }
  }
}

void status_identity(FormatSink& sink, Task& task) {
  Relations relations = relations_of(task);
  StateName state = state_of(task);
  Optional<Ref<FsContext>> fs = fs_context_of(task);
  sink.write("Name:\t");
  put_escaped(sink, task.name());
  sink.write("\n");
  if (fs) format(sink, "Umask:\t{:04o}\n", fs->umask());
  format(sink, "State:\t{} ({})\nTgid:\t{}\nNgid:\t0\nPid:\t{}\nPPid:\t{}\nTracerPid:\t0\n",
         state.letter, state.name, task.group().pid(), task.tid(), relations.parent);
  Ref<Credentials> who = task::credentials_of(task);
  format(sink, "Uid:\t{}\t{}\t{}\t{}\n", who->uid, who->euid, who->suid, who->fsuid);
  format(sink, "Gid:\t{}\t{}\t{}\t{}\n", who->gid, who->egid, who->sgid, who->fsgid);
  Optional<Ref<FdTable>> files = files_of(task);
  format(sink, "FDSize:\t{}\nGroups:\t", files ? files->capacity() : 0);
  if (who->groups.empty()) sink.write(" ");
  for (Gid group : who->groups) format(sink, "{} ", group);
  format(sink, "\nNStgid:\t{}\nNSpid:\t{}\nNSpgid:\t{}\nNSsid:\t{}\n", task.group().pid(),
         task.tid(), relations.group, relations.session);
}

void status_memory(FormatSink& sink, Task& task) {
  Optional<Ref<AddressSpace>> space = address_space_of(task);
  if (!space) return;
  AddressSpace::Statistics memory = space->statistics();
  uint64_t resident = memory.resident_anonymous + memory.resident_file + memory.resident_shared;
  auto line = [&](StringView name, uint64_t pages) {
    format(sink, "{}:\t{:8} kB\n", name, pages_to_kib(pages));
  };
  line("VmPeak", memory.peak_mapped_pages);
  line("VmSize", memory.mapped_pages);
  line("VmLck", memory.locked_pages);
  line("VmPin", 0);
  line("VmHWM", memory.peak_resident > resident ? memory.peak_resident : resident);
  line("VmRSS", resident);
  line("RssAnon", memory.resident_anonymous);
  line("RssFile", memory.resident_file);
  line("RssShmem", memory.resident_shared);
  line("VmData", memory.data_pages);
  line("VmStk", memory.stack_pages);
  line("VmExe", memory.code_pages);
  line("VmLib", 0);
  line("VmPTE", memory.table_pages);
  line("VmSwap", 0);
  line("HugetlbPages", 0);
  sink.write("CoreDumping:\t0\nTHP_enabled:\t1\n");
}

}  // namespace

Result<> status_text(FormatSink& sink, Task& task, bool) {
  status_identity(sink, task);
  status_memory(sink, task);
  SignalState signals = signals_of(task);
  Ref<Credentials> who = task::credentials_of(task);
  format(sink, "Threads:\t{}\nSigQ:\t{}/{}\n", relations_of(task).threads,
         pending_signal_count(*who), task::limit(task.group(), Resource::SigPending).soft);
  format(
      sink,
      "SigPnd:\t{:016x}\nShdPnd:\t{:016x}\nSigBlk:\t{:016x}\nSigIgn:\t{:016x}\nSigCgt:\t{:016x}\n",
      signals.pending.bits(), signals.shared.bits(), signals.blocked.bits(), signals.ignored.bits(),
      signals.caught.bits());
  format(
      sink,
      "CapInh:\t{:016x}\nCapPrm:\t{:016x}\nCapEff:\t{:016x}\nCapBnd:\t{:016x}\nCapAmb:\t{:016x}\n",
      who->inheritable, who->permitted, who->effective, who->bounding, who->ambient);
  format(sink, "NoNewPrivs:\t{}\nSeccomp:\t0\nSeccomp_filters:\t0\n",
         task.no_new_privileges ? 1 : 0);
  sink.write("Speculation_Store_Bypass:\tunknown\nSpeculationIndirectBranch:\tunknown\n");
  CpuMask affinity = task.affinity() & sched::online_cpus();
  format(sink, "Cpus_allowed:\t{x}\nCpus_allowed_list:\t", affinity);
  format_cpu_list(sink, affinity);
  sink.write("\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
  format(sink, "voluntary_ctxt_switches:\t{}\nnonvoluntary_ctxt_switches:\t{}\n",
         task.voluntary_switches(), task.involuntary_switches());
  return {};
}

Result<> limits_text(FormatSink& sink, Task& task, bool) {
  struct Row {
    const char* name;
    const char* unit;
  };
  static constexpr Row kRows[kResourceCount] = {
      {"Max cpu time", "seconds"},     {"Max file size", "bytes"},
      {"Max data size", "bytes"},      {"Max stack size", "bytes"},
      {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
      {"Max processes", "processes"},  {"Max open files", "files"},
      {"Max locked memory", "bytes"},  {"Max address space", "bytes"},
      {"Max file locks", "locks"},     {"Max pending signals", "signals"},
      {"Max msgqueue size", "bytes"},  {"Max nice priority", ""},
      {"Max realtime priority", ""},   {"Max realtime timeout", "us"}};
  format(sink, "{:-25} {:-20} {:-20} {:-10}\n", "Limit", "Soft Limit", "Hard Limit", "Units");
  for (size_t i = 0; i < kResourceCount; ++i) {
    Limit limit = task::limit(task.group(), static_cast<Resource>(i));
    format(sink, "{:-25} ", kRows[i].name);
    for (uint64_t value : {limit.soft, limit.hard}) {
      if (value == kUnlimited) {
        format(sink, "{:-20} ", "unlimited");
      } else {
        format(sink, "{:-20} ", value);
      }
    }
    format(sink, kRows[i].unit[0] == '\0' ? "\n" : "{:-10}\n", kRows[i].unit);
  }
  return {};
}

Result<> wchan_text(FormatSink& sink, Task&, bool) {
  sink.write("0");  // as Linux tells those who may not know kernel symbols
  return {};
}

// One user namespace, in which every id is itself.
Result<> id_map_text(FormatSink& sink, Task&, bool) {
  format(sink, "{:10} {:10} {:10}\n", 0, 0, kNoId);
  return {};
}
Result<> setgroups_text(FormatSink& sink, Task&, bool) { return sink.write("allow\n"), Result<>(); }
Result<> refuse_store(StringView, Task&) { return Errno::Perm; }

Result<> io_text(FormatSink& sink, Task& task, bool whole_process) {
  uint64_t counts[4] = {};
  auto add = [&counts](const Task& thread) {
    counts[0] += thread.read_bytes;
    counts[1] += thread.write_bytes;
    counts[2] += thread.read_calls;
    counts[3] += thread.write_calls;
  };
  if (whole_process) {
    Guard guard(task::tree_lock);
    for (Task& thread : task.group().threads) add(thread);
  } else {
    add(task);
  }
  format(sink, "rchar: {}\nwchar: {}\nsyscr: {}\nsyscw: {}\n", counts[0], counts[1], counts[2],
         counts[3]);
  sink.write("read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
  return {};
}

namespace {

Result<> mount_table(FormatSink& sink, Task& task, bool with_ids) {
  Optional<Ref<FsContext>> fs = fs_context_of(task);
  if (!fs) return Errno::Inval;
  return vfs::show_mounts(sink, fs->root(), with_ids);
}

// A stretch of the process's own memory, as it is now.
Result<> memory_text(FormatSink& sink, AddressSpace& space, UserRange range) {
  UserAddr at = range.start;
  while (at < range.end) {
    char piece[256];
    IoBuffer buffer = IoBuffer::kernel(piece, std::min<uint64_t>(sizeof piece, range.end - at));
    size_t got = TRY(space.access_memory(at, buffer, AddressSpace::MemoryAccess::Read));
    if (got == 0) break;
    sink.write(StringView(piece, got));
    at += got;
  }
  return {};
}

}  // namespace

Result<> mounts_text(FormatSink& sink, Task& task, bool) { return mount_table(sink, task, false); }
Result<> mountinfo_text(FormatSink& sink, Task& task, bool) {
  return mount_table(sink, task, true);
}

Result<> cmdline_text(FormatSink& sink, Task& task, bool) {
  Optional<Ref<AddressSpace>> space = address_space_of(task);
  if (!space) return {};
  return memory_text(sink, *space, space->layout.arguments);
}

Result<> environ_text(FormatSink& sink, Task& task, bool) {
  Optional<Ref<AddressSpace>> space = address_space_of(task);
  if (!space) return {};
  return memory_text(sink, *space, space->layout.environment);
}

Result<> auxv_text(FormatSink& sink, Task& task, bool) {
  Optional<Ref<AddressSpace>> space = address_space_of(task);
  if (!space) return {};
  sink.write(
      StringView(reinterpret_cast<const char*>(space->auxv), space->auxv_count * sizeof(uint64_t)));
  return {};
}

}  // namespace kernel::procfs
