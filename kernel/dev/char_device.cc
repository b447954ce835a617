// SPDX-License-Identifier: MIT
// The character devices by number; see char_device.h. Few, and looked up at open only: a list.

#include "dev/char_device.h"

#include "sched/mutex.h"

namespace kernel {
namespace {

constinit Mutex<LockRank::DriverThread> lock;
constinit List<CharDeviceBase> devices GUARDED_BY(lock);
constinit CharDeviceSink sink GUARDED_BY(lock) = nullptr;

CharDeviceBase* find_locked(uint32_t major, uint32_t minor) REQUIRES(lock) {
  for (CharDeviceBase& device : devices) {
    if (device.major == major && device.minor == minor) return &device;
  }
  return nullptr;
}

}  // namespace

Result<> register_char_device(CharDeviceBase& device) {
  CharDeviceSink tell;
  {
    Guard guard(lock);
    if (find_locked(device.major, device.minor) != nullptr) return Errno::Exist;
    devices.push_back(device);
    tell = sink;
  }
  return tell == nullptr ? Result<>() : tell(device);
}

CharDeviceBase* find_char_device(uint32_t major, uint32_t minor) {
  Guard guard(lock);
  return find_locked(major, minor);
}

CharDeviceBase* next_char_device(CharDeviceBase* device) {
  Guard guard(lock);
  return device == nullptr ? devices.front() : devices.next(*device);
}

Result<> set_char_device_sink(CharDeviceSink wanted) {
  {
    Guard guard(lock);
    sink = wanted;
  }
  for (CharDeviceBase* device = next_char_device(nullptr); device != nullptr;
       device = next_char_device(device))
    TRY(wanted(*device));
  return {};
}

}  // namespace kernel
