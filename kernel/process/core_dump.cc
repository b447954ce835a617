// SPDX-License-Identifier: MIT
// See core_dump.h. The file: headers, notes, then each mapping's saved part from a page's start on.
// Pages that were never there are holes.

#include "process/core_dump.h"

#include "arch/core_registers.h"
#include "arch/irq_state.h"
#include "fs/vfs/vfs.h"
#include "lib/log.h"
#include "process/core_name.h"
#include "process/core_notes.h"
#include "process/system_settings.h"
#include "task/signal_post.h"

namespace kernel {
namespace {

enum Filter : uint32_t {
  kAnonymousPrivate = 1,
  kAnonymousShared = 2,
  kFilePrivate = 4,
  kFileShared = 8,
  kElfHeaders = 16,
};

struct Header {  // Elf64_Ehdr
  uint8_t ident[16];
  uint16_t type, machine;
  uint32_t version;
  uint64_t entry, program_headers, section_headers;
  uint32_t flags;
  uint16_t size, program_header_size, program_header_count, section_header_size,
      section_header_count, section_names;
};
static_assert(sizeof(Header) == 64);

struct ProgramHeader {  // Elf64_Phdr
  uint32_t type, flags;
  uint64_t offset, virtual_address, physical_address, file_size, memory_size, alignment;
};
static_assert(sizeof(ProgramHeader) == 56);

// Writes to the file up to RLIMIT_CORE; what lies beyond is lost, silently.
class CoreFile {
 public:
  CoreFile(File& file, uint64_t limit) : file_(file), limit_(limit) {}
  Result<> write(const void* data, size_t size) {
    if (size > limit_ - written_) return Errno::FBig;
    const uint8_t* at = static_cast<const uint8_t*>(data);
    for (size_t done = 0; done < size;) {
      IoBuffer buffer = IoBuffer::kernel(at + done, size - done);
      size_t moved = TRY(vfs::write(file_, buffer, offset_ + done));
      if (moved == 0) return Errno::Io;
      done += moved;
    }
    written_ += size;
    offset_ += size;
    return {};
  }
  void skip(uint64_t size) { offset_ += size; }
  void skip_to(uint64_t offset) { offset_ = offset; }
  uint64_t offset() const { return offset_; }
  // The last hole belongs to the file.
  Result<> end() {
    if (file_.inode().size() >= offset_) return {};
    --offset_;
    return write("", 1);
  }

