// SPDX-License-Identifier: MIT
// devpts; see devpts.h. The table of ptys is small and looked at only when one is made, opened by
// name, listed or closed.

#include "fs/tty/devpts.h"

#include "fs/vfs/notify.h"
#include "fs/vfs/synthetic.h"
#include "fs/vfs/vfs.h"

namespace kernel::devpts {
namespace {

constexpr uint32_t kMaxPtys = 4096;  // /proc/sys/kernel/pty/max
constexpr uint64_t kFirstInode = 3;  // of pts/0, as on Linux; 1 is the root, 2 is ptmx

// What mount(2) can say: uid=, gid=, mode=, ptmxmode=, max=, newinstance.
struct Options {
  std::optional<Uid> uid;
  std::optional<Gid> gid;
  uint16_t mode = 0600;
  uint16_t multiplexer_mode = 0000;
  uint32_t limit = kMaxPtys;
};

Result<Options> parse(StringView text) {
  Options options;
  while (!text.empty()) {
    StringView value = text.take_until(',');
    StringView name = value.take_until('=');
    if (name.empty() || name == "newinstance") continue;
    bool octal = name == "mode" || name == "ptmxmode";
    std::optional<uint64_t> number = value.to_number(octal ? 8 : 10);
    if (!number || *number > UINT32_MAX || (octal && *number > 0777)) return Errno::Inval;
    if (name == "uid") {
      options.uid = static_cast<Uid>(*number);
    } else if (name == "gid") {
      options.gid = static_cast<Gid>(*number);
    } else if (name == "mode") {
      options.mode = static_cast<uint16_t>(*number);
    } else if (name == "ptmxmode") {
      options.multiplexer_mode = static_cast<uint16_t>(*number);
    } else if (name == "max" && *number <= kMaxPtys) {
      options.limit = static_cast<uint32_t>(*number);
    } else {
      return Errno::Inval;
    }
  }
  return options;
}

class NodeName {
 public:
  explicit NodeName(uint64_t index) { format(sink_, "{}", index); }
  StringView view() const { return sink_.view(); }

 private:
  char buffer_[16];
  BufferSink sink_{buffer_};
};

// The node of one slave: chmod and chown stay with it.
class SlaveInode final : public Inode {
 public:
  SlaveInode(SuperBlock& super_block, uint32_t index, Terminal& terminal, const Options& options)
      : Inode(super_block, FileType::CharDevice, kFirstInode + index, options.mode),
        terminal_(terminal) {
    device_ = terminal.number();
    needs_revalidation_ = true;
    const Credentials& credentials = current_task().credentials();
    set_owner(options.uid.value_or(credentials.fsuid), options.gid.value_or(credentials.fsgid));
    touch(true, true, true);
  }
  bool revalidate() override { return !terminal_->device().is_gone(); }
  Result<Ref<File>> open(const Path& path, uint32_t flags) override {
    if (static_cast<Pty&>(terminal_->device()).is_locked()) return Errno::Io;
    return TerminalFile::open(terminal_, path, flags);
  }

 private:
  Ref<Terminal> terminal_;
};

class MultiplexerInode final : public Inode {
 public:
  explicit MultiplexerInode(SuperBlock& super_block)
      : Inode(super_block, FileType::CharDevice, 2, 0000) {
    device_ = DeviceNumber{5, 2};
    touch(true, true, true);
  }
};

struct Slot {
  bool reserved = false;
  Optional<Ref<Inode>> node;  // shown when present
};

constinit SpinLock<LockRank::Leaf> slots_lock;
constinit Vector<Slot>* slots = nullptr;  // grows under growth_lock, read under slots_lock

Optional<Ref<Inode>> node_of(uint64_t index) {
  Guard guard(slots_lock);
  if (slots == nullptr || index >= slots->size()) return std::nullopt;
  return (*slots)[index].node;
}

class Root final : public DynamicDirectory {
 public:
  explicit Root(SuperBlock& super_block) : DynamicDirectory(super_block, 0755, 1) {
    caches_absent_names_ = false;
    touch(true, true, true);
  }
  Result<Ref<Inode>> lookup(StringView name) override;
  bool may_gain_names() const override { return true; }
  Result<Ref<Inode>> create(StringView, const CreateParameters& parameters) override {
    return parameters.type == FileType::Regular ? Errno::Acces : Errno::Perm;
  }
  Result<> read_directory(uint64_t offset, DirectorySink& sink) override;
};

class DevptsSuperBlock final : public SuperBlock {
 public:
  DevptsSuperBlock() : SuperBlock("devpts") {}
  Result<> fill() {
    root_ = TRY(make_ref<Root>(*this));
    multiplexer_ = TRY(make_ref<MultiplexerInode>(*this));
    return {};
  }
  Ref<Inode> root() override { return Ref<Inode>(*root_); }
  Ref<Inode> multiplexer() { return Ref<Inode>(*multiplexer_); }
  FileSystemStatistics statistics() override {
    FileSystemStatistics statistics;
    statistics.type = 0x1cd1;  // DEVPTS_SUPER_MAGIC
    return statistics;
  }
  void show_options(FormatSink& sink) override {
    Options now = options();
    if (now.uid) format(sink, ",uid={}", *now.uid);
    if (now.gid) format(sink, ",gid={}", *now.gid);
    format(sink, ",mode={:03o},ptmxmode={:03o}", now.mode, now.multiplexer_mode);
    if (now.limit < kMaxPtys) format(sink, ",max={}", now.limit);
  }
  Result<> remount(StringView text, bool) override {
    Options changed = TRY(parse(text));
    multiplexer_->set_mode(changed.multiplexer_mode);
    Guard guard(options_lock_);
    options_ = changed;
    return {};
  }
  Options options() {
    Guard guard(options_lock_);
    return options_;
  }

