// SPDX-License-Identifier: MIT
// Random operations on a volume and on a model of it in memory: the same outcome, the same contents
// afterwards, also after a remount; and e2fsck finds nothing wrong at the end.

#include <memory>
#include <random>

#include "host_tests/ext4_volume.h"

namespace kernel::ext4 {
namespace {

constexpr uint32_t kKeepSize = 1, kPunchHole = 2, kCollapse = 8, kZeroRange = 16, kInsert = 32;

struct ModelFile {
  FileType type = FileType::Regular;
  Bytes bytes;
  std::map<std::string, std::string> xattrs;
  std::map<std::string, std::shared_ptr<ModelFile>> children;
  unsigned links = 1;
};
using ModelRef = std::shared_ptr<ModelFile>;

class Rig {
 public:
  Rig(const std::string& mkfs, uint64_t size, uint32_t seed)
      : test_(make_image(size, mkfs)), random_(seed), root_(std::make_shared<ModelFile>()) {
    root_->type = FileType::Directory;
    // lost+found stays as it is.
    auto lost = std::make_shared<ModelFile>();
    lost->type = FileType::Directory;
    root_->children["lost+found"] = lost;
    block_ = mkfs.find("1024") != std::string::npos   ? 1024
             : mkfs.find("2048") != std::string::npos ? 2048
                                                      : 4096;
    extents_ = mkfs.find("ext2") == std::string::npos && mkfs.find("ext3") == std::string::npos &&
               mkfs.find("^extents") == std::string::npos;
  }

  TestVolume& test() { return test_; }
  ModelFile& root() { return *root_; }
  size_t below(size_t limit) { return random_() % limit; }

  void step() {
    switch (below(24)) {
      case 0:
      case 1:
      case 2:
        return create();
      case 3:
        return make_directory();
      case 4:
      case 5:
      case 6:
      case 7:
        return write();
      case 8:
        return truncate();
      case 9:
      case 10:
        return unlink();
      case 11:
        return remove_directory();
      case 12:
      case 13:
        return rename(false);
      case 14:
        return rename(true);
      case 15:
        return link();
      case 16:
        return symlink();
      case 17:
      case 18:
        return xattr();
      case 19:
      case 20:
      case 21:
        return allocate();
      case 22:
        return check_one();
      default:
        if (below(20) == 0) return remount();
    }
  }
  void remount() {
    test_.remount();
    ASSERT_TRUE(test_.ok());
  }
  void check_all() { check(*root_, ""); }

 private:
  struct Spot {
    ModelRef directory;
    std::string path;  // of the directory
  };
  Spot random_directory() {
    Spot spot{root_, ""};
    while (below(3) != 0) {
      std::vector<std::string> names;
      for (auto& [name, child] : spot.directory->children)
        if (child->type == FileType::Directory && name != "lost+found") names.push_back(name);
      if (names.empty()) break;
      std::string name = names[below(names.size())];
      spot.directory = spot.directory->children[name];
      spot.path += "/" + name;
    }
    return spot;
  }
  std::string new_name() {
    std::string name = "n" + std::to_string(below(400));
    if (below(4) == 0) name += std::string(below(200), 'x');
    return name;
  }
  // An entry of a random directory, or nothing.
  std::string old_name(ModelFile& directory) {
    std::vector<std::string> names;
    for (auto& [name, child] : directory.children)
      if (name != "lost+found") names.push_back(name);
    return names.empty() ? "" : names[below(names.size())];
  }
  struct Chosen {
    Spot spot;
    std::string name;
    ModelRef file;
    std::string path() const { return spot.path + "/" + name; }
  };
  std::optional<Chosen> random_file() {
    for (int tries = 0; tries < 10; ++tries) {
      Spot spot = random_directory();
      std::string name = old_name(*spot.directory);
      if (name.empty()) continue;
      ModelRef file = spot.directory->children[name];
      if (file->type == FileType::Regular) return Chosen{spot, name, file};
    }
    return {};
  }

