// SPDX-License-Identifier: MIT
// What the versions of Arm's Generic Interrupt Controller share: the device-tree binding
// (arm,gic.yaml), number ranges, and the registers of the distributor by line.
#pragma once

#include "dev/driver.h"
#include "sched/scheduler.h"

namespace kernel::gic {

inline constexpr Irq kFirstPrivate = 16, kFirstShared = 32, kSpurious = 1020;
inline constexpr uint32_t kPriority = 0xa0a0a0a0;  // every line alike: the middle of the range

// Offsets that the distributor and, for private lines, GICv3's redistributor have in common.
inline constexpr size_t kGroup = 0x080, kSetEnable = 0x100, kClearEnable = 0x180,
                        kSetPending = 0x200, kClearActive = 0x380, kPriorities = 0x400,
                        kConfiguration = 0xc00;

// <type number flags>: type 0 is shared, 1 private; flags 1 and 2 are edges, 4 and 8 levels.
inline Result<InterruptController::Line> translate(std::span<const uint32_t> specifier) {
  if (specifier.size() < 3 || specifier[0] > 1) return Errno::Inval;
  Irq irq = specifier[1] + (specifier[0] == 0 ? kFirstShared : kFirstPrivate);
  if (irq >= kMaxIrqs || (specifier[0] == 1 && irq >= kFirstShared)) return Errno::Inval;
  bool edge = (specifier[2] & 3) != 0;
  return InterruptController::Line{irq, edge ? Trigger::Edge : Trigger::Level};
}

inline void set_bit(const Mmio& registers, size_t base, Irq irq) {
  registers.write<uint32_t>(base + irq / 32 * 4, 1u << irq % 32);
}

// Two bits a line: 10 edge, 00 level. Read-modify-write: the caller serialises.
inline void set_trigger(const Mmio& registers, Irq irq, Trigger trigger) {
  size_t offset = kConfiguration + irq / 16 * 4;
  uint32_t bit = 2u << irq % 16 * 2;
  uint32_t value = registers.read<uint32_t>(offset);
  registers.write<uint32_t>(offset, trigger == Trigger::Edge ? value | bit : value & ~bit);
}

// Inter-processor interrupts are the first SGIs, by the scheduler's kinds.
inline void install(InterruptController& controller) {
  set_interrupt_controller(controller);
  sched::set_ipi_sender([](unsigned cpu, sched::Ipi ipi) {
    interrupt_controller().send_ipi(cpu, static_cast<unsigned>(ipi));
  });
}

// Waits a bounded time for a register bit to clear. False: it did not (BT17).
template <class Done>
bool wait_bounded(Done done) {
  for (unsigned turn = 0; turn < 1'000'000; ++turn) {
    if (done()) return true;
    arch::spin_hint();
  }
  return false;
}

}  // namespace kernel::gic
