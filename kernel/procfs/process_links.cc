// SPDX-License-Identifier: MIT
// Links of a process into the file system: cwd, root, exe, fd/N, ns/NAME; and fdinfo/N (proc(5)).
// Following one goes to the object itself, whatever has become of its name.

#include "fs/vfs/fd_table.h"
#include "fs/vfs/fs_context.h"
#include "fs/vfs/mount.h"
#include "process/namespaces.h"
#include "process/observe.h"
#include "procfs/process.h"
#include "vm/address_space.h"

namespace kernel::procfs {
namespace {

enum class Target : uint8_t { WorkingDirectory, Root, Executable, Descriptor, Namespace };

struct NamespaceLink {
  StringView name;
  const namespaces::Namespace& target;
};

constexpr NamespaceLink kNamespaceLinks[] = {
    {"net", namespaces::kNet},
    {"uts", namespaces::kUts},
    {"ipc", namespaces::kIpc},
    {"pid", namespaces::kPid},
    {"pid_for_children", namespaces::kPid},
    {"user", namespaces::kUser},
    {"mnt", namespaces::kMount},
    {"cgroup", namespaces::kCgroup},
    {"time", namespaces::kTime},
    {"time_for_children", namespaces::kTime},
};

// `which`: the descriptor, or the index of the namespace.
Result<Path> target_of(Task& task, Target target, int32_t which) {
  if (target == Target::Executable) {
    Optional<Ref<AddressSpace>> space = address_space_of(task);
    if (!space || space->executable == nullptr) return Errno::NoEnt;
    return space->executable->path();
  }
  if (target == Target::Descriptor) {
    Optional<Ref<FdTable>> files = files_of(task);
    if (!files) return Errno::NoEnt;
    Result<Ref<File>> file = files->get(which, /*allow_path=*/true);
    if (!file.ok()) return Errno::NoEnt;
    return file.value()->path();
  }
  Optional<Ref<FsContext>> fs = fs_context_of(task);
  if (!fs) return Errno::NoEnt;
  if (target == Target::Namespace) return namespaces::place_of(kNamespaceLinks[which].target);
  return target == Target::Root ? fs->root() : fs->working_directory();
}

class ProcessLink final : public Inode {
 public:
  ProcessLink(SuperBlock& super_block, ProcessKey key, Target target, int32_t which,
              uint16_t mode, uint64_t number)
      : Inode(super_block, FileType::Symlink, number, mode),
        key_(std::move(key)),
        target_(target),
        which_(which) {
    needs_revalidation_ = true;
    take_owner(*this, key_);
  }

  bool revalidate() override {
    if (!take_owner(*this, key_)) return false;
    if (target_ != Target::Descriptor) return true;
    Optional<Ref<Task>> task = task_of(*key_.pid);
    Optional<Ref<FdTable>> files = task ? files_of(*task) : Optional<Ref<FdTable>>();
    return files && files->get(which_, /*allow_path=*/true).ok();
  }

  bool has_magic_link() const override { return true; }

  Result<Path> magic_target() override {
    Optional<Ref<Task>> task = task_of(*key_.pid);
    if (!task) return Errno::NoEnt;
    if (!may_inspect(*task)) return Errno::Acces;
    return target_of(*task, target_, which_);
  }

  Result<String> read_link() override {
    Path path = TRY(magic_target());
    Optional<Ref<FsContext>> fs = fs_context_of(current_task());
    if (!fs) return Errno::NoEnt;
    return path.to_string(fs->root());
  }

 private:
  ProcessKey key_;
  Target target_;
  int32_t which_;
};

uint64_t number_for(const ProcessKey& key, uint64_t index) {
  return (static_cast<uint64_t>(key.pid->number()) << 16) + 0x4000 +
         (key.whole_process ? 0 : 0x8000) + index;
}

Result<Ref<Inode>> make_link(SuperBlock& super_block, const ProcessKey& key, Target target,
                             uint64_t index, int32_t which = -1) {
  return TRY(make_ref<ProcessLink>(super_block, key, target, which, uint16_t{0777},
                                   number_for(key, index)));
}

// fdinfo/N.
class FdInfo final : public TextInode {
 public:
  FdInfo(SuperBlock& super_block, ProcessKey key, Fd fd, uint64_t number)
      : TextInode(super_block, 0444, number), key_(std::move(key)), fd_(fd) {
    needs_revalidation_ = true;
    take_owner(*this, key_);
  }
  bool revalidate() override { return take_owner(*this, key_); }
  Result<> check_open(uint32_t) override {
    Optional<Ref<Task>> task = task_of(*key_.pid);
    if (!task) return Errno::Srch;
    return may_inspect(*task) ? Result<>() : Errno::Acces;
  }

  Result<> generate(FormatSink& sink) override {
    Optional<Ref<Task>> task = task_of(*key_.pid);
    Optional<Ref<FdTable>> files = task ? files_of(*task) : Optional<Ref<FdTable>>();
    if (!files) return Errno::NoEnt;
    Result<Ref<File>> file = files->get(fd_, /*allow_path=*/true);
    if (!file.ok()) return Errno::NoEnt;
    Result<bool> close_on_exec = files->close_on_exec_flag(fd_);
    uint32_t flags =
        file.value()->flags() | (std::move(close_on_exec).value_or(false) ? kOpenCloseOnExec : 0);
    format(sink, "pos:\t{}\nflags:\t0{o}\nmnt_id:\t{}\nino:\t{}\n", file.value()->position_hint(),
           flags, file.value()->path().mount().id(), file.value()->inode().number());
    file.value()->show_info(sink);
    return {};
  }

