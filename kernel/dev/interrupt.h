// SPDX-License-Identifier: MIT
// Interrupt lines. A hard handler acknowledges, records and wakes; work runs in the line's thread
// (real-time class), and a level-triggered line stays masked until that thread is done. The
// controller is a driver (drivers/irqchip).
#pragma once

#include <span>

#include "dev/device_tree.h"
#include "lib/ref.h"
#include "sched/thread.h"

namespace kernel {

using Irq = uint32_t;  // the controller's own number (GIC INTID)
inline constexpr Irq kMaxIrqs = 1020;

enum class Trigger : uint8_t { Level, Edge };

// The interrupt controller of the machine; the driver calls set_interrupt_controller once.
class InterruptController {
 public:
  // An `interrupts` specifier of the device tree (its cells, in order) to a line.
  struct Line {
    Irq irq;
    Trigger trigger;
  };
  virtual Result<Line> translate(std::span<const uint32_t> specifier) = 0;
  virtual void configure(Irq irq, Trigger trigger) = 0;
  virtual void mask(Irq irq) = 0;
  virtual void unmask(Irq irq) = 0;
  virtual void set_affinity(Irq irq, unsigned cpu) = 0;
  // Per-CPU lines (PPIs) are masked and unmasked on the running CPU only.
  virtual void init_this_cpu() = 0;
  virtual void send_ipi(unsigned cpu, unsigned ipi) = 0;
  // Acknowledges the highest pending interrupt and handles what is its own (inter-processor ones);
  // calls dispatch_interrupt() for lines. Returns when none is left. Interrupts masked.
  virtual void handle() = 0;
  virtual StringView name() const = 0;  // "GICv3", for /proc/interrupts

 protected:
  ~InterruptController() = default;
};
void set_interrupt_controller(InterruptController& controller);
InterruptController& interrupt_controller();

// What a hard handler wants done next.
enum class IrqReturn : uint8_t {
  None,    // not ours: spurious
  Handled,
  Wake,    // run the thread
};
class InterruptHandler {
 public:
  // Interrupt context: never sleeps, takes spin locks only. Default: leave all to the thread.
  virtual IrqReturn on_interrupt() { return IrqReturn::Wake; }
  // Thread context. The line is unmasked again afterwards.
  virtual void run() {}

 protected:
  ~InterruptHandler() = default;
};

// An installed handler; removed (and its thread ended) on destruction. Lines are not shared.
class IrqLine {
 public:
  // Enabled on return. `threaded`: run() is used and gets a thread "irq/NN-name".
  static Result<IrqLine> install(InterruptController::Line line, StringView name,
                                 InterruptHandler& handler, bool threaded);
  // A per-CPU line: the handler runs in interrupt context on each CPU that calls
  // enable_on_this_cpu().
  static Result<IrqLine> install_per_cpu(InterruptController::Line line, StringView name,
                                         InterruptHandler& handler);
  void enable_on_this_cpu();
  IrqLine(IrqLine&& other) noexcept : irq_(std::exchange(other.irq_, kMaxIrqs)) {}
  IrqLine& operator=(IrqLine&& other) noexcept {
    std::swap(irq_, other.irq_);
    return *this;
  }
  ~IrqLine();

 private:
  explicit IrqLine(Irq irq) : irq_(irq) {}
  Irq irq_;  // kMaxIrqs: moved from
};

// The controller's driver: one line fired. Interrupts masked.
void dispatch_interrupt(Irq irq);

// /proc/interrupts.
// `name` is valid until the line is removed: lines of tree devices never are.
struct InterruptStatistics {
  Irq irq;
  StringView name;
  Trigger trigger;
  uint64_t counts[kMaxCpus];
};
// The first installed line >= from; false when there is none.
bool next_interrupt(Irq from, InterruptStatistics& statistics);
// All interrupts of all CPUs since boot, for /proc/stat.
uint64_t interrupt_count();

}  // namespace kernel