 private:
  File& file_;
  const uint64_t limit_;
  uint64_t written_ = 0, offset_ = 0;
};

// --- What is saved.

struct Survey {
  Vector<CoreSegment> segments;
  const Path* root;
  uint32_t filter;
  Result<> result;
};

// As Linux's vma_dump_size(), but for the first pages of programs and libraries.
uint64_t saved_size(const AddressSpace::MappingView& view, uint32_t filter) {
  const Mapping& mapping = view.mapping;
  auto wants = [filter](Filter part) { return (filter & part) != 0; };
  auto all_if = [&mapping](bool wanted) { return wanted ? mapping.size() : uint64_t{0}; };
  if (mapping.flags.fixed_size) return mapping.size();
  if (mapping.flags.dont_dump) return 0;
  if (mapping.flags.shared) {
    bool named = mapping.file != nullptr && mapping.file->inode().links() != 0;
    return all_if(wants(named ? kFileShared : kAnonymousShared));
  }
  if (view.anonymous != 0 && wants(kAnonymousPrivate)) return mapping.size();
  return all_if(mapping.file != nullptr && wants(kFilePrivate));
}

bool may_hold_header(const Mapping& mapping) {
  return mapping.file != nullptr && !mapping.flags.shared && !mapping.flags.dont_dump &&
         mapping.object_offset == 0 && (mapping.protection & kProtRead) != 0;
}

bool survey(const AddressSpace::MappingView& view, void* context) {
  Survey& survey = *static_cast<Survey*>(context);
  const Mapping& mapping = view.mapping;
  CoreSegment segment{.range = mapping.range,
                      .saved = saved_size(view, survey.filter),
                      .protection = mapping.protection,
                      .file_offset = mapping.object_offset,
                      .path = {}};
  if (segment.saved == 0 && (survey.filter & kElfHeaders) != 0 && may_hold_header(mapping)) {
    segment.header_only = true;
    segment.saved = kPageSize;
  }
  if (mapping.file != nullptr) {
    Result<String> path = mapping.file->path().to_string(*survey.root);
    if (!path.ok()) {
      survey.result = path.error();
      return false;
    }
    segment.path = std::move(path).take();
  }
  survey.result = survey.segments.append(std::move(segment));
  return survey.result.ok();
}

// A file's first page is worth saving alone when it is an ELF header.
void drop_plain_files(AddressSpace& space, std::span<CoreSegment> segments) {
  for (CoreSegment& segment : segments) {
    if (!segment.header_only) continue;
    char magic[4] = {};
    IoBuffer buffer = IoBuffer::kernel(magic, sizeof magic);
    Result<size_t> read = space.access_memory(segment.range.start, buffer,
                                              AddressSpace::MemoryAccess::ForceRead);
    if (!read.ok() || StringView(magic, 4) != "\177ELF") segment.saved = 0;
  }
}

// --- The file.

uint32_t elf_flags(uint32_t protection) {
  constexpr uint32_t kExecute = 1, kWrite = 2, kRead = 4;
  return ((protection & kProtRead) != 0 ? kRead : 0) |
         ((protection & kProtWrite) != 0 ? kWrite : 0) |
         ((protection & kProtExec) != 0 ? kExecute : 0);
}

Result<> write_headers(CoreFile& file, std::span<const CoreSegment> segments, size_t notes_size) {
  constexpr uint16_t kTypeCore = 4;
  constexpr uint32_t kLoad = 1, kNote = 4;
  auto count = static_cast<uint16_t>(segments.size() + 1);
  Header header{};
  const uint8_t ident[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
  __builtin_memcpy(header.ident, ident, sizeof ident);
  header.type = kTypeCore;
  header.machine = arch::kElfMachine;
  header.version = 1;
  header.program_headers = header.size = sizeof header;
  header.program_header_size = sizeof(ProgramHeader);
  header.program_header_count = count;
  TRY(file.write(&header, sizeof header));
  uint64_t offset = sizeof header + count * sizeof(ProgramHeader);
  ProgramHeader notes{};
  notes.type = kNote;
  notes.offset = offset;
  notes.file_size = notes_size;
  TRY(file.write(&notes, sizeof notes));
  offset = align_up(offset + notes_size, kPageSize);
  for (const CoreSegment& segment : segments) {
    ProgramHeader load{};
    load.type = kLoad;
    load.flags = elf_flags(segment.protection);
    load.offset = offset;
    load.virtual_address = raw(segment.range.start);
    load.file_size = segment.saved;
    load.memory_size = segment.range.size();
    load.alignment = kPageSize;
    TRY(file.write(&load, sizeof load));
    offset += segment.saved;
  }
  return {};
}

Result<> write_memory(CoreFile& file, AddressSpace& space, const CoreSegment& segment,
                      Vector<uint8_t>& page) {
  UserAddr end = segment.range.start + segment.saved;
  for (UserAddr at = segment.range.start; at < end; at = at + kPageSize) {
    uint8_t resident = 1;
    bool anonymous = segment.path.empty();
    if (anonymous) ignore(space.residency(at, {&resident, 1}));
    IoBuffer buffer = IoBuffer::kernel(page.data(), kPageSize);
    bool there = (resident & 1) != 0;
    if (there) {
      Result<size_t> read =
          space.access_memory(at, buffer, AddressSpace::MemoryAccess::ForceRead);
      there = read.ok() && *read == kPageSize;
    }
    if (there) {
      TRY(file.write(page.data(), kPageSize));
    } else {
      file.skip(kPageSize);
    }
  }
  return {};
}

Result<> write_core(CoreFile& file, AddressSpace& space, std::span<Task* const> threads,
                    const SignalInfo& info, std::span<const CoreSegment> segments) {
  Vector<uint8_t> notes = TRY(core_notes(threads, info, segments));
  Vector<uint8_t> page;
  TRY(page.resize(kPageSize));
  TRY(write_headers(file, segments, notes.size()));
  TRY(file.write(notes.data(), notes.size()));
  file.skip_to(align_up(file.offset(), kPageSize));
  for (const CoreSegment& segment : segments) TRY(write_memory(file, space, segment, page));
  return file.end();
}

Result<String> name_for(Task& task, int32_t signal, uint64_t limit) {
  String pattern = TRY(settings::core_pattern());
  String host = TRY(settings::host_name());
  String path;
  if (File* program = task.address_space->executable)
    path = TRY(program->path().to_string(task.fs_context->root()));
  const Credentials& credentials = task.credentials();
  return core_name(pattern, settings::core_uses_pid(),
                   {.pid = task.group().pid(),
                    .tid = task.tid(),
                    .uid = credentials.uid,
                    .gid = credentials.gid,
                    .dumpable = task.group().dumpable ? 1 : 0,
                    .signal = signal,
                    .time = static_cast<int64_t>(clock::realtime() / kNanosPerSecond),
                    .host = host,
                    .command = task.name(),
                    .path = path,
                    .limit = limit});
}

// A new file of the user's own; never somebody else's, or one with a second name.
Result<Ref<File>> create_file(StringView name) {
  ignore(vfs::unlink({}, name));
  vfs::OpenRequest request;
  request.flags =
      kOpenCreate | kOpenExclusive | kOpenReadWrite | kOpenNoFollow | kOpenLargeFile;
  request.mode = 0600;
  Ref<File> file = TRY(vfs::open({}, name, request));
  const Inode& inode = file->inode();
  bool is_plain = inode.type() == FileType::Regular && inode.links() == 1 &&
                  inode.uid() == current_task().credentials().fsuid;
  return is_plain ? Result<Ref<File>>(std::move(file)) : Errno::Perm;
}

// The file may be cut short.
Result<> write_file(Task& task, std::span<Task* const> threads, const SignalInfo& info,
                        uint64_t limit) {
  AddressSpace& space = *task.address_space;
  Path root = task.fs_context->root();
  Survey found{.segments = {},
               .root = &root,
               .filter = task.group().core_filter.load_relaxed(),
               .result = {}};
  space.for_each_mapping(UserAddr{0}, /*with_pages=*/true, survey, &found);
  TRY(found.result);
  drop_plain_files(space, found.segments.span());
  String name = TRY(name_for(task, static_cast<int32_t>(info.signal), limit));
  Ref<File> file = TRY(create_file(name));
  CoreFile core(*file, limit);
  ignore(write_core(core, space, threads, info, found.segments.span()));
  return {};
}

// False: the process ends already, for another reason.
bool begin(CoreDump& dump, ThreadGroup& group, int32_t exit_code) {
  Guard guard(group.signal_lock);
  if (group.group_exiting || group.exec_survivor != nullptr) return false;
  group.core_dump = &dump;
  kill_group_locked(group, exit_code);
  // The others are told; this thread's waits for files are not to end early.
  current().work.fetch_and_relaxed(~uint32_t{kWorkKill | kWorkSignal});
  return true;
}

void wait_for_others(CoreDump& dump, ThreadGroup& group) {
  auto all_stopped = [&dump, &group] {
    Guard guard(group.signal_lock);
    return dump.count + 1 >= group.live_threads.load_relaxed();
  };
  ignore(group.threads_changed.wait(all_stopped, WaitMode::Uninterruptible));
}

void end(CoreDump& dump, ThreadGroup& group, bool written) {
  constexpr int32_t kDumped = 0x80;
  {
    Guard guard(group.signal_lock);
    group.core_dump = nullptr;
    if (written) group.group_exit_code |= kDumped;
    while (CoreDump::Participant* stopped = dump.stopped.pop_front()) stopped->task = nullptr;
  }
  group.threads_changed.wake_all();
}

Result<Vector<Task*>> threads_of(Task& task, CoreDump& dump) {
  Vector<Task*> threads;
  TRY(threads.reserve(dump.count + 1));
  threads.append_reserved(&task);
  for (CoreDump::Participant& participant : dump.stopped)
    threads.append_reserved(participant.task);
  return threads;
}

}  // namespace

void dump_core(Task& task, const SignalInfo& info, int32_t exit_code) {
  ThreadGroup& group = task.group();
  uint64_t limit = task::limit(group, Resource::Core).soft;
  if (limit < kPageSize || !group.dumpable) return;
  CoreDump dump;
  if (!begin(dump, group, exit_code)) return;
  wait_for_others(dump, group);
  arch::IrqState state = arch::disable_interrupts();
  arch::save_user_state(task.user_state);
  arch::restore_interrupts(state);
  bool written = false;
  if (Result<Vector<Task*>> threads = threads_of(task, dump); threads.ok())
    written = write_file(task, threads->span(), info, limit).ok();
  end(dump, group, written);
}

void stop_for_core_dump(Task& task) {
  ThreadGroup& group = task.group();
  CoreDump::Participant self;
  self.task = &task;
  {
    Guard guard(group.signal_lock);
    if (group.core_dump == nullptr) return;
    CoreDump& dump = *group.core_dump;
    dump.stopped.push_back(self);
    ++dump.count;
  }
  group.threads_changed.wake_all();
  auto is_over = [&self, &group] {
    Guard guard(group.signal_lock);
    return self.task == nullptr;
  };
  ignore(group.threads_changed.wait(is_over, WaitMode::Uninterruptible));
}

}  // namespace kernel
