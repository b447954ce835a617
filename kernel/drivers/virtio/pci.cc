// SPDX-License-Identifier: MIT
// virtio over PCI (Virtual I/O Device 1.2, section 4.1), through the present interface, which
// transitional devices offer as well.

#include "dev/pci.h"
#include "drivers/virtio/transport.h"
#include "lib/log.h"

namespace kernel::virtio {
namespace {

constexpr uint16_t kVendor = 0x1af4, kFirstDevice = 0x1000, kFirstModern = 0x1040,
                   kLastDevice = 0x107f;
constexpr uint8_t kVendorCapability = 0x09;
constexpr uint16_t kNoVector = 0xffff;
constexpr unsigned kResetTurns = 1'000'000;

// struct virtio_pci_cap.
constexpr size_t kType = 3, kBar = 4, kOffset = 8, kLength = 12, kMultiplier = 16;
enum class Structure : uint8_t { Common = 1, Notify = 2, Isr = 3, Device = 4 };

// struct virtio_pci_common_cfg.
enum Common : size_t {
  kDeviceFeaturesSelect = 0,
  kDeviceFeatures = 4,
  kDriverFeaturesSelect = 8,
  kDriverFeatures = 12,
  kConfigVector = 16,
  kStatus = 20,
  kGeneration = 21,
  kQueueSelect = 22,
  kQueueSize = 24,
  kQueueVector = 26,
  kQueueEnable = 28,
  kQueueNotifyOffset = 30,
  kQueueDescriptors = 32,
  kQueueAvailable = 40,
  kQueueUsed = 48,
  kCommonSize = 56,
};

class PciTransport final : public Transport, public InterruptHandler {
 public:
  explicit PciTransport(PciFunction& function)
      : function_(function), number_(next_device_number()) {}
  Result<> map();

  bool is_legacy() const override { return false; }
  unsigned number() const override { return number_; }
  bool dma_coherent() const override { return function_.dma_coherent(); }

  Result<uint64_t> negotiate(uint64_t wanted) override;
  Result<Owned<Queue>> make_queue(uint16_t index, uint16_t size) override;
  void start() override { set_status(status::kDriverOk); }
  void fail() override { set_status(status::kFailed); }
  void reset() override {
    write<uint8_t>(kStatus, 0);
    for (unsigned turn = 0; read<uint8_t>(kStatus) != 0 && turn < kResetTurns; ++turn)
      arch::spin_hint();
  }
  void notify(uint16_t queue) override {
    const Place& place = places_[index_of(Structure::Notify)];
    size_t offset = queue < notify_offsets_.size() ? notify_offsets_[queue] : 0;
    place.registers->write<uint16_t>(offset, queue);
  }
  uint8_t config_u8(size_t offset) override { return config<uint8_t>(offset); }
  uint16_t config_u16(size_t offset) override { return config<uint16_t>(offset); }
  uint32_t config_u32(size_t offset) override { return config<uint32_t>(offset); }
  uint32_t config_generation() override { return read<uint8_t>(kGeneration); }

  Result<> connect(StringView name, InterruptHandler& handler) override {
    handler_ = &handler;
    return function_.connect_intx(name, *this);
  }
  // Reading the status takes the line down.
  IrqReturn on_interrupt() override {
    bool ours = places_[index_of(Structure::Isr)].registers->read<uint8_t>(0) != 0;
    return ours ? IrqReturn::Wake : IrqReturn::None;
  }
  void run() override { handler_->run(); }

 private:
  struct Place {
    std::optional<Mmio> registers;
    uint32_t size = 0;
  };
  static constexpr size_t index_of(Structure structure) {
    return static_cast<size_t>(structure) - 1;
  }
  const Mmio& common() const { return *places_[index_of(Structure::Common)].registers; }
  template <class T>
  T read(size_t offset) const {
    return common().read<T>(offset);
  }
  template <class T>
  void write(size_t offset, T value) const {
    common().write<T>(offset, value);
  }
  // A device without configuration has none of these structures: zeros.
  template <class T>
  T config(size_t offset) const {
    const Place& place = places_[index_of(Structure::Device)];
    return offset + sizeof(T) <= place.size ? place.registers->read<T>(offset) : T{};
  }
  void write_address(size_t offset, PhysAddr address) const {
    write<uint32_t>(offset, static_cast<uint32_t>(raw(address)));
    write<uint32_t>(offset + 4, static_cast<uint32_t>(raw(address) >> 32));
  }
  void set_status(uint8_t bit) {
    write<uint8_t>(kStatus, static_cast<uint8_t>(read<uint8_t>(kStatus) | bit));
  }
  Result<> map_structure(uint8_t capability);

