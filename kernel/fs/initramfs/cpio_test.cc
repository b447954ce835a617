// SPDX-License-Identifier: MIT
// The archive parser: entries as they were packed, whatever the pieces; damage refused; mutations.

#include "fs/initramfs/cpio.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "host_tests/mutate.h"

namespace kernel {
namespace {

using Bytes = std::vector<uint8_t>;

void pad(std::string& archive) {
  while (archive.size() % 4 != 0) archive += '\0';
}

void add(std::string& archive, const std::string& name, uint32_t mode, const std::string& data) {
  char header[111];
  std::snprintf(header, sizeof header,
                "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 7u, mode, 1u, 2u,
                1u, 0x5f000000u, data.size(), 0u, 0u, 0u, 0u, name.size() + 1, 0u);
  archive += header;
  archive += name;
  archive += '\0';
  pad(archive);
  archive += data;
  pad(archive);
}

std::string sample_text() {
  std::string archive;
  add(archive, "bin", 0040755, "");
  add(archive, "bin/tool", 0100755, std::string(5000, 'x') + "end");
  add(archive, "link", 0120777, "bin/tool");
  add(archive, "empty", 0100644, "");
  add(archive, "TRAILER!!!", 0, "");
  return archive;
}
Bytes sample() {
  std::string text = sample_text();
  return {text.begin(), text.end()};
}

struct Recorder final : CpioReceiver {
  std::string text;
  bool open = false;
  uint64_t data_left = 0;
  Result<> begin(const CpioEntry& entry, StringView name) override {
    EXPECT_FALSE(open);
    EXPECT_FALSE(name.empty());
    EXPECT_EQ(name.find('\0'), StringView::npos);
    open = true;
    data_left = entry.size;
    char line[64];
    std::snprintf(line, sizeof line, " %o %u:", entry.mode, entry.size);
    text += std::string(name.data(), name.size()) + line;
    return {};
  }
  Result<> data(std::span<const uint8_t> piece) override {
    EXPECT_TRUE(open);
    EXPECT_LE(piece.size(), data_left);
    data_left -= piece.size();
    text.append(piece.begin(), piece.end());
    return {};
  }
  Result<> end() override {
    EXPECT_TRUE(open);
    EXPECT_EQ(data_left, 0u);
    open = false;
    text += '\n';
    return {};
  }
  void archive_end() override { text += "end\n"; }
};

Result<size_t> parse_in_pieces(std::span<const uint8_t> bytes, size_t piece, Recorder& recorder) {
  CpioParser parser(recorder);
  size_t at = 0;
  while (at < bytes.size()) {
    size_t size = piece < bytes.size() - at ? piece : bytes.size() - at;
    size_t taken = TRY(parser.feed(bytes.subspan(at, size)));
    EXPECT_LE(taken, size);
    at += taken;
    if (taken < size) break;
  }
  TRY(parser.finish());
  return at;
}

TEST(Cpio, AnyPieceSizeGivesTheSame) {
  Bytes archive = sample();
  std::string expected = "bin 40755 0:\nbin/tool 100755 5003:" + std::string(5000, 'x') +
                         "end\nlink 120777 8:bin/tool\nempty 100644 0:\nend\n";
  for (size_t piece :
       {size_t{1}, size_t{3}, size_t{7}, size_t{110}, size_t{4096}, archive.size()}) {
    Recorder recorder;
    Result<size_t> taken = parse_in_pieces(archive, piece, recorder);
    ASSERT_TRUE(taken.ok()) << piece;
    EXPECT_EQ(*taken, archive.size());
    EXPECT_EQ(recorder.text, expected);
  }
}

TEST(Cpio, ArchivesBehindEachOther) {
  Bytes both = sample(), second = sample();
  both.resize(both.size() + 512);  // zeros between, as from padded files
  both.insert(both.end(), second.begin(), second.end());
  Recorder recorder;
  EXPECT_TRUE(parse_in_pieces(both, 1000, recorder).ok());
  Recorder once;
  EXPECT_TRUE(parse_in_pieces(second, 1000, once).ok());
  EXPECT_EQ(recorder.text, once.text + once.text);
}

TEST(Cpio, StopsBeforeSomethingElse) {
  Bytes archive = sample();
  size_t size = archive.size();
  archive.push_back(0x1f);
  archive.push_back(0x8b);
  Recorder recorder;
  EXPECT_EQ(*parse_in_pieces(archive, archive.size(), recorder), size);
}

TEST(Cpio, CutOff) {
  Bytes archive = sample();
  for (size_t size = 1; size < archive.size(); size += 13) {
    Recorder recorder;
    EXPECT_FALSE(parse_in_pieces(std::span(archive).first(size), size, recorder).ok()) << size;
  }
}

TEST(Cpio, Mutations) {
  std::mt19937 random(1);
  unsigned accepted = 0;
  host_tests::mutate(sample(), 20'000, [&](std::span<const uint8_t> bytes) {
    Recorder recorder;
    Result<size_t> taken = parse_in_pieces(bytes, 1 + random() % 700, recorder);
    accepted += taken.ok() ? 1 : 0;
  });
  EXPECT_GT(accepted, 10u);
}

}  // namespace
}  // namespace kernel
