// SPDX-License-Identifier: MIT
// See exec.h. First everything that may fail and leave the caller as it was: strings, files,
// headers, credentials, an empty address space. Then the point of no return: other threads end, the
// old memory goes; an error from here on kills the task with SIGSEGV.

#include "process/exec.h"

#include "arch/irq_state.h"
#include "arch/user_registers.h"
#include "process/elf_loader.h"
#include "process/exec_program.h"
#include "process/exec_stack.h"
#include "process/exec_threads.h"
#include "process/exit.h"
#include "process/process_timers.h"
#include "process/restartable_sequence.h"
#include "process/system_settings.h"
#include "sync/random.h"
#include "task/credential_change.h"
#include "task/signal_post.h"
#include "vm/vdso.h"

namespace kernel {
namespace {

constexpr uint32_t kNoRandomise = 0x0040000;               // personality(2), ADDR_NO_RANDOMIZE
constexpr uint32_t kReadImpliesExec = 0x0400000;
constexpr uint32_t kClearedOnGain =
    0x0040000 | 0x0100000 | 0x0200000 | 0x0400000;                 // PER_CLEAR_ON_SETID
constexpr uint64_t kProgramBase = raw(arch::kUserLimit) / 3 * 2;   // ELF_ET_DYN_BASE
constexpr uint64_t kRandomBasePages = uint64_t{1} << 18;           // vm.mmap_rnd_bits
constexpr uint64_t kRandomBreak = 1 * GiB;
constexpr uint64_t kDefaultStackLimit = 8 * MiB;

// RLIMIT_NPROC, found exceeded by an earlier setuid(2).
Result<> check_process_limit(Task& task) {
  if (!task.process_limit_exceeded) return {};
  Limit limit = task::limit(task.group(), Resource::Processes);
  if (task.credentials().account->processes.load_relaxed() > limit.soft) return Errno::Again;
  task.process_limit_exceeded = false;
  return {};
}

// Could a thread outside this process change our root or working directory?
bool shares_fs_context(const Task& task) {
  if (task.fs_context == nullptr) return false;
  Guard guard(task::tree_lock);
  uint32_t own = 0;
  for (const Task& thread : task.group().threads)
    own += thread.fs_context == task.fs_context ? 1 : 0;
  return task.fs_context->ref_count() > own;
}

Result<std::optional<FileCapabilities>> file_capabilities(const File& file) {
  if (!file.inode().has_capabilities.load_relaxed()) return std::optional<FileCapabilities>();
  Result<String> value = vfs::get_xattr(file.path(), kFileCapabilitiesName);
  if (value.failed_with(Errno::NoData)) return std::optional<FileCapabilities>();
  return FileCapabilities::parse(TRY(std::move(value)));
}

Result<CredentialChange::ExecResult> new_credentials(Task& task, const File& file) {
  CredentialChange::ExecRequest request;
  request.shares_fs = shares_fs_context(task);
  const Inode& inode = file.inode();
  uint16_t mode = inode.mode();
  bool may_gain = !file.path().mount().has(kMountNoSuid);
  if (may_gain && !task.no_new_privileges) {
    if ((mode & kModeSetUid) != 0) request.set_uid = inode.uid();
    // Without group execute the bit means mandatory locking.
    if ((mode & kModeSetGid) != 0 && (mode & 0010) != 0) request.set_gid = inode.gid();
  }
  if (may_gain) request.file = TRY(file_capabilities(file));
  return CredentialChange::for_exec(task, request);
}

// --- Behind the point of no return.

void apply_limits(const Task& task, AddressSpace& space, bool secure) {
  ThreadGroup& group = task.group();
  Guard guard(group.signal_lock);
  Limit& stack = group.limits[static_cast<size_t>(Resource::Stack)];
  if (secure && stack.soft > kDefaultStackLimit) stack.soft = kDefaultStackLimit;
  space.limit_stack.store_relaxed(stack.soft);
  space.limit_total.store_relaxed(group.limits[static_cast<size_t>(Resource::AddressSpace)].soft);
  space.limit_data.store_relaxed(group.limits[static_cast<size_t>(Resource::Data)].soft);
  space.limit_locked.store_relaxed(group.limits[static_cast<size_t>(Resource::MemLock)].soft);
}

void replace_memory(Task& task, Ref<AddressSpace> space) {
  release_memory(task);
  task.owns_no_more = false;
  AddressSpace* old = task.address_space;
  {
    Guard guard(task.group().signal_lock);
    sched::switch_address_space(std::move(space).leak());
  }
  if (old != nullptr) old->unref();
}

// What other processes share stays theirs (CLONE_FILES, CLONE_SIGHAND without CLONE_THREAD).
Result<> unshare_tables(Task& task) {
  ThreadGroup& group = task.group();
  if (task.files->ref_count() > 1) {
    FdTable* copy = TRY(task.files->clone()).leak();
    FdTable* old;
    {
      Guard guard(group.signal_lock);
      old = std::exchange(task.files, copy);
    }
    old->unref();
  }
  Ref<SignalHandlers> handlers = [&group] {
    Guard guard(group.signal_lock);
    return group.handlers;
  }();
  if (handlers->ref_count() > 2) {  // the group's and ours
    Ref<SignalHandlers> copy = TRY(handlers->clone());
    Guard guard(group.signal_lock);
    std::swap(group.handlers, copy);
  }
  return {};
}

StringView base_name(StringView path) {
  size_t slash = path.rfind('/');
  return slash == StringView::npos ? path : path.substr(slash + 1);
}

bool may_read(const File& file, const Credentials& credentials) {
  return vfs::check_permission(file.inode(), vfs::kMayRead, credentials).ok();
}

void name_task(Task& task, const ExecFile& file, const File& program) {
  RcuReadGuard reading;  // a rename replaces the name
  task.set_name(file.is_opened ? program.path().dentry().name() : base_name(file.name));
}

void reset_task(Task& task, CredentialChange::ExecResult& change, bool readable) {
  ThreadGroup& group = task.group();
  task.files->close_on_exec();
  process_timers::exec(group);
  {
    Guard guard(group.signal_lock);
    group.handlers->reset_caught();
  }
  task.alt_stack.base = UserAddr{};
  task.alt_stack.size = 0;
  task.restart = {};
  set_restartable_area(task, UserAddr{}, 0);
  task.memory_flags &= ~uint32_t{kMemoryTaggedAddresses};
  task.set_child_tid = UserAddr{};
  task.fault_address = task.fault_syndrome = 0;
  group.personality &= ~kReadImpliesExec;  // AArch64 programs do without
  if (change.gained) group.personality &= ~kClearedOnGain;
  const Credentials& credentials = *change.credentials;
  group.dumpable =
      readable && credentials.euid == credentials.uid && credentials.egid == credentials.gid;
  group.executed = true;
  ++group.exec_count;
  if (change.secure) task.parent_death_signal = 0;
}

struct Loaded {
  LoadedImage program;
  UserAddr entry{};
  UserAddr interpreter_base{};
};

// mmap(2) begins below the stack: the most that it may grow to, its guard gap, its random offset,
// then an offset of its own. Programs count on Linux's distance: ThreadSanitizer knows only the
// uppermost 4 GiB. Linux maps upwards when the stack is unlimited; here it gets most of all.
void place_mappings(AddressSpace& space, bool randomise) {
  constexpr uint64_t kMostStackRoom = raw(arch::kUserLimit) / 6 * 5;
  uint64_t room = space.limit_stack.load_relaxed();
  uint64_t beside = kStackGuardGap + (randomise ? (kRandomStackPages - 1) * kPageSize : 0);
  room = room < kMostStackRoom - beside ? room + beside : kMostStackRoom;
  if (room < AddressSpace::kLeastStackRoom) room = AddressSpace::kLeastStackRoom;
  if (randomise) room += random::below(kRandomBasePages) * kPageSize;
  space.mmap_base = align_up(arch::kUserLimit - room, kPageSize);
}

Result<Loaded> map_program(AddressSpace& space, const ExecProgram& program, bool randomise) {
  LoadPlace place;
  if (program.image.header.position_independent) {
    place.kind = LoadPlace::Kind::Anywhere;
    if (program.interpreter) {
      place.kind = LoadPlace::Kind::At;
      place.base = align_down(kProgramBase, kPageSize);
      if (randomise) place.base += random::below(kRandomBasePages) * kPageSize;
      if (program.image.greatest_alignment > kPageSize)
        place.base = align_down(place.base, program.image.greatest_alignment);
    }
  }
  Loaded loaded{.program = TRY(load_image(space, *program.file, program.image, place))};
  loaded.entry = loaded.program.at(program.image.header.entry);
  if (program.interpreter) {
    const elf::Image& image = program.interpreter->image;
    LoadPlace anywhere{.kind = image.header.position_independent ? LoadPlace::Kind::Anywhere
                                                                 : LoadPlace::Kind::AsLinked,
                       .fixed = MapRequest::Placement::Fixed};
    LoadedImage interpreter = TRY(load_image(space, *program.interpreter->file, image, anywhere));
    loaded.entry = interpreter.at(image.header.entry);
    loaded.interpreter_base = UserAddr{interpreter.bias};
  }
  if (loaded.entry >= arch::kUserLimit) return Errno::Inval;
  return loaded;
}

void place_break(AddressSpace& space, const Loaded& loaded, const ExecProgram& program,
                 bool randomise) {
  UserAddr start = align_up(loaded.program.end, kPageSize);
  if (randomise) {
    // A loader that was called by itself would share the mmap area with its heap.
    if (program.image.header.position_independent && !program.interpreter)
      start = UserAddr{align_down(kProgramBase, kPageSize)};
    start = start + random::below(kRandomBreak / kPageSize) * kPageSize;
  }
  space.layout.break_start = space.layout.break_end = start;
}

Result<> build_program(Task& task, arch::TrapFrame& frame, const ExecProgram& program,
                       const ExecStrings& strings, bool secure) {
  AddressSpace& space = *task.address_space;
  bool randomise =
      settings::randomise_addresses() && (task.group().personality & kNoRandomise) == 0;
  apply_limits(task, space, secure);
  place_mappings(space, randomise);
  Loaded loaded = TRY(map_program(space, program, randomise));
  place_break(space, loaded, program, randomise);
  space.layout.code = loaded.program.code;
  space.layout.data = loaded.program.data;
  TRY(vdso::map(space));
  StackRequest stack{.block = strings.block,
                     .argument_count = strings.argument_count,
                     .environment_count = strings.environment_count,
                     .image = program.image,
                     .program = loaded.program,
                     .interpreter_base = loaded.interpreter_base,
                     .credentials = task.credentials(),
                     .secure = secure,
                     .randomise = randomise,
                     .executable = program.image.executable_stack};
  UserAddr stack_pointer = TRY(build_stack(space, stack));
  arch::start_program(frame, loaded.entry, stack_pointer);
  arch::IrqState state = arch::disable_interrupts();
  task.user_state = {};
  arch::load_user_state(task.user_state);
  arch::restore_interrupts(state);
  return {};
}

Result<> become(Task& task, arch::TrapFrame& frame, const ExecFile& file,
                const ExecProgram& program, const ExecStrings& strings,
                CredentialChange::ExecResult change, Ref<AddressSpace> space) {
  space->executable = Ref<File>(*program.file).leak();
  bool readable = may_read(*program.file, task.credentials());
  replace_memory(task, std::move(space));
  TRY(unshare_tables(task));
  bool secure = change.secure;
  name_task(task, file, *program.file);
  reset_task(task, change, readable);
  CredentialChange::commit(task, std::move(change.credentials));
  return build_program(task, frame, program, strings, secure);
}

}  // namespace

Result<> execute(Task& task, arch::TrapFrame& frame, const ExecFile& file, ExecStrings strings) {
  TRY(check_process_limit(task));
  ExecProgram program = TRY(find_program(file, strings));
  CredentialChange::ExecResult change = TRY(new_credentials(task, *program.file));
  Ref<AddressSpace> space = TRY(AddressSpace::create());
  TRY(end_other_threads(task));
  Result<> done = become(task, frame, file, program, strings, std::move(change), std::move(space));
  if (!done.ok() && !sched::kill_pending())
    force_signal(task, kernel_signal(Signal::Segv), ForceMode::Kill);
  return done;
}

}  // namespace kernel
