// SPDX-License-Identifier: MIT
// What the vfs layer asks of a directory. Each change is one journal handle: name, inodes and
// counts of links are right together or not at all. The locks are those of fs/vfs/inode.h.

#include "fs/ext4/directory.h"
#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"

namespace kernel::ext4 {
namespace {

constexpr uint32_t kMaxLinks = 65000;

Node& node_of(Inode& inode) { return static_cast<Node&>(inode); }

// The ".." of one more directory makes a link more. Beyond the limit a directory's count is 1, for
// "many", where the feature dir_nlink allows it.
bool can_add_directory(const Node& dir) {
  return dir.links() < kMaxLinks || dir.volume().geometry().has_read_only(kReadOnlyDirLinks);
}

}  // namespace

// `change` of -1 or 1; the count of a directory with very many stays 1.
void Node::change_directory_links(int32_t change) {
  uint32_t present = links();
  if (present == 1) return;
  uint32_t wanted = present + static_cast<uint32_t>(change);
  bool many = volume().geometry().has_read_only(kReadOnlyDirLinks) && wanted > kMaxLinks;
  links_.store_relaxed(many ? 1 : wanted);
}

// Behind a change of its entries or links.
Result<> Node::store_named(Handle& handle, bool contents_changed) {
  touch(false, contents_changed, true);
  note_change(handle);
  return store(handle);
}

Result<Ref<Inode>> Node::lookup(StringView name) {
  if (!is_directory()) return Errno::NotDir;
  if (name.size() > kMaxName) return Errno::NameTooLong;
  uint32_t number = TRY(directory::find(*this, name));
  if (number == disk_number())
    return volume().corrupted(number, "inode {}: '{}' linked to parent dir", number, name);
  Ref<Node> node = TRY(volume().node(number));
  if (node->links() == 0) return volume().corrupted(number, "deleted inode referenced: {}", number);
  return Ref<Inode>(std::move(node));
}

Result<> Node::read_directory(uint64_t offset, DirectorySink& sink) {
  if (!is_directory()) return Errno::NotDir;
  return directory::list(*this, offset, sink);
}

Result<Ref<Inode>> Node::create(StringView name, const CreateParameters& parameters) {
  return volume().with_retries([&] { return create_once(name, parameters); });
}

Result<Ref<Inode>> Node::create_once(StringView name, const CreateParameters& parameters) {
  bool is_new_directory = parameters.type == FileType::Directory;
  if (is_new_directory && !can_add_directory(*this)) return Errno::MLink;
  Optional<Ref<Node>> node;  // ends behind the handle, if it does
  Handle handle = TRY(volume().start(kCreateCredits + directory::kCredits + 2));
  node = TRY(make(handle, *this, parameters));
  Result<> named = node->init(handle, *this, parameters);
  if (named.ok()) named = directory::add(handle, *this, name, node->disk_number(), parameters.type);
  if (!named.ok()) {
    node->abandon(handle);
    return named.error();
  }
  if (is_new_directory) change_directory_links(1);
  TRY(store_named(handle, true));
  return Ref<Inode>(node.take());
}

Result<Ref<Inode>> Node::create_unnamed(const CreateParameters& parameters) {
  if (!is_directory()) return Errno::NotDir;
  return volume().with_retries([&]() -> Result<Ref<Inode>> {
    Optional<Ref<Node>> node;
    Handle handle = TRY(volume().start(kCreateCredits + 5));
    node = TRY(make(handle, *this, parameters));
    Result<> ready = node->init(handle, *this, parameters);
    node->abandon(handle);  // deleted at its end, unless it is linked before
    if (!ready.ok()) return ready.error();
    return Ref<Inode>(node.take());
  });
}

Result<> Node::link(StringView name, Inode& target) {
  return volume().with_retries([&] { return link_once(name, node_of(target)); });
}

Result<> Node::link_once(StringView name, Node& target) {
  if (target.links() >= kMaxLinks) return Errno::MLink;
  if (has(kInodeProjectInherit) && project_ != target.project_) return Errno::XDev;
  Handle handle = TRY(volume().start(directory::kCredits + 7));
  TRY(directory::add(handle, *this, name, target.disk_number(), target.type()));
  target.add_links(1);
  if (target.links() == 1) TRY(volume().orphans().remove(handle, target));
  TRY(target.store_named(handle, false));
  return store_named(handle, true);
}

Result<> Node::unlink(StringView name, Inode& inode) {
  Node& target = node_of(inode);
  Handle handle = TRY(volume().start(directory::kCredits + 7));
  if (TRY(directory::find(*this, name)) != target.disk_number()) return Errno::Stale;
  TRY(directory::remove(handle, *this, name));
  TRY(store_named(handle, true));
  if (target.links() == 0) {
    log_warning("EXT4-fs ({}): deleting file '{}' with no links", volume().name(), name);
    return {};
  }
  target.add_links(-1);
  if (target.links() == 0) TRY(volume().orphans().add(handle, target));
  return target.store_named(handle, false);
}

Result<> Node::remove_directory(StringView name, Inode& inode) {
  Node& target = node_of(inode);
  if (!TRY(directory::is_empty(target))) return Errno::NotEmpty;
  Handle handle = TRY(volume().start(directory::kCredits + 7));
  if (TRY(directory::find(*this, name)) != target.disk_number()) return Errno::Stale;
  TRY(directory::remove(handle, *this, name));
  target.links_.store_relaxed(0);
  TRY(volume().orphans().add(handle, target));
  TRY(target.store_named(handle, false));
  change_directory_links(-1);
  return store_named(handle, true);
}

// --- rename ---------------------------------------------------------------------------------

// `child` is ours from now on.
Result<> Node::adopt_directory(Handle& handle, Node& child, Node& from) {
  if (this == &from || !child.is_directory()) return {};
  TRY(directory::set_parent(handle, child, disk_number()));
  from.change_directory_links(-1);
  change_directory_links(1);
  return {};
}

Result<> Node::rename(StringView old_name, Inode& target, Inode& new_directory, StringView new_name,
                      Inode* replaced, bool exchange) {
  Node &moved = node_of(target), &to = node_of(new_directory);
  Node* other = replaced == nullptr ? nullptr : &node_of(*replaced);
  // A file that replaces another one is what programs rename to: they mean its contents as well.
  if (other != nullptr && !exchange && moved.data_ && volume().options().auto_flush)
    ignore(moved.data_->write_back_all());
  return volume().with_retries([&] {
    return exchange ? exchange_once(old_name, moved, to, new_name, *other)
                    : rename_once(old_name, moved, to, new_name, other);
  });
}

Result<> Node::rename_once(StringView old_name, Node& moved, Node& to, StringView new_name,
                           Node* replaced) {
  bool is_dir = moved.is_directory();
  if (replaced != nullptr && replaced->is_directory() && !TRY(directory::is_empty(*replaced)))
    return Errno::NotEmpty;
  if (is_dir && replaced == nullptr && this != &to && !can_add_directory(to)) return Errno::MLink;
  if (to.has(kInodeProjectInherit) && to.project_ != moved.project_) return Errno::XDev;
  Handle handle = TRY(volume().start(directory::kCredits + 14));
  if (TRY(directory::find(*this, old_name)) != moved.disk_number()) return Errno::Stale;
  if (replaced != nullptr) {
    TRY(directory::replace(handle, to, new_name, moved.disk_number(), moved.type()));
  } else {
    TRY(directory::add(handle, to, new_name, moved.disk_number(), moved.type()));
  }
  TRY(directory::remove(handle, *this, old_name));
  if (replaced != nullptr) {
    bool was_directory = replaced->is_directory();
    if (was_directory) {
      replaced->links_.store_relaxed(0);
      to.change_directory_links(-1);
    } else {
      replaced->add_links(-1);
    }
    if (replaced->links() == 0) TRY(volume().orphans().add(handle, *replaced));
    TRY(replaced->store_named(handle, false));
  }
  TRY(to.adopt_directory(handle, moved, *this));
  TRY(moved.store_named(handle, false));
  TRY(store_named(handle, true));
  return &to == this ? Result<>() : to.store_named(handle, true);
}

Result<> Node::exchange_once(StringView old_name, Node& moved, Node& to, StringView new_name,
                             Node& other) {
  if ((to.has(kInodeProjectInherit) && to.project_ != moved.project_) ||
      (has(kInodeProjectInherit) && project_ != other.project_))
    return Errno::XDev;
  Handle handle = TRY(volume().start(directory::kCredits + 14));
  TRY(directory::replace(handle, *this, old_name, other.disk_number(), other.type()));
  TRY(directory::replace(handle, to, new_name, moved.disk_number(), moved.type()));
  TRY(to.adopt_directory(handle, moved, *this));
  TRY(adopt_directory(handle, other, to));
  TRY(moved.store_named(handle, false));
  TRY(other.store_named(handle, false));
  TRY(store_named(handle, true));
  return &to == this ? Result<>() : to.store_named(handle, true);
}

}  // namespace kernel::ext4
