// SPDX-License-Identifier: MIT
// Pending queues and default actions (signal(7)); see signal.h.

#include "task/signal.h"

namespace kernel {

void PendingSignals::add(Signal signal, Optional<Owned<QueuedSignal>> entry) {
  set_.add(signal);
  if (entry) queue_.push_back(*std::move(entry).take().leak());
}

SignalInfo PendingSignals::take(Signal signal) {
  SignalInfo info{.signal = signal};
  QueuedSignal* found = nullptr;
  bool more = false;
  for (QueuedSignal& entry : queue_) {
    if (entry.info.signal != signal) continue;
    if (found != nullptr) {
      more = true;
      break;
    }
    found = &entry;
  }
  if (found != nullptr) {
    info = found->info;
    queue_.remove(*found);
    delete found;
  }
  if (!more) set_.remove(signal);
  return info;
}

Signal PendingSignals::next(SignalSet blocked) const {
  SignalSet ready = set_ & ~blocked;
  SignalSet faults = ready & kSynchronous;
  return faults.empty() ? ready.first() : faults.first();
}

Signal PendingSignals::next_fault(SignalSet blocked) {
  if ((set_ & ~blocked & kSynchronous).empty()) return Signal::None;
  for (QueuedSignal& entry : queue_) {
    Signal signal = entry.info.signal;
    if (entry.info.code > kSiUser && kSynchronous.has(signal) && !blocked.has(signal))
      return signal;
  }
  return Signal::None;
}

bool PendingSignals::has_timer(int32_t timer_id) {
  for (QueuedSignal& entry : queue_) {
    if (entry.info.is_of_timer() && entry.info.timer_id == timer_id) return true;
  }
  return false;
}

void PendingSignals::remove(SignalSet signals) {
  if ((set_ & signals).empty()) return;
  set_ = set_ & ~signals;
  QueuedSignal* next = nullptr;
  for (QueuedSignal* entry = queue_.front(); entry != nullptr; entry = next) {
    next = queue_.next(*entry);
    if (!signals.has(entry->info.signal)) continue;
    queue_.remove(*entry);
    delete entry;
  }
}

DefaultAction default_action(Signal signal) {
  switch (signal) {
    case Signal::Chld:
    case Signal::Urg:
    case Signal::Winch:
      return DefaultAction::Ignore;
    case Signal::Cont:
      return DefaultAction::Continue;
    case Signal::Stop:
    case Signal::Tstp:
    case Signal::Ttin:
    case Signal::Ttou:
      return DefaultAction::Stop;
    case Signal::Quit:
    case Signal::Ill:
    case Signal::Trap:
    case Signal::Abrt:
    case Signal::Bus:
    case Signal::Fpe:
    case Signal::Segv:
    case Signal::Xcpu:
    case Signal::Xfsz:
    case Signal::Sys:
      return DefaultAction::Core;
    default:
      return DefaultAction::Terminate;
  }
}

}  // namespace kernel
