// SPDX-License-Identifier: MIT
// /proc/PID and /proc/PID/task/TID: the table of their names, and the inodes behind it. What the
// text files say is process_text.cc and process_maps.cc; links are process_links.cc.

#include "procfs/process.h"

namespace kernel::procfs {
namespace {

constexpr unsigned kProcess = 1, kThread = 2, kBoth = 3;

struct Name {
  StringView name;
  unsigned where;
  uint16_t mode;
  // One of these.
  TextGenerator text = nullptr;
  TextStore store = nullptr;
  Result<Ref<Inode>> (*make)(SuperBlock& super_block, const ProcessKey& key) = nullptr;
  FileType type = FileType::Regular;
};

Result<Ref<Inode>> make_task_directory(SuperBlock& super_block, const ProcessKey& key);

constexpr Name kNames[] = {
    {.name = "task",
     .where = kProcess,
     .mode = 0555,
     .make = make_task_directory,
     .type = FileType::Directory},
    {.name = "fd",
     .where = kBoth,
     .mode = 0500,
     .make = make_fd_directory,
     .type = FileType::Directory},
    {.name = "fdinfo",
     .where = kBoth,
     .mode = 0555,
     .make = make_fdinfo_directory,
     .type = FileType::Directory},
    {.name = "ns",
     .where = kBoth,
     .mode = 0511,
     .make = make_namespace_directory,
     .type = FileType::Directory},
    {.name = "net",
     .where = kBoth,
     .mode = 0555,
     .make = make_net_directory,
     .type = FileType::Directory},
    {.name = "environ", .where = kBoth, .mode = 0400, .text = environ_text},
    {.name = "auxv", .where = kBoth, .mode = 0400, .text = auxv_text},
    {.name = "status", .where = kBoth, .mode = 0444, .text = status_text},
    {.name = "personality", .where = kBoth, .mode = 0400, .text = personality_text},
    {.name = "limits", .where = kBoth, .mode = 0444, .text = limits_text},
    {.name = "comm", .where = kBoth, .mode = 0644, .text = comm_text, .store = comm_store},
    {.name = "cmdline", .where = kBoth, .mode = 0444, .text = cmdline_text},
    {.name = "stat", .where = kBoth, .mode = 0444, .text = stat_text},
    {.name = "statm", .where = kBoth, .mode = 0444, .text = statm_text},
    {.name = "maps", .where = kBoth, .mode = 0444, .text = maps_text},
    {.name = "smaps", .where = kBoth, .mode = 0444, .text = smaps_text},
    {.name = "smaps_rollup", .where = kProcess, .mode = 0444, .text = smaps_rollup_text},
    {.name = "cwd", .where = kBoth, .mode = 0777, .make = make_cwd_link, .type = FileType::Symlink},
    {.name = "root",
     .where = kBoth,
     .mode = 0777,
     .make = make_root_link,
     .type = FileType::Symlink},
    {.name = "exe", .where = kBoth, .mode = 0777, .make = make_exe_link, .type = FileType::Symlink},
    {.name = "mounts", .where = kBoth, .mode = 0444, .text = mounts_text},
    {.name = "mountinfo", .where = kBoth, .mode = 0444, .text = mountinfo_text},
    {.name = "wchan", .where = kBoth, .mode = 0444, .text = wchan_text},
    {.name = "loginuid",
     .where = kBoth,
     .mode = 0644,
     .text = loginuid_text,
     .store = loginuid_store},
    {.name = "sessionid", .where = kBoth, .mode = 0444, .text = sessionid_text},
    {.name = "children", .where = kThread, .mode = 0444, .text = children_text},
    {.name = "timerslack_ns",
     .where = kProcess,
     .mode = 0666,
     .text = timer_slack_text,
     .store = timer_slack_store},
    {.name = "coredump_filter",
     .where = kProcess,
     .mode = 0644,
     .text = core_filter_text,
     .store = core_filter_store},
    {.name = "oom_score", .where = kBoth, .mode = 0444, .text = oom_score_text},
    {.name = "oom_score_adj",
     .where = kBoth,
     .mode = 0644,
     .text = oom_score_adj_text,
     .store = oom_score_adj_store},
#ifdef SAMARA_DEBUG
    {.name = "fail-nth",
     .where = kBoth,
     .mode = 0644,
     .text = fail_nth_text,
     .store = fail_nth_store},
#endif
    {.name = "io", .where = kBoth, .mode = 0400, .text = io_text},
    {.name = "uid_map", .where = kBoth, .mode = 0644, .text = id_map_text, .store = refuse_store},
    {.name = "gid_map", .where = kBoth, .mode = 0644, .text = id_map_text, .store = refuse_store},
    {.name = "projid_map",
     .where = kBoth,
     .mode = 0644,
     .text = id_map_text,
     .store = refuse_store},
    {.name = "setgroups",
     .where = kBoth,
     .mode = 0644,
     .text = setgroups_text,
     .store = refuse_store},
};

constexpr uint64_t kFirstTaskCookie = 2;

uint64_t inode_number(const ProcessKey& key, size_t index) {
  return (static_cast<uint64_t>(key.pid->number()) << 16) + (key.whole_process ? 0 : 0x8000) +
         index;
}

class ProcessDirectory final : public ProcDirectory {
 public:
  ProcessDirectory(SuperBlock& super_block, ProcessKey key)
      : ProcDirectory(super_block, 0555, inode_number(key, 1)), key_(std::move(key)) {
    needs_revalidation_ = true;
    take_owner(*this, key_);
  }
  bool revalidate() override { return take_owner(*this, key_); }
  Optional<Ref<Pid>> process() override {
    return key_.whole_process ? Optional<Ref<Pid>>(key_.pid) : Optional<Ref<Pid>>();
  }

