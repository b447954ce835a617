// SPDX-License-Identifier: MIT
// ioctl_tty(2): the requests on a terminal. A pty master passes on to its terminal those that act
// on the pair.

#include "fs/tty/terminal_ioctl.h"

#include "task/signal_post.h"
#include "vm/user_copy.h"

namespace kernel {

using namespace tty;

namespace {

constexpr uint32_t kBaudRates[] = {0,     50,    75,    110,    134,    150,    200,    300,
                                   600,   1200,  1800,  2400,   4800,   9600,   19200,  38400};
constexpr uint32_t kHighBaudRates[] = {57600,   115200,  230400,  460800,  500000,
                                       576000,  921600,  1000000, 1152000, 1500000,
                                       2000000, 2500000, 3000000, 3500000, 4000000};

// The speed that the CBAUD bits name; `other` for BOTHER.
uint32_t speed_of(uint32_t control, uint32_t other) {
  uint32_t code = control & kBaudMask;
  if (code < 16) return kBaudRates[code];
  if (code == kBother) return other;
  uint32_t index = (code & 017) - 1;
  return index < std::size(kHighBaudRates) ? kHighBaudRates[index] : other;
}

// Either way between the kernel's settings and a structure of the ABI: the fields have the same
// names.
template <class To, class From>
void copy_settings(To& to, const From& from) {
  to.input = from.input;
  to.output = from.output;
  to.control = from.control;
  to.local = from.local;
  to.line = from.line;
  for (size_t i = 0; i < kControlCharacters; ++i) to.characters[i] = from.characters[i];
}
}  // namespace

Result<int64_t> Terminal::ioctl(uint32_t request, uint64_t argument, uint32_t generation) {
  if (is_dead(generation)) {
    // Linux's hung-up files: the session request answers ENOTTY, the rest EIO.
    return request == kTiocspgrp ? Errno::NoTty : Errno::Io;
  }
  return TerminalIoctl(*this, /*from_master=*/false).run(request, argument);
}

Result<int64_t> TerminalIoctl::run(uint32_t request, uint64_t argument) {
  UserAddr address{argument};
  switch (request) {
    case kTcgets: case kTcgets2: case kTcgeta:
      return get_settings(request, address);
    case kTcsets: case kTcsetsw: case kTcsetsf:
    case kTcsets2: case kTcsetsw2: case kTcsetsf2:
    case kTcseta: case kTcsetaw: case kTcsetaf:
      return set_settings(request, address);
    case kTcsbrk: case kTcsbrkp:
      TRY(terminal_.check_foreground(Terminal::Direction::Change));
      // A pty and QEMU's lines have no break condition to send; what remains is the wait.
      TRY(terminal_.drain_output(WaitMode::Interruptible));
      return 0;
    case kTiocsbrk: case kTioccbrk:
      return 0;
    case kTcxonc: return flow_control(static_cast<uint32_t>(argument));
    case kTcflsh: return flush(static_cast<uint32_t>(argument));
    case kTiocexcl: return set_exclusive(true);
    case kTiocnxcl: return set_exclusive(false);
    case kTiocgexcl: case kTiocoutq: case kFionread:
      return give(address, count(request));
    case kTiocsti: return type_ahead(address);
    case kTiocgwinsz: {
      WindowSize size = terminal_.window_size();
      TRY(UserOut<AbiWindowSize>(address).write(
          {size.rows, size.columns, size.x_pixels, size.y_pixels}));
      return 0;
    }
    case kTiocswinsz: {
      AbiWindowSize size = TRY(UserIn<AbiWindowSize>(address).read());
      terminal_.set_window_size({size.rows, size.columns, size.x_pixels, size.y_pixels});
      return 0;
    }
    case kTiocgetd: return give(address, 0);
    case kTiocsetd: {
      uint32_t discipline = TRY(UserIn<uint32_t>(address).read());
      if (discipline != 0) return Errno::Inval;  // N_TTY is the only one
      return 0;
    }
    case kTiocgsoftcar: return give(address, terminal_.termios().has_control(kClocal) ? 1 : 0);
    case kTiocssoftcar: return set_local_line(address);
    case kTiocgptpeer: return Errno::Io;  // the master's
    case kTiocgdev:
      return give(address, static_cast<uint32_t>(terminal_.number().encode()));
    case kTiocvhangup:
      if (!current_task().credentials().has(Capability::SysAdmin)) return Errno::Perm;
      terminal_.hangup();
      return 0;
    default: return session_request(request, address, argument);
  }
}

Result<int64_t> TerminalIoctl::session_request(uint32_t request, UserAddr address,
                                               uint64_t argument) {
  switch (request) {
    case kTiocsctty:
      TRY(terminal_.make_controlling(argument == 1));
      return 0;
    case kTiocnotty:
      return give_up_terminal();
    case kTiocgpgrp: {
      if (!from_master_ && !is_controlling()) return Errno::NoTty;
      Optional<Ref<Pid>> group = terminal_.foreground();
      return give(address, group ? static_cast<uint32_t>(group->number()) : 0);
    }
    case kTiocspgrp:
      return set_foreground(address);
    case kTiocgsid: {
      if (!from_master_ && !is_controlling()) return Errno::NoTty;
      uint32_t session = 0;
      {
        Guard guard(terminal_.lock_);
        if (!terminal_.session_) return Errno::NoTty;
        session = static_cast<uint32_t>(terminal_.session_->number());
      }
      return give(address, session);
    }
    default:
      return Errno::NoTty;
  }
}

Result<int64_t> TerminalIoctl::give(UserAddr address, uint32_t value) {
  TRY(UserOut<uint32_t>(address).write(value));
  return 0;
}

Result<int64_t> TerminalIoctl::get_settings(uint32_t request, UserAddr address) {
  Termios settings = terminal_.termios();
  if (request == kTcgeta) {
    AbiTermio old{static_cast<uint16_t>(settings.input), static_cast<uint16_t>(settings.output),
                  static_cast<uint16_t>(settings.control), static_cast<uint16_t>(settings.local),
                  settings.line, {}, 0};
    for (size_t i = 0; i < 8; ++i) old.characters[i] = settings.characters[i];
    TRY(UserOut<AbiTermio>(address).write(old));
  } else if (request == kTcgets) {
    AbiTermios abi{};
    copy_settings(abi, settings);
    TRY(UserOut<AbiTermios>(address).write(abi));
  } else {
    AbiTermios2 abi{};
    copy_settings(abi, settings);
    abi.input_speed = settings.input_speed;
    abi.output_speed = settings.output_speed;
    TRY(UserOut<AbiTermios2>(address).write(abi));
  }
  return 0;
}

Result<int64_t> TerminalIoctl::set_settings(uint32_t request, UserAddr address) {
  TRY(terminal_.check_foreground(Terminal::Direction::Change));
  Termios settings = terminal_.termios();
  bool flush = request == kTcsetsf || request == kTcsetsf2 || request == kTcsetaf;
  bool drain = flush || request == kTcsetsw || request == kTcsetsw2 || request == kTcsetaw;
  if (request >= kTcseta && request <= kTcsetaf) {
    AbiTermio old = TRY(UserIn<AbiTermio>(address).read());
    constexpr uint32_t kHigh = 0xffff0000;
    settings.input = (settings.input & kHigh) | old.input;
    settings.output = (settings.output & kHigh) | old.output;
    settings.control = (settings.control & kHigh) | old.control;
    settings.local = (settings.local & kHigh) | old.local;
    settings.line = old.line;
    for (size_t i = 0; i < 8; ++i) settings.characters[i] = old.characters[i];
  } else if (request == kTcsets || request == kTcsetsw || request == kTcsetsf) {
    copy_settings(settings, TRY(UserIn<AbiTermios>(address).read()));
  } else {
    AbiTermios2 abi = TRY(UserIn<AbiTermios2>(address).read());
    copy_settings(settings, abi);
    settings.input_speed = abi.input_speed;
    settings.output_speed = abi.output_speed;
  }
  settings.output_speed = speed_of(settings.control, settings.output_speed);
  uint32_t input_code = (settings.control >> 16) & kBaudMask;  // CIBAUD: 0 means as the output
  settings.input_speed =
      input_code == 0 ? settings.output_speed : speed_of(input_code, settings.input_speed);
  if (drain) TRY(terminal_.drain_output(WaitMode::Interruptible));
  terminal_.set_termios(settings, flush);
  return 0;
}

Result<int64_t> TerminalIoctl::set_local_line(UserAddr address) {
  bool local = TRY(UserIn<uint32_t>(address).read()) != 0;
  Termios settings = terminal_.termios();
  settings.control = local ? settings.control | kClocal : settings.control & ~uint32_t{kClocal};
  terminal_.set_termios(settings, /*flush=*/false);
  return 0;
}

Result<int64_t> TerminalIoctl::flow_control(uint32_t action) {
  TRY(terminal_.check_foreground(Terminal::Direction::Change));
  enum : uint32_t { kOutputOff, kOutputOn, kInputOff, kInputOn };
  if (action > kInputOn) return Errno::Inval;
  if (action == kOutputOff || action == kOutputOn) {
    {
      Guard guard(terminal_.lock_);
      terminal_.line_.set_stopped(action == kOutputOff);
    }
    terminal_.device_.state_changed(action == kOutputOff ? kPacketStop : kPacketStart);
    if (action == kOutputOn) terminal_.device_.output_ready();
    return 0;
  }
  Termios settings = terminal_.termios();
  uint8_t character = settings.characters[action == kInputOff ? kVstop : kVstart];
  if (character != 0) {
    {
      Guard guard(terminal_.lock_);
      terminal_.line_.write(std::span(&character, 1));
    }
    terminal_.device_.output_ready();
  }
  return 0;
}

Result<int64_t> TerminalIoctl::flush(uint32_t which) {
  TRY(terminal_.check_foreground(Terminal::Direction::Change));
  if (which > 2) return Errno::Inval;
  bool input = which != 1, output = which != 0;
  if (from_master_) std::swap(input, output);
  {
    Guard guard(terminal_.lock_);
    if (input) terminal_.line_.flush_input();
    if (output) terminal_.line_.flush_output();
  }
  uint8_t packet =
      static_cast<uint8_t>((input ? kPacketFlushRead : 0) | (output ? kPacketFlushWrite : 0));
  terminal_.device_.state_changed(packet);
  if (input) terminal_.device_.input_room();
  if (output) terminal_.writers_.wake_all(kPollOut | kPollWrNorm);
  return 0;
}

Result<int64_t> TerminalIoctl::set_exclusive(bool exclusive) {
  Guard guard(terminal_.lock_);
  terminal_.exclusive_ = exclusive;
  return 0;
}

uint32_t TerminalIoctl::count(uint32_t request) const {
  Guard guard(terminal_.lock_);
  if (request == kTiocgexcl) return terminal_.exclusive_ ? 1 : 0;
  if (request == kTiocoutq) {
    bool on_its_way = !from_master_ && terminal_.device_.is_line();
    return static_cast<uint32_t>(on_its_way ? terminal_.line_.queued_output() : 0);
  }
  return static_cast<uint32_t>(from_master_ ? terminal_.line_.output_count()
                                            : terminal_.line_.input_count());
}

// TIOCSTI: as if typed.
Result<int64_t> TerminalIoctl::type_ahead(UserAddr address) {
  if (!is_controlling() && !current_task().credentials().has(Capability::SysAdmin))
    return Errno::Perm;
  uint8_t c = TRY(UserIn<uint8_t>(address).read());
  terminal_.receive(std::span(&c, 1));
  return 0;
}

bool TerminalIoctl::is_controlling() const {
  Optional<Ref<Terminal>> own = Terminal::controlling();
  return own && own.get() == &terminal_;
}

Result<int64_t> TerminalIoctl::give_up_terminal() {
  if (!is_controlling()) return Errno::NoTty;
  ThreadGroup& group = current_task().group();
  Terminal::disassociate(group);
  return 0;
}

Result<int64_t> TerminalIoctl::set_foreground(UserAddr address) {
  Result<> allowed = terminal_.check_foreground(Terminal::Direction::Change);
  if (!allowed.ok()) return allowed.failed_with(Errno::Io) ? Errno::NoTty : allowed.error();
  if (!is_controlling()) return Errno::NoTty;
  int32_t number = static_cast<int32_t>(TRY(UserIn<uint32_t>(address).read()));
  if (number < 0) return Errno::Inval;
  Optional<Ref<Pid>> group = Pid::find(number);
  if (!group) return Errno::Srch;
  Optional<Ref<Pid>> session = task::session_of_group(*group);
  Guard guard(terminal_.lock_);
  if (!session || !terminal_.session_ || session.get() != terminal_.session_.get())
    return Errno::Perm;
  terminal_.foreground_ = std::move(group);
  return 0;
}

}  // namespace kernel
