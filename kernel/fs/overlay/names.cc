// SPDX-License-Identifier: MIT
// Names in a directory of an overlay: what the layers show, and changes of the upper one. A name
// that the lower layers have is hidden by a whiteout, which is made in the work directory and takes
// the name's place in one step.

#include "fs/overlay/inode.h"
#include "fs/overlay/whiteout.h"
#include "fs/vfs/vfs.h"

namespace kernel {
namespace {

using vfs::LookupFlags;

// Nothing: the layer does not have the name.
Result<std::optional<Path>> look(const Path& directory, StringView name) {
  Result<Path> found = vfs::lookup({.directory = &directory}, name, LookupFlags::None);
  if (found.failed_with(Errno::NoEnt)) return std::optional<Path>();
  return std::optional<Path>(TRY(std::move(found)));
}

}  // namespace

Result<OverlayInode::Sources> OverlayInode::find(StringView name) const {
  Sources sources;
  if (const Path* directory = upper()) {
    std::optional<Path> found = TRY(look(*directory, name));
    if (found && overlay::is_whiteout(found->inode())) return sources;
    if (found) {
      bool is_last = !found->inode().is_directory() || overlay::is_opaque(found->inode());
      sources.upper = std::move(*found);
      if (is_last) return sources;
    }
  }
  for (const Path& directory : lowers_) {
    std::optional<Path> found = TRY(look(directory, name));
    if (!found) continue;
    Inode& inode = found->inode();
    if (overlay::is_whiteout(inode)) break;
    bool is_directory = inode.is_directory();
    if (!is_directory && !sources.empty()) break;
    bool is_last = !is_directory || overlay::is_opaque(inode);
    TRY(sources.lowers.append(std::move(*found)));
    if (is_last) break;
  }
  return sources;
}

Result<bool> OverlayInode::shows_below(StringView name) const {
  for (const Path& directory : lowers_) {
    std::optional<Path> found = TRY(look(directory, name));
    if (found) return !overlay::is_whiteout(found->inode());
  }
  return false;
}

Result<bool> OverlayInode::has_whiteout(StringView name) const {
  std::optional<Path> found = TRY(look(*upper(), name));
  return found && overlay::is_whiteout(found->inode());
}

Result<Ref<Inode>> OverlayInode::lookup(StringView name) {
  OverlayScope scope(overlay());
  Sources sources = TRY(find(name));
  return Ref<Inode>(TRY(get(overlay(), std::move(sources), this, name)));
}

// The new file in the upper layer, in the place of a whiteout if there is one.
Result<Path> OverlayInode::make_upper(StringView name, const CreateParameters& parameters) {
  bool over_whiteout = TRY(has_whiteout(name));
  String temporary = TRY(overlay().temporary_name());
  vfs::Start here{.directory = upper()}, work{.directory = &overlay().work()};
  vfs::Start start = over_whiteout ? work : here;
  StringView own = over_whiteout ? temporary.view() : name;
  bool is_directory = parameters.type == FileType::Directory;
  switch (parameters.type) {
    case FileType::Directory: TRY(vfs::make_directory(start, own, 0700)); break;
    case FileType::Symlink:
      TRY(vfs::symbolic_link(parameters.symlink_target, start, own));
      break;
    default: TRY(vfs::make_node(start, own, parameters.type, 0600, parameters.device)); break;
  }
  auto finish = [&]() -> Result<Path> {
    Path made = TRY(vfs::lookup(start, own, LookupFlags::None));
    {
      AttributeChange change;
      change.uid = parameters.uid;
      change.gid = parameters.gid;
      if (parameters.type != FileType::Symlink) change.mode = parameters.mode;
      Guard guard(made.inode().lock);
      TRY(made.inode().set_attributes(change));
    }
    if (is_directory && over_whiteout) TRY(overlay::set_opaque(made.inode()));
    if (!over_whiteout) return made;
    // A directory cannot replace a whiteout, but change places with it.
    TRY(vfs::rename(work, temporary, here, name, is_directory ? vfs::kRenameExchange : 0));
    if (is_directory) ignore(vfs::unlink(work, temporary));
    return made;
  };
  Result<Path> made = finish();
  if (!made.ok())
    ignore(is_directory ? vfs::remove_directory(start, own) : vfs::unlink(start, own));
  return made;
}

Result<Ref<Inode>> OverlayInode::create(StringView name, const CreateParameters& parameters) {
  // A whiteout that somebody makes would hide itself.
  if (parameters.type == FileType::CharDevice && parameters.device == DeviceNumber{})
    return Errno::Perm;
  TRY(copy_up());
  OverlayScope scope(overlay());
  Sources sources;
  sources.upper = TRY(make_upper(name, parameters));
  Ref<OverlayInode> made = TRY(get(overlay(), std::move(sources), this, name));
  note_added(name, *made);
  take_attributes();
  return Ref<Inode>(std::move(made));
}

Result<> OverlayInode::link(StringView name, Inode& target) {
  OverlayInode& source = of(target);
  TRY(copy_up());
  TRY(source.copy_up());
  OverlayScope scope(overlay());
  vfs::Start from{.directory = source.upper()}, here{.directory = upper()};
  vfs::Start work{.directory = &overlay().work()};
  if (TRY(has_whiteout(name))) {
    String temporary = TRY(overlay().temporary_name());
    TRY(vfs::hard_link(from, "", work, temporary, LookupFlags::EmptyPath));
    if (Result<> moved = vfs::rename(work, temporary, here, name, 0); !moved.ok()) {
      ignore(vfs::unlink(work, temporary));
      return moved;
    }
  } else {
    TRY(vfs::hard_link(from, "", here, name, LookupFlags::EmptyPath));
  }
  source.take_attributes();
  note_added(name, source);
  return {};
}

// A whiteout takes the place of what the upper layer has there, if anything.
Result<> OverlayInode::hide(StringView name, OverlayInode& target) {
  String temporary = TRY(overlay().temporary_name());
  vfs::Start here{.directory = upper()}, work{.directory = &overlay().work()};
  bool upper_directory = target.upper() != nullptr && target.is_directory();
  TRY(overlay::make_whiteout(overlay().work(), temporary));
  Result<> moved = vfs::rename(work, temporary, here, name,
                               upper_directory ? vfs::kRenameExchange : 0);
  if (!moved.ok()) {
    ignore(vfs::unlink(work, temporary));
    return moved;
  }
  if (upper_directory) ignore(vfs::remove_directory(work, temporary));
  return {};
}

Result<> OverlayInode::remove(StringView name, OverlayInode& target) {
  TRY(copy_up());
  OverlayScope scope(overlay());
  // What is left in a directory that shows nothing are whiteouts.
  if (target.is_directory() && target.upper() != nullptr)
    TRY(overlay::clear_directory(*target.upper()));
  vfs::Start here{.directory = upper()};
  if (TRY(shows_below(name))) {
    TRY(hide(name, target));
  } else if (target.is_directory()) {
    TRY(vfs::remove_directory(here, name));
  } else {
    TRY(vfs::unlink(here, name));
  }
  note_removed(name);
  take_attributes();
  if (target.upper() != nullptr) {
    target.take_attributes();
  } else {
    target.links_.store_relaxed(0);
  }
  return {};
}

Result<> OverlayInode::unlink(StringView name, Inode& target) { return remove(name, of(target)); }

Result<> OverlayInode::remove_directory(StringView name, Inode& target) {
  TRY(of(target).ensure_empty());
  return remove(name, of(target));
}

Result<> OverlayInode::rename(StringView old_name, Inode& target, Inode& new_directory,
                              StringView new_name, Inode* replaced, bool exchange) {
  OverlayInode& source = of(target);
  OverlayInode& to = of(new_directory);
  OverlayInode* other = replaced != nullptr ? &of(*replaced) : nullptr;
  // The lower part of a directory cannot go along (rename(2) has EXDEV for that).
  if (source.is_merged_or_lower() || (exchange && other->is_merged_or_lower())) return Errno::XDev;
  if (other != nullptr && !exchange && other->is_directory()) TRY(other->ensure_empty());
  TRY(copy_up());
  TRY(to.copy_up());
  TRY(source.copy_up());
  if (exchange) TRY(other->copy_up());
  OverlayScope scope(overlay());
  bool shown_at_new = TRY(to.shows_below(new_name));
  bool shown_at_old = TRY(shows_below(old_name));
  if (source.is_directory() && shown_at_new) TRY(overlay::set_opaque(source.upper()->inode()));
  if (exchange && other->is_directory() && shown_at_old)
    TRY(overlay::set_opaque(other->upper()->inode()));
  if (other != nullptr && !exchange && other->is_directory() && other->upper() != nullptr)
    TRY(overlay::clear_directory(*other->upper()));

  vfs::Start from{.directory = upper()}, here{.directory = to.upper()};
  // A directory changes places with the whiteout that stands where it goes.
  bool swaps = exchange || (source.is_directory() && TRY(to.has_whiteout(new_name)));
  uint32_t flags = swaps ? vfs::kRenameExchange : shown_at_old ? vfs::kRenameWhiteout : 0;
  TRY(vfs::rename(from, old_name, here, new_name, flags));
  if (swaps && !exchange && !shown_at_old) ignore(vfs::unlink(from, old_name));

  note_removed(old_name);
  if (exchange) note_added(old_name, *other);
  to.note_removed(new_name);
  to.note_added(new_name, source);
  source.take_attributes();
  if (other != nullptr && other->upper() != nullptr) other->take_attributes();
  take_attributes();
  to.take_attributes();
  return {};
}

}  // namespace kernel
