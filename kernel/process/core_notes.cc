// SPDX-License-Identifier: MIT
// See core_notes.h. The layouts are Linux's; a field that nothing here has is zero.

#include "process/core_notes.h"

#include "arch/core_registers.h"
#include "process/signal_info.h"
#include "vm/user_copy.h"

namespace kernel {
namespace {

// linux/elf.h.
constexpr uint32_t kStatus = 1, kVectors = 2, kProcess = 3, kAuxiliary = 6,
                   kSignal = 0x53494749, kFiles = 0x46494c45, kThreadPointer = 0x401,
                   kSystemCall = 0x404;

struct UserTime {
  int64_t seconds, microseconds;
};
constexpr UserTime user_time(uint64_t ns) {
  return {static_cast<int64_t>(ns / kNanosPerSecond),
          static_cast<int64_t>(ns % kNanosPerSecond / 1000)};
}

struct ThreadStatus {  // struct elf_prstatus
  int32_t signal, code, error;
  int16_t current_signal;
  int16_t hole;
  uint64_t pending, blocked;
  int32_t pid, parent, process_group, session;
  UserTime user, system, children_user, children_system;
  arch::GeneralRegisters registers;
  int32_t has_vectors;
  int32_t tail;
};
static_assert(sizeof(ThreadStatus) == 392);

struct ProcessStatus {  // struct elf_prpsinfo
  char state, state_name, is_zombie;
  int8_t nice;
  uint32_t hole;
  uint64_t flags;
  uint32_t uid, gid;
  int32_t pid, parent, process_group, session;
  char name[16];
  char arguments[80];
};
static_assert(sizeof(ProcessStatus) == 136);

struct Relations {
  PidNumber parent, process_group, session;
};
Relations relations_of(const ThreadGroup& group) {
  Guard guard(task::tree_lock);
  return {group.parent == nullptr ? 0 : group.parent->pid(), group.process_group->number(),
          group.session->number()};
}

class NoteWriter {
 public:
  Result<> add(StringView owner, uint32_t type, const void* data, size_t size) {
    const uint32_t head[] = {static_cast<uint32_t>(owner.size() + 1), static_cast<uint32_t>(size),
                             type};
    TRY(append(head, sizeof head));
    TRY(append(owner.data(), owner.size()));
    TRY(append("", 1));
    TRY(pad());
    TRY(append(data, size));
    return pad();
  }
  template <class T>
  Result<> add(StringView owner, uint32_t type, const T& data) {
    return add(owner, type, &data, sizeof data);
  }
  Result<> append(const void* data, size_t size) {
    TRY(bytes_.reserve(bytes_.size() + size));
    for (size_t i = 0; i < size; ++i)
      bytes_.append_reserved(static_cast<const uint8_t*>(data)[i]);
    return {};
  }
  Vector<uint8_t> take() && { return std::move(bytes_); }
  std::span<const uint8_t> bytes() const { return bytes_.span(); }

 private:
  Result<> pad() {
    while (bytes_.size() % 4 != 0) TRY(bytes_.append(0));
    return {};
  }
  Vector<uint8_t> bytes_;
};

Result<> add_status(NoteWriter& notes, Task& task, const SignalInfo& info) {
  ThreadGroup& group = task.group();
  ThreadStatus status{};
  status.signal = static_cast<int32_t>(info.signal);
  status.current_signal = static_cast<int16_t>(info.signal);
  {
    Guard guard(group.signal_lock);
    status.pending = task.pending.set().bits();
    status.blocked = task.blocked.bits();
  }
  Relations relations = relations_of(group);
  status.pid = task.tid();
  status.parent = relations.parent;
  status.process_group = relations.process_group;
  status.session = relations.session;
  ResourceUsage used = task.is_group_leader() ? task::usage_of(group) : task::usage_of(task);
  status.user = user_time(used.user_time_ns);
  status.system = user_time(used.system_time_ns);
  {
    Guard guard(task::tree_lock);
    status.children_user = user_time(group.reaped_children.user_time_ns);
    status.children_system = user_time(group.reaped_children.system_time_ns);
  }
  status.registers = arch::general_registers(task.user_frame());
  status.has_vectors = 1;
  return notes.add("CORE", kStatus, status);
}

Result<> add_registers(NoteWriter& notes, Task& task) {
  TRY(notes.add("CORE", kVectors, arch::vector_registers(task.user_state)));
  const uint64_t thread_pointers[] = {arch::thread_pointer(task.user_state), 0};  // TPIDR2: none
  TRY(notes.add("LINUX", kThreadPointer, thread_pointers));
  const arch::TrapFrame& frame = task.user_frame();
  int32_t call = arch::in_syscall(frame) ? static_cast<int32_t>(arch::syscall_number(frame)) : -1;
  return notes.add("LINUX", kSystemCall, call);
}

Result<> add_process(NoteWriter& notes, Task& task) {
  ProcessStatus status{};
  status.state_name = 'R';
  status.nice = task.parameters().nice;
  status.uid = task.credentials().uid;
  status.gid = task.credentials().gid;
  Relations relations = relations_of(task.group());
  status.pid = task.group().pid();
  status.parent = relations.parent;
  status.process_group = relations.process_group;
  status.session = relations.session;
  StringView name = task.name();
  __builtin_memcpy(status.name, name.data(), name.size());
  const UserRange& arguments = task.address_space->layout.arguments;
  size_t size = arguments.size() < sizeof status.arguments ? arguments.size()
                                                            : sizeof status.arguments - 1;
  if (copy_in(status.arguments, arguments.start, size).ok()) {
    for (size_t i = 0; i < size; ++i) {
      if (status.arguments[i] == '\0') status.arguments[i] = ' ';
    }
  } else {
    __builtin_memset(status.arguments, 0, sizeof status.arguments);
  }
  return notes.add("CORE", kProcess, status);
}

// Numbers of all, then names of all.
Result<> add_files(NoteWriter& notes, std::span<const CoreSegment> segments) {
  NoteWriter list;
  uint64_t count = 0;
  for (const CoreSegment& segment : segments) count += segment.path.empty() ? 0 : 1;
  if (count == 0) return {};
  const uint64_t head[] = {count, kPageSize};
  TRY(list.append(head, sizeof head));
  for (const CoreSegment& segment : segments) {
    if (segment.path.empty()) continue;
    const uint64_t entry[] = {raw(segment.range.start), raw(segment.range.end),
                              segment.file_offset / kPageSize};
    TRY(list.append(entry, sizeof entry));
  }
  for (const CoreSegment& segment : segments) {
    if (!segment.path.empty()) TRY(list.append(segment.path.c_str(), segment.path.size() + 1));
  }
  return notes.add("CORE", kFiles, list.bytes().data(), list.bytes().size());
}

}  // namespace

Result<Vector<uint8_t>> core_notes(std::span<Task* const> threads, const SignalInfo& info,
                                   std::span<const CoreSegment> segments) {
  NoteWriter notes;
  for (Task* task : threads) {
    TRY(add_status(notes, *task, info));
    if (task == threads.front()) {
      const AddressSpace& space = *task->address_space;
      TRY(add_process(notes, *task));
      TRY(notes.add("CORE", kSignal, encode_signal_info(info)));
      TRY(notes.add("CORE", kAuxiliary, space.auxv, space.auxv_count * sizeof(uint64_t)));
      TRY(add_files(notes, segments));
    }
    TRY(add_registers(notes, *task));
  }
  return std::move(notes).take();
}

}  // namespace kernel
