// SPDX-License-Identifier: MIT
// GICv3 (Arm IHI 0069): a distributor, a redistributor for each CPU's private lines, and a CPU
// interface in system registers.

#include "arch_impl/gic_cpu_interface.h"
#include "drivers/irqchip/gic.h"
#include "lib/log.h"
#include "sync/per_cpu.h"

namespace kernel {
namespace {

// Distributor.
constexpr size_t kControl = 0x0000, kType = 0x0004, kRouter = 0x6000;
constexpr uint32_t kWritePending = 1u << 31, kAffinityRouting = 1u << 4, kEnableGroups = 3;
// Redistributor: a control frame, then a frame of private lines.
constexpr size_t kRedistributorType = 0x0008, kWaker = 0x0014;
constexpr size_t kFrameSize = 64 * KiB, kPrivateFrame = kFrameSize;
constexpr uint32_t kProcessorSleep = 2, kChildrenAsleep = 4;
constexpr uint64_t kLastFrame = 1u << 4, kVirtualLpis = 1u << 1;
constexpr size_t kMaxRegions = 8;

// MPIDR's affinity as GICR_TYPER and GICD_IROUTER show it.
uint64_t packed_affinity(uint64_t mpidr) { return (mpidr >> 32 & 0xff) << 24 | (mpidr & 0xffffff); }

class GicV3 final : public Device, public InterruptController {
 public:
  explicit GicV3(Mmio distributor) : distributor_(std::move(distributor)) {}

  Result<> map_redistributors(const Resources& resources, uint32_t count) {
    for (uint32_t i = 0; i < count && i < kMaxRegions; ++i)
      TRY(regions_.append(TRY(resources.mmio(1 + i))));
    return {};
  }

  Result<> init() {
    distributor_.write<uint32_t>(kControl, 0);
    TRY(wait_for_writes(distributor_, kControl));
    lines_ = 32 * ((distributor_.read<uint32_t>(kType) & 31) + 1);
    if (lines_ > gic::kSpurious) lines_ = gic::kSpurious;
    for (Irq irq = gic::kFirstShared; irq < lines_; irq += 32) {
      distributor_.write<uint32_t>(gic::kClearEnable + irq / 8, ~0u);
      distributor_.write<uint32_t>(gic::kGroup + irq / 8, ~0u);
    }
    for (Irq irq = gic::kFirstShared; irq < lines_; irq += 4)
      distributor_.write<uint32_t>(gic::kPriorities + irq, gic::kPriority);
    distributor_.write<uint32_t>(kControl, kAffinityRouting | kEnableGroups);
    TRY(wait_for_writes(distributor_, kControl));
    uint64_t here = routing(arch::hardware_id());
    for (Irq irq = gic::kFirstShared; irq < lines_; ++irq)
      distributor_.write<uint64_t>(kRouter + irq * 8, here);
    return {};
  }

  void init_this_cpu() override {
    unsigned cpu = this_cpu();
    hardware_ids_[cpu] = arch::hardware_id();
    redistributors_[cpu] = find_redistributor(hardware_ids_[cpu]);
    if (redistributors_[cpu].region == nullptr) {
      log_error("GICv3: no redistributor for CPU {}", cpu);
      return;
    }
    wake(redistributors_[cpu]);
    write(cpu, gic::kGroup, ~0u);
    write(cpu, gic::kClearEnable, 0xffff0000);
    write(cpu, gic::kClearActive, ~0u);
    for (Irq irq = 0; irq < gic::kFirstShared; irq += 4)
      write(cpu, gic::kPriorities + irq, gic::kPriority);
    write(cpu, gic::kSetEnable, 0x0000ffff);
    arch::gic::enable_cpu_interface();
  }

  Result<Line> translate(std::span<const uint32_t> specifier) override {
    return gic::translate(specifier);
  }