  // The outcome must be that of the model; lack of space is accepted, and then nothing changes.
  bool agrees(const Result<>& result, std::optional<Errno> expected, const std::string& what) {
    if (result.failed_with(Errno::NoSpc)) return false;
    if (!expected) {
      EXPECT_TRUE(result.ok()) << what << " failed with " << int(result.error());
      return result.ok();
    }
    EXPECT_TRUE(result.failed_with(*expected))
        << what << ": " << int(result.error()) << " instead of " << int(*expected);
    return false;
  }
  template <class T>
  static Result<> outcome(const Result<T>& result) {
    return result.ok() ? Result<>() : result.error();
  }

  void create() {
    Spot spot = random_directory();
    std::string name = new_name();
    bool exists = spot.directory->children.count(name) != 0;
    Result<Ref<Inode>> made = test_.create(spot.path + "/" + name);
    if (agrees(outcome(made), exists ? std::optional(Errno::Exist) : std::nullopt, "create"))
      spot.directory->children[name] = std::make_shared<ModelFile>();
  }
  void make_directory() {
    Spot spot = random_directory();
    std::string name = new_name();
    bool exists = spot.directory->children.count(name) != 0;
    Result<> made = test_.make_directory(spot.path + "/" + name);
    if (!agrees(made, exists ? std::optional(Errno::Exist) : std::nullopt, "mkdir")) return;
    auto file = std::make_shared<ModelFile>();
    file->type = FileType::Directory;
    spot.directory->children[name] = file;
  }
  void symlink() {
    Spot spot = random_directory();
    std::string name = new_name(), target(1 + below(below(2) != 0 ? 59 : 900), 't');
    if (spot.directory->children.count(name) != 0) return;
    if (!agrees(outcome(test_.create(spot.path + "/" + name, FileType::Symlink, 0777, target)), {},
                "symlink"))
      return;
    auto file = std::make_shared<ModelFile>();
    file->type = FileType::Symlink;
    file->bytes = target;
    spot.directory->children[name] = file;
  }
  size_t random_offset() { return below(3) == 0 ? below(400'000) : below(20'000); }
  void write() {
    std::optional<Chosen> chosen = random_file();
    if (!chosen) return;
    size_t offset = random_offset(), size = 1 + below(below(3) == 0 ? 150'000 : 6000);
    Bytes bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random_());
    Ref<Inode> inode = test_.find(chosen->path()).value();
    Result<size_t> written = test_.write(*inode, offset, bytes);
    if (!written.ok()) {
      agrees(written.error(), {}, "write");
      return;
    }
    Bytes& model = chosen->file->bytes;
    if (model.size() < offset + *written) model.resize(offset + *written);
    model.replace(offset, *written, bytes, 0, *written);
    if (below(8) == 0) {
      EXPECT_TRUE(inode->synchronise(below(2) == 0).ok());
    }
  }
  void truncate() {
    std::optional<Chosen> chosen = random_file();
    if (!chosen) return;
    size_t size = below(3) == 0 ? 0 : random_offset();
    Ref<Inode> inode = test_.find(chosen->path()).value();
    if (agrees(test_.truncate(*inode, size), {}, "truncate")) chosen->file->bytes.resize(size);
  }
  void unlink() {
    Spot spot = random_directory();
    std::string name = old_name(*spot.directory);
    if (name.empty()) return;
    bool is_dir = spot.directory->children[name]->type == FileType::Directory;
    if (!agrees(test_.unlink(spot.path + "/" + name),
                is_dir ? std::optional(Errno::IsDir) : std::nullopt, "unlink"))
      return;
    --spot.directory->children[name]->links;
    spot.directory->children.erase(name);
  }
  void remove_directory() {
    Spot spot = random_directory();
    std::string name = old_name(*spot.directory);
    if (name.empty()) return;
    ModelFile& file = *spot.directory->children[name];
    std::optional<Errno> expected;
    if (file.type != FileType::Directory) {
      expected = Errno::NotDir;
    } else if (!file.children.empty()) {
      expected = Errno::NotEmpty;
    }
    if (agrees(test_.remove_directory(spot.path + "/" + name), expected, "rmdir"))
      spot.directory->children.erase(name);
  }
  void rename(bool exchange) {
    Spot from = random_directory(), to = random_directory();
    std::string name = old_name(*from.directory);
    if (name.empty()) return;
    std::string other = below(2) == 0 ? old_name(*to.directory) : new_name();
    if (other.empty()) return;
    std::string source = from.path + "/" + name, target = to.path + "/" + other;
    // Into itself, which the vfs layer forbids.
    if (target == source || to.path.rfind(source, 0) == 0 || from.path.rfind(target, 0) == 0)
      return;
    ModelRef moved = from.directory->children[name];
    auto present = to.directory->children.find(other);
    ModelRef replaced = present == to.directory->children.end() ? nullptr : present->second;
    std::optional<Errno> expected;
    bool is_dir = moved->type == FileType::Directory;
    if (exchange && replaced == nullptr) expected = Errno::NoEnt;
    if (replaced != nullptr && !exchange) {
      bool replaced_dir = replaced->type == FileType::Directory;
      if (is_dir && !replaced_dir) expected = Errno::NotDir;
      if (!is_dir && replaced_dir) expected = Errno::IsDir;
      if (is_dir && replaced_dir && !replaced->children.empty()) expected = Errno::NotEmpty;
    }
    if (moved == replaced) return;
    if (!agrees(test_.rename(source, target, exchange), expected, "rename")) return;
    if (exchange) {
      std::swap(from.directory->children[name], to.directory->children[other]);
      return;
    }
    if (replaced != nullptr) --replaced->links;
    to.directory->children[other] = moved;
    from.directory->children.erase(name);
  }
  void link() {
    std::optional<Chosen> chosen = random_file();
    if (!chosen) return;
    Spot spot = random_directory();
    std::string name = new_name();
    bool exists = spot.directory->children.count(name) != 0;
    if (!agrees(test_.link(chosen->path(), spot.path + "/" + name),
                exists ? std::optional(Errno::Exist) : std::nullopt, "link"))
      return;
    spot.directory->children[name] = chosen->file;
    ++chosen->file->links;
  }
  void xattr() {
    std::optional<Chosen> chosen = random_file();
    if (!chosen) return;
    Ref<Inode> inode = test_.find(chosen->path()).value();
    std::string name = "user.a" + std::to_string(below(6));
    auto& xattrs = chosen->file->xattrs;
    if (below(3) == 0) {
      Guard guard(inode->lock);
      Result<> removed = inode->remove_xattr(view(name));
      if (agrees(removed, xattrs.count(name) == 0 ? std::optional(Errno::NoData) : std::nullopt,
                 "removexattr"))
        xattrs.erase(name);
      return;
    }
    std::string value(below(below(3) == 0 ? 600 : 30), static_cast<char>('a' + below(26)));
    if (agrees(test_.set_xattr(*inode, name, value), {}, "setxattr")) xattrs[name] = value;
  }
  void allocate() {
    std::optional<Chosen> chosen = random_file();
    if (!chosen) return;
    Bytes& model = chosen->file->bytes;
    Ref<Inode> inode = test_.find(chosen->path()).value();
    size_t start = random_offset(), length = 1 + below(60'000), end = start + length;
    auto try_it = [&](uint32_t mode, std::optional<Errno> expected = {}) {
      if (!extents_ && mode != (kPunchHole | kKeepSize)) expected = Errno::OpNotSupp;
      return agrees(test_.allocate(*inode, mode, start, end - start), expected,
                    "fallocate " + std::to_string(mode));
    };
    auto zero = [&] {
      for (size_t at = start; at < end && at < model.size(); ++at) model[at] = '\0';
    };
    switch (below(6)) {
      case 0:
        if (try_it(0) && end > model.size()) model.resize(end);
        return;
      case 1:
        static_cast<void>(try_it(kKeepSize));
        return;
      case 2:
        if (try_it(kPunchHole | kKeepSize)) zero();
        return;
      case 3:
        if (try_it(kZeroRange)) {
          zero();
          if (end > model.size()) model.resize(end);
        }
        return;
      case 4: {
        start -= start % block_, end = start + (1 + below(8)) * block_;
        bool fits = end < model.size();
        if (try_it(kCollapse, fits ? std::nullopt : std::optional(Errno::Inval)))
          model.erase(start, end - start);
        return;
      }
      default: {
        start -= start % block_, end = start + (1 + below(8)) * block_;
        bool fits = start < model.size();
        if (try_it(kInsert, fits ? std::nullopt : std::optional(Errno::Inval)))
          model.insert(start, end - start, '\0');
      }
    }
  }

  void check_one() {
    std::optional<Chosen> chosen = random_file();
    if (chosen) check_file(*chosen->file, chosen->path());
  }
  void check_file(ModelFile& file, const std::string& path) {
    Result<Ref<Inode>> found = test_.find(path);
    ASSERT_TRUE(found.ok()) << path << " " << int(found.error());
    Inode& inode = **found;
    EXPECT_EQ(inode.links(), file.links) << path;
    EXPECT_EQ(inode.size(), file.bytes.size()) << path;
    if (file.type == FileType::Symlink) {
      EXPECT_EQ(text_of(inode.immutable_link()), file.bytes);
      return;
    }
    Result<Bytes> bytes = test_.read(inode, 0, file.bytes.size());
    ASSERT_TRUE(bytes.ok()) << path << " " << int(bytes.error());
    if (*bytes != file.bytes) {
      size_t at = 0;
      while (at < bytes->size() && at < file.bytes.size() && (*bytes)[at] == file.bytes[at]) ++at;
      ADD_FAILURE() << path << " differs at " << at << " of " << file.bytes.size();
    }
    for (auto& [name, value] : file.xattrs) {
      Result<std::string> got = test_.get_xattr(inode, name);
      ASSERT_TRUE(got.ok()) << path << " " << name;
      EXPECT_EQ(*got, value);
    }
  }
  void check(ModelFile& directory, const std::string& path) {
    Result<std::vector<std::string>> names = test_.list(path, 1 + below(50));
    ASSERT_TRUE(names.ok()) << path;
    std::set<std::string> listed(names->begin(), names->end()), expected;
    EXPECT_EQ(listed.size(), names->size());
    for (auto& [name, child] : directory.children) {
      expected.insert(name);
      if (name == "lost+found") continue;
      if (child->type == FileType::Directory) {
        check(*child, path + "/" + name);
      } else {
        check_file(*child, path + "/" + name);
      }
    }
    EXPECT_EQ(listed, expected) << path;
  }

  TestVolume test_;
  std::mt19937 random_;
  ModelRef root_;
  size_t block_;
  bool extents_;
};

class ModelTest : public testing::TestWithParam<std::string> {};

TEST_P(ModelTest, RandomOperations) {
  unsigned steps = 500;
  if (const char* wanted = std::getenv("EXT4_STEPS")) steps = unsigned(std::atoi(wanted));
  uint32_t seed = 1;
  if (const char* wanted = std::getenv("EXT4_SEED")) seed = uint32_t(std::atoi(wanted));
  Rig rig(GetParam(), 64 << 20, seed);
  ASSERT_TRUE(rig.test().ok()) << int(rig.test().error());
  for (unsigned i = 0; i < steps && !HasFailure(); ++i) rig.step();
  rig.check_all();
  if (HasFailure()) return;
  rig.remount();
  rig.check_all();
  EXPECT_FALSE(rig.test().volume().has_errors());
  rig.test().unmount();
  EXPECT_TRUE(is_clean(rig.test().image()));
}

INSTANTIATE_TEST_SUITE_P(Features, ModelTest,
                         testing::Values("-b 4096", "-b 2048", "-b 1024", "-b 1024 -t ext2",
                                         "-b 4096 -t ext3", "-b 4096 -O ^metadata_csum,uninit_bg",
                                         "-b 1024 -O ^64bit,meta_bg,^resize_inode",
                                         "-b 4096 -O inline_data", "-b 2048 -O ^extents,^64bit",
                                         "-b 4096 -I 128 -O ^metadata_csum",
                                         "-b 1024 -O ^dir_index", "-b 4096 -O ^flex_bg",
                                         "-b 4096 -O orphan_file",
                                         "-b 1024 -O ^has_journal -g 2048"));

}  // namespace
}  // namespace kernel::ext4
