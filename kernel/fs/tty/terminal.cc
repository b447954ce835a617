// SPDX-License-Identifier: MIT
// Reading, writing and polling a terminal, and what arrives from its device; see terminal.h.

#include "fs/tty/terminal.h"

#include "fs/tty/packet.h"
#include "task/signal_post.h"

namespace kernel {

using tty::LineDiscipline;

Result<Ref<Terminal>> Terminal::create(StringView name, DeviceNumber number,
                                       TerminalDevice& device) {
  String copy = TRY(String::create(name));
  Terminal* terminal = new (std::nothrow) Terminal(number, device);
  if (terminal == nullptr) return Errno::NoMem;
  terminal->name_ = std::move(copy);
  return Ref<Terminal>::adopt(*terminal);
}

size_t Terminal::receive(std::span<const uint8_t> bytes) {
  LineDiscipline::Effects effects;
  size_t used;
  {
    Guard guard(lock_);
    used = line_.receive(bytes, effects);
  }
  act_on(effects);
  return used;
}

void Terminal::receive_break() {
  LineDiscipline::Effects effects;
  {
    Guard guard(lock_);
    line_.receive_break(effects);
  }
  act_on(effects);
}

void Terminal::act_on(const LineDiscipline::Effects& effects) {
  for (Signal signal : {Signal::Int, Signal::Quit, Signal::Tstp}) {
    if (effects.signals.has(signal)) signal_foreground(signal);
  }
  uint8_t packet = 0;
  if (effects.flushed) packet |= tty::kPacketFlushRead | tty::kPacketFlushWrite;
  if (effects.stopped) packet |= tty::kPacketStop;
  if (effects.started) packet |= tty::kPacketStart;
  if (packet != 0) device_.state_changed(packet);
  if (effects.readable) {
    readers_.wake(1, kPollIn | kPollRdNorm);
    async_.notify(FileEvent::In);
  }
  if (effects.flushed || effects.started) writers_.wake_all(kPollOut | kPollWrNorm);
  if (effects.output || effects.started) device_.output_ready();
}

size_t Terminal::take_output(std::span<uint8_t> to) {
  size_t count;
  bool room;
  {
    Guard guard(lock_);
    count = line_.take_output(to);
    room = count > 0 && line_.output_room() >= LineDiscipline::kOutputSize / 2;
  }
  if (room) {
    writers_.wake_all(kPollOut | kPollWrNorm);
    if (write_fell_short_.load_relaxed() && write_fell_short_.exchange_relaxed(false))
      async_.notify(FileEvent::Out);
  }
  return count;
}

size_t Terminal::output_count() const {
  Guard guard(lock_);
  return line_.output_count();
}

bool Terminal::has_receive_room() const {
  Guard guard(lock_);
  return line_.has_receive_room();
}

void Terminal::signal_foreground(Signal signal) {
  if (Optional<Ref<Pid>> group = foreground()) post_signal_to_group(*group, kernel_signal(signal));
}

Result<size_t> Terminal::read(IoBuffer& buffer, bool nonblocking, uint32_t generation) {
  if (is_dead(generation)) return size_t{0};
  TRY(check_foreground(Direction::Read));
  std::array<uint8_t, 256> small;
  Vector<uint8_t> large;
  std::span<uint8_t> bounce = small;
  if (buffer.remaining() > small.size()) {
    // A whole line comes out at once, so that two readers never share one.
    TRY(large.resize(std::min(buffer.remaining(), LineDiscipline::kInputSize)));
    bounce = large.span();
  }
  tty::Termios settings = termios();
  bool canonical = settings.edits_lines();
  bool timed = !settings.has_local(tty::kIcanon);
  size_t minimum = timed ? settings.characters[tty::kVmin] : 1;
  Nanoseconds tenths = !timed ? 0 : settings.characters[tty::kVtime] * (kNanosPerSecond / 10);
  // termios(3): with MIN > 0 the timer starts at the first byte and then runs between bytes; with
  // MIN = 0 it bounds the whole wait.
  bool between_bytes = minimum > 0;
  Deadline deadline = timed && !between_bytes ? Deadline::after(tenths) : Deadline::never();
  size_t total = 0;
  Result<> failure;
  while (buffer.remaining() > 0) {
    Result<> ready = wait_for_input(nonblocking, generation, 1, deadline);
    if (!ready.ok()) {
      if (total > 0 || ready.failed_with(Errno::TimedOut) || is_dead(generation)) break;
      return ready.error();
    }
    if (is_dead(generation)) {
      if (total == 0 && device_.is_gone()) return Errno::Io;
      break;
    }
    size_t got = read_available(buffer, bounce, canonical, failure);
    if (!failure.ok()) return failure.error();
    total += got;
    if (canonical || total >= minimum) break;
    if (tenths != 0 && between_bytes && total > 0) deadline = Deadline::after(tenths);
  }
  device_.input_room();
  return total;
}

// One extraction: a line, or what is there.
size_t Terminal::read_available(IoBuffer& buffer, std::span<uint8_t> bounce, bool canonical,
                                Result<>& failure) {
  size_t limit = std::min(buffer.remaining(), bounce.size());
  size_t count;
  {
    Guard guard(lock_);
    if (line_.is_canonical() != canonical && !line_.has_input(1)) return 0;
    count = line_.read(bounce.first(limit));
  }
  Result<size_t> put = buffer.put(bounce.data(), count);
  if (!put.ok()) failure = put.error();
  return count;
}

Result<> Terminal::wait_for_input(bool nonblocking, uint32_t generation, size_t minimum,
                                  Deadline deadline) {
  auto ready = [&] {
    if (is_dead(generation)) return true;
    Guard guard(lock_);
    return line_.has_input(minimum);
  };
  if (ready()) return {};
  if (device_.is_gone()) return Errno::Io;
  if (nonblocking) return Errno::Again;
  return readers_.wait([&] { return ready() || device_.is_gone(); }, WaitMode::Interruptible,
                       deadline,
                       /*exclusive=*/true);
}

Result<size_t> Terminal::write(IoBuffer& buffer, bool nonblocking, uint32_t generation) {
  if (is_dead(generation)) return Errno::Io;
  if (termios().has_local(tty::kTostop)) TRY(check_foreground(Direction::Write));
  std::array<uint8_t, 256> bounce;
  size_t total = 0;
  while (buffer.remaining() > 0) {
    Result<size_t> taken = buffer.take(bounce.data(), std::min(buffer.remaining(), bounce.size()));
    if (!taken.ok()) {
      if (total > 0) break;
      return taken.error();
    }
    size_t used;
    {
      Guard guard(lock_);
      used = takes_output_locked() ? line_.write(std::span(bounce).first(*taken)) : 0;
    }
    buffer.rewind(*taken - used);
    total += used;
    device_.output_ready();
    if (used == *taken) continue;
    if (nonblocking) {
      write_fell_short_.store_relaxed(true);
      if (total > 0) break;
      return Errno::Again;
    }
    auto room = [&] {
      if (is_dead(generation) || device_.is_gone()) return true;
      Guard guard(lock_);
      return takes_output_locked() && line_.output_room() >= 16;
    };
    Result<> waited = writers_.wait(room);
    if (is_dead(generation) || device_.is_gone()) waited = Errno::Io;
    if (!waited.ok()) {
      if (total > 0) break;
      return waited.error();
    }
  }
  return total;
}

uint32_t Terminal::poll(PollRegistration* registration, uint32_t generation) {
  if (registration != nullptr) {
    registration->wait_on(readers_);
    registration->wait_on(writers_);
  }
  uint32_t events = 0;
  if (is_dead(generation))
    return kPollIn | kPollRdNorm | kPollOut | kPollWrNorm | kPollErr | kPollHup;
  Guard guard(lock_);
  size_t minimum =
      line_.termios.characters[tty::kVtime] == 0 ? line_.termios.characters[tty::kVmin] : 1;
  if (line_.has_input(minimum)) events |= kPollIn | kPollRdNorm;
  if (device_.is_gone()) events |= kPollHup;
  if (takes_output_locked() && line_.output_room() >= 256) events |= kPollOut | kPollWrNorm;
  return events;
}

// Waits until the device has taken everything (tcdrain(3)).
Result<> Terminal::drain_output(WaitMode mode) {
  if (!device_.is_line()) return {};
  uint32_t generation = this->generation();
  return writers_.wait(
      [&] {
        if (is_dead(generation) || device_.is_gone()) return true;
        Guard guard(lock_);
        return line_.queued_output() == 0;
      },
      mode);
}

tty::Termios Terminal::termios() const {
  Guard guard(lock_);
  return line_.termios;
}

void Terminal::init_termios(const tty::Termios& termios) {
  Guard guard(lock_);
  line_.termios = termios;
}

void Terminal::set_termios(const tty::Termios& termios, bool flush) {
  bool flow_ended;
  bool readable;
  {
    Guard guard(lock_);
    if (flush) line_.flush_input();
    tty::Termios before = line_.termios;
    bool was_stopped = line_.is_stopped();
    line_.termios = termios;
    line_.mode_changed(before);
    flow_ended = was_stopped && !line_.is_stopped();
    readable = line_.has_input(1);
  }
  device_.settings_changed(termios);
  if (flow_ended) {
    device_.output_ready();
    writers_.wake_all(kPollOut | kPollWrNorm);
  }
  if (readable) readers_.wake_all(kPollIn | kPollRdNorm);
}

void Terminal::claim_async(FileOwner& owner) const {
  if (Optional<Ref<Pid>> group = foreground()) {
    owner.set_default(group.value(), FileOwner::Kind::Group);
  } else {
    owner.set_default(Ref<Pid>(current_task().group().leader_pid()), FileOwner::Kind::Process);
  }
}

WindowSize Terminal::window_size() const {
  Guard guard(lock_);
  return window_size_;
}

void Terminal::set_window_size(WindowSize size) {
  {
    Guard guard(lock_);
    if (window_size_ == size) return;
    window_size_ = size;
  }
  signal_foreground(Signal::Winch);
}

int32_t Terminal::foreground_number() const {
  Guard guard(lock_);
  return foreground_ ? foreground_->number() : -1;
}

Optional<Ref<Pid>> Terminal::foreground() const {
  Guard guard(lock_);
  return foreground_;
}

}  // namespace kernel
