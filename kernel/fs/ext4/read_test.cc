// SPDX-License-Identifier: MIT
// What mkfs.ext4 writes is read back as it was, with every feature and block size.

#include "host_tests/ext4_volume.h"

#include <sys/stat.h>
#include <sys/xattr.h>

namespace kernel::ext4 {
namespace {

using host_tests::Image;
using host_tests::ImageFile;
namespace stdfs = std::filesystem;

// A directory tree of this machine, to be copied into images.
class Sample {
 public:
  Sample() {
    char name[] = "/tmp/samara-sample-XXXXXX";
    if (mkdtemp(name) == nullptr) std::abort();
    root_ = name;
    stdfs::create_directories(root_ + "/sub/deep/er");
    put("empty", "");
    put("small", "hello\n");
    put("inline-sized", std::string(100, 'i'));
    put("block", std::string(4096, 'b'));
    put("sub/uneven", pattern(123'457));
    put("sub/deep/er/large", pattern(3'000'000));
    std::string name_of_200(200, 'n');
    put("sub/" + name_of_200, "long name");
    stdfs::create_symlink("small", root_ + "/short-link");
    stdfs::create_symlink(std::string(59, 'x'), root_ + "/link-59");
    stdfs::create_symlink(std::string(60, 'x'), root_ + "/link-60");
    stdfs::create_symlink(std::string(600, 'y'), root_ + "/link-600");
    stdfs::create_directory(root_ + "/many");
    for (int i = 0; i < 900; ++i) put("many/file-number-" + std::to_string(i), std::to_string(i));
    sparse("sparse");
    stdfs::permissions(root_ + "/small", stdfs::perms(04711));
  }
  ~Sample() { stdfs::remove_all(root_); }
  const std::string& root() const { return root_; }

  static std::string pattern(size_t size) {
    std::string text(size, '\0');
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
    return text;
  }

 private:
  void put(const std::string& name, const std::string& text) {
    std::ofstream(root_ + "/" + name, std::ios::binary) << text;
  }
  void sparse(const std::string& name) {
    std::ofstream file(root_ + "/" + name, std::ios::binary);
    file.seekp(100'000);
    file << "behind a hole";
    file.seekp(1'000'000);
    file << "and another";
  }
  std::string root_;
};

std::string host_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void compare_tree(TestVolume& test, const std::string& host, const std::string& path) {
  std::set<std::string> expected;
  for (const auto& entry : stdfs::directory_iterator(host)) {
    std::string name = entry.path().filename();
    expected.insert(name);
    std::string inside = path + "/" + name;
    struct stat status;
    ASSERT_EQ(lstat(entry.path().c_str(), &status), 0);
    Result<Ref<Inode>> found = test.find(inside);
    ASSERT_TRUE(found.ok()) << inside;
    InodeAttributes attributes = (*found)->attributes();
    EXPECT_EQ(attributes.mode, status.st_mode & 07777) << inside;
    EXPECT_EQ(attributes.modify.seconds, status.st_mtime) << inside;
    if (entry.is_symlink()) {
      EXPECT_EQ(text_of((*found)->immutable_link()), stdfs::read_symlink(entry).string());
    } else if (entry.is_directory()) {
      compare_tree(test, entry.path(), inside);
    } else {
      EXPECT_EQ(attributes.size, static_cast<uint64_t>(status.st_size)) << inside;
      Result<Bytes> bytes = test.read_all(inside);
      ASSERT_TRUE(bytes.ok()) << inside << " " << int(bytes.error());
      EXPECT_TRUE(*bytes == host_file(entry.path())) << inside;
    }
  }
  for (size_t at_once : {size_t{1'000'000}, size_t{7}}) {
    Result<std::vector<std::string>> names = test.list(path, at_once);
    ASSERT_TRUE(names.ok()) << path;
    std::set<std::string> listed(names->begin(), names->end());
    EXPECT_EQ(listed.size(), names->size()) << path;
    if (path.empty()) listed.erase("lost+found");
    EXPECT_EQ(listed, expected) << path;
  }
}

class ReadTest : public testing::TestWithParam<std::string> {};

TEST_P(ReadTest, WhatMkfsWrote) {
  Sample sample;
  Image image = make_image(48 << 20, GetParam(), sample.root());
  ASSERT_FALSE(image.empty());
  TestVolume test(image, "", true);
  ASSERT_TRUE(test.ok()) << int(test.error());
  compare_tree(test, sample.root(), "");
  EXPECT_TRUE(test.find("no such").failed_with(Errno::NoEnt));
  EXPECT_FALSE(test.volume().has_errors());
  test.unmount();
  EXPECT_EQ(test.image(), image) << "a read-only mount wrote";
}

INSTANTIATE_TEST_SUITE_P(
    Features, ReadTest,
    testing::Values("-b 4096", "-b 2048", "-b 1024", "-b 1024 -t ext2", "-b 4096 -t ext3",
                    "-b 4096 -O ^metadata_csum,uninit_bg", "-b 1024 -O ^64bit",
                    "-b 1024 -O meta_bg,^resize_inode", "-b 4096 -O inline_data -I 256",
                    "-b 1024 -O inline_data -I 512", "-b 2048 -O ^extents,^64bit",
                    "-b 1024 -O sparse_super2", "-b 4096 -I 128 -O ^metadata_csum",
                    "-b 1024 -O ^dir_index", "-b 4096 -O ^flex_bg", "-b 1024 -O metadata_csum_seed",
                    "-b 4096 -O orphan_file", "-b 1024 -O ^has_journal -g 1024"));

// Whoever asks for one inode of a directory asks for the others.
TEST(Mount, ReadsInodesWithThoseAroundThem) {
  TestVolume test(make_image(16 << 20, "-b 1024"));
  ASSERT_TRUE(test.ok());
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(test.create("file" + std::to_string(i)).ok());
  test.remount();
  ASSERT_TRUE(test.ok());
  const Geometry& geometry = test.volume().geometry();
  uint64_t table = test.volume().groups().inode_table(0);
  uint32_t per_block = geometry.block_size / geometry.inode_size;
  ASSERT_TRUE(test.volume().node(12).ok());  // the first that is a file's
  for (uint32_t block = 0; block < 32; ++block)
    EXPECT_TRUE(test.volume().buffers().find(table + block).has_value()) << block;
  EXPECT_FALSE(test.volume().buffers().find(table + 32).has_value());
  // The table was never used behind the last of them.
  ASSERT_TRUE(test.volume().node(32 * per_block + 1).ok());
  uint32_t used = (11 + 200 + per_block - 1) / per_block;
  ASSERT_LT(used, 64u);
  EXPECT_TRUE(test.volume().buffers().find(table + used - 1).has_value());
  EXPECT_FALSE(test.volume().buffers().find(table + used).has_value());
}

TEST(Mount, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(TestVolume(Image(1 << 20)).error(), Errno::Inval);
  EXPECT_EQ(TestVolume(make_image(16 << 20, "-O encrypt")).error(), Errno::Inval);
  EXPECT_EQ(TestVolume(make_image(16 << 20, "-O casefold")).error(), Errno::Inval);
  EXPECT_EQ(TestVolume(make_image(16 << 20, "-O large_dir")).error(), Errno::Inval);
  EXPECT_EQ(TestVolume(make_image(16 << 20, "-O quota")).error(), Errno::RoFs);
  EXPECT_TRUE(TestVolume(make_image(16 << 20, "-O quota"), "", true).ok());
  EXPECT_EQ(TestVolume(make_image(16 << 20, ""), "no_such_option").error(), Errno::Inval);
  EXPECT_EQ(TestVolume(make_image(16 << 20, ""), "data=journal").error(), Errno::Inval);
}

}  // namespace
}  // namespace kernel::ext4
