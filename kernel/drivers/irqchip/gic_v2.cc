// SPDX-License-Identifier: MIT
// GICv2 and GIC-400 (Arm IHI 0048): a distributor for all and a memory-mapped interface for each
// CPU.

#include "arch/mmu.h"
#include "drivers/irqchip/gic.h"
#include "lib/log.h"
#include "sync/per_cpu.h"

namespace kernel {
namespace {

// Distributor.
constexpr size_t kControl = 0x000, kType = 0x004, kTargets = 0x800, kSoftware = 0xf00;
// CPU interface.
constexpr size_t kCpuControl = 0x00, kPriorityMask = 0x04, kAcknowledge = 0x0c, kEnd = 0x10;
constexpr uint32_t kIdMask = 0x3ff;

class GicV2 final : public Device, public InterruptController {
 public:
  GicV2(Mmio distributor, Mmio cpu_interface)
      : distributor_(std::move(distributor)), cpu_(std::move(cpu_interface)) {}

  void init() {
    distributor_.write<uint32_t>(kControl, 0);
    lines_ = 32 * ((distributor_.read<uint32_t>(kType) & 31) + 1);
    uint32_t here = own_target();
    for (Irq irq = gic::kFirstShared; irq < lines_; irq += 32)
      distributor_.write<uint32_t>(gic::kClearEnable + irq / 8, ~0u);
    for (Irq irq = gic::kFirstShared; irq < lines_; irq += 4) {
      distributor_.write<uint32_t>(gic::kPriorities + irq, gic::kPriority);
      distributor_.write<uint32_t>(kTargets + irq, here * 0x01010101u);
    }
    distributor_.write<uint32_t>(kControl, 1);
  }

  void init_this_cpu() override {
    targets_[this_cpu()] = static_cast<uint8_t>(own_target());
    distributor_.write<uint32_t>(gic::kClearEnable, 0xffff0000);  // private lines off
    distributor_.write<uint32_t>(gic::kClearActive, ~0u);
    for (Irq irq = 0; irq < gic::kFirstShared; irq += 4)
      distributor_.write<uint32_t>(gic::kPriorities + irq, gic::kPriority);
    distributor_.write<uint32_t>(gic::kSetEnable, 0x0000ffff);    // software interrupts on
    cpu_.write<uint32_t>(kPriorityMask, 0xf0);
    cpu_.write<uint32_t>(kCpuControl, 1);
  }

  Result<Line> translate(std::span<const uint32_t> specifier) override {
    return gic::translate(specifier);
  }

  void configure(Irq irq, Trigger trigger) override {
    Guard guard(lock_);
    gic::set_trigger(distributor_, irq, trigger);
  }
  void mask(Irq irq) override { gic::set_bit(distributor_, gic::kClearEnable, irq); }
  void unmask(Irq irq) override { gic::set_bit(distributor_, gic::kSetEnable, irq); }
  void set_affinity(Irq irq, unsigned cpu) override {
    distributor_.write<uint8_t>(kTargets + irq, targets_[cpu]);
  }

  void send_ipi(unsigned cpu, unsigned ipi) override {
    arch::device_fence();  // what the other CPU is told of, before it is told
    distributor_.write<uint32_t>(kSoftware, uint32_t{targets_[cpu]} << 16 | ipi);
  }

  void handle() override {
    for (;;) {
      uint32_t acknowledged = cpu_.read<uint32_t>(kAcknowledge);
      Irq irq = acknowledged & kIdMask;
      if (irq >= gic::kSpurious) return;
      if (irq < gic::kFirstPrivate) {
        cpu_.write<uint32_t>(kEnd, acknowledged);
        sched::handle_ipi(static_cast<sched::Ipi>(irq));
      } else {
        dispatch_interrupt(irq);
        cpu_.write<uint32_t>(kEnd, acknowledged);
      }
    }
  }

  StringView name() const override { return "GICv2"; }

 private:
  // This CPU's bit in the target registers: those of the private lines read as it.
  uint32_t own_target() const {
    for (size_t offset = 0; offset < 32; offset += 4) {
      uint32_t value = distributor_.read<uint32_t>(kTargets + offset);
      value |= value >> 16;
      value |= value >> 8;
      if ((value & 0xff) != 0) return value & 0xff;
    }
    return 1;  // a single-CPU controller has no target registers
  }

  Mmio distributor_;
  Mmio cpu_;
  Irq lines_ = 0;
  SpinLock<LockRank::Device> lock_;
  uint8_t targets_[8] = {};  // each CPU writes its own, before anybody targets it
};

Result<Owned<Device>> probe(DeviceNode, const Resources& resources) {
  Mmio distributor = TRY(resources.mmio(0));
  Mmio cpu_interface = TRY(resources.mmio(1));
  Owned<GicV2> gic = TRY(make_owned<GicV2>(std::move(distributor), std::move(cpu_interface)));
  gic->init();
  gic->init_this_cpu();
  gic::install(*gic);
  return Owned<Device>(std::move(gic));
}

DRIVER(gic_v2, Stage::Irqchip, probe, "arm,cortex-a15-gic", "arm,gic-400", "arm,cortex-a9-gic");

}  // namespace
}  // namespace kernel
