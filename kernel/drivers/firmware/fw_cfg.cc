// SPDX-License-Identifier: MIT
// See fw_cfg.h. Everything goes by DMA: a handful of traps whatever the size. All numbers of the
// interface are big-endian.

#include "drivers/firmware/fw_cfg.h"

#include "arch/mmu.h"
#include "drivers/gpu/ramfb.h"
#include "lib/big_endian.h"
#include "sched/clock.h"

namespace kernel {
namespace {

// The one register: 64 bits; the write of its low half starts. It reads as "QEMU CFG" where there
// is a DMA interface.
constexpr size_t kDmaAddress = 16;
constexpr uint32_t kSignature = 'Q' | 'E' << 8 | 'M' << 16 | 'U' << 24;
constexpr uint16_t kDirectoryKey = 0x19;

enum Control : uint32_t { kError = 1, kRead = 2, kSelect = 8, kWrite = 16 };
constexpr uint32_t select(uint16_t key) { return uint32_t{key} << 16 | kSelect; }

// An entry of the directory: size, key, two bytes of nothing, name.
constexpr size_t kEntrySize = 64, kEntryKey = 4, kEntryName = 8;
constexpr uint32_t kMostFiles = 4096;  // more than a device can have keys for by far

constexpr Nanoseconds kPatience = kNanosPerSecond;

}  // namespace

Result<Owned<FwCfg>> FwCfg::create(const Resources& resources) {
  Mmio registers = TRY(resources.mmio());
  if (registers.size() < kDmaAddress + sizeof(uint64_t)) return Errno::NoDev;
  if (registers.read<uint32_t>(kDmaAddress) != kSignature) return Errno::NoDev;
  DmaBuffer memory = TRY(DmaBuffer::allocate(kPageSize, resources.dma_coherent()));
  return make_owned<FwCfg>(std::move(registers), std::move(memory), resources.dma_coherent());
}

Result<> FwCfg::transfer(uint32_t control, size_t size) {
  CHECK(size <= buffer_size());
  uint8_t* command = memory_.data();
  put_big_endian(command, control);
  put_big_endian(command + 4, static_cast<uint32_t>(size));
  put_big_endian(command + 8, raw(memory_.physical() + kCommandSize));
  uint64_t address = raw(memory_.physical());
  arch::device_fence();  // the command before the device hears of it
  registers_.write(kDmaAddress, std::byteswap(static_cast<uint32_t>(address >> 32)));
  registers_.write(kDmaAddress + 4, std::byteswap(static_cast<uint32_t>(address)));
  // The device clears the control word when it is done.
  Deadline deadline = Deadline::after(kPatience);
  auto* state = reinterpret_cast<volatile uint32_t*>(command);
  while ((*state & ~std::byteswap(uint32_t{kError})) != 0) {
    if (clock::monotonic() >= deadline.at) return Errno::TimedOut;
    arch::spin_hint();
  }
  arch::device_fence();  // its answer before what it has written
  if (*state != 0) return Errno::Io;
  return {};
}

Result<FwCfg::File> FwCfg::find(StringView name) {
  TRY(transfer(select(kDirectoryKey) | kRead, 4));
  size_t left = std::min(get_big_endian<uint32_t>(buffer()), kMostFiles);
  while (left > 0) {
    size_t count = std::min(left, buffer_size() / kEntrySize);
    TRY(transfer(kRead, count * kEntrySize));  // goes on where the last one ended
    left -= count;
    for (const uint8_t* entry = buffer(); count > 0; --count, entry += kEntrySize) {
      StringView text(reinterpret_cast<const char*>(entry + kEntryName), kEntrySize - kEntryName);
      if (text.take_until('\0') == name)
        return File{get_big_endian<uint32_t>(entry), get_big_endian<uint16_t>(entry + kEntryKey)};
    }
  }
  return Errno::NoEnt;
}

Result<> FwCfg::write(File file, std::span<const uint8_t> bytes) {
  if (bytes.size() != file.size || bytes.size() > buffer_size()) return Errno::Inval;
  __builtin_memcpy(buffer(), bytes.data(), bytes.size());
  return transfer(select(file.key) | kWrite, bytes.size());
}

namespace {

// The device is kept when something on it is in use.
Result<Owned<Device>> probe(DeviceNode, const Resources& resources) {
  Owned<FwCfg> device = TRY(FwCfg::create(resources));
  Result<FwCfg::File> display = device->find(ramfb::kFileName);
  if (!display.ok()) return display.failed_with(Errno::NoEnt) ? Errno::NoDev : display.error();
  TRY(ramfb::start(*device, display.value()));
  return Owned<Device>(std::move(device));
}

DRIVER(fw_cfg, Stage::Device, probe, "qemu,fw-cfg-mmio");

}  // namespace
}  // namespace kernel