  void configure(Irq irq, Trigger trigger) override {
    Guard guard(lock_);
    if (irq >= gic::kFirstShared) return gic::set_trigger(distributor_, irq, trigger);
    size_t offset = gic::kConfiguration + irq / 16 * 4;
    unsigned cpu = this_cpu();
    uint32_t bit = 2u << irq % 16 * 2;
    uint32_t value = read(cpu, offset);
    write(cpu, offset, trigger == Trigger::Edge ? value | bit : value & ~bit);
  }
  void mask(Irq irq) override { set_enabled(irq, gic::kClearEnable); }
  void unmask(Irq irq) override { set_enabled(irq, gic::kSetEnable); }
  void set_affinity(Irq irq, unsigned cpu) override {
    distributor_.write<uint64_t>(kRouter + irq * 8, routing(hardware_ids_[cpu]));
  }
  void send_ipi(unsigned cpu, unsigned ipi) override {
    arch::gic::send_sgi(hardware_ids_[cpu], ipi);
  }

  void handle() override {
    for (;;) {
      Irq irq = arch::gic::acknowledge();
      if (irq >= gic::kSpurious) return;
      if (irq < gic::kFirstPrivate) {
        arch::gic::end_of_interrupt(irq);
        sched::handle_ipi(static_cast<sched::Ipi>(irq));
      } else {
        dispatch_interrupt(irq);
        arch::gic::end_of_interrupt(irq);
      }
    }
  }

  StringView name() const override { return "GICv3"; }

 private:
  struct Redistributor {
    const Mmio* region = nullptr;
    size_t offset = 0;
  };

  static Result<> wait_for_writes(const Mmio& registers, size_t control) {
    bool done =
        gic::wait_bounded([&] { return (registers.read<uint32_t>(control) & kWritePending) == 0; });
    return done ? Result<>() : Errno::TimedOut;
  }
  static uint64_t routing(uint64_t mpidr) { return mpidr & 0xff'00ff'ffff; }

  Redistributor find_redistributor(uint64_t mpidr) {
    for (const Mmio& region : regions_) {
      for (size_t offset = 0; offset + 2 * kFrameSize <= region.size();) {
        uint64_t type = region.read<uint64_t>(offset + kRedistributorType);
        if (type >> 32 == packed_affinity(mpidr)) return {&region, offset};
        if ((type & kLastFrame) != 0) break;
        offset += ((type & kVirtualLpis) != 0 ? 4 : 2) * kFrameSize;
      }
    }
    return {};
  }

  void wake(const Redistributor& redistributor) {
    size_t waker = redistributor.offset + kWaker;
    uint32_t value = redistributor.region->read<uint32_t>(waker);
    redistributor.region->write<uint32_t>(waker, value & ~kProcessorSleep);
    bool awake = gic::wait_bounded(
        [&] { return (redistributor.region->read<uint32_t>(waker) & kChildrenAsleep) == 0; });
    if (!awake) log_error("GICv3: a redistributor does not wake up");
  }

  // Registers of a CPU's private lines.
  uint32_t read(unsigned cpu, size_t offset) {
    const Redistributor& own = redistributors_[cpu];
    return own.region->read<uint32_t>(own.offset + kPrivateFrame + offset);
  }
  void write(unsigned cpu, size_t offset, uint32_t value) {
    const Redistributor& own = redistributors_[cpu];
    own.region->write<uint32_t>(own.offset + kPrivateFrame + offset, value);
  }
  void set_enabled(Irq irq, size_t set) {
    if (irq >= gic::kFirstShared) return gic::set_bit(distributor_, set, irq);
    PreemptGuard here;
    write(this_cpu(), set, 1u << irq);
  }

  Mmio distributor_;
  Vector<Mmio> regions_;
  Irq lines_ = 0;
  SpinLock<LockRank::Device> lock_;
  // Each CPU writes its own, before anybody targets it.
  Redistributor redistributors_[kMaxCpus];
  uint64_t hardware_ids_[kMaxCpus] = {};
};

Result<Owned<Device>> probe(DeviceNode node, const Resources& resources) {
  Owned<GicV3> gic = TRY(make_owned<GicV3>(TRY(resources.mmio(0))));
  TRY(gic->map_redistributors(resources, node.cell("#redistributor-regions").value_or(1)));
  TRY(gic->init());
  gic->init_this_cpu();
  gic::install(*gic);
  return Owned<Device>(std::move(gic));
}

DRIVER(gic_v3, Stage::Irqchip, probe, "arm,gic-v3");

}  // namespace
}  // namespace kernel