  Result<Ref<Inode>> lookup(StringView name) override {
    if (!task_of(*key_.pid)) return Errno::Srch;  // an open directory outlived its process
    unsigned here = key_.whole_process ? kProcess : kThread;
    for (size_t i = 0; i < std::size(kNames); ++i) {
      const Name& entry = kNames[i];
      if (entry.name != name || (entry.where & here) == 0) continue;
      if (entry.make != nullptr) return entry.make(super_block(), key_);
      return TRY(make_ref<ProcessText>(super_block(), key_, entry.mode, inode_number(key_, i + 2),
                                       entry.text, entry.store));
    }
    return Errno::NoEnt;
  }

  Result<> read_directory(uint64_t offset, DirectorySink& sink) override {
    unsigned here = key_.whole_process ? kProcess : kThread;
    for (size_t i = offset - 2; i < std::size(kNames); ++i) {
      if ((kNames[i].where & here) == 0) continue;
      if (!sink.entry(kNames[i].name, inode_number(key_, i + 2), kNames[i].type, i + 3)) return {};
    }
    return {};
  }

 private:
  ProcessKey key_;
};

// /proc/PID/task.
class TaskDirectory final : public ProcDirectory {
 public:
  TaskDirectory(SuperBlock& super_block, ProcessKey key)
      : ProcDirectory(super_block, 0555, inode_number(key, 2)), key_(std::move(key)) {
    needs_revalidation_ = true;
    caches_absent_names_ = false;
    take_owner(*this, key_);
  }
  bool revalidate() override { return take_owner(*this, key_); }

  InodeAttributes attributes() override {
    InodeAttributes attributes = Inode::attributes();
    if (Optional<Ref<Task>> leader = task_of(*key_.pid)) {
      Guard guard(task::tree_lock);
      attributes.links = 2 + leader->group().thread_count;
    }
    return attributes;
  }

  Result<Ref<Inode>> lookup(StringView name) override {
    Optional<Ref<Task>> leader = task_of(*key_.pid);
    std::optional<uint64_t> number = name.to_number();
    if (!leader || !number || *number > kPidMax) return Errno::NoEnt;
    Optional<Ref<Pid>> pid = Pid::find(static_cast<PidNumber>(*number));
    if (!pid) return Errno::NoEnt;
    Optional<Ref<Task>> task = task_of(*pid);
    if (!task || &task->group() != &leader->group()) return Errno::NoEnt;
    return make_process_directory(super_block(), pid.take(), /*whole_process=*/false);
  }

