// SPDX-License-Identifier: MIT
// See whiteout.h.

#include "fs/overlay/whiteout.h"

#include "fs/vfs/vfs.h"

namespace kernel::overlay {
namespace {

constexpr StringView kOpaque = "trusted.overlay.opaque";

class RawSink final : public DirectorySink {
 public:
  explicit RawSink(Vector<RawEntry>& entries) : entries_(entries) {}
  bool entry(StringView name, uint64_t inode, FileType type, uint64_t) override {
    if (name == "." || name == "..") return true;
    Result<String> copy = String::create(name);
    failed_ = !copy.ok() || !entries_.append({std::move(copy).take(), inode, type}).ok();
    return !failed_;
  }
  bool failed() const { return failed_; }

 private:
  Vector<RawEntry>& entries_;
  bool failed_ = false;
};

}  // namespace

bool is_whiteout(const Inode& inode) {
  return inode.type() == FileType::CharDevice && inode.device() == DeviceNumber{};
}

bool is_opaque(Inode& directory) {
  Guard guard(directory.lock);
  Result<String> value = directory.get_xattr(kOpaque);
  return value.ok() && value->view() == "y";
}

Result<> set_opaque(Inode& directory) {
  Guard guard(directory.lock);
  return directory.set_xattr(kOpaque, "y", 0);
}

Result<> make_whiteout(const Path& directory, StringView name) {
  TRY(vfs::make_node({.directory = &directory}, name, FileType::CharDevice, 0, DeviceNumber{}));
  return {};
}

// Through an open file, which is where the names of 9p come from. Nobody else has it: its position
// needs no lock.
Result<Vector<RawEntry>> list_raw(const Path& directory) {
  vfs::OpenRequest reading{.flags = kOpenReadOnly | kOpenDirectory | kOpenNoAtime,
                           .resolve = vfs::LookupFlags::EmptyPath};
  Ref<File> file = TRY(vfs::open({.directory = &directory}, "", reading));
  Vector<RawEntry> entries;
  RawSink sink(entries);
  for (size_t before = SIZE_MAX; before != entries.size();) {
    before = entries.size();
    TRY(file->read_directory(sink));
    if (sink.failed()) return Errno::NoMem;
  }
  return entries;
}

Result<> clear_directory(const Path& directory) {
  Vector<RawEntry> entries = TRY(list_raw(directory));
  for (const RawEntry& entry : entries) {
    vfs::Start start{.directory = &directory};
    TRY(entry.type == FileType::Directory ? vfs::remove_directory(start, entry.name)
                                          : vfs::unlink(start, entry.name));
  }
  return {};
}

}  // namespace kernel::overlay