  PciFunction& function_;
  unsigned number_;
  Place places_[4];  // by index_of()
  uint32_t notify_multiplier_ = 0;
  Vector<uint32_t> notify_offsets_;  // by queue
  InterruptHandler* handler_ = nullptr;
};

// The first structure of a kind is the one that the device prefers.
Result<> PciTransport::map_structure(uint8_t capability) {
  uint8_t type = function_.read<uint8_t>(capability + kType);
  uint8_t bar = function_.read<uint8_t>(capability + kBar);
  uint32_t offset = function_.read<uint32_t>(capability + kOffset);
  uint32_t length = function_.read<uint32_t>(capability + kLength);
  if (type < 1 || type > 4 || bar >= pci::kBars) return {};
  Place& place = places_[type - 1];
  const PciFunction::Resource& resource = function_.bars[bar];
  if (place.size != 0 || length == 0 || resource.is_io()) return {};
  if (offset > resource.size || length > resource.size - offset) return Errno::Inval;
  place.registers = TRY(Mmio::map(resource.start + offset, length));
  place.size = length;
  if (type == static_cast<uint8_t>(Structure::Notify))
    notify_multiplier_ = function_.read<uint32_t>(capability + kMultiplier);
  return {};
}

Result<> PciTransport::map() {
  for (uint8_t at = function_.find_capability(kVendorCapability); at != 0;
       at = function_.find_capability(kVendorCapability, at))
    TRY(map_structure(at));
  bool complete = places_[index_of(Structure::Common)].size >= kCommonSize &&
                  places_[index_of(Structure::Notify)].size >= 2 &&
                  places_[index_of(Structure::Isr)].size >= 1;
  if (!complete) return Errno::NoDev;  // an old device, without the present interface
  function_.enable(pci::kCommandMemory | pci::kCommandMaster);
  return {};
}

Result<uint64_t> PciTransport::negotiate(uint64_t wanted) {
  reset();
  set_status(status::kAcknowledge);
  set_status(status::kDriver);
  uint64_t offered = 0;
  for (uint32_t half = 0; half < 2; ++half) {
    write<uint32_t>(kDeviceFeaturesSelect, half);
    offered |= uint64_t{read<uint32_t>(kDeviceFeatures)} << (32 * half);
  }
  uint64_t agreed = offered & (wanted | kFeatureVersion1);
  for (uint32_t half = 0; half < 2; ++half) {
    write<uint32_t>(kDriverFeaturesSelect, half);
    write<uint32_t>(kDriverFeatures, static_cast<uint32_t>(agreed >> (32 * half)));
  }
  if ((agreed & kFeatureVersion1) == 0) return Errno::NoDev;
  set_status(status::kFeaturesOk);
  if ((read<uint8_t>(kStatus) & status::kFeaturesOk) == 0) return Errno::NoDev;
  write<uint16_t>(kConfigVector, kNoVector);
  return agreed;
}

Result<Owned<Queue>> PciTransport::make_queue(uint16_t index, uint16_t size) {
  write<uint16_t>(kQueueSelect, index);
  uint16_t limit = read<uint16_t>(kQueueSize);
  if (limit == 0) return Errno::NoEnt;
  while (size > limit) size = static_cast<uint16_t>(size / 2);
  uint64_t offset = uint64_t{read<uint16_t>(kQueueNotifyOffset)} * notify_multiplier_;
  if (offset + 2 > places_[index_of(Structure::Notify)].size) return Errno::Inval;
  if (index >= notify_offsets_.size()) TRY(notify_offsets_.resize(index + 1u));
  notify_offsets_[index] = static_cast<uint32_t>(offset);
  Owned<Queue> queue = TRY(Queue::create(size, dma_coherent()));
  write<uint16_t>(kQueueSize, size);
  write<uint16_t>(kQueueVector, kNoVector);
  write_address(kQueueDescriptors, queue->descriptors());
  write_address(kQueueAvailable, queue->available());
  write_address(kQueueUsed, queue->used());
  write<uint16_t>(kQueueEnable, 1);
  return queue;
}

bool matches(uint16_t vendor, uint16_t device) {
  return vendor == kVendor && device >= kFirstDevice && device <= kLastDevice;
}

Result<> probe(PciFunction& function) {
  // Transitional devices say what they are in their subsystem.
  uint16_t device = function.device();
  uint16_t kind = static_cast<uint16_t>(device - kFirstModern);
  if (device < kFirstModern) kind = function.read<uint16_t>(pci::kSubsystem);
  auto id = static_cast<DeviceId>(kind);
  Owned<PciTransport> transport = TRY(make_owned<PciTransport>(function));
  TRY(transport->map());
  Owned<Device> bound = TRY(bind(id, Owned<Transport>(std::move(transport))));
  std::move(bound).leak();  // never unplugged
  return {};
}

PCI_DRIVER(virtio_pci, matches, probe);

}  // namespace
}  // namespace kernel::virtio
