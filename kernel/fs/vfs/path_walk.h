// SPDX-License-Identifier: MIT
// From a path name to a place (path_resolution(7)). The walk starts inside an RCU section and takes
// no lock and no reference per component; where the cache cannot answer (a name that is not in it,
// a link whose target must be asked for) it takes references on where it stands and goes on with
// those. What an RCU walk found counts only when no rename and no mount happened meanwhile; else it
// starts again.
#pragma once

#include "fs/vfs/dentry_cache.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/vfs.h"

namespace kernel::vfs {

class PathWalk : public Pinned {
 public:
  static constexpr unsigned kMaxLinks = 40;  // path_resolution(7)
  static constexpr size_t kNameMax = 255;

  enum class LastKind : uint8_t { Name, Dot, DotDot, Root };

  // `path` must stay where it is while the walk is used.
  PathWalk(Start start, StringView path, LookupFlags flags)
      : start_(start), path_(path), flags_(flags) {}
  ~PathWalk() { drop(); }

  // Resolves all of it.
  Result<Path> to_end();
  // Resolves all but the last component, which last_name() then is; valid while the walk lives.
  Result<Path> to_parent();
  StringView last_name() const { return last_name_; }
  LastKind last_kind() const { return last_kind_; }
  bool has_trailing_slash() const { return trailing_slash_; }
  // After to_parent(): the last component is this symbolic link; goes on to the parent of its
  // target.
  Result<Path> through_link(Ref<Dentry> link);

 private:
  enum class Mode : uint8_t { Rcu, References };
  // Internal: the RCU walk cannot go on, or its answer does not count.
  static constexpr Errno kWalkAgain = Errno::RestartNoIntr;

  Result<Path> run();
  Result<Path> attempt(Mode mode);
  Result<> begin();
  Result<> walk();
  struct Component {
    StringView name;
    uint32_t hash = 0;  // below dentry_
  };
  Component take_component();
  Result<> step(const Component& component, bool last);
  Result<> step_with_references(StringView name, bool last);
  Result<> enter(Dentry& child, bool last);
  Result<> go_up();
  Result<> cross_mounts();
  Result<> follow(Inode& link);
  Result<> follow_text(StringView target);
  Result<> follow_magic(Inode& link);
  Result<> to_root();
  Result<> check_search();
  Result<Path> finish();
  // What was found so far counts only when no name has moved; the start of a walk is always right.
  enum class Found : uint8_t { Nothing, Places };
  Result<> keep_references(Found found);
  void place(Mount* mount, Dentry* dentry);
  void drop() {
    if (active_) let_go();
  }
  void let_go();

  bool has(LookupFlags flag) const {
    return (static_cast<uint32_t>(flags_) & static_cast<uint32_t>(flag)) != 0;
  }
  bool is_scoped() const { return has(LookupFlags::Beneath) || has(LookupFlags::InRoot); }

  const Start start_;
  const StringView path_;
  const LookupFlags flags_;
  Mode mode_ = Mode::Rcu;
  bool active_ = false;        // Rcu: inside the section; References: the four pointers are counted
  bool to_parent_ = false;
  bool trailing_slash_ = false;
  LastKind last_kind_ = LastKind::Root;
  uint32_t sequence_ = 0;
  unsigned links_ = 0;
  unsigned depth_ = 0;

  Mount* mount_ = nullptr;
  Dentry* dentry_ = nullptr;
  Mount* root_mount_ = nullptr;
  Dentry* root_dentry_ = nullptr;
  StringView rest_;            // what is still to walk
  StringView last_name_;
  // Rests behind links that are being walked: only for links whose text stays (RCU). With
  // references the text of the link and the rest are joined in text_.
  static constexpr unsigned kMaxDepth = 8;
  StringView saved_[kMaxDepth];
  String text_;
};

}  // namespace kernel::vfs
