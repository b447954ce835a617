// SPDX-License-Identifier: MIT
// Paths as values, and the way back from a place to its name (getcwd(2), /proc/PID/fd).

#include "fs/vfs/path.h"

#include "fs/vfs/dentry_cache.h"
#include "fs/vfs/mount.h"

namespace kernel {

Path::Path(Ref<Mount> mount, Ref<Dentry> dentry)
    : mount_(std::move(mount)), dentry_(std::move(dentry)) {}
Path::Path(const Path&) = default;
Path::Path(Path&&) noexcept = default;
Path& Path::operator=(const Path&) = default;
Path& Path::operator=(Path&&) noexcept = default;
Path::~Path() = default;
Ref<Mount> Path::mount_ref() const { return mount_; }

namespace {

constexpr size_t kPathMax = 4096;

// Characters put in front of what is there, from the end of a page towards its start.
class BackwardText {
 public:
  static Result<BackwardText> create() {
    BackwardText text;
    TRY(text.buffer_.resize(kPathMax));
    text.start_ = kPathMax;
    return text;
  }
  bool prepend(StringView text) {
    if (text.size() > start_) return false;
    start_ -= text.size();
    __builtin_memcpy(buffer_.data() + start_, text.data(), text.size());
    return true;
  }
  void clear() { start_ = kPathMax; }
  StringView view() const { return {buffer_.data() + start_, kPathMax - start_}; }

 private:
  Vector<char> buffer_;
  size_t start_ = 0;
};

enum class Reached { Root, Top, TooLong };

// RCU section; valid when the name sequence did not change meanwhile.
Reached climb(const Mount* mount, const Dentry* dentry, const Path& root, BackwardText& text) {
  while (mount != &root.mount() || dentry != &root.dentry()) {
    if (dentry == &mount->root()) {
      const Mount* above = mount->parent();
      if (above == nullptr) return Reached::Top;
      dentry = mount->mount_point();
      if (dentry == nullptr) return Reached::Top;  // being detached: the sequence changes
      mount = above;
      continue;
    }
    if (dentry->is_root()) return Reached::Top;  // detached names: pipes, memfd
    if (!text.prepend(dentry->name()) || !text.prepend("/")) return Reached::TooLong;
    dentry = &dentry->parent();
  }
  return Reached::Root;
}

}  // namespace

Result<String> Path::to_string(const Path& root, Unreachable unreachable) const {
  BackwardText text = TRY(BackwardText::create());
  bool removed = dentry_->is_removed();
  Reached reached;
  for (;;) {
    RcuReadGuard guard;
    uint32_t sequence = DentryCache::sequence.begin_read();
    text.clear();
    reached = climb(mount_.get(), dentry_.get(), root, text);
    if (!DentryCache::sequence.must_retry(sequence)) break;
  }
  if (reached == Reached::TooLong) return Errno::NameTooLong;
  String result;
  if (reached == Reached::Top) {
    if (dentry_->is_root() && mount_->parent() == nullptr && dentry_->name() != "/") {
      TRY(result.append(dentry_->name()));  // "pipe:[7]"
      return result;
    }
    if (unreachable == Unreachable::Marked) TRY(result.append("(unreachable)"));
  }
  TRY(result.append(text.view().empty() ? StringView("/") : text.view()));
  if (removed) TRY(result.append(" (deleted)"));
  return result;
}

}  // namespace kernel
