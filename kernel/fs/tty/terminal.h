// SPDX-License-Identifier: MIT
// A terminal: a line discipline between readers and writers on one side and a device (serial line,
// pty master) on the other, with its session and foreground process group (termios(3),
// credentials(7), ioctl_tty(2)). Thread context only: serial drivers call from their interrupt
// thread.
#pragma once

#include "fs/tty/line_discipline.h"
#include "fs/vfs/async_signals.h"
#include "fs/vfs/inode.h"
#include "fs/vfs/poll.h"
#include "lib/ref.h"
#include "task/task.h"
#include "vm/io_buffer.h"

namespace kernel {

struct WindowSize {
  uint16_t rows = 0, columns = 0, x_pixels = 0, y_pixels = 0;
  friend bool operator==(WindowSize, WindowSize) = default;
};

// What stands behind a terminal.
class TerminalDevice {
 public:
  // take_output() has something to give. No terminal lock is held.
  virtual void output_ready() = 0;
  // A reader made room: receive() takes bytes again.
  virtual void input_room() {}
  // IXON, TCFLSH…, for a pty master in packet mode: TIOCPKT_* bits.
  virtual void state_changed(uint8_t packet_bits) { (void)packet_bits; }
  virtual void settings_changed(const tty::Termios& termios) { (void)termios; }
  // True: the other side is closed for good (pty without a master).
  virtual bool is_gone() const { return false; }
  // What is queued here is still on its way (a serial line). False: the other side has it already,
  // and takes nothing while the output is stopped (a pty).
  virtual bool is_line() const { return true; }
  // An open file of the terminal came or went.
  virtual void opened() {}
  virtual void closed() {}
  // The terminal is being destroyed; a device of its own goes with it.
  virtual void released() {}

 protected:
  ~TerminalDevice() = default;
};

class Terminal final : public RefCounted<Terminal>, public RcuHead {
 public:
  // `name` as in /proc and ttyname: "pts/3", "ttyAMA0". The device stays until released() is
  // called.
  static Result<Ref<Terminal>> create(StringView name, DeviceNumber number, TerminalDevice& device);

  StringView name() const { return name_; }
  DeviceNumber number() const { return number_; }

  // --- Device side.
  size_t receive(std::span<const uint8_t> bytes);  // bytes consumed
  void receive_break();
  size_t take_output(std::span<uint8_t> to);
  size_t output_count() const;
  bool has_receive_room() const;
  void signal_foreground(Signal signal);
  // The line is lost: signals to the session, files opened so far are dead.
  void hangup();

  // --- File side. `generation` is the one the file was opened in: a hangup begins the next.
  // /dev/console outlives them all.
  static constexpr uint32_t kEveryGeneration = UINT32_MAX;
  uint32_t generation() const { return generation_.load_acquire(); }
  Result<size_t> read(IoBuffer& buffer, bool nonblocking, uint32_t generation);
  Result<size_t> write(IoBuffer& buffer, bool nonblocking, uint32_t generation);
  uint32_t poll(PollRegistration* registration, uint32_t generation);
  Result<int64_t> ioctl(uint32_t request, uint64_t argument, uint32_t generation);
  AsyncQueue& async_files() { return async_; }
  // O_ASYNC without F_SETOWN before: the foreground group gets the signals, or the caller.
  void claim_async(FileOwner& owner) const;
  // open(2): TIOCEXCL, and becoming the controlling terminal of a session leader without one.
  Result<> opened(bool no_controlling);

  // --- Session.
  // TIOCSCTTY. `steal` with CAP_SYS_ADMIN only.
  Result<> make_controlling(bool steal);
  // TIOCNOTTY: SIGHUP and SIGCONT to the foreground group. The end of a session leader: SIGHUP, and
  // a serial line is hung up.
  enum class Leaving : uint8_t { Request, Exit };  // an exit sends no SIGCONT
  static void disassociate(ThreadGroup& leader, Leaving why = Leaving::Request);
  // The running task's controlling terminal.
  static Optional<Ref<Terminal>> controlling();

  // The foreground group's number as proc(5) shows it; -1 when there is none.
  int32_t foreground_number() const;
  WindowSize window_size() const;
  void set_window_size(WindowSize size);  // SIGWINCH on a change
  tty::Termios termios() const;
  void init_termios(const tty::Termios& termios);  // before anybody has opened it

  TerminalDevice& device() const { return device_; }

  static void last_unref(Terminal* terminal) { retire_object(terminal); }
  ~Terminal() { device_.released(); }

 private:
  friend class TerminalIoctl;
  Terminal(DeviceNumber number, TerminalDevice& device) : number_(number), device_(device) {}

  enum class Direction : uint8_t { Read, Write, Change };
  // SIGTTIN and SIGTTOU for background groups. RestartSys after a signal was sent; Io when it
  // cannot be.
  Result<> check_foreground(Direction direction);
  bool is_dead(uint32_t generation) const {
    return generation != kEveryGeneration && generation_.load_acquire() != generation;
  }
  Result<> wait_for_input(bool nonblocking, uint32_t generation, size_t minimum, Deadline deadline);
  size_t read_available(IoBuffer& buffer, std::span<uint8_t> bounce, bool canonical,
                        Result<>& failure);
  void act_on(const tty::LineDiscipline::Effects& effects);
  Result<> drain_output(WaitMode mode);
  bool takes_output_locked() const REQUIRES(lock_) {
    return device_.is_line() || !line_.is_stopped();
  }
  void set_termios(const tty::Termios& termios, bool flush);
  Optional<Ref<Pid>> foreground() const;

  String name_;
  DeviceNumber number_;
  TerminalDevice& device_;
  Atomic<uint32_t> generation_;
  WaitQueue readers_;   // also pollers: one queue a terminal would do, two wake fewer
  WaitQueue writers_;
  AsyncQueue async_;
  Atomic<bool> write_fell_short_;  // a writer went away unserved: POLL_OUT when there is room
  mutable SpinLock<LockRank::TerminalBuffer> lock_;
  tty::LineDiscipline line_ GUARDED_BY(lock_);
  WindowSize window_size_ GUARDED_BY(lock_);
  Optional<Ref<Pid>> session_ GUARDED_BY(lock_);
  Optional<Ref<Pid>> foreground_ GUARDED_BY(lock_);
  bool exclusive_ GUARDED_BY(lock_) = false;
};

}  // namespace kernel