  // Cookies count threads: one that ends meanwhile may hide another, as on Linux.
  Result<> read_directory(uint64_t offset, DirectorySink& sink) override {
    Optional<Ref<Task>> leader = task_of(*key_.pid);
    if (!leader) return Errno::NoEnt;
    for (uint64_t index = offset - kFirstTaskCookie;; ++index) {
      PidNumber tid = nth_thread(leader->group(), index);
      if (tid == 0) return {};
      char buffer[16];
      BufferSink name(buffer);
      format(name, "{}", tid);
      uint64_t inode = (static_cast<uint64_t>(tid) << 16) + 0x8001;
      if (!sink.entry(name.view(), inode, FileType::Directory, index + kFirstTaskCookie + 1))
        return {};
    }
  }

 private:
  static PidNumber nth_thread(ThreadGroup& group, uint64_t index) {
    Guard guard(task::tree_lock);
    for (Task& task : group.threads) {
      if (index-- == 0) return task.tid();
    }
    return 0;
  }
  ProcessKey key_;
};

Result<Ref<Inode>> make_task_directory(SuperBlock& super_block, const ProcessKey& key) {
  return TRY(make_ref<TaskDirectory>(super_block, key));
}

}  // namespace

Result<Ref<Inode>> make_process_directory(SuperBlock& super_block, Ref<Pid> pid,
                                          bool whole_process) {
  return TRY(make_ref<ProcessDirectory>(super_block, ProcessKey{std::move(pid), whole_process}));
}

// Files of a process belong to its effective user, or to root when it may not be looked into.
bool take_owner(Inode& inode, const ProcessKey& key) {
  Optional<Ref<Task>> task = task_of(*key.pid);
  if (!task) return false;
  bool open_to_all = inode.is_directory() && (inode.mode() & 0777) == 0555;
  if (task->group().dumpable || open_to_all) {
    Ref<Credentials> credentials = task::credentials_of(*task);
    inode.set_owner(credentials->euid, credentials->egid);
  } else {
    inode.set_owner(0, 0);
  }
  return true;
}

bool may_inspect(Task& task) {
  Task& self = current_task();
  if (&self.group() == &task.group()) return true;
  const Credentials& own = self.credentials();
  if (own.has(Capability::SysPtrace)) return true;
  Ref<Credentials> other = task::credentials_of(task);
  bool same = own.fsuid == other->uid && own.fsuid == other->euid && own.fsuid == other->suid &&
              own.fsgid == other->gid && own.fsgid == other->egid && own.fsgid == other->sgid;
  return same && task.group().dumpable && (other->permitted & ~own.permitted) == 0;
}

ProcessText::ProcessText(SuperBlock& super_block, ProcessKey key, uint16_t mode, uint64_t number,
                         TextGenerator text, TextStore store_function)
    : TextInode(super_block, mode, number),
      key_(std::move(key)),
      text_(text),
      store_(store_function) {
  needs_revalidation_ = true;
  take_owner(*this, key_);
}

bool ProcessText::revalidate() { return take_owner(*this, key_); }

Result<> ProcessText::generate(FormatSink& sink) {
  Optional<Ref<Task>> task = task_of(*key_.pid);
  if (!task) return Errno::Srch;
  return text_(sink, *task, key_.whole_process);
}

// What lies in a process's memory is for those who may look into it. What is open stays open: the
// maps are asked again at each read, as on Linux.
Result<> ProcessText::check_open(uint32_t) {
  bool guarded = text_ == maps_text || text_ == smaps_text || text_ == smaps_rollup_text ||
                 (mode() & 0044) == 0;
  if (!guarded) return {};
  Optional<Ref<Task>> task = task_of(*key_.pid);
  if (!task) return Errno::Srch;
  return may_inspect(*task) ? Result<>() : Errno::Acces;
}

Result<> ProcessText::set_attributes(const AttributeChange& change) {
  if (change.mode.has_value()) return Errno::Perm;
  return TextInode::set_attributes(change);
}

Result<> ProcessText::store(StringView text, uint64_t) {
  if (store_ == nullptr) return Errno::Inval;
  Optional<Ref<Task>> task = task_of(*key_.pid);
  if (!task) return Errno::Srch;
  return store_(text, *task);
}

}  // namespace kernel::procfs
