// SPDX-License-Identifier: MIT
// The root of procfs: system files, links to the caller's own directory, and a directory a process.

#include "procfs/procfs.h"

#include "fs/vfs/mount.h"
#include "procfs/pci.h"

namespace kernel::procfs {
namespace {

constexpr uint64_t kRootInode = 1;
// Cookies of processes: behind the fixed names, by pid.
constexpr uint64_t kFirstProcessCookie = 256;

class Root final : public StaticDirectory {
 public:
  explicit Root(SuperBlock& super_block) : StaticDirectory(super_block, 0555) {
    number_ = kRootInode;
    caches_absent_names_ = false;
  }

  Result<Ref<Inode>> lookup(StringView name) override {
    std::optional<uint64_t> number = name.to_number();
    if (!number || name.front() == '0' || *number > kPidMax) return StaticDirectory::lookup(name);
    Optional<Ref<Pid>> pid = Pid::find(static_cast<PidNumber>(*number));
    // Threads that lead no group are found by name, but not listed (proc(5)).
    if (!pid || !task_of(*pid)) return Errno::NoEnt;
    return make_process_directory(super_block(), pid.take(), /*whole_process=*/true);
  }

  Result<Ref<Inode>> create(StringView, const CreateParameters&) override { return Errno::NoEnt; }

  Result<> read_directory(uint64_t offset, DirectorySink& sink) override {
    if (offset < kFirstProcessCookie) {
      StopNotingSink noting(sink);
      TRY(StaticDirectory::read_directory(offset, noting));
      if (noting.is_full()) return {};
      offset = kFirstProcessCookie;
    }
    for (PidNumber from = static_cast<PidNumber>(offset - kFirstProcessCookie);;) {
      Optional<Ref<Pid>> pid = Pid::find_from(from);
      if (!pid) return {};
      from = pid->number() + 1;
      if (!leads_a_group(*pid)) continue;
      char buffer[16];
      BufferSink name(buffer);
      format(name, "{}", pid->number());
      uint64_t behind = kFirstProcessCookie + static_cast<uint64_t>(from);
      if (!sink.entry(name.view(), process_inode(pid->number()), FileType::Directory, behind))
        return {};
    }
  }

 private:
  // Tells whether the caller's buffer was full.
  class StopNotingSink final : public DirectorySink {
   public:
    explicit StopNotingSink(DirectorySink& inner) : inner_(inner) {}
    bool entry(StringView name, uint64_t inode, FileType type, uint64_t offset) override {
      if (!full_ && !inner_.entry(name, inode, type, offset)) full_ = true;
      return !full_;
    }
    bool is_full() const { return full_; }

   private:
    DirectorySink& inner_;
    bool full_ = false;
  };

  static bool leads_a_group(const Pid& pid) {
    RcuReadGuard rcu;
    return pid.thread_group() != nullptr;
  }
  static uint64_t process_inode(PidNumber pid) { return (static_cast<uint64_t>(pid) << 16) + 1; }
};

class ProcSuperBlock final : public SuperBlock {
 public:
  ProcSuperBlock() : SuperBlock("proc") {}
  Result<> fill();
  Ref<Inode> root() override { return Ref<Inode>(*root_); }
  FileSystemStatistics statistics() override {
    FileSystemStatistics statistics;
    statistics.type = 0x9fa0;  // PROC_SUPER_MAGIC
    return statistics;
  }

 private:
  Optional<Ref<Root>> root_;
};

Result<String> self_link() { return format_string("{}", current_task().group().pid()); }
Result<String> thread_self_link() {
  return format_string("{}/task/{}", current_task().group().pid(), current_task().tid());
}
Result<String> mounts_link() { return String::create("self/mounts"); }
Result<String> net_link() { return String::create("self/net"); }

Result<> ProcSuperBlock::fill() {
  root_ = TRY(make_ref<Root>(*this));
  TRY(add_system_files(*root_));
  TRY(add_pci(*root_));
  TRY(root_->add("self", TRY(make_ref<GeneratedLink>(*this, self_link))));
  TRY(root_->add("thread-self", TRY(make_ref<GeneratedLink>(*this, thread_self_link))));
  TRY(root_->add("mounts", TRY(make_ref<GeneratedLink>(*this, mounts_link))));
  TRY(root_->add("net", TRY(make_ref<GeneratedLink>(*this, net_link))));
  TRY(root_->add("sysvipc", TRY(make_sysvipc_directory(*this))));
  TRY(root_->add("sys", TRY(make_sysctl_tree(*this))));
  return {};
}

constinit SuperBlock* the_super_block = nullptr;

Result<Ref<SuperBlock>> mount(StringView, StringView) { return Ref<SuperBlock>(*the_super_block); }

constinit FileSystemType proc_type{.name = "proc", .mount = mount, .single_instance = true};

}  // namespace

Result<> init() {
  Ref<ProcSuperBlock> super_block = TRY(make_ref<ProcSuperBlock>());
  TRY(super_block->fill());
  the_super_block = std::move(super_block).leak();
  register_file_system(proc_type);
  return {};
}

Optional<Ref<Task>> task_of(const Pid& pid) {
  RcuReadGuard rcu;
  Task* task = pid.task();
  if (task == nullptr || !task->try_ref()) return std::nullopt;
  return Ref<Task>::adopt(*task);
}

}  // namespace kernel::procfs
