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

}  // namespace kernel
