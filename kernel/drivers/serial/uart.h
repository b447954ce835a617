// SPDX-License-Identifier: MIT
// What serial drivers share: output pulled from the terminal at the device's pace, input handed to
// it from the interrupt thread, and the log's share of the line. A chip supplies the register
// accesses.
#pragma once

#include "dev/driver.h"
#include "dev/serial_port.h"
#include "lib/log.h"
#include "sched/mutex.h"

namespace kernel {

class Uart : public Device, public SerialPort, public InterruptHandler, public LogConsole {
 public:
  void attach(SerialClient& client) override;
  void start_output() override { pump(); }
  void run() override;                      // the interrupt's thread
  void write(StringView text) override;     // the log; any context

 protected:
  struct Received {
    uint8_t byte;
    bool is_break;
  };
  // Register accesses; the caller holds the lock.
  virtual bool can_transmit() = 0;
  virtual void transmit(uint8_t byte) = 0;
  virtual std::optional<Received> receive() = 0;
  virtual void enable_transmit_interrupt(bool on) = 0;
  // The chip is ready: names the port, connects the interrupt, becomes the log's console when the
  // device tree says so.
  Result<> start(DeviceNode node, const Resources& resources, StringView prefix,
                 uint32_t port_major, uint32_t first_minor, Atomic<uint32_t>& counter);
  // Interrupts of the chip on, after the line is connected.
  virtual void enable_interrupts() = 0;

 private:
  void pump();

  static constexpr size_t kPending = 64;
  char name_buffer_[16] = {};
  Atomic<SerialClient*> client_;
  Mutex<LockRank::DriverThread> output_lock_;        // one puller at a time keeps the order
  SpinLock<LockRank::Leaf> lock_;                    // registers; also under the log's own lock
  uint8_t pending_[kPending] GUARDED_BY(output_lock_) = {};
  size_t pending_start_ GUARDED_BY(output_lock_) = 0;
  size_t pending_end_ GUARDED_BY(output_lock_) = 0;
  std::optional<IrqLine> interrupt_;
};

}  // namespace kernel
