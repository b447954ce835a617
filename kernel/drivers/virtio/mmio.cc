// SPDX-License-Identifier: MIT
// virtio over memory-mapped registers (Virtual I/O Device 1.2, section 4.2), both the present
// interface and the legacy one (4.2.4), which QEMU's virt machine offers by default.

#include "drivers/virtio/transport.h"
#include "lib/log.h"

namespace kernel::virtio {
namespace {

enum Register : size_t {
  kMagic = 0x000,
  kVersion = 0x004,
  kDeviceId = 0x008,
  kDeviceFeatures = 0x010,
  kDeviceFeaturesSelect = 0x014,
  kDriverFeatures = 0x020,
  kDriverFeaturesSelect = 0x024,
  kGuestPageSize = 0x028,
  kQueueSelect = 0x030,
  kQueueSizeMax = 0x034,
  kQueueSize = 0x038,
  kQueueAlign = 0x03c,
  kQueuePage = 0x040,
  kQueueReady = 0x044,
  kQueueNotify = 0x050,
  kInterruptStatus = 0x060,
  kInterruptAcknowledge = 0x064,
  kStatus = 0x070,
  kQueueDescriptors = 0x080,
  kQueueAvailable = 0x090,
  kQueueUsed = 0x0a0,
  kGeneration = 0x0fc,
  kConfig = 0x100,
};
constexpr uint32_t kMagicValue = 0x74726976;  // "virt"
class MmioTransport final : public Transport, public InterruptHandler {
 public:
  MmioTransport(Mmio registers, InterruptController::Line line, bool coherent)
      : registers_(std::move(registers)),
        line_(line),
        legacy_(read(kVersion) == 1),
        coherent_(coherent),
        number_(next_device_number()) {}

  bool is_legacy() const override { return legacy_; }
  unsigned number() const override { return number_; }
  bool dma_coherent() const override { return coherent_; }

  Result<uint64_t> negotiate(uint64_t wanted) override {
    reset();
    set_status(status::kAcknowledge);
    set_status(status::kDriver);
    uint64_t offered = 0;
    for (uint32_t half = 0; half < 2; ++half) {
      write(kDeviceFeaturesSelect, half);
      offered |= uint64_t{read(kDeviceFeatures)} << (32 * half);
    }
    uint64_t agreed = offered & (wanted | (legacy_ ? 0 : kFeatureVersion1));
    for (uint32_t half = 0; half < 2; ++half) {
      write(kDriverFeaturesSelect, half);
      write(kDriverFeatures, static_cast<uint32_t>(agreed >> (32 * half)));
    }
    if (legacy_) {
      write(kGuestPageSize, kPageSize);
      return agreed;
    }
    if ((agreed & kFeatureVersion1) == 0) return Errno::NoDev;
    set_status(status::kFeaturesOk);
    if ((read(kStatus) & status::kFeaturesOk) == 0) return Errno::NoDev;
    return agreed;
  }

  Result<Owned<Queue>> make_queue(uint16_t index, uint16_t size) override {
    write(kQueueSelect, index);
    uint32_t limit = read(kQueueSizeMax);
    if (limit == 0) return Errno::NoEnt;
    while (size > limit) size = static_cast<uint16_t>(size / 2);
    Owned<Queue> queue = TRY(Queue::create(size, coherent_));
    write(kQueueSize, size);
    if (legacy_) {
      write(kQueueAlign, Queue::kLegacyAlignment);
      write(kQueuePage, static_cast<uint32_t>(raw(queue->descriptors()) >> kPageShift));
      return queue;
    }
    write_address(kQueueDescriptors, queue->descriptors());
    write_address(kQueueAvailable, queue->available());
    write_address(kQueueUsed, queue->used());
    write(kQueueReady, 1);
    return queue;
  }

  void reset() override { write(kStatus, 0); }
  void start() override { set_status(status::kDriverOk); }
  void fail() override { set_status(status::kFailed); }
  void notify(uint16_t queue) override { write(kQueueNotify, queue); }
  uint8_t config_u8(size_t offset) override { return registers_.read<uint8_t>(kConfig + offset); }
  uint16_t config_u16(size_t offset) override {
    return registers_.read<uint16_t>(kConfig + offset);
  }
  uint32_t config_u32(size_t offset) override {
    return registers_.read<uint32_t>(kConfig + offset);
  }

  uint32_t config_generation() override { return legacy_ ? 0 : read(kGeneration); }

  Result<> connect(StringView name, InterruptHandler& handler) override {
    handler_ = &handler;
    interrupt_ = TRY(IrqLine::install(line_, name, *this, /*threaded=*/true));
    return {};
  }

  // The device's line goes down with the acknowledgement, before the thread runs: what happens from
  // here on raises it again.
  IrqReturn on_interrupt() override {
    uint32_t status = read(kInterruptStatus);
    if (status == 0) return IrqReturn::None;
    write(kInterruptAcknowledge, status);
    return IrqReturn::Wake;
  }
  void run() override { handler_->run(); }

 private:
  uint32_t read(size_t offset) const { return registers_.read<uint32_t>(offset); }
  void write(size_t offset, uint32_t value) { registers_.write<uint32_t>(offset, value); }
  void write_address(size_t offset, PhysAddr address) {
    write(offset, static_cast<uint32_t>(raw(address)));
    write(offset + 4, static_cast<uint32_t>(raw(address) >> 32));
  }
  void set_status(uint32_t bit) { write(kStatus, read(kStatus) | bit); }

  Mmio registers_;
  InterruptController::Line line_;
  bool legacy_;
  bool coherent_;
  unsigned number_;
  InterruptHandler* handler_ = nullptr;
  std::optional<IrqLine> interrupt_;
};

Result<Owned<Device>> probe(DeviceNode, const Resources& resources) {
  Mmio registers = TRY(resources.mmio());
  if (registers.read<uint32_t>(kMagic) != kMagicValue) return Errno::NoDev;
  uint32_t version = registers.read<uint32_t>(kVersion);
  uint32_t id = registers.read<uint32_t>(kDeviceId);
  if (id == 0 || (version != 1 && version != 2)) return Errno::NoDev;  // id 0: an empty slot
  InterruptController::Line line = TRY(resources.interrupt());
  Owned<Transport> transport =
      TRY(make_owned<MmioTransport>(std::move(registers), line, resources.dma_coherent()));
  return bind(static_cast<DeviceId>(id), std::move(transport));
}

DRIVER(virtio_mmio, Stage::Bus, probe, "virtio,mmio");

}  // namespace
}  // namespace kernel::virtio