 private:
  ProcessKey key_;
  Fd fd_;
};

// fd and fdinfo: a name for each open descriptor.
class FdDirectory final : public ProcDirectory {
 public:
  FdDirectory(SuperBlock& super_block, ProcessKey key, bool info)
      : ProcDirectory(super_block, info ? 0555 : 0500, number_for(key, info ? 4 : 3)),
        key_(std::move(key)),
        info_(info) {
    needs_revalidation_ = true;
    caches_absent_names_ = false;
    take_owner(*this, key_);
  }
  bool revalidate() override { return take_owner(*this, key_); }
  bool admits_anyway() override {
    Optional<Ref<Task>> task = task_of(*key_.pid);
    return task && &task->group() == &current_task().group();
  }
  Result<Ref<File>> open(const Path& path, uint32_t flags) override {
    Optional<Ref<Task>> task = task_of(*key_.pid);
    if (info_ && task && !may_inspect(*task)) return Errno::Acces;
    return ProcDirectory::open(path, flags);
  }

  Result<Ref<Inode>> lookup(StringView name) override {
    std::optional<uint64_t> number = name.to_number();
    if (!number || *number > INT32_MAX || (name.size() > 1 && name.front() == '0'))
      return Errno::NoEnt;
    Fd fd = static_cast<Fd>(*number);
    Ref<FdTable> files = TRY(table());
    Result<Ref<File>> file = files->get(fd, /*allow_path=*/true);
    if (!file.ok()) return Errno::NoEnt;
    uint64_t inode = number_for(key_, 16 + *number % 0x3ff0);
    if (info_) return TRY(make_ref<FdInfo>(super_block(), key_, fd, inode));
    // The link's mode shows how the file is open.
    bool read = file.value()->readable(), write = file.value()->writable();
    uint16_t mode = static_cast<uint16_t>((read ? 0500 : 0100) | (write ? 0300 : 0100));
    return TRY(make_ref<ProcessLink>(super_block(), key_, Target::Descriptor, fd, mode, inode));
  }

  Result<> read_directory(uint64_t offset, DirectorySink& sink) override {
    Ref<FdTable> files = TRY(table());
    for (Fd fd = files->next_open(static_cast<Fd>(offset - 2)); fd >= 0;
         fd = files->next_open(fd + 1)) {
      char buffer[16];
      BufferSink name(buffer);
      format(name, "{}", fd);
      uint64_t number = static_cast<uint64_t>(fd);
      FileType type = info_ ? FileType::Regular : FileType::Symlink;
      if (!sink.entry(name.view(), number_for(key_, 16 + number % 0x3ff0), type, number + 3))
        return {};
    }
    return {};
  }

 private:
  Result<Ref<FdTable>> table() {
    Optional<Ref<Task>> task = task_of(*key_.pid);
    if (!task) return Errno::NoEnt;
    if (!may_inspect(*task)) return Errno::Acces;
    Optional<Ref<FdTable>> files = files_of(*task);
    if (!files) return Errno::NoEnt;
    return files.value();
  }
  ProcessKey key_;
  bool info_;
};

class NamespaceDirectory final : public ProcDirectory {
 public:
  NamespaceDirectory(SuperBlock& super_block, ProcessKey key)
      : ProcDirectory(super_block, 0511, number_for(key, 5)), key_(std::move(key)) {
    needs_revalidation_ = true;
    take_owner(*this, key_);
  }
  bool revalidate() override { return take_owner(*this, key_); }

  Result<Ref<Inode>> lookup(StringView name) override {
    if (!task_of(*key_.pid)) return Errno::NoEnt;
    for (size_t i = 0; i < std::size(kNamespaceLinks); ++i) {
      if (kNamespaceLinks[i].name != name) continue;
      return make_link(super_block(), key_, Target::Namespace, kFirstLink + i,
                       static_cast<int32_t>(i));
    }
    return Errno::NoEnt;
  }

  Result<> read_directory(uint64_t offset, DirectorySink& sink) override {
    if (!task_of(*key_.pid)) return Errno::NoEnt;
    for (size_t i = offset - 2; i < std::size(kNamespaceLinks); ++i) {
      if (!sink.entry(kNamespaceLinks[i].name, number_for(key_, kFirstLink + i),
                      FileType::Symlink, i + 3))
        return {};
    }
    return {};
  }

 private:
  static constexpr uint64_t kFirstLink = 6;
  static_assert(kFirstLink + std::size(kNamespaceLinks) <= 16);  // where descriptors begin
  ProcessKey key_;
};

}  // namespace

Result<Ref<Inode>> make_cwd_link(SuperBlock& super_block, const ProcessKey& key) {
  return make_link(super_block, key, Target::WorkingDirectory, 0);
}
Result<Ref<Inode>> make_root_link(SuperBlock& super_block, const ProcessKey& key) {
  return make_link(super_block, key, Target::Root, 1);
}
Result<Ref<Inode>> make_exe_link(SuperBlock& super_block, const ProcessKey& key) {
  return make_link(super_block, key, Target::Executable, 2);
}
Result<Ref<Inode>> make_fd_directory(SuperBlock& super_block, const ProcessKey& key) {
  return TRY(make_ref<FdDirectory>(super_block, key, false));
}
Result<Ref<Inode>> make_fdinfo_directory(SuperBlock& super_block, const ProcessKey& key) {
  return TRY(make_ref<FdDirectory>(super_block, key, true));
}

Result<Ref<Inode>> make_namespace_directory(SuperBlock& super_block, const ProcessKey& key) {
  return TRY(make_ref<NamespaceDirectory>(super_block, key));
}

}  // namespace kernel::procfs
