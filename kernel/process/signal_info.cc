// SPDX-License-Identifier: MIT
// See signal_info.h. Word n of the union lies at byte 16 + 4n.

#include "process/signal_info.h"

namespace kernel {
namespace {

enum class Layout : uint8_t { Kill, Queue, Timer, Child, Fault, Poll, Syscall };

Layout layout_of(Signal signal, int32_t code) {
  if (code == kSiTimer) return Layout::Timer;
  if (code == kSiSigIo) return Layout::Poll;
  if (code < 0) return Layout::Queue;
  if (code == kSiUser || code >= kSiKernel) return Layout::Kill;
  switch (signal) {
    case Signal::Ill:
    case Signal::Fpe:
    case Signal::Segv:
    case Signal::Bus:
    case Signal::Trap: return Layout::Fault;
    case Signal::Chld: return Layout::Child;
    case Signal::Io: return Layout::Poll;
    case Signal::Sys: return Layout::Syscall;
    default: return Layout::Kill;
  }
}

void put64(UserSignalInfo& user, size_t word, uint64_t value) {
  user.words[word] = static_cast<uint32_t>(value);
  user.words[word + 1] = static_cast<uint32_t>(value >> 32);
}
uint64_t get64(const UserSignalInfo& user, size_t word) {
  return user.words[word] | uint64_t{user.words[word + 1]} << 32;
}

}  // namespace

UserSignalInfo encode_signal_info(const SignalInfo& info) {
  UserSignalInfo user{};
  user.signal = static_cast<int32_t>(info.signal);
  user.error = info.error;
  user.code = info.code;
  switch (layout_of(info.signal, info.code)) {
    case Layout::Child:
      user.words[2] = static_cast<uint32_t>(info.status);
      put64(user, 4, info.user_time);
      put64(user, 6, info.system_time);
      [[fallthrough]];
    case Layout::Kill:
      user.words[0] = static_cast<uint32_t>(info.pid);
      user.words[1] = info.uid;
      break;
    case Layout::Queue:
      user.words[0] = static_cast<uint32_t>(info.pid);
      user.words[1] = info.uid;
      put64(user, 2, info.value);
      break;
    case Layout::Timer:
      user.words[0] = static_cast<uint32_t>(info.timer_id);
      user.words[1] = static_cast<uint32_t>(info.overrun);
      put64(user, 2, info.value);
      break;
    case Layout::Fault:
      put64(user, 0, info.value);
      break;
    case Layout::Poll:
      put64(user, 0, info.value);
      user.words[2] = static_cast<uint32_t>(info.status);
      break;
    case Layout::Syscall:
      put64(user, 0, info.value);
      user.words[2] = static_cast<uint32_t>(info.status);
      user.words[3] = 0xc00000b7;  // AUDIT_ARCH_AARCH64
      break;
  }
  return user;
}

SignalInfo decode_signal_info(const UserSignalInfo& user, Signal signal) {
  SignalInfo info{.signal = signal, .code = user.code, .error = user.error};
  switch (layout_of(signal, user.code)) {
    case Layout::Child:
      info.status = static_cast<int32_t>(user.words[2]);
      info.user_time = get64(user, 4);
      info.system_time = get64(user, 6);
      [[fallthrough]];
    case Layout::Kill:
      info.pid = static_cast<int32_t>(user.words[0]);
      info.uid = user.words[1];
      break;
    case Layout::Queue:
      info.pid = static_cast<int32_t>(user.words[0]);
      info.uid = user.words[1];
      info.value = get64(user, 2);
      break;
    case Layout::Timer:
      info.timer_id = static_cast<int32_t>(user.words[0]);
      info.overrun = static_cast<int32_t>(user.words[1]);
      info.value = get64(user, 2);
      break;
    case Layout::Fault:
    case Layout::Poll:
    case Layout::Syscall:
      info.value = get64(user, 0);
      info.status = static_cast<int32_t>(user.words[2]);
      break;
  }
  return info;
}

}  // namespace kernel
