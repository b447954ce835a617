// SPDX-License-Identifier: MIT
// A seam: what is started besides the first process. Devices are in /dev; tmpfs is there by itself.

#include "boot/services.h"

#include "boot/ktest_run.h"
#include "boot/symbols.h"
#include "dev/stream_device.h"
#include "display/text_console.h"
#include "fs/devfs/devtmpfs.h"
#include "lib/check.h"
#include "lib/log.h"
#include "syscall/trace.h"

namespace kernel {
namespace {

// /dev/console and /dev/kmsg: what is written there goes to the log. There is nothing to read.
class LogDevice final : public StreamDevice {
 public:
  constexpr LogDevice(uint32_t major_number, uint32_t minor_number, StringView device_name) {
    major = major_number, minor = minor_number, name = device_name;
  }
  Result<size_t> read(IoBuffer&, bool) override { return size_t{0}; }
  Result<size_t> write(IoBuffer& buffer, bool) override {
    char text[kLogLine];
    size_t size = TRY(buffer.take(text, sizeof text));
    log_text(LogLevel::Info, StringView(text, size));
    return size;
  }
  uint32_t poll(PollRegistration*) override { return kPollIn | kPollOut; }
};
constinit LogDevice console(5, 1, "console");
constinit LogDevice kmsg(1, 11, "kmsg");

}  // namespace

// The log is written as it comes.
Result<> start_threads() { return {}; }
void start_services() {}
Result<> add_file_systems() {
  TRY(register_stream_device(console));
  TRY(register_stream_device(kmsg));
  return devtmpfs::init();
}

Result<> display::init() { return {}; }
Symbol find_symbol(uint64_t) { return {}; }
void run_kernel_tests(StringView) { panic("there are no tests in this kernel"); }

namespace syscall {
void trace_enter(const Context&, uint64_t) {}
void trace_exit(const Context&, uint64_t, int64_t) {}
}  // namespace syscall

}  // namespace kernel
