// SPDX-License-Identifier: MIT
// Character devices by number: what opening a node of that number gives. Drivers and pseudo-devices
// register here; devtmpfs makes a node with the name.
#pragma once

#include "lib/list.h"
#include "lib/ref.h"
#include "lib/string_view.h"

namespace kernel {

class File;
class Path;

// Registered for good. `open` makes the file; it may sleep.
class CharDeviceBase : public ListNode<CharDeviceBase> {
 public:
  uint32_t major = 0;
  uint32_t minor = 0;
  StringView name;       // below /dev; may contain '/'
  StringView device_class = "misc";  // below /sys/class, as Linux names it
  uint16_t mode = 0600;
  virtual Result<Ref<File>> open(const Path& path, uint32_t flags) = 0;

 protected:
  ~CharDeviceBase() = default;
};

// Errors: Exist.
Result<> register_char_device(CharDeviceBase& device);
CharDeviceBase* find_char_device(uint32_t major, uint32_t minor);
// One after the other: the first for null, null behind the last.
CharDeviceBase* next_char_device(CharDeviceBase* device);

// The device file system: told of every device, those registered so far first. Once.
using CharDeviceSink = Result<> (*)(CharDeviceBase& device);
Result<> set_char_device_sink(CharDeviceSink sink);

}  // namespace kernel
