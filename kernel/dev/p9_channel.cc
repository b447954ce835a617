// SPDX-License-Identifier: MIT
// The channels that drivers found; see p9_channel.h.

#include "dev/p9_channel.h"

#include "sched/mutex.h"

namespace kernel {
namespace {

constinit Mutex<LockRank::DriverThread> lock;
constinit List<P9Channel> channels GUARDED_BY(lock);

}  // namespace

void register_p9_channel(P9Channel& channel) {
  Guard guard(lock);
  channels.push_back(channel);
}

Result<P9Channel*> claim_p9_channel(StringView tag) {
  Guard guard(lock);
  bool known = false;
  for (P9Channel& channel : channels) {
    if (channel.tag() != tag) continue;
    known = true;
    if (channel.in_use) continue;
    channel.in_use = true;
    return &channel;
  }
  return known ? Errno::Busy : Errno::NoEnt;
}

void release_p9_channel(P9Channel& channel) {
  Guard guard(lock);
  channel.in_use = false;
}

}  // namespace kernel
