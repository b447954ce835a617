// SPDX-License-Identifier: MIT
// The 9P client against a server that is a function: right answers are understood, mutated ones are
// refused or make sense, and what is clunked comes back.

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "fs/9p/fid.h"
#include "fs/9p/mount_options.h"
#include "host_tests/machine.h"
#include "host_tests/mutate.h"
#include "mm/frames.h"

namespace kernel::p9 {
namespace {

using Bytes = std::vector<uint8_t>;

class Builder {
 public:
  explicit Builder(uint8_t type) { u32(0).u8(type).u16(0); }
  Builder& u8(uint8_t value) { return number(value, 1); }
  Builder& u16(uint16_t value) { return number(value, 2); }
  Builder& u32(uint32_t value) { return number(value, 4); }
  Builder& u64(uint64_t value) { return number(value, 8); }
  Builder& text(const std::string& value) {
    u16(static_cast<uint16_t>(value.size()));
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    return *this;
  }
  Builder& raw(StringView value) {
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    return *this;
  }
  Builder& qid(uint8_t type, uint64_t path) { return u8(type).u32(7).u64(path); }
  Bytes done(uint16_t tag) {
    uint32_t size = static_cast<uint32_t>(bytes_.size());
    std::memcpy(bytes_.data(), &size, 4);
    std::memcpy(bytes_.data() + 5, &tag, 2);
    return bytes_;
  }

 private:
  Builder& number(uint64_t value, size_t size) {
    for (size_t i = 0; i < size; ++i) bytes_.push_back(static_cast<uint8_t>(value >> 8 * i));
    return *this;
  }
  Bytes bytes_;
};

Builder attributes(uint8_t type, uint32_t mode, uint64_t path) {
  Builder answer(25);
  answer.u64(0x3fff).qid(type, path).u32(mode).u32(1000).u32(100).u64(2).u64(0x103);
  answer.u64(12345).u64(4096).u64(24);
  for (uint64_t second : {11, 22, 33, 44}) answer.u64(second).u64(second * 1000);
  return answer.u64(0).u64(0);
}

constexpr StringView kText = "what the file holds";

// Answers at once, in the caller's thread.
class FakeServer final : public P9Channel {
 public:
  StringView tag() const override { return "fake"; }
  size_t max_segments() const override { return 128; }
  void submit(P9Exchange& exchange) override {
    Bytes message;
    for (const P9Segment& segment : exchange.message) {
      const uint8_t* data = frames::frame_data(segment.address);
      message.insert(message.end(), data, data + segment.size);
    }
    uint32_t size;
    std::memcpy(&size, message.data(), 4);
    EXPECT_EQ(size, message.size());
    uint16_t message_tag;
    std::memcpy(&message_tag, message.data() + 5, 2);
    ++counts[message[4]];
    Bytes answer = reply(message).done(message_tag);
    if (mutator != nullptr && message[4] != 120) answer = mutator->next();
    exchange.answer_size = scatter(answer, exchange.answer);
    exchange.completed(exchange);
  }

  std::map<uint8_t, int> counts;
  host_tests::Mutator* mutator = nullptr;
  std::string version = "9P2000.L";

 private:
  static uint32_t scatter(const Bytes& bytes, std::span<const P9Segment> to) {
    size_t done = 0;
    for (const P9Segment& segment : to) {
      size_t part = std::min<size_t>(segment.size, bytes.size() - done);
      std::memcpy(frames::frame_data(segment.address), bytes.data() + done, part);
      done += part;
    }
    return static_cast<uint32_t>(done);
  }

