// SPDX-License-Identifier: MIT
// See synthetic.h.

#include "fs/vfs/synthetic.h"

namespace kernel {
namespace {

constexpr size_t kMostWritten = kPageSize - 1;

// One reader's view of a text file. The lock is held over the copy to the user, like a position's.
class TextFile final : public File {
 public:
  TextFile(const Path& path, uint32_t flags) : File(path, flags) {}
  Result<size_t> read(IoBuffer& buffer, uint64_t offset) override;
  Result<size_t> write(IoBuffer& buffer, uint64_t offset) override;
  Result<uint64_t> seek(int64_t offset, Whence whence) override;
  bool is_seekable() const override { return true; }

 private:
  TextInode& text_inode() const { return static_cast<TextInode&>(inode()); }
  Result<size_t> read_locked(IoBuffer& buffer, uint64_t offset) REQUIRES(text_lock_);

  PositionLock text_lock_;
  bool generated_ GUARDED_BY(text_lock_) = false;
  String text_ GUARDED_BY(text_lock_);
};

Result<size_t> TextFile::read_locked(IoBuffer& buffer, uint64_t offset) {
  if (offset == 0 || !generated_) {
    StringSink sink;
    TRY(text_inode().generate(sink));
    text_ = TRY(sink.take());
    generated_ = true;
  }
  if (offset >= text_.size()) return size_t{0};
  return buffer.put(text_.c_str() + offset, text_.size() - offset);
}

Result<size_t> TextFile::read(IoBuffer& buffer, uint64_t offset) {
  if (buffer.remaining() == 0) return size_t{0};
  text_lock_.acquire();
  Result<size_t> moved = read_locked(buffer, offset);
  text_lock_.release();
  return moved;
}

Result<size_t> TextFile::write(IoBuffer& buffer, uint64_t offset) {
  size_t size = buffer.remaining();
  if (size > kMostWritten) return Errno::Inval;
  Vector<char> text;
  TRY(text.resize(size));
  size_t moved = TRY(buffer.take(text.data(), size));
  TRY(text_inode().store({text.data(), moved}, offset));
  return moved;
}

Result<uint64_t> TextFile::seek(int64_t offset, Whence whence) NO_THREAD_SAFETY_ANALYSIS {
  // SAFETY: the caller holds position_lock.
  int64_t target = offset;
  if (whence == Whence::Current) {
    if (__builtin_add_overflow(static_cast<int64_t>(position), offset, &target))
      return Errno::Overflow;
  } else if (whence != Whence::Set) {
    return Errno::Inval;
  }
  if (target < 0) return Errno::Inval;
  position = static_cast<uint64_t>(target);
  return position;
}

uint64_t number_or_next(SuperBlock& super_block, uint64_t number) {
  return number != 0 ? number : super_block.next_inode_number();
}

// procfs and sysfs: modes stay as they are made (Linux: EPERM for all but a few).
Result<> refuse_owner_changes(Inode& inode, const AttributeChange& change) {
  if (change.size.has_value()) return inode.is_directory() ? Errno::IsDir : Errno::Perm;
  return change.mode || change.uid || change.gid ? Result<>(Errno::Perm) : Result<>();
}

}  // namespace

TextInode::TextInode(SuperBlock& super_block, uint16_t mode, uint64_t number)
    : Inode(super_block, FileType::Regular, number_or_next(super_block, number), mode) {
  immutable_contents = true;
}

Result<> TextInode::set_attributes(const AttributeChange& change) {
  AttributeChange rest = change;
  rest.size.reset();
  return Inode::set_attributes(rest);
}

Result<> TextInode::store(StringView, uint64_t) { return Errno::Inval; }

Result<Ref<File>> TextInode::open(const Path& path, uint32_t flags) {
  TRY(check_open(flags));
  Ref<TextFile> file = TRY(make_ref<TextFile>(path, flags));
  return Ref<File>(std::move(file));
}

Result<> GeneratedText::store(StringView text, uint64_t) {
  return store_ == nullptr ? Result<>(Errno::Io) : store_(text);
}

DynamicDirectory::DynamicDirectory(SuperBlock& super_block, uint16_t mode, uint64_t number)
    : Inode(super_block, FileType::Directory, number_or_next(super_block, number), mode) {
  immutable_contents = true;
  add_links(1);
}

Result<> DynamicDirectory::set_attributes(const AttributeChange& change) {
  TRY(refuse_owner_changes(*this, change));
  return Inode::set_attributes(change);
}

Result<> StaticDirectory::add(StringView name, Ref<Inode> inode) {
  bool is_directory = inode->is_directory();
  TRY(children_.append(Child{name, std::move(inode)}));
  if (is_directory) add_links(1);
  return {};
}

Result<Ref<Inode>> StaticDirectory::lookup(StringView name) {
  for (const Child& child : children_) {
    if (child.name == name) return child.inode;
  }
  return Errno::NoEnt;
}

Result<> StaticDirectory::read_directory(uint64_t offset, DirectorySink& sink) {
  for (uint64_t index = offset - 2; index < children_.size(); ++index) {
    const Child& child = children_[index];
    if (!sink.entry(child.name, child.inode->number(), child.inode->type(), index + 3)) break;
  }
  return {};
}

GeneratedLink::GeneratedLink(SuperBlock& super_block, Generate generate)
    : Inode(super_block, FileType::Symlink, super_block.next_inode_number(), 0777),
      generate_(generate) {
  immutable_contents = true;
}

Result<> GeneratedLink::set_attributes(const AttributeChange& change) {
  TRY(refuse_owner_changes(*this, change));
  return Inode::set_attributes(change);
}

}  // namespace kernel
