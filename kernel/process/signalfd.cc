// SPDX-License-Identifier: MIT
// See signalfd.h.

#include "process/signalfd.h"

#include "fs/vfs/anonymous.h"
#include "process/process_timers.h"
#include "process/signal_info.h"
#include "task/signal_post.h"

namespace kernel {
namespace {

class SignalFile final : public File {
 public:
  static constexpr char kKind = 0;  // its address says what a File is, without RTTI

  SignalFile(Path path, uint32_t flags, SignalSet signals)
      : File(std::move(path), flags), signals_(signals.bits()) {}
  const void* kind() const override { return &kKind; }
  Result<size_t> read(IoBuffer& buffer, uint64_t offset) override;
  uint32_t poll(PollRegistration* registration) override;
  Result<uint64_t> seek(int64_t, Whence) override { return uint64_t{0}; }
  void show_info(FormatSink& sink) override {
    format(sink, "sigmask:\t{:016x}\n", signals_.load_relaxed());
  }
  void set_signals(SignalSet signals) { signals_.store_relaxed(signals.bits()); }

 private:
  SignalSet signals() const { return SignalSet(signals_.load_relaxed()); }
  bool try_take(SignalInfo& info);

  Atomic<uint64_t> signals_;
};

bool SignalFile::try_take(SignalInfo& info) {
  Task& task = current_task();
  Guard guard(task.group().signal_lock);
  return take_signal_locked(task, task.group(), ~signals(), info) != Signal::None;
}

// As many whole records as fit; it waits for the first one only.
Result<size_t> SignalFile::read(IoBuffer& buffer, uint64_t) {
  ThreadGroup& group = current_task().group();
  if (buffer.remaining() < sizeof(SignalFdInfo)) return Errno::Inval;
  size_t total = 0;
  while (buffer.remaining() >= sizeof(SignalFdInfo)) {
    SignalInfo info;
    if (!try_take(info)) {
      if (total != 0) break;
      if (nonblocking()) return Errno::Again;
      TRY(group.signal_posted.wait([&] { return try_take(info); }));
    }
    if (info.is_of_timer()) process_timers::timer_signal_taken(group, info);
    SignalFdInfo record = encode_signalfd_info(info);
    Result<size_t> moved = buffer.put(&record, sizeof record);
    if (!moved.ok() || *moved != sizeof record) {
      // The signal is lost, as on Linux.
      return total != 0 ? Result<size_t>(total) : Errno::Fault;
    }
    total += sizeof record;
  }
  return total;
}

uint32_t SignalFile::poll(PollRegistration* registration) {
  Task& task = current_task();
  ThreadGroup& group = task.group();
  if (registration != nullptr) registration->wait_on(group.signal_posted);
  Guard guard(group.signal_lock);
  SignalSet pending = task.pending.set() | group.pending.set();
  return (pending & signals()).empty() ? 0 : kPollIn;
}

}  // namespace

namespace signalfd {

Result<Ref<File>> create(SignalSet signals, uint32_t flags) {
  Path path = TRY(anonymous::make_place(anonymous::Kind::Event, "anon_inode:[signalfd]", false));
  uint32_t status = (flags & kOpenNonBlock) | kOpenReadWrite;
  return Ref<File>(TRY(make_ref<SignalFile>(std::move(path), status, signals)));
}

Result<> set_signals(File& file, SignalSet signals) {
  if (file.kind() != &SignalFile::kKind) return Errno::Inval;
  static_cast<SignalFile&>(file).set_signals(signals);
  current_task().group().signal_posted.wake();  // a reader waits for another set now
  return {};
}

}  // namespace signalfd
}  // namespace kernel
