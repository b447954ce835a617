// SPDX-License-Identifier: MIT
// See tmpfs_inode.h.

#include "fs/tmpfs/tmpfs_inode.h"

#include "sched/scheduler.h"

namespace kernel {
namespace {

constexpr uint32_t kKeepSize = 1, kPunchHole = 2;  // fallocate(2)
constexpr uint64_t kEntrySize = 20;  // what Linux's tmpfs counts for a directory entry
constexpr size_t kShortLink = 128;                 // longer targets take a page there

}  // namespace

Result<Ref<TmpfsInode>> TmpfsInode::create(TmpfsSuperBlock& super_block,
                                           const CreateParameters& parameters) {
  TRY(super_block.charge_inode());
  auto* made = new (std::nothrow)
      TmpfsInode(super_block, parameters.type, super_block.next_inode_number(), parameters.mode);
  if (made == nullptr) {
    super_block.uncharge_inode();
    return Errno::NoMem;
  }
  Ref<TmpfsInode> inode = Ref<TmpfsInode>::adopt(*made);
  inode->set_owner(parameters.uid, parameters.gid);
  inode->device_ = parameters.device;
  switch (parameters.type) {
    case FileType::Regular:
      inode->seals.store_relaxed(kSealSeal);  // what has a name is never sealed
      inode->object_ = TRY(make_ref<TmpfsObject>(super_block));
      break;
    case FileType::Directory: inode->add_links(1); break;
    case FileType::Symlink: inode->target_ = TRY(String::create(parameters.symlink_target)); break;
    default: break;
  }
  return inode;
}

// Names are gone and nobody has it open: the space is free from now on.
void TmpfsInode::evict() {
  if (object_ && object_->resident_pages() != 0) {
    object_->set_size(0);
    object_->truncate(0);
  }
  tmpfs().uncharge_inode();
}

// Not recursive: a tree may be deeper than the stack. Each directory's entries become this one's,
// so that every inode ends while it is empty.
void TmpfsInode::drop_tree() {
  while (TmpfsEntry* entry = entries_.at_or_behind(0)) {
    Owned<TmpfsEntry> gone = entries_.remove(*entry);
    TmpfsDirectory& inner = static_cast<TmpfsInode&>(*gone->inode).entries_;
    while (TmpfsEntry* child = inner.at_or_behind(0)) entries_.insert(inner.remove(*child));
  }
}

uint64_t TmpfsInode::size() {
  switch (type_) {
    case FileType::Regular: return object_->size();
    case FileType::Directory: return (entries_.count() + 2) * kEntrySize;
    case FileType::Symlink: return target_.size();
    default: return 0;
  }
}

InodeAttributes TmpfsInode::attributes() {
  InodeAttributes result = Inode::attributes();
  if (type_ == FileType::Symlink && target_.size() >= kShortLink) result.blocks = kPageSize / 512;
  return result;
}

Result<Ref<Inode>> TmpfsInode::lookup(StringView name) {
  TmpfsEntry* entry = entries_.find(name);
  if (entry == nullptr) return Errno::NoEnt;
  return entry->inode;
}

Result<> TmpfsInode::add_entry(StringView name, Ref<Inode> inode) {
  bool is_directory = inode->is_directory();
  entries_.insert(TRY(TmpfsDirectory::make_entry(name, std::move(inode))));
  if (is_directory) add_links(1);
  touch(false, true, true);
  return {};
}

Result<Ref<Inode>> TmpfsInode::create(StringView name, const CreateParameters& parameters) {
  Ref<TmpfsInode> inode = TRY(create(tmpfs(), parameters));
  TRY(add_entry(name, inode));
  return Ref<Inode>(std::move(inode));
}

Result<Ref<Inode>> TmpfsInode::create_unnamed(const CreateParameters& parameters) {
  Ref<TmpfsInode> inode = TRY(create(tmpfs(), parameters));
  inode->add_links(-1);
  return Ref<Inode>(std::move(inode));
}

Result<> TmpfsInode::link(StringView name, Inode& target) {
  TRY(add_entry(name, Ref<Inode>(target)));
  target.add_links(1);
  target.touch(false, false, true);
  return {};
}

void TmpfsInode::drop_entry(TmpfsEntry& entry) {
  Owned<TmpfsEntry> gone = entries_.remove(entry);
  Inode& inode = *gone->inode;
  inode.add_links(-1);
  if (inode.is_directory()) {
    inode.add_links(-1);
    add_links(-1);
  }
  inode.touch(false, false, true);
  touch(false, true, true);
}

Result<> TmpfsInode::unlink(StringView name, Inode&) {
  TmpfsEntry* entry = entries_.find(name);
  if (entry == nullptr) return Errno::NoEnt;
  drop_entry(*entry);
  return {};
}

Result<> TmpfsInode::remove_directory(StringView name, Inode& target) {
  if (!static_cast<TmpfsInode&>(target).entries_.empty()) return Errno::NotEmpty;
  return unlink(name, target);
}

Result<> TmpfsInode::rename(StringView old_name, Inode& target, Inode& new_directory,
                            StringView new_name, Inode* replaced, bool exchange) {
  auto& destination = static_cast<TmpfsInode&>(new_directory);
  TmpfsEntry* source = entries_.find(old_name);
  if (source == nullptr) return Errno::NoEnt;
  if (exchange) {
    TmpfsEntry* other = destination.entries_.find(new_name);
    if (other == nullptr) return Errno::NoEnt;
    std::swap(source->inode, other->inode);
    int32_t change = int32_t{replaced->is_directory()} - int32_t{target.is_directory()};
    add_links(change);
    destination.add_links(-change);
    replaced->touch(false, false, true);
  } else {
    if (replaced != nullptr && replaced->is_directory() &&
        !static_cast<TmpfsInode*>(replaced)->entries_.empty()) {
      return Errno::NotEmpty;
    }
    Owned<TmpfsEntry> moved = TRY(TmpfsDirectory::make_entry(new_name, source->inode));
    TmpfsEntry* present = replaced == nullptr ? nullptr : destination.entries_.find(new_name);
    if (present != nullptr) destination.drop_entry(*present);
    Owned<TmpfsEntry> gone = entries_.remove(*source);
    destination.entries_.insert(std::move(moved));
    if (target.is_directory()) {
      add_links(-1);
      destination.add_links(1);
    }
  }
  target.touch(false, false, true);
  touch(false, true, true);
  destination.touch(false, true, true);
  return {};
}

Result<> TmpfsInode::read_directory(uint64_t offset, DirectorySink& sink) {
  TmpfsEntry* entry = entries_.at_or_behind(offset);
  for (; entry != nullptr; entry = TmpfsDirectory::next(*entry)) {
    Inode& inode = *entry->inode;
    if (!sink.entry(entry->name, inode.number(), inode.type(), entry->cookie + 1)) break;
  }
  return {};
}

Result<> TmpfsInode::set_attributes(const AttributeChange& change) {
  if (!change.size.has_value()) return Inode::set_attributes(change);
  if (!object_) return Errno::Inval;
  uint64_t old_size = object_->size();
  uint32_t sealed = seals.load_relaxed();
  if ((sealed & kSealShrink) != 0 && *change.size < old_size) return Errno::Perm;
  if ((sealed & kSealGrow) != 0 && *change.size > old_size) return Errno::Perm;
  object_->set_size(*change.size);
  if (*change.size < old_size) object_->truncate(*change.size);
  AttributeChange rest = change;
  rest.size.reset();
  return Inode::set_attributes(rest);
}

// fallocate(2) as Linux's tmpfs has it: pages are really there afterwards, or none of it happened.
Result<> TmpfsInode::allocate(uint32_t mode, uint64_t start, uint64_t length) {
  if (!object_ || (mode & ~(kKeepSize | kPunchHole)) != 0) return Errno::OpNotSupp;
  uint64_t end = start + length;
  uint32_t sealed = seals.load_relaxed();
  if ((mode & kPunchHole) != 0) {
    if ((sealed & (kSealWrite | kSealFutureWrite)) != 0) return Errno::Perm;
    object_->punch(start, end);
    touch(false, true, true);
    return {};
  }
  uint64_t old_size = object_->size();
  if ((sealed & kSealGrow) != 0 && end > old_size && (mode & kKeepSize) == 0) return Errno::Perm;
  uint64_t first = start >> kPageShift;
  if (!tmpfs().could_hold(pages_for(end) - first)) return Errno::NoSpc;
  uint64_t wanted = align_up(end, kPageSize);
  if (wanted > old_size) object_->set_size(wanted);  // pages exist below the size only
  Result<> result;
  for (uint64_t index = first; index < pages_for(end) && result.ok(); ++index) {
    Result<PhysAddr> page = object_->get_page(index, true);
    if (!page.ok()) {
      result = page.error();
    } else {
      frames::put(*page);
      if (sched::signal_pending()) result = Errno::Intr;
    }
  }
  if (!result.ok()) {
    object_->set_size(old_size);
    if (wanted > old_size) object_->truncate(old_size);
    return result;
  }
  object_->set_size((mode & kKeepSize) != 0 || end < old_size ? old_size : end);
  touch(false, true, true);
  return {};
}

size_t TmpfsInode::find_xattr(StringView name) const {
  size_t index = 0;
  while (index < xattrs_.size() && xattrs_[index].name.view() != name) ++index;
  return index;
}

Result<String> TmpfsInode::get_xattr(StringView name) {
  size_t index = find_xattr(name);
  if (index == xattrs_.size()) return Errno::NoData;
  return xattrs_[index].value.clone();
}

Result<> TmpfsInode::set_xattr(StringView name, StringView value, uint32_t flags) {
  constexpr uint32_t kCreateOnly = 1, kReplaceOnly = 2;
  size_t index = find_xattr(name);
  bool present = index != xattrs_.size();
  if (present && (flags & kCreateOnly) != 0) return Errno::Exist;
  if (!present && (flags & kReplaceOnly) != 0) return Errno::NoData;
  String copy = TRY(String::create(value));
  if (present) {
    xattrs_[index].value = std::move(copy);
    return {};
  }
  String own_name = TRY(String::create(name));
  return xattrs_.append(Attribute{std::move(own_name), std::move(copy)});
}

Result<> TmpfsInode::remove_xattr(StringView name) {
  size_t index = find_xattr(name);
  if (index == xattrs_.size()) return Errno::NoData;
  xattrs_.remove(index);
  return {};
}

Result<String> TmpfsInode::list_xattrs() {
  String all;
  for (const Attribute& attribute : xattrs_) {
    TRY(all.append(attribute.name));
    TRY(all.append('\0'));
  }
  return all;
}

}  // namespace kernel
