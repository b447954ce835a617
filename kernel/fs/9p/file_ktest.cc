// SPDX-License-Identifier: MIT
// Stores through a mapping of a file of a server, and the flusher: whoever asks for them to be
// there waits for it, and hears of its errors. The server is a function; it has one file.

#include "fs/9p/inode.h"
#include "fs/vfs/ktest_root.h"
#include "fs/vfs/mount_tree.h"
#include "lib/ktest.h"
#include "sync/rcu.h"
#include "vm/ktest_space.h"
#include "vm/user_copy.h"

namespace kernel::p9 {
namespace {

constexpr uint64_t kSize = 2 * kPageSize;
constexpr uint64_t kDirectory = 1, kFile = 2;  // the paths of qids

// Answers in the caller's thread.
class OneFileServer final : public P9Channel {
 public:
  StringView tag() const override { return "one file"; }
  size_t max_segments() const override { return 128; }
  void submit(P9Exchange& exchange) override;

  Atomic<bool> refuses;           // writes: there is no room
  Atomic<bool> is_slow;           // writes take time
  Atomic<uint32_t> begun, ended;  // writes
  Atomic<uint32_t> overtakes;     // reads and fsyncs that came between the two

 private:
  Result<> reply(Type type, MessageReader& asked, MessageWriter& answer);
  Result<> walk(MessageReader& asked, MessageWriter& answer);
  Result<> take_write(MessageReader& asked, MessageWriter& answer);
  bool is_file(uint32_t fid) const { return (files_ >> fid % 64 & 1) != 0; }
  uint64_t files_ = 0;  // a bit for each fid that is the file's; one thread walks
};
constinit OneFileServer server;

void put_qid(MessageWriter& answer, uint64_t path) {
  answer.u8(path == kDirectory ? 0x80 : 0);
  answer.u32(1);
  answer.u64(path);
}

void put_attributes(MessageWriter& answer, uint64_t path) {
  answer.u64(0x3fff);
  put_qid(answer, path);
  answer.u32(path == kDirectory ? 0040755 : 0100644);
  answer.u32(0);
  answer.u32(0);
  for (uint64_t value : {uint64_t{1}, uint64_t{0}, kSize, uint64_t{kPageSize}, kSize / 512})
    answer.u64(value);
  for (int i = 0; i < 10; ++i) answer.u64(0);  // times, generation, data version
}

Result<> OneFileServer::walk(MessageReader& asked, MessageWriter& answer) {
  uint32_t from = TRY(asked.u32()), to = TRY(asked.u32());
  uint16_t names = TRY(asked.u16());
  uint64_t bit = uint64_t{1} << to % 64;
  files_ = names != 0 || is_file(from) ? files_ | bit : files_ & ~bit;
  answer.u16(names);
  if (names != 0) put_qid(answer, kFile);
  return {};
}

Result<> OneFileServer::take_write(MessageReader& asked, MessageWriter& answer) {
  if (refuses.load_relaxed()) return Errno::NoSpc;
  begun.fetch_add_acq_rel(1);
  if (is_slow.load_relaxed()) sched::sleep_until(Deadline::after(50'000'000));
  ended.fetch_add_acq_rel(1);
  TRY(asked.u32());
  TRY(asked.u64());
  answer.u32(TRY(asked.u32()));
  return {};
}

Result<> OneFileServer::reply(Type type, MessageReader& asked, MessageWriter& answer) {
  switch (type) {
    case Type::Version:
      answer.u32(TRY(asked.u32()));
      answer.string("9P2000.L");
      return {};
    case Type::Attach: put_qid(answer, kDirectory); return {};
    case Type::Walk: return walk(asked, answer);
    case Type::GetAttr:
      put_attributes(answer, is_file(TRY(asked.u32())) ? kFile : kDirectory);
      return {};
    case Type::Lopen:
      put_qid(answer, kFile);
      answer.u32(0);
      return {};
    case Type::Write: return take_write(asked, answer);
    case Type::Read:
    case Type::Fsync:
      if (begun.load_acquire() != ended.load_acquire()) overtakes.fetch_add_relaxed(1);
      if (type == Type::Read) answer.u32(0);  // nobody looks at what it holds
      return {};
    case Type::Clunk: return {};
    default: return Errno::OpNotSupp;
  }
}

void OneFileServer::submit(P9Exchange& exchange) {
  const P9Segment& message = exchange.message.front();
  MessageReader asked({frames::frame_data(message.address), message.size});
  uint8_t bytes[256];
  MessageWriter answer(bytes);
  ignore(asked.u32());
  auto type = static_cast<Type>(asked.u8().value_or(0));
  uint16_t message_tag = asked.u16().value_or(0);
  auto header = [&](uint8_t answered) {
    answer = MessageWriter(bytes);
    answer.u32(0);
    answer.u8(answered);
    answer.u16(message_tag);
  };
  header(static_cast<uint8_t>(static_cast<uint8_t>(type) + 1));
  if (Result<> replied = reply(type, asked, answer); !replied.ok()) {
    header(static_cast<uint8_t>(Type::Lerror));
    answer.u32(static_cast<uint32_t>(replied.error()));
  }
  answer.u32_at(0, static_cast<uint32_t>(answer.size()));
  size_t done = 0;
  for (const P9Segment& segment : exchange.answer) {
    size_t part = answer.size() - done < segment.size ? answer.size() - done : segment.size;
    __builtin_memcpy(frames::frame_data(segment.address), bytes + done, part);
    done += part;
  }
  exchange.answer_size = static_cast<uint32_t>(done);
  exchange.completed(exchange);
}

Result<Ref<P9SuperBlock>> mount_server() {
  static constinit bool registered = false;
  if (!std::exchange(registered, true)) register_p9_channel(server);
  rcu_barrier();  // the mount of the test before
  return P9SuperBlock::mount("one file", "cache=mmap");
}

struct Stage {
  File& file;
  WriteBackGroup& group;
  UserAddr mapping;
};

// Runs body(stage) with the file open, and mapped shared and writable.
template <class Body>
void with_mapped_file(Body body) {
  Result<Ref<P9SuperBlock>> tree = mount_server();
  EXPECT(tree.ok());
  if (!tree.ok()) return;
  Ref<Mount> mount = MountTree::make(Ref<SuperBlock>(**tree), "one file", 0).take();
  Path root(mount, Ref<Dentry>(mount->root()));
  vfs::OpenRequest how;
  how.flags = kOpenReadWrite;
  Result<Ref<File>> file = vfs::open({&root}, "file", how);
  EXPECT(file.ok());
  if (!file.ok()) return;
  Ref<AddressSpace> space = AddressSpace::create().take();
  Loaded loaded(*space);
  MapRequest request;
  request.size = kSize;
  request.protection = kProtRead | kProtWrite;
  request.flags.shared = true;
  request.object = (*file)->memory_object(request.protection, true).take();
  body(Stage{**file, (*tree)->group(), *space->map(request)});
}

bool store(UserAddr at, uint64_t value) { return copy_out(at, &value, sizeof value).ok(); }

constinit Atomic<uint32_t> flushes;

void flush(void* group) {
  EXPECT(static_cast<WriteBackGroup*>(group)->write_oldest(clock::monotonic()).ok());
  flushes.fetch_add_acq_rel(1);
}

// Until another thread is in the middle of writing back what is dirty.
void begin_flush(WriteBackGroup& group) {
  uint32_t before = server.begun.load_acquire();
  Result<Ref<Thread>> flusher = Thread::create_kernel("flush", flush, &group);
  EXPECT(flusher.ok());
  if (!flusher.ok()) return;
  (*flusher)->start();
  while (server.begun.load_acquire() == before) sched::sleep_until(Deadline::after(100'000));
}

}  // namespace

KTEST(p9_stores_are_with_the_server_first) {
  if (!make_root_once()) KTEST_SKIP("no root");
  with_mapped_file([](const Stage& stage) {
    server.is_slow.store_relaxed(true);
    EXPECT(store(stage.mapping, 7));
    begin_flush(stage.group);
    EXPECT(stage.file.synchronise(true).ok());
    EXPECT(store(stage.mapping, 8));
    begin_flush(stage.group);
    uint64_t value;
    IoBuffer buffer = IoBuffer::kernel(&value, sizeof value);
    EXPECT(stage.file.read(buffer, 0).ok());
    EXPECT(server.ended.load_acquire() == 2 && server.overtakes.load_relaxed() == 0);
    server.is_slow.store_relaxed(false);
    while (flushes.load_acquire() != 2) sched::sleep_until(Deadline::after(100'000));
  });
}

KTEST(p9_write_back_errors_are_told_once) {
  if (!make_root_once()) KTEST_SKIP("no root");
  with_mapped_file([](const Stage& stage) {
    EXPECT(store(stage.mapping, 7));
    server.refuses.store_relaxed(true);
    EXPECT(stage.group.write_oldest(clock::monotonic()).failed_with(Errno::NoSpc));
    server.refuses.store_relaxed(false);
    EXPECT(stage.file.synchronise(true).failed_with(Errno::NoSpc));
    EXPECT(stage.file.synchronise(true).ok());
    EXPECT(stage.file.report_file_system_errors().failed_with(Errno::NoSpc));
    EXPECT(stage.file.report_file_system_errors().ok());
  });
}

}  // namespace kernel::p9