 private:
  Optional<Ref<Root>> root_;
  Optional<Ref<MultiplexerInode>> multiplexer_;
  SpinLock<LockRank::Leaf> options_lock_;
  Options options_ GUARDED_BY(options_lock_);
};
constinit DevptsSuperBlock* the_super_block = nullptr;

Result<Ref<Inode>> Root::lookup(StringView name) {
  if (name == "ptmx") return static_cast<DevptsSuperBlock&>(super_block()).multiplexer();
  std::optional<uint64_t> index = name.to_number();
  if (!index || (name.size() > 1 && name.front() == '0')) return Errno::NoEnt;
  Optional<Ref<Inode>> node = node_of(*index);
  if (!node) return Errno::NoEnt;
  return node.value();
}

Result<> Root::read_directory(uint64_t offset, DirectorySink& sink) {
  if (offset <= 2 && !sink.entry("ptmx", 2, FileType::CharDevice, 3)) return {};
  for (uint64_t index = offset <= 3 ? 0 : offset - 3; index < kMaxPtys; ++index) {
    if (!node_of(index)) continue;
    NodeName name(index);
    if (!sink.entry(name.view(), kFirstInode + index, FileType::CharDevice, index + 4)) return {};
  }
  return {};
}

// Every mount shows the same instance; the latest options count.
Result<Ref<SuperBlock>> mount(StringView, StringView options) {
  if (the_super_block == nullptr) return Errno::NoMem;
  TRY(the_super_block->remount(options, false));
  return Ref<SuperBlock>(*the_super_block);
}

constinit FileSystemType devpts_type{.name = "devpts", .mount = mount, .single_instance = true};

}  // namespace

void init() {
  static constinit Vector<Slot> table;
  slots = &table;
  register_file_system(devpts_type);
  Result<Ref<DevptsSuperBlock>> made = make_ref<DevptsSuperBlock>();
  if (!made.ok() || !made.value()->fill().ok()) return;  // mounts answer NoMem
  the_super_block = std::move(made).take().leak();
}

Result<uint32_t> reserve_index() {
  for (;;) {
    size_t size;
    {
      Guard guard(slots_lock);
      for (size_t index = 0; index < slots->size(); ++index) {
        if ((*slots)[index].reserved) continue;
        (*slots)[index].reserved = true;
        return static_cast<uint32_t>(index);
      }
      size = slots->size();
    }
    if (size >= (the_super_block == nullptr ? kMaxPtys : the_super_block->options().limit))
      return Errno::NoSpc;
    // Grow outside the lock: the allocation may wait.
    Vector<Slot> grown;
    TRY(grown.reserve(size + 8));
    Guard guard(slots_lock);
    if (slots->size() != size) continue;
    for (Slot& slot : *slots) grown.append_reserved(std::move(slot));
    while (grown.size() < size + 8) grown.append_reserved({});
    std::swap(*slots, grown);
  }
}

void release_index(uint32_t index) {
  Guard guard(slots_lock);
  (*slots)[index].reserved = false;
}

Result<> add(uint32_t index, Terminal& terminal) {
  if (the_super_block == nullptr) return Errno::NoDev;
  Ref<Inode> node =
      TRY(make_ref<SlaveInode>(*the_super_block, index, terminal, the_super_block->options()));
  {
    Guard guard(slots_lock);
    (*slots)[index].node = node;
  }
  notify::created(*the_super_block->root(), NodeName(index).view(), *node);
  return {};
}

void remove(uint32_t index) {
  Optional<Ref<Inode>> node;
  {
    Guard guard(slots_lock);
    node = std::move((*slots)[index].node);
    (*slots)[index].node.reset();
  }
  if (node) notify::vanished(*the_super_block->root(), NodeName(index).view(), *node);
}

Result<int64_t> open_peer(uint32_t index, uint32_t flags) {
  String path = TRY(format_string("/dev/pts/{}", index));
  vfs::OpenRequest request;
  request.flags = flags;
  Ref<File> file = TRY(vfs::open({}, path, request));
  Task& task = current_task();
  return TRY(task.files->install(std::move(file), (flags & kOpenCloseOnExec) != 0,
                                 task::limit(task.group(), Resource::OpenFiles).soft));
}

}  // namespace kernel::devpts
