// SPDX-License-Identifier: MIT
// virtio console with several ports (Virtual I/O Device 1.2, section 5.3): each port is a byte
// stream to the host, /dev/vportNpM, with the behaviour of Linux's driver: one opener at a time, 0
// from a read and POLLHUP when the host has closed, EAGAIN when nothing fits.

#include "dev/stream_device.h"
#include "drivers/virtio/transport.h"
#include "lib/log.h"

namespace kernel {
namespace {

using virtio::Buffer;
using virtio::Queue;

constexpr uint64_t kFeatureMultiport = uint64_t{1} << 1;
constexpr uint32_t kMajor = 250;  // Linux takes a dynamic one here too
constexpr size_t kMaxPorts = 16;
constexpr size_t kReceiveSize = 4096, kReceiveCount = 16;
constexpr size_t kSendSize = 32 * KiB, kSendCount = 2;
constexpr uint16_t kControlReceive = 2, kControlSend = 3;

// struct virtio_console_control.
struct Control {
  uint32_t port;
  uint16_t event;
  uint16_t value;
};
enum Event : uint16_t {
  kDeviceReady, kDeviceAdd, kDeviceRemove, kPortReady, kConsolePort, kResize, kPortOpen, kPortName,
};

class Console;

// One direction's buffers: a pool cut into equal pieces.
struct Pool {
  std::optional<DmaBuffer> memory;
  size_t piece = 0;
  uint8_t* data(size_t index) const { return memory->data() + index * piece; }
  PhysAddr physical(size_t index) const { return memory->physical() + index * piece; }
};

class Port final : public StreamDevice {
 public:
  Port(Console& console, uint32_t id, unsigned device, Owned<Queue> receive, Owned<Queue> send);
  Result<> prepare();

  Result<> open() override;
  void close() override;
  Result<size_t> read(IoBuffer& buffer, bool nonblocking) override;
  Result<size_t> write(IoBuffer& buffer, bool nonblocking) override;
  uint32_t poll(PollRegistration* registration) override;

  void service();                       // queue interrupts
  void set_host_open(bool open);

 private:
  struct Filled {
    uint16_t index;
    uint32_t start, end;
  };
  bool can_send() {
    Guard guard(lock_);
    return host_open_ && free_send_ != 0;
  }
  void give_receive_buffer_locked(uint16_t index) REQUIRES(lock_);
  uint16_t receive_index() const { return static_cast<uint16_t>(id_ == 0 ? 0 : 2 * id_ + 2); }
  uint16_t send_index() const { return static_cast<uint16_t>(receive_index() + 1); }

  Console& console_;
  uint32_t id_;
  char name_[24] = {};
  WaitQueue readers_, writers_;
  mutable SpinLock<LockRank::Device> lock_;
  Owned<Queue> receive_ GUARDED_BY(lock_);
  Owned<Queue> send_ GUARDED_BY(lock_);
  Pool receive_pool_, send_pool_;       // set once, in prepare()
  Filled filled_[kReceiveCount] GUARDED_BY(lock_);  // ring, oldest first
  size_t filled_first_ GUARDED_BY(lock_) = 0;
  size_t filled_count_ GUARDED_BY(lock_) = 0;
  uint32_t free_send_ GUARDED_BY(lock_) = (1u << kSendCount) - 1;
  bool host_open_ GUARDED_BY(lock_) = false;
  bool guest_open_ GUARDED_BY(lock_) = false;
};

class Console final : public Device, public InterruptHandler {
 public:
  explicit Console(Owned<virtio::Transport> transport) : transport_(std::move(transport)) {}
  static Result<Owned<Device>> probe(Owned<virtio::Transport> transport);

  void run() override;
  void notify(uint16_t queue) { transport_->notify(queue); }
  // Control messages are rare and small: sending waits for room in the interrupt's pace.
  void send_control(uint32_t port, uint16_t event, uint16_t value);
  bool dma_coherent() const { return transport_->dma_coherent(); }

