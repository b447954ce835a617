// SPDX-License-Identifier: MIT
// The character devices by number; see char_device.h. Few, and looked up at open only: a list.

#include "dev/char_device.h"

#include "sched/mutex.h"

namespace kernel {
namespace {

constinit Mutex<LockRank::DriverThread> lock;
constinit List<CharDeviceBase> devices GUARDED_BY(lock);
constinit CharDeviceSink sink GUARDED_BY(lock) = {};

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
  return tell.added == nullptr ? Result<>() : tell.added(device);
}

void unregister_char_device(CharDeviceBase& device) {
  CharDeviceSink tell;
  {
    Guard guard(lock);
    devices.remove(device);
    tell = sink;
  }
  if (tell.removed != nullptr) tell.removed(device);
}

CharDeviceBase* find_char_device(uint32_t major, uint32_t minor) {
  Guard guard(lock);
  return find_locked(major, minor);
}

Result<> set_char_device_sink(CharDeviceSink wanted) {
  CharDeviceBase* device;
  {
    Guard guard(lock);
    sink = wanted;
    device = devices.front();
  }
  // Boot: nothing is unregistered meanwhile.
  while (device != nullptr) {
    TRY(wanted.added(*device));
    Guard guard(lock);
    device = devices.next(*device);
  }
  return {};
}

}  // namespace kernel
