// SPDX-License-Identifier: MIT
// siginfo_t as user programs see it (sigaction(2)): the one place that knows which union member
// goes with which signal and code.
#pragma once

#include <span>

#include "lib/result.h"
#include "task/signal.h"

namespace kernel {

struct UserSignalInfo {
  int32_t signal;
  int32_t error;
  int32_t code;
  int32_t hole;
  uint32_t words[28];
};
static_assert(sizeof(UserSignalInfo) == 128);

UserSignalInfo encode_signal_info(const SignalInfo& info);
// What rt_sigqueueinfo(2) was given; `signal` replaces si_signo. Error: TooBig.
Result<SignalInfo> decode_signal_info(const UserSignalInfo& user, Signal signal);

// struct signalfd_siginfo (signalfd(2)).
struct SignalFdInfo {
  int32_t signal;
  int32_t error;
  int32_t code;
  uint32_t pid;
  uint32_t uid;
  int32_t fd;
  uint32_t timer_id;
  uint32_t band;
  uint32_t overrun;
  uint32_t trap;
  int32_t status;
  int32_t integer;
  uint64_t pointer;
  uint64_t user_time;
  uint64_t system_time;
  uint64_t address;
  uint16_t address_granule;
  uint16_t hole;
  int32_t call;
  uint64_t call_address;
  uint32_t architecture;
  uint8_t unused[28];
};
static_assert(sizeof(SignalFdInfo) == 128);

SignalFdInfo encode_signalfd_info(const SignalInfo& info);

}  // namespace kernel
