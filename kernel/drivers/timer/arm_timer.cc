// SPDX-License-Identifier: MIT
// The generic timer (Arm ARM D12; arm,arch_timer.yaml) as the event device: the virtual timer,
// whose interrupt is private to each CPU, level-triggered, and stays up until the deadline moves.

#include "arch_impl/virtual_timer.h"
#include "dev/driver.h"
#include "sched/timer.h"

namespace kernel {
namespace {

// Order of the binding's interrupts: secure, non-secure, virtual, hypervisor.
constexpr size_t kVirtualInterrupt = 2;

class ArmTimer final : public Device, public InterruptHandler, public timers::EventDevice {
 public:
  Result<> install(InterruptController::Line line) {
    line_ = TRY(IrqLine::install_per_cpu(line, "arch_timer", *this));
    timers::set_event_device(*this);
    return {};
  }

  void init_this_cpu() override {
    arch::virtual_timer::disable();
    line_->enable_on_this_cpu();
  }

  void program(Nanoseconds deadline) override {
    if (deadline == kForever) return arch::virtual_timer::disable();
    arch::virtual_timer::set_deadline(clock::monotonic_to_counter(deadline));
  }

  IrqReturn on_interrupt() override {
    timers::handle_expiry();  // programs the next deadline, and with it lowers the line
    return IrqReturn::Handled;
  }

 private:
  std::optional<IrqLine> line_;
};

Result<Owned<Device>> probe(DeviceNode, const Resources& resources) {
  InterruptController::Line line = TRY(resources.interrupt(kVirtualInterrupt));
  Owned<ArmTimer> timer = TRY(make_owned<ArmTimer>());
  TRY(timer->install(line));
  return Owned<Device>(std::move(timer));
}

DRIVER(arm_timer, Stage::Timer, probe, "arm,armv8-timer", "arm,armv7-timer");

}  // namespace
}  // namespace kernel
