// SPDX-License-Identifier: MIT
// See memory_devices.h.

#include "fs/devfs/memory_devices.h"

#include "fs/vfs/file.h"
#include "fs/vfs/identity.h"
#include "sync/random.h"
#include "vm/user_copy.h"

namespace kernel {
namespace {

constexpr uint32_t kMajor = 1;

// Reads and writes never care where; lseek(2) succeeds and stays at 0.
class SinkFile : public File {
 public:
  SinkFile(const Path& path, uint32_t flags) : File(path, flags) {}
  Result<size_t> write(IoBuffer& buffer, uint64_t) override {
    size_t size = buffer.remaining();
    buffer.skip(size);
    return size;
  }
  Result<uint64_t> seek(int64_t, Whence) override { return uint64_t{0}; }
  bool splices() const override { return false; }
  // Nobody waits for these.
  uint32_t read_flags() const override { return kTransferFlags | kTransferNoWait; }
  uint32_t write_flags() const override { return kTransferFlags | kTransferNoWait; }
};

class NullFile final : public SinkFile {
 public:
  using SinkFile::SinkFile;
  Result<size_t> read(IoBuffer&, uint64_t) override { return size_t{0}; }
};

class ZeroFile : public SinkFile {
 public:
  using SinkFile::SinkFile;
  Result<size_t> read(IoBuffer& buffer, uint64_t) override {
    return buffer.remaining() == 0 ? Result<size_t>(size_t{0})
                                   : buffer.put_zeros(buffer.remaining());
  }
  // Each mapping is memory of its own, as MAP_ANONYMOUS has it.
  Result<Ref<MemoryObject>> memory_object(uint32_t, bool) override {
    return Ref<MemoryObject>(TRY(AnonymousObject::create(kMaxFileSize)));
  }
};

class FullFile final : public ZeroFile {
 public:
  using ZeroFile::ZeroFile;
  Result<size_t> write(IoBuffer&, uint64_t) override { return Errno::NoSpc; }
  uint32_t read_flags() const override { return kTransferFlags; }
  uint32_t write_flags() const override { return kTransferHighPriority; }
  Result<Ref<MemoryObject>> memory_object(uint32_t, bool) override { return Errno::NoDev; }
};

class RandomFile : public SinkFile {
 public:
  using SinkFile::SinkFile;
  Result<size_t> read(IoBuffer& buffer, uint64_t) override;
  Result<size_t> write(IoBuffer& buffer, uint64_t) override;
  Result<int64_t> ioctl(uint32_t request, uint64_t argument) override;
  bool splices() const override { return true; }
  // Linux's takes O_ASYNC and, always ready, never tells anything either.
  AsyncQueues async_queues() override { return {&async_}; }

 private:
  static constinit AsyncQueue async_;
};

constinit AsyncQueue RandomFile::async_;

// Only /dev/random tells when it is ready.
class SeededRandomFile final : public RandomFile {
 public:
  using RandomFile::RandomFile;
  uint32_t poll(PollRegistration*) override {
    return random::is_seeded() ? kPollIn | kPollRdNorm : kPollOut | kPollWrNorm;
  }
};

Result<size_t> RandomFile::read(IoBuffer& buffer, uint64_t) {
  uint8_t chunk[256];
  size_t total = 0;
  while (buffer.remaining() != 0) {
    size_t wanted = buffer.remaining() < sizeof chunk ? buffer.remaining() : sizeof chunk;
    random::fill({chunk, wanted});
    Result<size_t> moved = buffer.put(chunk, wanted);
    if (!moved.ok()) {
      if (total == 0) return moved;
      break;
    }
    total += *moved;
    if (*moved < wanted) break;
    // Some gigabytes are asked for: signals still end it, between pages, as on Linux.
    if (total % kPageSize == 0 && sched::signal_pending()) break;
  }
  __builtin_memset(chunk, 0, sizeof chunk);
  return total;
}

// Stirred in, but nobody says how good it is.
Result<size_t> RandomFile::write(IoBuffer& buffer, uint64_t) {
  uint8_t chunk[256];
  size_t total = 0;
  while (buffer.remaining() != 0) {
    size_t wanted = buffer.remaining() < sizeof chunk ? buffer.remaining() : sizeof chunk;
    Result<size_t> moved = buffer.take(chunk, wanted);
    if (!moved.ok()) return total != 0 ? Result<size_t>(total) : moved;
    random::add_entropy({chunk, *moved}, 0);
    total += *moved;
    if (*moved < wanted) break;
  }
  return total;
}

Result<int64_t> RandomFile::ioctl(uint32_t request, uint64_t argument) {
  constexpr uint32_t kGetEntropyCount = 0x8004'5200, kAddToEntropyCount = 0x4004'5201,
                     kZapEntropyCount = 0x5204, kClearPool = 0x5206, kReseed = 0x5207;
  switch (request) {
    case kGetEntropyCount:
      TRY(UserOut<int32_t>(UserAddr{argument}).write(random::is_seeded() ? 256 : 0));
      return int64_t{0};
    case kAddToEntropyCount:
    case kZapEntropyCount:
    case kClearPool:
    case kReseed:
      if (!vfs::acting_has(Capability::SysAdmin)) return Errno::Perm;
      return int64_t{0};  // the generator rekeys at every use, and does not forget what it knows
    default: return Errno::NoTty;
  }
}

template <class T>
class Device final : public CharDeviceBase {
 public:
  constexpr Device(uint32_t own_minor, StringView own_name) {
    major = kMajor;
    minor = own_minor;
    name = own_name;
    device_class = "mem";
    mode = 0666;
  }
  Result<Ref<File>> open(const Path& path, uint32_t flags) override {
    return Ref<File>(TRY(make_ref<T>(path, flags)));
  }
};

constinit Device<NullFile> null_device(3, "null");
constinit Device<ZeroFile> zero_device(5, "zero");
constinit Device<FullFile> full_device(7, "full");
constinit Device<SeededRandomFile> random_device(8, "random");
constinit Device<RandomFile> urandom_device(9, "urandom");

}  // namespace

Result<> register_memory_devices() {
  TRY(register_char_device(null_device));
  TRY(register_char_device(zero_device));
  TRY(register_char_device(full_device));
  TRY(register_char_device(random_device));
  return register_char_device(urandom_device);
}

}  // namespace kernel
