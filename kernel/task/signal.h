// SPDX-License-Identifier: MIT
// Signals as data: numbers, sets, information, actions, pending queues (signal(7), sigaction(2)).
// Posting is in task/signal_post.h, delivery in process/signal_delivery.h.
#pragma once

#include <initializer_list>

#include "lib/list.h"
#include "lib/ref.h"
#include "lib/types.h"
#include "task/user_account.h"

namespace kernel {

enum class Signal : uint8_t {
  None = 0,
  Hup = 1,
  Int = 2,
  Quit = 3,
  Ill = 4,
  Trap = 5,
  Abrt = 6,
  Bus = 7,
  Fpe = 8,
  Kill = 9,
  Usr1 = 10,
  Segv = 11,
  Usr2 = 12,
  Pipe = 13,
  Alrm = 14,
  Term = 15,
  StkFlt = 16,
  Chld = 17,
  Cont = 18,
  Stop = 19,
  Tstp = 20,
  Ttin = 21,
  Ttou = 22,
  Urg = 23,
  Xcpu = 24,
  Xfsz = 25,
  VtAlrm = 26,
  Prof = 27,
  Winch = 28,
  Io = 29,
  Pwr = 30,
  Sys = 31,
  RtMin = 32,
  RtMax = 64,
};
inline constexpr unsigned kSignalCount = 64;

// The 64-bit sigset_t: bit n-1 is signal n.
class SignalSet {
 public:
  constexpr SignalSet() = default;
  constexpr explicit SignalSet(uint64_t bits) : bits_(bits) {}
  constexpr SignalSet(std::initializer_list<Signal> signals) {
    for (Signal signal : signals) add(signal);
  }
  constexpr void add(Signal signal) { bits_ |= bit(signal); }
  constexpr void remove(Signal signal) { bits_ &= ~bit(signal); }
  constexpr bool has(Signal signal) const { return (bits_ & bit(signal)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr uint64_t bits() const { return bits_; }
  constexpr SignalSet operator|(SignalSet other) const { return SignalSet(bits_ | other.bits_); }
  constexpr SignalSet operator&(SignalSet other) const { return SignalSet(bits_ & other.bits_); }
  constexpr SignalSet operator~() const { return SignalSet(~bits_); }
  // The lowest member (synchronous ones are chosen first by the caller). None when empty.
  constexpr Signal first() const {
    return bits_ == 0 ? Signal::None : static_cast<Signal>(std::countr_zero(bits_) + 1);
  }
  friend constexpr bool operator==(SignalSet, SignalSet) = default;

 private:
  static constexpr uint64_t bit(Signal signal) {
    return uint64_t{1} << (static_cast<unsigned>(signal) - 1);
  }
  uint64_t bits_ = 0;
};

// What cannot be blocked, caught or ignored.
inline constexpr SignalSet kUnblockable{Signal::Kill, Signal::Stop};
inline constexpr SignalSet kSynchronous{Signal::Segv, Signal::Bus, Signal::Ill,
                                        Signal::Trap, Signal::Fpe, Signal::Sys};
constexpr bool is_valid_signal(int64_t number) {
  return number >= 1 && number <= int64_t{kSignalCount};
}
constexpr bool is_realtime(Signal signal) { return signal >= Signal::RtMin; }
inline constexpr SignalSet kStopSignals{Signal::Stop, Signal::Tstp, Signal::Ttin, Signal::Ttou};

// si_code values that the kernel sends.
inline constexpr int32_t kSiUser = 0, kSiKernel = 0x80, kSiQueue = -1, kSiTimer = -2, kSiMesgQ = -3,
                         kSiAsyncIo = -4, kSiSigIo = -5, kSiTkill = -6;
inline constexpr int32_t kSegvMapErr = 1, kSegvAccErr = 2, kBusAdrAln = 1, kBusAdrErr = 2,
                         kBusObjErr = 3, kIllIllOpc = 1, kTrapBrkpt = 1, kTrapTrace = 2,
                         kTrapHwBkpt = 4, kCldExited = 1, kCldKilled = 2, kCldDumped = 3,
                         kCldTrapped = 4, kCldStopped = 5, kCldContinued = 6, kSysSeccomp = 1;

// A user address without its tag byte. One with bit 55 set is none, and stays as it is, as on
// Linux.
constexpr uint64_t without_tag(uint64_t address) {
  return address & static_cast<uint64_t>(static_cast<int64_t>(address << 8) >> 8);
}

// siginfo_t without its layout (syscall/abi has that).
struct SignalInfo {
  Signal signal = Signal::None;
  int32_t code = kSiUser;
  int32_t error = 0;
  // kill, queue, child: sender. Faults: address. Timers: id and overrun. Poll: band and fd.
  int32_t pid = 0;
  uint32_t uid = 0;
  int32_t status = 0;       // child
  uint64_t user_time = 0;   // child, clock ticks
  uint64_t system_time = 0;
  uint64_t value = 0;       // sigval; fault address
  int32_t timer_id = 0;
  int32_t overrun = 0;
  // A program made it up (rt_sigqueueinfo(2)): pid, uid, value, user_time and system_time, in this
  // order, are what it put behind si_code, and mean nothing to the kernel.
  bool given = false;

  bool is_of_timer() const { return code == kSiTimer && !given; }
};

enum SignalFlags : uint64_t {
  kSaNoCldStop = 1,
  kSaNoCldWait = 2,
  kSaSigInfo = 4,
  kSaUnsupported = 0x400,
  kSaExposeTagBits = 0x800,
  kSaRestorer = 0x04000000,
  kSaOnStack = 0x08000000,
  kSaRestart = 0x10000000,
  kSaNoDefer = 0x40000000,
  kSaResetHand = 0x80000000,
};
inline constexpr uint64_t kHandlerDefault = 0, kHandlerIgnore = 1;

struct SignalAction {
  uint64_t handler = kHandlerDefault;
  uint64_t flags = 0;
  UserAddr restorer{};
  SignalSet mask;
};

// One queued signal. Standard signals are queued once; real-time ones each, within
// RLIMIT_SIGPENDING.
class QueuedSignal : public ListNode<QueuedSignal> {
 public:
  // Without an account it is counted elsewhere: a timer's.
  QueuedSignal(const SignalInfo& what, Optional<Ref<UserAccount>> account)
      : info(what), account_(std::move(account)) {}
  ~QueuedSignal() {
    if (account_) account_->pending_signals.fetch_sub_relaxed(1);
  }
  const SignalInfo info;

 private:
  Optional<Ref<UserAccount>> account_;  // has counted this entry
};

// Guarded by the thread group's signal lock.
class PendingSignals : public Pinned {
 public:
  SignalSet set() const { return set_; }
  bool has(Signal signal) const { return set_.has(signal); }
  // Queues. `entry` may be empty when no memory or quota was left: then only the set remembers the
  // signal (signal(7): the information is lost).
  void add(Signal signal, Optional<Owned<QueuedSignal>> entry);
  // Takes out the first of `signal`, which is in the set: its information or a bare one.
  SignalInfo take(Signal signal);
  // The one to deliver next, of those not in `blocked`; None. Faults come first (kSynchronous).
  Signal next(SignalSet blocked) const;
  // A queued fault of the thread itself, in front of everything else: it belongs to the present
  // instruction.
  Signal next_fault(SignalSet blocked);
  // Whether the signal of this POSIX timer is queued.
  bool has_timer(int32_t timer_id);
  void remove(SignalSet signals);  // SIGCONT against stops and the other way; set to ignored
  void clear() { remove(SignalSet(~uint64_t{0})); }
  ~PendingSignals() { clear(); }

 private:
  SignalSet set_;
  List<QueuedSignal> queue_;
};

enum class DefaultAction : uint8_t { Terminate, Core, Ignore, Stop, Continue };
DefaultAction default_action(Signal signal);

}  // namespace kernel
