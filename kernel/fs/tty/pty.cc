// SPDX-License-Identifier: MIT
// The master side of pseudoterminals; see pty.h. Names and nodes are devpts.cc's.

#include "fs/tty/pty.h"

#include "fs/tty/devpts.h"
#include "fs/tty/packet.h"
#include "fs/tty/terminal_ioctl.h"
#include "fs/vfs/vfs.h"

namespace kernel {

using namespace tty;

namespace {

constexpr uint32_t kPtsMajor = 136;

// What the system call read or wrote through the bounce buffer at a time.
constexpr size_t kChunk = 512;

class MasterFile final : public File {
 public:
  MasterFile(Ref<Terminal> terminal, const Path& path, uint32_t flags)
      : File(path, flags), terminal_(std::move(terminal)) {}
  Result<size_t> read(IoBuffer& buffer, uint64_t) override {
    return pty().read(buffer, nonblocking());
  }
  Result<size_t> write(IoBuffer& buffer, uint64_t) override {
    return pty().write(buffer, nonblocking());
  }
  uint32_t poll(PollRegistration* registration) override { return pty().poll(registration); }
  Result<int64_t> ioctl(uint32_t request, uint64_t argument) override {
    return pty().ioctl(request, argument);
  }
  AsyncQueues async_queues() override { return {&pty().async_master()}; }
  void async_wanted() override {
    owner.set_default(Ref<Pid>(current_task().group().leader_pid()), FileOwner::Kind::Process);
  }
  void on_close() override { pty().close_master(); }

