// SPDX-License-Identifier: MIT
// See eventfd.h. The counter changes under a spin lock, and is looked at without; the user's eight
// bytes are moved outside it.

#include "fs/event/eventfd.h"

#include "fs/vfs/anonymous.h"

namespace kernel {
namespace {

class EventFile final : public File {
 public:
  EventFile(Path path, uint32_t flags, uint32_t initial, bool semaphore)
      : File(std::move(path), flags), semaphore_(semaphore), count_(initial) {}
  Result<size_t> read(IoBuffer& buffer, uint64_t offset) override;
  Result<size_t> write(IoBuffer& buffer, uint64_t offset) override;
  bool splices() const override { return false; }
  uint32_t read_flags() const override { return kTransferFlags | kTransferNoWait; }
  uint32_t write_flags() const override { return kTransferHighPriority; }
  uint32_t poll(PollRegistration* registration) override;
  Result<uint64_t> seek(int64_t, Whence) override { return uint64_t{0}; }
  void show_info(FormatSink& sink) override;

 private:
  static constexpr uint64_t kMax = ~uint64_t{0} - 1;
  std::optional<uint64_t> try_take();
  bool try_add(uint64_t amount);

  const bool semaphore_;
  SpinLock<LockRank::Leaf> lock_;
  Atomic<uint64_t> count_;  // changed under the lock
  WaitQueue queue_;
};

std::optional<uint64_t> EventFile::try_take() {
  Guard guard(lock_);
  uint64_t count = count_.load_relaxed();
  if (count == 0) return {};
  uint64_t taken = semaphore_ ? 1 : count;
  count_.store_release(count - taken);
  return taken;
}

bool EventFile::try_add(uint64_t amount) {
  Guard guard(lock_);
  uint64_t count = count_.load_relaxed();
  if (count > kMax - amount) return false;
  count_.store_release(count + amount);
  return true;
}

Result<size_t> EventFile::read(IoBuffer& buffer, uint64_t) {
  if (buffer.remaining() < sizeof(uint64_t)) return Errno::Inval;
  std::optional<uint64_t> taken = try_take();
  if (!taken) {
    if (nonblocking() || buffer.manner().no_wait) return Errno::Again;
    TRY(queue_.wait([&] { return (taken = try_take()).has_value(); }));
  }
  queue_.wake(1, kPollOut);
  size_t moved = TRY(buffer.put(&*taken, sizeof *taken));
  return moved == sizeof *taken ? Result<size_t>(moved) : Errno::Fault;
}

Result<size_t> EventFile::write(IoBuffer& buffer, uint64_t) {
  if (buffer.remaining() < sizeof(uint64_t)) return Errno::Inval;
  uint64_t amount;
  size_t moved = TRY(buffer.take(&amount, sizeof amount));
  if (moved != sizeof amount) return Errno::Fault;
  if (amount > kMax) return Errno::Inval;
  if (!try_add(amount)) {
    if (nonblocking()) return Errno::Again;
    TRY(queue_.wait([&] { return try_add(amount); }));
  }
  queue_.wake(1, kPollIn);
  return moved;
}

uint32_t EventFile::poll(PollRegistration* registration) {
  if (registration != nullptr) registration->wait_on(queue_);
  uint64_t count = count_.load_acquire();
  return (count != 0 ? kPollIn : 0) | (count < kMax ? kPollOut : 0);
}

void EventFile::show_info(FormatSink& sink) {
  format(sink, "eventfd-count: {:16x}\n", count_.load_relaxed());
}

}  // namespace

Result<Ref<File>> make_event_file(uint32_t initial, uint32_t flags) {
  Path path = TRY(anonymous::make_place(anonymous::Kind::Event, "anon_inode:[eventfd]", false));
  uint32_t status = (flags & kOpenNonBlock) | kOpenReadWrite;
  return Ref<File>(
      TRY(make_ref<EventFile>(std::move(path), status, initial, (flags & kEventSemaphore) != 0)));
}

}  // namespace kernel
