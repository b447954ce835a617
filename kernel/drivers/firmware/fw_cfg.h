// SPDX-License-Identifier: MIT
// QEMU's firmware configuration device (docs/specs/fw_cfg in QEMU): named files that the machine
// offers its guest, some of which may be written. Thread context; the caller serialises.
#pragma once

#include "dev/driver.h"

namespace kernel {

class FwCfg final : public Device {
 public:
  // Errors: NoDev when it is none, or has no DMA interface.
  static Result<Owned<FwCfg>> create(const Resources& resources);

  struct File {
    uint32_t size;
    uint16_t key;
  };
  // Errors: NoEnt, TimedOut, Io.
  Result<File> find(StringView name);
  // Errors: Inval when it is not the file's size, TimedOut, Io.
  Result<> write(File file, std::span<const uint8_t> bytes);

  // Whether the device sees memory as the CPU does, caches included.
  bool dma_coherent() const { return coherent_; }

  FwCfg(Mmio registers, DmaBuffer memory, bool coherent)
      : registers_(std::move(registers)), memory_(std::move(memory)), coherent_(coherent) {}

 private:
  // Moves `size` bytes between the device and the buffer behind the command.
  Result<> transfer(uint32_t control, size_t size);
  uint8_t* buffer() const { return memory_.data() + kCommandSize; }
  size_t buffer_size() const { return memory_.size() - kCommandSize; }

  static constexpr size_t kCommandSize = 16;
  Mmio registers_;
  DmaBuffer memory_;  // a command (FWCfgDmaAccess), then its data
  bool coherent_;
};

}  // namespace kernel