  Builder reply(const Bytes& message) {
    uint8_t type = message[4];
    switch (type) {
      case 100: return Builder(101).u32(65536).text(version);
      case 104: return Builder(105).qid(0x80, 1);
      case 110: return walk(message);
      case 24: return attributes(0, 0100644, 2);
      case 22: return Builder(23).text("../target");
      case 8: return statistics();
      case 12: return Builder(13).qid(0, 2).u32(0);
      case 116: return Builder(117).u32(kText.size()).raw(kText);
      case 118: return Builder(119).u32(3);
      case 120: return Builder(121);
      case 30: return Builder(31).u64(kText.size());
      default: return Builder(7).u32(static_cast<uint32_t>(Errno::OpNotSupp));
    }
  }
  static Builder statistics() {
    Builder answer(9);
    answer.u32(0xef53).u32(4096);
    for (uint64_t value : {9, 8, 7, 6, 5, 4}) answer.u64(value);
    return answer.u32(255);
  }
  Builder walk(const Bytes& message) {
    uint16_t names;
    std::memcpy(&names, message.data() + 15, 2);
    if (names == 0) return Builder(111).u16(0);
    std::string name(message.begin() + 19, message.end());
    if (name == "absent") return Builder(7).u32(static_cast<uint32_t>(Errno::NoEnt));
    return Builder(111).u16(1).qid(0, 2);
  }
};

}  // namespace

class P9Client : public testing::Test {
 protected:
  void SetUp() override {
    host_tests::boot_machine();
    if (server == nullptr) {
      server = new FakeServer;
      register_p9_channel(*server);
    }
    server->counts.clear();
    server->mutator = nullptr;
    server->version = "9P2000.L";
  }
  static Ref<Fid> root() {
    Result<Ref<Session>> session = Session::connect("fake", 65536);
    EXPECT_TRUE(session.ok());
    Result<Ref<Fid>> fid = Fid::attach(std::move(session).take(), "nobody", 0, "");
    EXPECT_TRUE(fid.ok());
    return std::move(fid).take();
  }
  static std::string text(StringView view) { return {view.data(), view.size()}; }
  static FakeServer* server;
};
FakeServer* P9Client::server = nullptr;

TEST_F(P9Client, OneClientAtATime) {
  EXPECT_TRUE(Session::connect("nobody", 65536).failed_with(Errno::NoEnt));
  Ref<Fid> first = root();
  EXPECT_EQ(first->session().message_size(), 65536u);
  EXPECT_TRUE(Session::connect("fake", 65536).failed_with(Errno::Busy));
}

TEST_F(P9Client, SpeaksNothingElse) {
  server->version = "9P2000.u";
  EXPECT_TRUE(Session::connect("fake", 65536).failed_with(Errno::ProtoNoSupport));
  server->version = "unknown";
  EXPECT_TRUE(Session::connect("fake", 65536).failed_with(Errno::ProtoNoSupport));
  EXPECT_TRUE(Session::connect("fake", 100).failed_with(Errno::Inval));
}

TEST_F(P9Client, EveryFidIsClunked) {
  {
    Ref<Fid> fid = root();
    EXPECT_TRUE(fid->walk("absent").failed_with(Errno::NoEnt));  // of no fid
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(fid->walk("name").ok());
    EXPECT_TRUE(fid->clone().ok());
  }
  EXPECT_EQ(server->counts[120], 102);
}

TEST_F(P9Client, UnderstandsAnswers) {
  Ref<Fid> fid = root();
  Result<Fid::Walked> walked = fid->walk("name");
  ASSERT_TRUE(walked.ok());
  EXPECT_EQ(walked->qid.path, 2u);
  EXPECT_EQ(walked->qid.version, 7u);
  Result<Attributes> known = walked->fid->attributes();
  ASSERT_TRUE(known.ok());
  EXPECT_EQ(known->type, FileType::Regular);
  EXPECT_EQ(known->inode.mode, 0644);
  EXPECT_EQ(known->inode.uid, 1000u);
  EXPECT_EQ(known->inode.gid, 100u);
  EXPECT_EQ(known->inode.links, 2u);
  EXPECT_EQ(known->inode.device, (DeviceNumber{1, 3}));
  EXPECT_EQ(known->inode.size, 12345u);
  EXPECT_EQ(known->inode.change, (Timestamp{33, 33000}));
  EXPECT_EQ(text(*fid->read_link()), "../target");
  EXPECT_EQ(fid->statistics()->free_files, 5u);
  EXPECT_EQ(text(*fid->read_xattr("user.x", 1000)), text(kText));
  EXPECT_TRUE(fid->read_xattr("user.x", 3).failed_with(Errno::Range));
  EXPECT_TRUE(fid->synchronise(false).failed_with(Errno::OpNotSupp));
}

TEST_F(P9Client, NamesThatAreTooLong) {
  Ref<Fid> fid = root();
  std::string name(9000, 'x');
  EXPECT_TRUE(fid->walk({name.data(), name.size()}).failed_with(Errno::NameTooLong));
}

// One answer after another, each damaged in a thousand ways.
template <class Use>
void with_damage(FakeServer& server, const Bytes& sample, Use use) {
  host_tests::Mutator mutator(sample);
  server.mutator = &mutator;
  for (int i = 0; i < 3000; ++i) use();
  server.mutator = nullptr;
}

TEST_F(P9Client, DamagedAnswers) {
  Ref<Fid> fid = root();
  FakeServer& damaged = *server;
  unsigned good = 0;
  with_damage(damaged, attributes(0, 0100644, 2).done(0), [&] {
    Result<Attributes> got = fid->attributes();
    if (!got.ok()) return;
    ++good;
    EXPECT_LT(got->inode.access.nanoseconds, 1'000'000'000u);
    EXPECT_EQ(got->type == FileType::Directory, got->qid.is_directory());
  });
  EXPECT_GT(good, 100u);
  with_damage(damaged, Builder(23).text("../target").done(0), [&] {
    Result<String> link = fid->read_link();
    EXPECT_TRUE(!link.ok() || link->size() <= kLinkLimit);
  });
  with_damage(damaged, Builder(111).u16(1).qid(0, 2).done(0),
              [&] { static_cast<void>(fid->walk("x").ok()); });
  with_damage(damaged, Builder(9).u32(1).u32(4096).u64(9).u64(8).u64(7).u64(6).u64(5).u64(4).u32(9)
                           .done(0),
              [&] { static_cast<void>(fid->statistics().ok()); });
  PhysAddr page = *frames::allocate();
  P9Segment segment{page, 64};
  with_damage(damaged, Builder(117).u32(kText.size()).raw(kText).done(0), [&] {
    Result<uint32_t> moved = fid->read(0, {&segment, 1});
    EXPECT_TRUE(!moved.ok() || *moved <= 64u);
  });
  frames::free(page);
  with_damage(damaged, Builder(7).u32(2).done(0), [&] {
    Result<String> link = fid->read_link();
    EXPECT_FALSE(link.ok());
    EXPECT_LT(static_cast<int>(link.error()), 512);  // nothing that only a kernel says to itself
  });
}

TEST(P9Protocol, DirectoryEntries) {
  Bytes bytes;
  auto add = [&bytes](const std::string& name, uint64_t offset) {
    Bytes entry = Builder(0).qid(0, 9).u64(offset).u8(8).text(name).done(0);
    bytes.insert(bytes.end(), entry.begin() + kHeaderSize, entry.end());
  };
  add(".", 1);
  add("any\xff\nbytes", 2);
  add(std::string(255, 'n'), 77);
  MessageReader reader(bytes);
  EXPECT_EQ(parse_entry(reader)->offset, 1u);
  EXPECT_EQ(parse_entry(reader)->name.size(), 10u);
  EXPECT_EQ(parse_entry(reader)->name.size(), 255u);
  EXPECT_EQ(reader.left(), 0u);
  for (const std::string& name : {std::string(), std::string("a/b"), std::string("a\0b", 3),
                                  std::string(256, 'n')}) {
    bytes.clear();
    add(name, 3);
    MessageReader bad(bytes);
    EXPECT_TRUE(parse_entry(bad).failed_with(Errno::Io));
  }
  bytes.clear();
  for (uint64_t i = 0; i < 20; ++i) add("name" + std::to_string(i), i);
  host_tests::mutate(bytes, 20'000, [](std::span<const uint8_t> input) {
    MessageReader damaged(input);
    while (damaged.left() != 0 && parse_entry(damaged).ok()) {
    }
  });
}

TEST(P9Options, AsLinuxHasThem) {
  Result<MountOptions> options = MountOptions::parse(
      "trans=virtio,version=9p2000.L,msize=65536,cache=loose,access=7,uname=me,aname=/x,noextend");
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->message_size, 65536u);
  EXPECT_EQ(options->cache, CacheMode::Loose);
  EXPECT_EQ(options->access, AccessMode::One);
  EXPECT_EQ(options->only_user, 7u);
  for (const char* bad : {"trans=tcp", "version=9p2000.u", "cache=much", "msize=100", "msize=x",
                          "access=nobody", "dfltuid=-1"})
    EXPECT_TRUE(MountOptions::parse(bad).failed_with(Errno::Inval)) << bad;
}

}  // namespace kernel::p9
