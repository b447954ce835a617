// SPDX-License-Identifier: MIT
// See stream_file.h.

#include "fs/devfs/stream_file.h"

#include "dev/char_device.h"
#include "fs/vfs/file.h"

namespace kernel {
namespace {

class StreamFile final : public File {
 public:
  StreamFile(const Path& path, uint32_t flags, StreamDevice& device)
      : File(path, flags), device_(device) {}
  Result<size_t> read(IoBuffer& buffer, uint64_t) override {
    return device_.read(buffer, nonblocking());
  }
  Result<size_t> write(IoBuffer& buffer, uint64_t) override {
    return device_.write(buffer, nonblocking());
  }
  uint32_t poll(PollRegistration* registration) override { return device_.poll(registration); }

 protected:
  void on_close() override { device_.close(); }

 private:
  StreamDevice& device_;
};

class StreamNode final : public CharDeviceBase {
 public:
  explicit StreamNode(StreamDevice& device) : device_(device) {
    major = device.major;
    minor = device.minor;
    name = device.name;
    device_class = device.device_class;
    mode = device.mode;
  }
  Result<Ref<File>> open(const Path& path, uint32_t flags) override {
    TRY(device_.open());
    Result<Ref<StreamFile>> file = make_ref<StreamFile>(path, flags, device_);
    if (!file.ok()) {
      device_.close();
      return file.error();
    }
    return Ref<File>(std::move(file).take());
  }

 private:
  StreamDevice& device_;
};

}  // namespace

Result<> register_stream_file(StreamDevice& device) {
  Owned<StreamNode> node = TRY(make_owned<StreamNode>(device));
  TRY(register_char_device(*node));
  std::move(node).leak();  // registered for good
  return {};
}

}  // namespace kernel