 private:
  Pty& pty() const { return static_cast<Pty&>(terminal_->device()); }
  Ref<Terminal> terminal_;
};

class MultiplexerNode final : public CharDeviceBase {
 public:
  MultiplexerNode() { major = 5, minor = 2, name = "ptmx", mode = 0666, device_class = "tty"; }
  Result<Ref<File>> open(const Path& path, uint32_t flags) override {
    Ref<Terminal> terminal = TRY(Pty::create());
    Result<Ref<MasterFile>> file = make_ref<MasterFile>(terminal, path, flags);
    if (!file.ok()) {
      static_cast<Pty&>(terminal->device()).close_master();  // takes name and number back
      return file.error();
    }
    return std::move(file).take();
  }
};

}  // namespace

Result<Ref<Terminal>> Pty::create() {
  uint32_t index = TRY(devpts::reserve_index());
  Pty* pty = new (std::nothrow) Pty(index);
  if (pty == nullptr) {
    devpts::release_index(index);
    return Errno::NoMem;
  }
  Result<String> name = format_string("pts/{}", index);
  Result<Ref<Terminal>> terminal =
      name.ok() ? Terminal::create(*name, DeviceNumber{kPtsMajor, index}, *pty)
                : Result<Ref<Terminal>>(name.error());
  if (!terminal.ok()) {
    delete pty;
    devpts::release_index(index);
    return terminal.error();
  }
  pty->terminal_ = terminal->get();
  // No modem to hang up: Linux's ptys start without HUPCL.
  Termios settings = (*terminal)->termios();
  settings.control &= ~uint32_t{kHupcl};
  (*terminal)->init_termios(settings);
  Result<> shown = devpts::add(index, *terminal.value());
  if (!shown.ok()) {
    devpts::release_index(index);
    return shown.error();  // the terminal takes the pty with it
  }
  return std::move(terminal).take();
}

bool Pty::slave_is_closed() const {
  return slave_was_open_.load_acquire() && slave_files_.load_acquire() == 0;
}

Result<size_t> Pty::read(IoBuffer& buffer, bool nonblocking) {
  if (buffer.remaining() == 0) return size_t{0};
  bool packet = packet_mode_.load_relaxed();
  auto ready = [this, packet] {
    return terminal_->output_count() > 0 || slave_is_closed() ||
           (packet && packet_state_.load_acquire() != 0);
  };
  for (;;) {
    if (packet) {
      uint8_t state = static_cast<uint8_t>(packet_state_.exchange_acq_rel(0));
      if (state != 0) return buffer.put(&state, 1);
    }
    std::array<uint8_t, kChunk> bounce;
    size_t head = packet ? 1 : 0;  // TIOCPKT_DATA goes before the data
    size_t total = 0;
    while (buffer.remaining() > head) {
      bounce[0] = kPacketData;
      size_t room = std::min(buffer.remaining(), bounce.size()) - head;
      size_t got = terminal_->take_output(std::span(bounce).subspan(head, room));
      if (got == 0) break;
      total += TRY(buffer.put(bounce.data(), head + got));
      head = 0;
    }
    if (total > 0) return total;
    if (packet && buffer.remaining() == 1 && terminal_->output_count() > 0)
      return buffer.put(&kPacketData, 1);
    if (slave_is_closed()) return Errno::Io;
    if (nonblocking) return Errno::Again;
    TRY(master_readers_.wait(ready));
  }
}

Result<size_t> Pty::write(IoBuffer& buffer, bool nonblocking) {
  std::array<uint8_t, kChunk> bounce;
  size_t total = 0;
  while (buffer.remaining() > 0) {
    Result<size_t> taken = buffer.take(bounce.data(), std::min(buffer.remaining(), bounce.size()));
    if (!taken.ok()) {
      if (total > 0) break;
      return taken.error();
    }
    size_t used = terminal_->receive(std::span(bounce).first(*taken));
    buffer.rewind(*taken - used);
    total += used;
    if (used == *taken) continue;
    if (nonblocking) {
      if (total > 0) break;
      return Errno::Again;
    }
    // One byte at a time tells whether there is room again: a reader has taken some.
    Result<> waited = master_writers_.wait([this] { return terminal_->has_receive_room(); });
    if (!waited.ok()) {
      if (total > 0) break;
      return waited.error();
    }
  }
  return total;
}

uint32_t Pty::poll(PollRegistration* registration) {
  if (registration != nullptr) {
    registration->wait_on(master_readers_);
    registration->wait_on(master_writers_);
  }
  uint32_t events = 0;
  if (terminal_->output_count() > 0) events |= kPollIn | kPollRdNorm;
  if (packet_mode_.load_relaxed() && packet_state_.load_relaxed() != 0)
    events |= kPollPri | kPollIn | kPollRdNorm;
  if (slave_is_closed()) events |= kPollHup;
  if (terminal_->has_receive_room()) events |= kPollOut | kPollWrNorm;
  return events;
}

Result<int64_t> Pty::ioctl(uint32_t request, uint64_t argument) {
  UserAddr address{argument};
  auto give = [&](uint32_t value) -> Result<int64_t> {
    TRY(UserOut<uint32_t>(address).write(value));
    return 0;
  };
  switch (request) {
    case kTiocgptn: return give(index_);
    case kTiocsptlck:
      locked_.store_relaxed(TRY(UserIn<uint32_t>(address).read()) != 0);
      return 0;
    case kTiocgptlck: return give(is_locked() ? 1 : 0);
    case kTiocpkt: {
      bool on = TRY(UserIn<uint32_t>(address).read()) != 0;
      if (on && !packet_mode_.load_relaxed()) packet_state_.store_relaxed(0);
      packet_mode_.store_relaxed(on);
      return 0;
    }
    case kTiocgpkt: return give(packet_mode_.load_relaxed() ? 1 : 0);
    case kTiocsig: {
      if (argument < 1 || argument > kSignalCount) return Errno::Inval;
      terminal_->signal_foreground(static_cast<Signal>(argument));
      return 0;
    }
    case kTiocgptpeer: return devpts::open_peer(index_, static_cast<uint32_t>(argument));
    case kTiocsctty:
    case kTiocnotty:
      return Errno::NoTty;  // a master is nobody's controlling terminal
    default: return TerminalIoctl(*terminal_, /*from_master=*/true).run(request, argument);
  }
}

void Pty::close_master() {
  devpts::remove(index_);
  master_closed_.store_release(true);
  terminal_->hangup();
  devpts::release_index(index_);
}

void Pty::output_ready() {
  master_readers_.wake_all(kPollIn | kPollRdNorm);
  if (terminal_->output_count() > 0) async_master_.notify(FileEvent::In);
}

void Pty::state_changed(uint8_t packet_bits) {
  if (!packet_mode_.load_relaxed() || packet_bits == 0) return;
  constexpr uint32_t kFlow = kPacketStart | kPacketStop;
  if ((packet_bits & kFlow) != 0) packet_state_.fetch_and_relaxed(~kFlow);  // the latest counts
  packet_state_.fetch_or_acq_rel(packet_bits);
  master_readers_.wake_all(kPollPri | kPollIn | kPollRdNorm);
}

// TIOCPKT tells when flow control is by the usual characters (IXON with ^S and ^Q) and when not.
void Pty::settings_changed(const Termios& termios) {
  bool by_characters = termios.has_input(kIxon) && termios.characters[kVstop] == 023 &&
                       termios.characters[kVstart] == 021;
  // With EXTPROC the master does what the settings say, and so is told of each change.
  bool external = termios.has_local(kExtproc);
  if (external_.exchange_relaxed(external) || external) state_changed(kPacketIoctl);
  if (by_characters == flow_by_characters_.exchange_relaxed(by_characters)) return;
  packet_state_.fetch_and_relaxed(~uint32_t{kPacketDoStop | kPacketNoStop});
  state_changed(by_characters ? kPacketDoStop : kPacketNoStop);
}

void Pty::opened() {
  slave_files_.fetch_add_acq_rel(1);
  slave_was_open_.store_release(true);
}

void Pty::closed() {
  if (slave_files_.fetch_sub_acq_rel(1) == 1) master_readers_.wake_all();
}

namespace tty {

Result<> init_ptys() {
  Owned<MultiplexerNode> node = TRY(make_owned<MultiplexerNode>());
  TRY(register_char_device(*node));
  std::move(node).leak();  // stays for good
  devpts::init();
  return {};
}

}  // namespace tty
}  // namespace kernel
