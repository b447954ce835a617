// SPDX-License-Identifier: MIT
// Host tests of pid allocation: ascending, no number twice, numbers stay taken while anybody holds
// them.

#include "task/pid.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "sync/rcu.h"

namespace kernel {
namespace {

class PidTest : public ::testing::Test {
 protected:
  // No reader is left: what was retired may go.
  void TearDown() override {
    while (RcuHead* list = rcu::take_retired()) rcu::reclaim(list);
  }
};

TEST_F(PidTest, AscendsAndStaysTaken) {
  Ref<Pid> first = std::move(Pid::allocate()).take();
  Ref<Pid> second = std::move(Pid::allocate()).take();
  EXPECT_EQ(second->number(), first->number() + 1);
  PidNumber gone = second->number();
  { Ref<Pid> dropped = std::move(second); }
  // A freed number is not given out again at once.
  Ref<Pid> third = std::move(Pid::allocate()).take();
  EXPECT_GT(third->number(), gone);
  EXPECT_FALSE(Pid::find(gone).has_value());
  ASSERT_TRUE(Pid::find(first->number()).has_value());
  EXPECT_EQ(Pid::find(first->number()).get(), first.get());
}

TEST_F(PidTest, ManyAreDistinct) {
  std::vector<Ref<Pid>> held;
  std::set<PidNumber> numbers;
  for (int i = 0; i < 5000; ++i) {
    Result<Ref<Pid>> pid = Pid::allocate();
    ASSERT_TRUE(pid.ok());
    EXPECT_TRUE(numbers.insert((*pid)->number()).second);
    if (i % 3 != 0) held.push_back(std::move(pid).take());
  }
  for (const Ref<Pid>& pid : held) EXPECT_EQ(Pid::find(pid->number()).get(), pid.get());
}

TEST_F(PidTest, ChosenNumbers) {
  EXPECT_TRUE(Pid::allocate_number(0).failed_with(Errno::Inval));
  EXPECT_TRUE(Pid::allocate_number(-1).failed_with(Errno::Inval));
  EXPECT_TRUE(Pid::allocate_number(kPidMax).failed_with(Errno::Inval));
  Result<Ref<Pid>> last = Pid::allocate_number(kPidMax - 1);
  ASSERT_TRUE(last.ok());
  EXPECT_TRUE(Pid::allocate_number(kPidMax - 1).failed_with(Errno::Exist));
  EXPECT_FALSE(Pid::find(0).has_value());
  EXPECT_FALSE(Pid::find(kPidMax).has_value());
  EXPECT_FALSE(Pid::find(INT32_MIN).has_value());
}

}  // namespace
}  // namespace kernel
