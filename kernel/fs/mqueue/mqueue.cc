// SPDX-License-Identifier: MIT
// See mqueue.h.

#include "fs/mqueue/mqueue.h"

#include "fs/tmpfs/tmpfs_directory.h"
#include "fs/vfs/identity.h"
#include "fs/vfs/vfs.h"

namespace kernel::mqueue {
namespace {

constinit Atomic<uint64_t> queue_count;
constinit Mount* the_mount = nullptr;  // the kernel's own; stays for good

class Root final : public Inode {
 public:
  explicit Root(SuperBlock& super_block)
      : Inode(super_block, FileType::Directory, super_block.next_inode_number(), 01777) {
    add_links(1);
    caches_absent_names_ = false;  // mq_open(2) makes them behind the names' cache
  }
  bool may_gain_names() const override { return true; }
  uint64_t size() override { return (2 + entries_.count()) * kEntrySize; }

  Result<Ref<Inode>> lookup(StringView name) override {
    TmpfsEntry* entry = entries_.find(name);
    return entry == nullptr ? Result<Ref<Inode>>(Errno::NoEnt) : Result<Ref<Inode>>(entry->inode);
  }
  Result<Ref<Inode>> create(StringView name, const CreateParameters& parameters) override {
    if (parameters.type != FileType::Regular) return Errno::Perm;
    return Ref<Inode>(TRY(create_queue(name, parameters, std::nullopt)));
  }
  Result<Ref<Queue>> create_queue(StringView name, const CreateParameters& parameters,
                                  const std::optional<QueueSize>& size);
  Result<> unlink(StringView name, Inode& target) override {
    if (TmpfsEntry* entry = entries_.find(name)) entries_.remove(*entry);
    target.add_links(-1);
    target.touch(false, false, true);
    touch(true, true, true);
    return {};
  }
  Result<> read_directory(uint64_t offset, DirectorySink& sink) override {
    for (TmpfsEntry* at = entries_.at_or_behind(offset); at != nullptr;
         at = TmpfsDirectory::next(*at)) {
      if (!sink.entry(at->name, at->inode->number(), at->inode->type(), at->cookie + 1)) break;
    }
    return {};
  }

 private:
  static constexpr uint64_t kEntrySize = 20;
  TmpfsDirectory entries_;
};

Result<Ref<Queue>> Root::create_queue(StringView name, const CreateParameters& parameters,
                                      const std::optional<QueueSize>& size) {
  auto lesser = [](const Atomic<uint64_t>& a, const Atomic<uint64_t>& b) {
    uint64_t first = a.load_relaxed(), second = b.load_relaxed();
    return static_cast<int64_t>(first < second ? first : second);
  };
  QueueSize wanted = size ? *size
                          : QueueSize{lesser(limits.messages, limits.default_messages),
                                      lesser(limits.message_size, limits.default_message_size)};
  bool privileged = current_task().credentials().has(Capability::SysResource);
  uint64_t before = queue_count.fetch_add_relaxed(1);
  if (before >= limits.queues.load_relaxed() && !privileged) {
    queue_count.fetch_sub_relaxed(1);
    return Errno::NoSpc;
  }
  Result<Ref<Queue>> queue = Queue::create(super_block(), parameters, wanted);
  if (!queue.ok()) {
    queue_count.fetch_sub_relaxed(1);
    return queue.error();
  }
  entries_.insert(TRY(TmpfsDirectory::make_entry(name, *queue)));
  touch(true, true, true);
  return queue;
}

class MqueueSuperBlock final : public SuperBlock {
 public:
  MqueueSuperBlock() : SuperBlock("mqueue") {}
  Result<> fill() {
    root_ = TRY(make_ref<Root>(*this));
    return {};
  }
  Ref<Inode> root() override { return Ref<Inode>(*root_); }
  FileSystemStatistics statistics() override {
    FileSystemStatistics statistics;
    statistics.type = 0x1980'0202;  // MQUEUE_MAGIC
    return statistics;
  }

 private:
  Optional<Ref<Root>> root_;
};

Result<Ref<SuperBlock>> mount(StringView, StringView) {
  return Ref<SuperBlock>(the_mount->super_block());
}
constinit FileSystemType mqueue_type{.name = "mqueue", .mount = mount, .single_instance = true};

Path root_path() { return Path(Ref<Mount>(*the_mount), Ref<Dentry>(the_mount->root())); }

// As lookup_one_len() of Linux: one plain name.
Result<> check_name(StringView name) {
  if (name.empty()) return Errno::NoEnt;
  if (name == "." || name == ".." || name.find('/') != StringView::npos) return Errno::Acces;
  return {};
}

// True when it was made just now.
Result<bool> make_if_absent(const Path& root, StringView name, const OpenRequest& request) {
  const Credentials& credentials = vfs::acting_credentials();
  auto& directory = static_cast<Root&>(root.inode());
  Guard guard(directory.lock);
  TRY(vfs::check_permission(directory, vfs::kMayExecute, credentials));
  if (name.size() > 255) return Errno::NameTooLong;
  if (directory.lookup(name).ok()) return false;
  if ((request.flags & kOpenCreate) == 0) return Errno::NoEnt;
  TRY(vfs::check_permission(directory, vfs::kMayWrite, credentials));
  CreateParameters parameters;
  parameters.mode = request.mode & static_cast<uint16_t>(~current_task().fs_context->umask());
  parameters.uid = credentials.fsuid;
  parameters.gid = credentials.fsgid;
  TRY(directory.create_queue(name, parameters, request.size));
  return true;
}

Result<> check_access(Inode& inode, uint32_t flags) {
  if ((flags & kOpenCreate) != 0 && (flags & kOpenExclusive) != 0) return Errno::Exist;
  constexpr unsigned kWanted[] = {vfs::kMayRead, vfs::kMayWrite, vfs::kMayRead | vfs::kMayWrite};
  uint32_t mode = flags & kOpenAccessMode;
  if (mode > kOpenReadWrite) return Errno::Inval;
  return vfs::check_permission(inode, kWanted[mode], vfs::acting_credentials());
}

}  // namespace

Result<Ref<File>> open(StringView name, const OpenRequest& request) {
  TRY(check_name(name));
  Path root = root_path();
  bool made = TRY(make_if_absent(root, name, request));
  Path path = TRY(vfs::lookup({&root}, name, vfs::LookupFlags::None));
  if (!made) TRY(check_access(path.inode(), request.flags));
  return path.inode().open(path, request.flags);
}

Result<> unlink(StringView name) {
  TRY(check_name(name));
  Path root = root_path();
  return vfs::unlink({&root}, name);
}

void queue_has_gone() { queue_count.fetch_sub_relaxed(1); }

Result<> init() {
  Ref<MqueueSuperBlock> super_block = TRY(make_ref<MqueueSuperBlock>());
  TRY(super_block->fill());
  the_mount = TRY(vfs::internal_mount(std::move(super_block))).leak();
  register_file_system(mqueue_type);
  return {};
}

}  // namespace kernel::mqueue
