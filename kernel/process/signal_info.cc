// SPDX-License-Identifier: MIT
// See signal_info.h. Word n of the union lies at byte 16 + 4n.

#include "process/signal_info.h"

namespace kernel {
namespace {

enum class Layout : uint8_t { Kill, Queue, Timer, Child, Fault, Poll, Syscall, Given };

constexpr int32_t kMostPollCode = 6;  // POLL_HUP

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
    default: return code <= kMostPollCode ? Layout::Poll : Layout::Kill;  // F_SETSIG
  }
}

void put64(UserSignalInfo& user, size_t word, uint64_t value) {
  user.words[word] = static_cast<uint32_t>(value);
  user.words[word + 1] = static_cast<uint32_t>(value >> 32);
}
uint64_t get64(const UserSignalInfo& user, size_t word) {
  return user.words[word] | uint64_t{user.words[word + 1]} << 32;
}

// What Linux keeps of a siginfo_t: what lies behind must be zero where the code is not known.
constexpr size_t kKernelWords = 8;

// Linux's known_siginfo_layout(): the greatest code of each signal that has its own.
bool is_known_code(Signal signal, int32_t code) {
  constexpr int32_t kSiDetThread = -7, kSiAsyncNl = -60, kPollCodes = 6;
  if (code == kSiKernel || code == kSiAsyncNl) return true;
  if (code <= kSiUser) return code >= kSiDetThread;
  switch (signal) {
    case Signal::Ill: return code <= 11;
    case Signal::Fpe: return code <= 15;
    case Signal::Segv: return code <= 9;
    case Signal::Bus: return code <= 5;
    case Signal::Sys: return code <= 2;
    default: return code <= kPollCodes;
  }
}

}  // namespace

UserSignalInfo encode_signal_info(const SignalInfo& info) {
  UserSignalInfo user{};
  user.signal = static_cast<int32_t>(info.signal);
  user.error = info.error;
  user.code = info.code;
  switch (info.given ? Layout::Given : layout_of(info.signal, info.code)) {
    case Layout::Given:
      put64(user, 4, info.user_time);
      put64(user, 6, info.system_time);
      put64(user, 2, info.value);
      user.words[0] = static_cast<uint32_t>(info.pid);
      user.words[1] = info.uid;
      break;
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

// From the same words, wherever they came from.
SignalFdInfo encode_signalfd_info(const SignalInfo& info) {
  UserSignalInfo user = encode_signal_info(info);
  SignalFdInfo record{};
  record.signal = user.signal;
  record.error = user.error;
  record.code = user.code;
  auto put_sender = [&] {
    record.pid = user.words[0];
    record.uid = user.words[1];
  };
  auto put_value = [&] {
    record.pointer = get64(user, 2);
    record.integer = static_cast<int32_t>(user.words[2]);
  };
  switch (layout_of(info.signal, info.code)) {
    case Layout::Child:
      put_sender();
      record.status = static_cast<int32_t>(user.words[2]);
      record.user_time = get64(user, 4);
      record.system_time = get64(user, 6);
      break;
    case Layout::Given:
    case Layout::Kill: put_sender(); break;
    case Layout::Queue:
      put_sender();
      put_value();
      break;
    case Layout::Timer:
      record.timer_id = user.words[0];
      record.overrun = user.words[1];
      put_value();
      break;
    case Layout::Fault: record.address = get64(user, 0); break;
    case Layout::Poll:
      record.band = user.words[0];
      record.fd = static_cast<int32_t>(user.words[2]);
      break;
    case Layout::Syscall:
      record.call_address = get64(user, 0);
      record.call = static_cast<int32_t>(user.words[2]);
      record.architecture = user.words[3];
      break;
  }
  return record;
}

Result<SignalInfo> decode_signal_info(const UserSignalInfo& user, Signal signal) {
  if (!is_known_code(signal, user.code)) {
    for (size_t word = kKernelWords; word < std::size(user.words); ++word) {
      if (user.words[word] != 0) return Errno::TooBig;
    }
  }
  return SignalInfo{.signal = signal,
                    .code = user.code,
                    .error = user.error,
                    .pid = static_cast<int32_t>(user.words[0]),
                    .uid = user.words[1],
                    .user_time = get64(user, 4),
                    .system_time = get64(user, 6),
                    .value = get64(user, 2),
                    .given = true};
}

}  // namespace kernel
