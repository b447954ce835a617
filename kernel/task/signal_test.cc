// SPDX-License-Identifier: MIT
// Host tests of pending queues: order, counting, what SIGCONT and ignoring take away.

#include "task/signal.h"

#include <gtest/gtest.h>

namespace kernel {
namespace {

constexpr Signal rt(unsigned index) {
  return static_cast<Signal>(static_cast<unsigned>(Signal::RtMin) + index);
}

class Queue : public ::testing::Test {
 protected:
  void add(Signal signal, uint64_t value, int32_t code = kSiQueue) {
    account->pending_signals.fetch_add_relaxed(1);
    SignalInfo info{.signal = signal, .code = code, .value = value};
    pending.add(signal, std::move(make_owned<QueuedSignal>(info, account)).take());
  }
  Ref<UserAccount> account = std::move(UserAccount::of(1000)).take();
  PendingSignals pending;
};

TEST_F(Queue, RealTimeSignalsAreQueuedInOrder) {
  for (uint64_t i = 0; i < 3; ++i) add(rt(1), i);
  add(rt(0), 7);
  EXPECT_EQ(account->pending_signals.load_relaxed(), 4u);
  EXPECT_EQ(pending.next(SignalSet()), rt(0));
  EXPECT_EQ(pending.take(rt(0)).value, 7u);
  for (uint64_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(pending.has(rt(1)));
    EXPECT_EQ(pending.take(rt(1)).value, i);
  }
  EXPECT_TRUE(pending.set().empty());
  EXPECT_EQ(account->pending_signals.load_relaxed(), 0u);
}

TEST_F(Queue, WithoutAnEntryOnlyTheSetRemembers) {
  pending.add(Signal::Usr1, {});
  SignalInfo info = pending.take(Signal::Usr1);
  EXPECT_EQ(info.signal, Signal::Usr1);
  EXPECT_EQ(info.code, kSiUser);
  EXPECT_EQ(info.pid, 0);
  EXPECT_FALSE(pending.has(Signal::Usr1));
}

TEST_F(Queue, FaultsComeFirst) {
  add(Signal::Hup, 0);
  add(Signal::Segv, 0);
  EXPECT_EQ(pending.next(SignalSet()), Signal::Segv);
  EXPECT_EQ(pending.next(SignalSet{Signal::Segv}), Signal::Hup);
  EXPECT_EQ(pending.next_fault(SignalSet()), Signal::None);  // kill(2) made it, not an instruction
  pending.clear();
  add(Signal::Segv, 0x1000, kSegvMapErr);
  EXPECT_EQ(pending.next_fault(SignalSet()), Signal::Segv);
}

TEST_F(Queue, Remove) {
  add(Signal::Tstp, 0);
  add(Signal::Stop, 0);
  add(rt(3), 1);
  add(rt(3), 2);
  pending.remove(kStopSignals);
  EXPECT_EQ(pending.set(), SignalSet{rt(3)});
  EXPECT_EQ(account->pending_signals.load_relaxed(), 2u);
  pending.clear();
  EXPECT_EQ(account->pending_signals.load_relaxed(), 0u);
}

TEST(Signals, Sets) {
  SignalSet set{Signal::Hup, Signal::RtMax};
  EXPECT_EQ(set.bits(), 1u | uint64_t{1} << 63);
  EXPECT_EQ(set.first(), Signal::Hup);
  set.remove(Signal::Hup);
  EXPECT_EQ(set.first(), Signal::RtMax);
  EXPECT_EQ(SignalSet().first(), Signal::None);
}

TEST(Signals, DefaultActions) {
  EXPECT_EQ(default_action(Signal::Chld), DefaultAction::Ignore);
  EXPECT_EQ(default_action(Signal::Cont), DefaultAction::Continue);
  EXPECT_EQ(default_action(Signal::Ttou), DefaultAction::Stop);
  EXPECT_EQ(default_action(Signal::Segv), DefaultAction::Core);
  EXPECT_EQ(default_action(Signal::StkFlt), DefaultAction::Terminate);
  EXPECT_EQ(default_action(rt(5)), DefaultAction::Terminate);
}

}  // namespace
}  // namespace kernel