 private:
  Result<> start();
  Result<> make_port_queues(uint32_t id);
  void handle_control(const Control& message);
  void add_port(uint32_t id);
  static constexpr size_t kControlSize = 128, kControlCount = 16;

  Owned<virtio::Transport> transport_;
  uint32_t port_limit_ = 1;
  Optional<Owned<Queue>> port_receive_[kMaxPorts], port_send_[kMaxPorts];
  Port* ports_[kMaxPorts] = {};         // made by the interrupt thread, never destroyed
  Pool control_in_, control_out_;
  Optional<Owned<Queue>> control_receive_;  // interrupt thread only
  SpinLock<LockRank::Device> control_lock_;
  Optional<Owned<Queue>> control_send_ GUARDED_BY(control_lock_);
  uint32_t control_free_ GUARDED_BY(control_lock_) = (1u << kControlCount) - 1;
};

Port::Port(Console& console, uint32_t id, unsigned device, Owned<Queue> receive, Owned<Queue> send)
    : console_(console), id_(id), receive_(std::move(receive)), send_(std::move(send)) {
  BufferSink sink(name_);
  format(sink, "vport{}p{}", device, id);
  name = sink.view();
  device_class = "virtio-ports";
  major = kMajor;
  minor = id;
  mode = 0600;
}

Result<> Port::prepare() {
  receive_pool_.piece = kReceiveSize;
  receive_pool_.memory =
      TRY(DmaBuffer::allocate(kReceiveSize * kReceiveCount, console_.dma_coherent()));
  send_pool_.piece = kSendSize;
  send_pool_.memory = TRY(DmaBuffer::allocate(kSendSize * kSendCount, console_.dma_coherent()));
  Guard guard(lock_);
  for (uint16_t i = 0; i < kReceiveCount; ++i) give_receive_buffer_locked(i);
  if (receive_->publish()) console_.notify(receive_index());
  return {};
}

void Port::give_receive_buffer_locked(uint16_t index) {
  Buffer buffer{receive_pool_.physical(index), kReceiveSize, true};
  // The queue has at least as many entries as there are buffers.
  CHECK(receive_->add(std::span(&buffer, 1), index).ok());
}

Result<> Port::open() {
  {
    Guard guard(lock_);
    if (guest_open_) return Errno::MFile;
    guest_open_ = true;
  }
  console_.send_control(id_, kPortOpen, 1);
  return {};
}

void Port::close() {
  {
    Guard guard(lock_);
    guest_open_ = false;
  }
  console_.send_control(id_, kPortOpen, 0);
}

Result<size_t> Port::read(IoBuffer& buffer, bool nonblocking) {
  if (buffer.remaining() == 0) return size_t{0};
  for (;;) {
    Filled piece{};
    bool found = false, open;
    {
      Guard guard(lock_);
      open = host_open_;
      if (filled_count_ > 0) {
        piece = filled_[filled_first_];
        filled_first_ = (filled_first_ + 1) % kReceiveCount;
        --filled_count_;
        found = true;
      }
    }
    if (found) {
      Result<size_t> put =
          buffer.put(receive_pool_.data(piece.index) + piece.start, piece.end - piece.start);
      if (put.ok()) piece.start += static_cast<uint32_t>(*put);
      Guard guard(lock_);
      if (piece.start < piece.end) {  // the rest stays the oldest
        filled_first_ = (filled_first_ + kReceiveCount - 1) % kReceiveCount;
        filled_[filled_first_] = piece;
        ++filled_count_;
      } else {
        give_receive_buffer_locked(piece.index);
        if (receive_->publish()) console_.notify(receive_index());
      }
      return put;
    }
    if (!open) return size_t{0};
    if (nonblocking) return Errno::Again;
    TRY(readers_.wait([this] {
      Guard guard(lock_);
      return filled_count_ > 0 || !host_open_;
    }));
  }
}

Result<size_t> Port::write(IoBuffer& buffer, bool nonblocking) {
  if (buffer.remaining() == 0) return size_t{0};
  uint32_t index;
  for (;;) {
    {
      Guard guard(lock_);
      if (host_open_ && free_send_ != 0) {
        index = static_cast<uint32_t>(std::countr_zero(free_send_));
        free_send_ &= ~(1u << index);
        break;
      }
    }
    if (nonblocking) return Errno::Again;
    TRY(writers_.wait([this] { return can_send(); }));
  }
  size_t wanted = std::min(buffer.remaining(), kSendSize);
  Result<size_t> taken = buffer.take(send_pool_.data(index), wanted);
  Guard guard(lock_);
  if (!taken.ok()) {
    free_send_ |= 1u << index;
    return taken.error();
  }
  Buffer piece{send_pool_.physical(index), static_cast<uint32_t>(*taken), false};
  CHECK(send_->add(std::span(&piece, 1), index).ok());  // never more chains than buffers
  if (send_->publish()) console_.notify(send_index());
  return taken;
}

uint32_t Port::poll(PollRegistration* registration) {
  if (registration != nullptr) {
    registration->wait_on(readers_);
    registration->wait_on(writers_);
  }
  Guard guard(lock_);
  uint32_t events = 0;
  if (filled_count_ > 0 || !host_open_) events |= kPollIn | kPollRdNorm;
  if (host_open_ && free_send_ != 0) events |= kPollOut;
  if (!host_open_) events |= kPollHup;
  return events;
}

void Port::service() {
  bool readable = false, writable = false;
  {
    Guard guard(lock_);
    while (std::optional<Queue::Finished> finished = receive_->take_finished()) {
      uint16_t index = static_cast<uint16_t>(finished->token);
      uint32_t size = std::min(finished->written, static_cast<uint32_t>(kReceiveSize));
      // Data for a port that nobody has open is dropped, as on Linux.
      if (!guest_open_ || size == 0) {
        give_receive_buffer_locked(index);
        if (receive_->publish()) console_.notify(receive_index());
        continue;
      }
      filled_[(filled_first_ + filled_count_++) % kReceiveCount] = {index, 0, size};
      readable = true;
    }
    while (std::optional<Queue::Finished> finished = send_->take_finished()) {
      free_send_ |= 1u << finished->token;
      writable = true;
    }
  }
  if (readable) readers_.wake_all(kPollIn | kPollRdNorm);
  if (writable) writers_.wake_all(kPollOut);
}

void Port::set_host_open(bool open) {
  {
    Guard guard(lock_);
    host_open_ = open;
  }
  readers_.wake_all();
  writers_.wake_all();
}

Result<Owned<Device>> Console::probe(Owned<virtio::Transport> transport) {
  Owned<Console> console = TRY(make_owned<Console>(std::move(transport)));
  TRY(console->start());
  return Owned<Device>(std::move(console));
}

Result<> Console::start() {
  uint64_t features = TRY(transport_->negotiate(kFeatureMultiport));
  bool multiport = (features & kFeatureMultiport) != 0;
  if (multiport)
    port_limit_ = std::min(transport_->config_u32(4), static_cast<uint32_t>(kMaxPorts));
  for (uint32_t id = 0; id < port_limit_; ++id) TRY(make_port_queues(id));
  if (multiport) {
    control_receive_ = TRY(transport_->make_queue(kControlReceive, kControlCount));
    {
      Owned<Queue> queue = TRY(transport_->make_queue(kControlSend, kControlCount));
      Guard guard(control_lock_);
      control_send_ = std::move(queue);
    }
    control_in_ = {TRY(DmaBuffer::allocate(kControlSize * kControlCount, dma_coherent())),
                   kControlSize};
    control_out_ = {TRY(DmaBuffer::allocate(kControlSize * kControlCount, dma_coherent())),
                    kControlSize};
  }
  TRY(transport_->connect("virtio-console", *this));
  transport_->start();
  if (!multiport) {
    add_port(0);
    if (ports_[0] != nullptr) ports_[0]->set_host_open(true);
    return {};
  }
  for (uint16_t i = 0; i < kControlCount; ++i) {
    Buffer buffer{control_in_.physical(i), kControlSize, true};
    TRY(control_receive_->add(std::span(&buffer, 1), i));
  }
  if (control_receive_->publish()) notify(kControlReceive);
  send_control(~uint32_t{0}, kDeviceReady, 1);
  return {};
}

Result<> Console::make_port_queues(uint32_t id) {
  uint16_t index = static_cast<uint16_t>(id == 0 ? 0 : 2 * id + 2);
  port_receive_[id] = TRY(transport_->make_queue(index, kReceiveCount));
  port_send_[id] = TRY(transport_->make_queue(static_cast<uint16_t>(index + 1), kReceiveCount));
  return {};
}

void Console::run() {
  if (control_receive_) {
    while (std::optional<Queue::Finished> finished = control_receive_->take_finished()) {
      size_t index = finished->token;
      if (finished->written >= sizeof(Control)) {
        Control message;
        __builtin_memcpy(&message, control_in_.data(index), sizeof message);
        handle_control(message);
      }
      Buffer buffer{control_in_.physical(index), kControlSize, true};
      CHECK(control_receive_->add(std::span(&buffer, 1), index).ok());
      if (control_receive_->publish()) notify(kControlReceive);
    }
    Guard guard(control_lock_);
    while (std::optional<Queue::Finished> finished = control_send_->take_finished())
      control_free_ |= 1u << finished->token;
  }
  for (Port* port : ports_) {
    if (port != nullptr) port->service();
  }
}

void Console::handle_control(const Control& message) {
  if (message.port >= port_limit_) return;
  Port* port = ports_[message.port];
  switch (message.event) {
    case kDeviceAdd:
      if (port == nullptr) add_port(message.port);
      break;
    case kPortOpen:
      if (port != nullptr) port->set_host_open(message.value != 0);
      break;
    case kDeviceRemove:
      if (port != nullptr) port->set_host_open(false);
      break;
    case kConsolePort:
      if (port != nullptr) port->set_host_open(true);
      break;
    default:  // kPortName, kResize: nobody asks for them here
      break;
  }
}

void Console::add_port(uint32_t id) {
  Result<Owned<Port>> made = make_owned<Port>(*this, id, transport_->number(),
                                              port_receive_[id].take(), port_send_[id].take());
  if (!made.ok() || !made.value()->prepare().ok() || !register_stream_device(*made.value()).ok()) {
    log_error("virtio-console: no memory for port {}", id);
    send_control(id, kPortReady, 0);
    return;
  }
  ports_[id] = std::move(made).take().leak();
  send_control(id, kPortReady, 1);
}

void Console::send_control(uint32_t port, uint16_t event, uint16_t value) {
  Guard guard(control_lock_);
  if (!control_send_) return;
  while (std::optional<Queue::Finished> finished = control_send_->take_finished())
    control_free_ |= 1u << finished->token;
  if (control_free_ == 0) {
    log_warning("virtio-console: control message {} for port {} lost", event, port);
    return;
  }
  uint32_t index = static_cast<uint32_t>(std::countr_zero(control_free_));
  control_free_ &= ~(1u << index);
  Control message{port, event, value};
  __builtin_memcpy(control_out_.data(index), &message, sizeof message);
  Buffer buffer{control_out_.physical(index), sizeof message, false};
  CHECK(control_send_->add(std::span(&buffer, 1), index).ok());
  if (control_send_->publish()) notify(kControlSend);
}

VIRTIO_DRIVER(virtio_console, virtio::DeviceId::Console, Console::probe);

}  // namespace
}  // namespace kernel
