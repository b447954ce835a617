// SPDX-License-Identifier: MIT
// See ext4_volume.h.

#include "host_tests/ext4_volume.h"

#include "fs/vfs/identity.h"
#include "fs/vfs/vfs.h"
#include "sched/work_queue.h"

namespace kernel::ext4 {

using host_tests::Image;
using host_tests::ImageFile;
using host_tests::RamDisk;

namespace {

class TestLog final : public LogConsole {
 public:
  void write(StringView text) override {
    if (std::getenv("EXT4_LOG") != nullptr) std::fwrite(text.data(), 1, text.size(), stderr);
  }
};

}  // namespace

void prepare_tests() {
  static const bool prepared = [] {
    host_tests::boot_machine();
    static TestLog console;
    log_add_console(console);
    // The work thread waits until the process ends: no destructor may end its queue before.
    on_exit(
        [](int status, void*) {
          std::fflush(nullptr);
          _exit(status);
        },
        nullptr);
    return vfs::mount_root().ok() && sched::start_work_thread().ok();
  }();
  ASSERT_TRUE(prepared);
}

TestVolume::TestVolume(Image image, const std::string& options, bool read_only) {
  prepare_tests();
  auto* made = new RamDisk(std::move(image));
  disk_ = Ref<RamDisk>::adopt(*made);
  mount(options, read_only);
}

TestVolume::~TestVolume() { unmount(); }

void TestVolume::mount(const std::string& options, bool read_only) {
  Result<Ref<Volume>> mounted = Volume::mount(*disk_, view(options), read_only);
  if (mounted.ok()) {
    volume_ = std::move(mounted).take();
  } else {
    error_ = mounted.error();
  }
}

void TestVolume::unmount() {
  if (!volume_) return;
  volume_->unmount();
  rcu_barrier();
  volume_.reset();
}

void TestVolume::remount(const std::string& options) {
  unmount();
  mount(options, false);
}

Result<Ref<Inode>> TestVolume::find(const std::string& path) {
  Ref<Inode> at = volume_->root();
  size_t start = 0;
  while (start < path.size()) {
    size_t end = std::min(path.find('/', start), path.size());
    std::string name = path.substr(start, end - start);
    start = end + 1;
    if (name.empty()) continue;
    Guard guard(at->lock);
    Ref<Inode> next = TRY(at->lookup(view(name)));
    at = next;
  }
  return at;
}

Result<TestVolume::Place> TestVolume::parent_of(const std::string& path) {
  size_t slash = path.rfind('/');
  Ref<Inode> directory = TRY(find(path.substr(0, slash == std::string::npos ? 0 : slash)));
  return Place{std::move(directory), path.substr(slash == std::string::npos ? 0 : slash + 1)};
}

Result<Ref<Inode>> TestVolume::create(const std::string& path, FileType type, uint16_t mode,
                                      const std::string& target, DeviceNumber device) {
  Place place = TRY(parent_of(path));
  CreateParameters parameters;
  parameters.type = type;
  parameters.mode = mode;
  parameters.device = device;
  parameters.symlink_target = view(target);
  Guard guard(place.directory->lock);
  Result<Ref<Inode>> present = place.directory->lookup(view(place.name));
  if (present.ok()) return Errno::Exist;
  if (!present.failed_with(Errno::NoEnt)) return present.error();
  return place.directory->create(view(place.name), parameters);
}

Result<> TestVolume::link(const std::string& old_path, const std::string& new_path) {
  Ref<Inode> target = TRY(find(old_path));
  Place place = TRY(parent_of(new_path));
  Guard guard(place.directory->lock);
  if (place.directory->lookup(view(place.name)).ok()) return Errno::Exist;
  if (target->is_directory()) return Errno::Perm;
  return place.directory->link(view(place.name), *target);
}

Result<> TestVolume::unlink(const std::string& path) {
  Place place = TRY(parent_of(path));
  Optional<Ref<Inode>> target;  // ends behind the lock
  Guard guard(place.directory->lock);
  target = TRY(place.directory->lookup(view(place.name)));
  if (target->is_directory()) return Errno::IsDir;
  return place.directory->unlink(view(place.name), *target);
}

Result<> TestVolume::remove_directory(const std::string& path) {
  Place place = TRY(parent_of(path));
  Optional<Ref<Inode>> target;
  Guard guard(place.directory->lock);
  target = TRY(place.directory->lookup(view(place.name)));
  if (!target->is_directory()) return Errno::NotDir;
  Guard inner(target->lock, 1);
  return place.directory->remove_directory(view(place.name), *target);
}

Result<> TestVolume::rename(const std::string& from, const std::string& to, bool exchange) {
  Place old_place = TRY(parent_of(from));
  Place new_place = TRY(parent_of(to));
  Optional<Ref<Inode>> target, replaced;
  auto act = [&]() -> Result<> {
    target = TRY(old_place.directory->lookup(view(old_place.name)));
    Result<Ref<Inode>> present = new_place.directory->lookup(view(new_place.name));
    if (present.ok()) replaced = std::move(present).take();
    if (exchange && !replaced) return Errno::NoEnt;
    if (replaced && replaced.get() == target.get()) return {};
    if (replaced && !exchange) {
      if (target->is_directory() && !replaced->is_directory()) return Errno::NotDir;
      if (!target->is_directory() && replaced->is_directory()) return Errno::IsDir;
    }
    return old_place.directory->rename(view(old_place.name), *target, *new_place.directory,
                                       view(new_place.name), replaced.get(), exchange);
  };
  if (old_place.directory == new_place.directory) {
    Guard guard(old_place.directory->lock);
    return act();
  }
  Guard order(volume_->rename_lock);
  Guard outer(old_place.directory->lock, 0);
  Guard inner(new_place.directory->lock, 1);
  return act();
}

Result<size_t> TestVolume::write(Inode& inode, uint64_t offset, const Bytes& bytes) {
  Guard guard(inode.lock);
  IoBuffer buffer = IoBuffer::kernel(static_cast<const void*>(bytes.data()), bytes.size());
  auto& data = static_cast<Data&>(*inode.contents());
  Result<size_t> moved = data.write(buffer, offset);
  if (moved.ok()) inode.touch(false, true, true);
  return moved;
}

Result<Bytes> TestVolume::read(Inode& inode, uint64_t offset, size_t size) {
  Bytes bytes(size, '\0');
  IoBuffer buffer = IoBuffer::kernel(static_cast<void*>(bytes.data()), size);
  auto& data = static_cast<Data&>(*inode.contents());
  ReadAhead state;
  size_t moved = TRY(data.read(buffer, offset, state));
  bytes.resize(moved);
  return bytes;
}

Result<Bytes> TestVolume::read_all(const std::string& path) {
  Ref<Inode> inode = TRY(find(path));
  return read(*inode, 0, inode->size());
}

Result<> TestVolume::truncate(Inode& inode, uint64_t size) {
  Guard guard(inode.lock);
  AttributeChange change;
  change.size = size;
  TRY(inode.set_attributes(change));
  inode.touch(false, true, true);
  return {};
}

Result<> TestVolume::allocate(Inode& inode, uint32_t mode, uint64_t start, uint64_t length) {
  Guard guard(inode.lock);
  return inode.allocate(mode, start, length);
}

Result<> TestVolume::set_xattr(Inode& inode, const std::string& name, const std::string& value,
                               uint32_t flags) {
  Guard guard(inode.lock);
  return inode.set_xattr(view(name), view(value), flags);
}

Result<std::string> TestVolume::get_xattr(Inode& inode, const std::string& name) {
  Guard guard(inode.lock);
  String value = TRY(inode.get_xattr(view(name)));
  return text_of(value.view());
}

namespace {

class Collector final : public DirectorySink {
 public:
  explicit Collector(size_t room) : room_(room) {}
  bool entry(StringView name, uint64_t, FileType, uint64_t offset) override {
    if (names.size() == room_) return false;
    names.push_back(text_of(name));
    position = offset;
    return true;
  }
  std::vector<std::string> names;
  uint64_t position = 0;

 private:
  size_t room_;
};

}  // namespace

Result<std::vector<std::string>> TestVolume::list(const std::string& path, size_t at_once) {
  Ref<Inode> directory = TRY(find(path));
  std::vector<std::string> all;
  for (uint64_t position = 2;;) {
    Collector collector(at_once);
    Guard guard(directory->lock);
    TRY(directory->read_directory(position, collector));
    if (collector.names.empty()) return all;
    all.insert(all.end(), collector.names.begin(), collector.names.end());
    position = collector.position;
  }
}

Image make_image(uint64_t size, const std::string& options, const std::string& directory) {
  ImageFile file;
  std::string source = directory.empty() ? "" : " -d " + directory;
  bool made = file.make(size, options + source);
  EXPECT_TRUE(made) << "mkfs.ext4 " << options;
  return made ? file.load() : Image();
}

bool is_clean(const Image& image) {
  ImageFile file(image);
  int status = 0;
  std::string said = ImageFile::run("e2fsck -fn " + file.path(), &status);
  if (status != 0) std::printf("e2fsck: %d\n%s\n", status, said.c_str());
  return status == 0;
}

}  // namespace kernel::ext4
