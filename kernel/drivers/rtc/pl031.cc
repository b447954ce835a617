// SPDX-License-Identifier: MIT
// PL031 real-time clock (Arm DDI 0224): seconds since 1970, read once at boot.

#include "dev/driver.h"
#include "sched/clock.h"

namespace kernel {
namespace {

constexpr size_t kData = 0x00;

class Pl031 final : public Device {};

Result<Owned<Device>> probe(DeviceNode, const Resources& resources) {
  Mmio registers = TRY(resources.mmio());
  clock::set_realtime(uint64_t{registers.read<uint32_t>(kData)} * kNanosPerSecond);
  return Owned<Device>(TRY(make_owned<Pl031>()));
}

DRIVER(pl031, Stage::Device, probe, "arm,pl031");

}  // namespace
}  // namespace kernel
