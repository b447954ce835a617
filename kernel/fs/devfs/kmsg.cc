// SPDX-License-Identifier: MIT
// /dev/kmsg: the kernel log record by record, "priority,sequence,microseconds,-;text"; a write adds
// a record (Documentation/ABI/testing/dev-kmsg of Linux).

#include "fs/devfs/memory_devices.h"
#include "fs/vfs/file.h"
#include "fs/vfs/identity.h"
#include "lib/log.h"

namespace kernel {
namespace {

constexpr size_t kLongestLine = 992;  // LOG_LINE_MAX of Linux
// The log may be written in any context, under any lock: it wakes nobody. A waiting reader looks.
constexpr Nanoseconds kLookAgain = 100'000'000;

class KmsgFile final : public File {
 public:
  KmsgFile(const Path& path, uint32_t flags) : File(path, flags), next_(log_first_sequence()) {}
  Result<size_t> read(IoBuffer& buffer, uint64_t offset) override;
  Result<size_t> write(IoBuffer& buffer, uint64_t offset) override;
  uint32_t poll(PollRegistration* registration) override;
  Result<uint64_t> seek(int64_t offset, Whence whence) override;

 private:
  bool has_record() const { return log_next_sequence() > next_.load_relaxed(); }
  Atomic<uint64_t> next_;
  WaitQueue queue_;
};

// A record is one line, whatever it says.
void escape(FormatSink& sink, StringView text) {
  for (char c : text) {
    auto byte = static_cast<uint8_t>(c);
    if (byte < ' ' || byte >= 127 || byte == '\\') {
      format(sink, "\\x{:02x}", byte);
    } else {
      sink.write({&c, 1});
    }
  }
}

Result<size_t> KmsgFile::read(IoBuffer& buffer, uint64_t) {
  while (!has_record()) {
    if (nonblocking()) return Errno::Again;
    Result<> waited = queue_.wait([this] { return has_record(); }, WaitMode::Interruptible,
                                  Deadline::after(kLookAgain));
    if (!waited.ok() && !waited.failed_with(Errno::TimedOut)) return waited.error();
  }
  LogRecord record;
  uint64_t wanted = next_.load_relaxed();
  if (!log_read(wanted, record)) return Errno::Again;
  next_.store_relaxed(record.sequence + 1);
  if (record.sequence != wanted) {
    next_.store_relaxed(record.sequence);
    return Errno::Pipe;  // records were overwritten; the next read goes on behind the gap
  }
  char line[4 * kLogLine + 64];  // every byte escaped, at worst
  BufferSink sink(line);
  format(sink, "{},{},{},-;", static_cast<unsigned>(record.level), record.sequence,
         record.time_ns / 1000);
  escape(sink, {record.text, record.size});
  sink.write("\n");
  if (buffer.remaining() < sink.view().size()) {
    next_.store_relaxed(record.sequence);
    return Errno::Inval;
  }
  return buffer.put(sink.view().data(), sink.view().size());
}

Result<size_t> KmsgFile::write(IoBuffer& buffer, uint64_t) {
  size_t size = buffer.remaining();
  if (size > kLongestLine) return Errno::Inval;
  char line[kLongestLine];
  size_t moved = TRY(buffer.take(line, size));
  StringView text(line, moved);
  // "<N>" is level and facility; the kernel's own facility is not for users. No number is 0.
  auto priority = static_cast<uint8_t>(LogLevel::Warning);
  size_t end = text.find('>');
  if (!text.empty() && text.front() == '<' && end < 8) {
    StringView digits = text.substr(1, end - 1);
    std::optional<uint64_t> number = digits.empty() ? 0 : digits.to_number();
    if (number) {
      priority = static_cast<uint8_t>(*number);
      text = text.substr(end + 1);
    }
  }
  if (priority < kLogUserFacility) priority |= kLogUserFacility;
  if (!text.empty() && text.back() == '\n') text = text.substr(0, text.size() - 1);
  log_text(static_cast<LogLevel>(priority), text);
  return size;
}

uint32_t KmsgFile::poll(PollRegistration* registration) {
  if (registration != nullptr) registration->wait_on(queue_);
  return has_record() ? kPollIn | kPollRdNorm : 0;
}

Result<uint64_t> KmsgFile::seek(int64_t offset, Whence whence) {
  if (offset != 0) return Errno::SPipe;
  switch (whence) {
    case Whence::Set:
    case Whence::Data: next_.store_relaxed(log_first_sequence()); break;
    case Whence::End: next_.store_relaxed(log_next_sequence()); break;
    default: return Errno::Inval;
  }
  return uint64_t{0};
}

class KmsgDevice final : public CharDeviceBase {
 public:
  constexpr KmsgDevice() {
    major = 1;
    minor = 11;
    name = "kmsg";
    device_class = "mem";
    mode = 0644;
  }
  Result<Ref<File>> open(const Path& path, uint32_t flags) override {
    // SE9: the log is for those who may see it.
    bool reads = (flags & kOpenAccessMode) != kOpenWriteOnly;
    if (reads && !vfs::acting_has(Capability::Syslog) && !vfs::acting_has(Capability::SysAdmin))
      return Errno::Perm;
    return Ref<File>(TRY(make_ref<KmsgFile>(path, flags)));
  }
};

constinit KmsgDevice device;

}  // namespace

Result<> register_kmsg() { return register_char_device(device); }

}  // namespace kernel
