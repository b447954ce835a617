// SPDX-License-Identifier: MIT
// A character device that moves bytes: what a driver implements, without knowing files. The device
// file system gives each a node and an open file (fs/devfs).
#pragma once

#include "lib/list.h"
#include "lib/string_view.h"
#include "sched/poll.h"
#include "vm/io_buffer.h"

namespace kernel {

class StreamDevice : public ListNode<StreamDevice> {
 public:
  uint32_t major = 0;
  uint32_t minor = 0;
  StringView name;       // below /dev; stays valid
  StringView device_class = "misc";
  uint16_t mode = 0600;

  // Errors: Busy, MFile… as the device has them.
  virtual Result<> open() { return {}; }
  virtual void close() {}
  // May sleep unless `nonblocking`: then Again.
  virtual Result<size_t> read(IoBuffer& buffer, bool nonblocking) = 0;
  virtual Result<size_t> write(IoBuffer& buffer, bool nonblocking) = 0;
  virtual uint32_t poll(PollRegistration* registration) = 0;

 protected:
  ~StreamDevice() = default;
};

// For good. Thread context. Devices found before the device file system wait for it.
Result<> register_stream_device(StreamDevice& device);
// The device file system: called for every device, those registered so far first. Once.
Result<> set_stream_device_sink(Result<> (*sink)(StreamDevice& device));

}  // namespace kernel
