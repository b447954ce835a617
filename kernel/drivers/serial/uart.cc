// SPDX-License-Identifier: MIT
// See uart.h.

#include "drivers/serial/uart.h"

#include "dev/early_console.h"

namespace kernel {
namespace {

// Turns of waiting for a full transmitter: a device that is gone does not stop the log (BT17).
constexpr unsigned kPatience = 100'000;

}  // namespace

Result<> Uart::start(DeviceNode node, const Resources& resources, StringView prefix,
                     uint32_t port_major, uint32_t first_minor, Atomic<uint32_t>& counter) {
  uint32_t index = counter.fetch_add_relaxed(1);
  BufferSink sink(name_buffer_);
  format(sink, "{}{}", prefix, index);
  name = sink.view();
  major = port_major;
  minor = first_minor + index;
  std::optional<PhysRange> registers = node.reg(0);
  is_console = registers && registers->start == early_console_base();
  interrupt_ = TRY(IrqLine::install(TRY(resources.interrupt()), name, *this, /*threaded=*/true));
  if (is_console) {
    retire_early_console();
    log_add_console(*this, LogReplay::NewOnly);
  }
  return register_serial_port(*this);
}

void Uart::attach(SerialClient& client) {
  client_.store_release(&client);
  Guard guard(lock_);
  enable_interrupts();
}

void Uart::run() {
  SerialClient* client = client_.load_acquire();
  if (client == nullptr) return;
  for (;;) {
    uint8_t bytes[kPending];
    size_t count = 0;
    bool has_break = false;
    {
      Guard guard(lock_);
      while (count < sizeof bytes && !has_break) {
        std::optional<Received> received = receive();
        if (!received) break;
        has_break = received->is_break;
        if (!has_break) bytes[count++] = received->byte;
      }
    }
    if (count > 0) client->received({bytes, count});
    if (has_break) client->received_break();
    if (count == 0 && !has_break) break;
  }
  pump();
}

// Fills the transmitter. When it is full its interrupt goes on; when nothing is left, off.
void Uart::pump() {
  SerialClient* client = client_.load_acquire();
  if (client == nullptr) return;
  Guard output(output_lock_);
  for (;;) {
    if (pending_start_ == pending_end_) {
      pending_start_ = 0;
      pending_end_ = client->take_output(pending_);
    }
    Guard guard(lock_);
    while (pending_start_ < pending_end_ && can_transmit()) transmit(pending_[pending_start_++]);
    bool full = pending_start_ < pending_end_;
    if (full || pending_end_ == 0) {
      enable_transmit_interrupt(full);
      return;
    }
  }
}

void Uart::write(StringView text) {
  if (log_in_panic()) return;  // the polled console speaks then, and needs no lock
  Guard guard(lock_);
  auto put = [this](char c) REQUIRES(lock_) {
    for (unsigned turn = 0; !can_transmit() && turn < kPatience; ++turn) arch::spin_hint();
    transmit(static_cast<uint8_t>(c));
  };
  for (char c : text) {
    if (c == '\n') put('\r');
    put(c);
  }
}

}  // namespace kernel
