// SPDX-License-Identifier: MIT
// Images of ext4 file systems for tests, made and checked by e2fsprogs: mkfs.ext4, debugfs and
// e2fsck as programs, on files in a temporary directory that goes with the object.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "host_tests/ram_disk.h"

namespace kernel::host_tests {

class ImageFile {
 public:
  ImageFile() {
    char name[] = "/tmp/samara-image-XXXXXX";
    if (mkdtemp(name) == nullptr) std::abort();
    directory_ = name;
  }
  explicit ImageFile(const Image& image) : ImageFile() { store(image); }
  ImageFile(const ImageFile&) = delete;
  ~ImageFile() { std::filesystem::remove_all(directory_); }

  std::string path() const { return directory_ + "/image"; }
  std::string other_path(const std::string& name) const { return directory_ + "/" + name; }

  void store(const Image& image) const { write_file(path(), image); }
  Image load() const {
    std::ifstream file(path(), std::ios::binary);
    return Image(std::istreambuf_iterator<char>(file), {});
  }
  static void write_file(const std::string& path, const Image& bytes) {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
  }

  // Runs a shell command with these programs in its reach; returns its output, `status` its exit
  // status. Its standard error is not looked at.
  static std::string run(const std::string& command, int* status = nullptr) {
    std::string all = "PATH=$PATH:/usr/sbin:/sbin; export PATH; " + command + " 2>/dev/null";
    FILE* pipe = popen(all.c_str(), "r");
    if (pipe == nullptr) std::abort();
    std::string output;
    char buffer[4096];
    while (size_t got = std::fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, got);
    int ended = pclose(pipe);
    if (status != nullptr) *status = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
    return output;
  }

  // Options as on mkfs.ext4's command line. False when it refuses.
  bool make(uint64_t size, const std::string& options) const {
    int status = 0;
    run("truncate -s " + std::to_string(size) + " " + path() + " && mkfs.ext4 -q -F " + options +
            " " + path(),
        &status);
    return status == 0;
  }
  // One debugfs command on each line.
  std::string debugfs(const std::string& commands) const {
    write_file(other_path("commands"), Image(commands.begin(), commands.end()));
    return run("debugfs -w -f " + other_path("commands") + " " + path());
  }
  // Its exit status: 0 clean, 1 mended.
  int e2fsck(const std::string& options) const {
    int status = 0;
    run("e2fsck " + options + " " + path(), &status);
    return status;
  }

  struct Extent {
    uint64_t first;
    uint32_t count;
  };
  // Where an inode's contents lie, in order (debugfs stat).
  std::vector<Extent> extents(unsigned inode) const {
    std::string text = debugfs("stat <" + std::to_string(inode) + ">\n");
    // "(12-15):62-65, (IND):61, (16):70": of these the ones that begin with a number.
    std::vector<Extent> found;
    for (size_t at = text.find('('); at != std::string::npos; at = text.find('(', at + 1)) {
      unsigned from = 0, to = 0;
      unsigned long first = 0;
      if (std::sscanf(&text[at], "(%u-%u):%lu", &from, &to, &first) == 3) {
        found.push_back({first, to - from + 1});
      } else if (std::sscanf(&text[at], "(%u):%lu", &from, &first) == 2) {
        found.push_back({first, 1});
      }
    }
    return found;
  }

 private:
  std::string directory_;
};

}  // namespace kernel::host_tests
