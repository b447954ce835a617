// SPDX-License-Identifier: MIT
// A base for file systems whose files are made up when looked at (procfs, sysfs): text files from a
// generator, directories that answer as they like, fixed trees, symbolic links. Sizes are 0, as
// Linux's procfs has them, and times are those of the moment the inode was made.
#pragma once

#include "fs/vfs/file.h"
#include "lib/format.h"

namespace kernel {

// A file of text. A read from the start generates it; reads behind go on in the same text, so that
// one reader sees one moment.
class TextInode : public Inode {
 public:
  // The text now. May sleep. Errors reach the reader (Srch for a dead process).
  virtual Result<> generate(FormatSink& sink) = 0;
  // One write(2), at most a page less one byte, `offset` as of the write. Default: Inval.
  virtual Result<> store(StringView text, uint64_t offset);
  // Asked at open. Default: yes.
  virtual Result<> check_open(uint32_t flags) { (void)flags; return {}; }
  Result<Ref<File>> open(const Path& path, uint32_t flags) override;
  // Truncating a text that is made anew at each look means nothing, and is no error.
  Result<> set_attributes(const AttributeChange& change) override;

 protected:
  TextInode(SuperBlock& super_block, uint16_t mode, uint64_t number = 0);
};

// A text file that is one function. Written without another: Io, as Linux's procfs has it.
class GeneratedText final : public TextInode {
 public:
  using Generate = Result<> (*)(FormatSink& sink);
  using Store = Result<> (*)(StringView text);
  GeneratedText(SuperBlock& super_block, uint16_t mode, Generate make_text,
                Store take_text = nullptr)
      : TextInode(super_block, mode), generate_(make_text), store_(take_text) {}
  Result<> generate(FormatSink& sink) override { return generate_(sink); }
  Result<> store(StringView text, uint64_t offset) override;

 private:
  Generate generate_;
  Store store_;
};

// A directory that answers lookup and read_directory by itself. For names that come and go, the
// children set needs_revalidation_, and absent names are not remembered.
class DynamicDirectory : public Inode {
 public:
  Result<> set_attributes(const AttributeChange& change) override;

 protected:
  DynamicDirectory(SuperBlock& super_block, uint16_t mode, uint64_t number = 0);
};

// A directory with fixed children, filled at boot; a derived class may add dynamic ones behind
// them.
class StaticDirectory : public DynamicDirectory {
 public:
  explicit StaticDirectory(SuperBlock& super_block, uint16_t mode = 0555)
      : DynamicDirectory(super_block, mode) {}
  // `name` stays where it is (a literal). Boot, or with the inode's lock held.
  Result<> add(StringView name, Ref<Inode> inode);
  Result<Ref<Inode>> lookup(StringView name) override;
  Result<> read_directory(uint64_t offset, DirectorySink& sink) override;

 protected:
  // Cookies of dynamic children start here.
  uint64_t first_dynamic_cookie() const { return 2 + children_.size(); }

 private:
  struct Child {
    StringView name;
    Ref<Inode> inode;
  };
  Vector<Child> children_;
};

// A symbolic link whose target is made at each look.
class GeneratedLink final : public Inode {
 public:
  using Generate = Result<String> (*)();
  GeneratedLink(SuperBlock& super_block, Generate generate);
  Result<String> read_link() override { return generate_(); }
  Result<> set_attributes(const AttributeChange& change) override;

 private:
  Generate generate_;
};

}  // namespace kernel
