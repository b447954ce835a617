// SPDX-License-Identifier: MIT
// Result, Ref, Owned, Optional: triviality, moves, lifetimes.

#include "lib/result.h"

#include <gtest/gtest.h>

#include "lib/ref.h"

namespace kernel {
namespace {

// Comes back in two registers.
static_assert(std::is_trivially_copyable_v<Result<int64_t>> && sizeof(Result<int64_t>) == 16);
static_assert(std::is_trivially_destructible_v<Result<PhysAddr>>);
static_assert(sizeof(Result<>) == 4);
static_assert(sizeof(Optional<Ref<struct Thing>>) == sizeof(void*));

struct Thing : RefCounted<Thing> {
  static inline int live = 0;
  int value;
  explicit Thing(int number) : value(number) { ++live; }
  virtual ~Thing() { --live; }
};
struct Special : Thing {
  explicit Special(int number) : Thing(number) {}
};

Result<int> half(int number) {
  if (number % 2 != 0) return Errno::Inval;
  return number / 2;
}
Result<int> quarter(int number) { return TRY(half(TRY(half(number)))); }
Result<> check_quarter(int number) {
  TRY(quarter(number));
  return {};
}

TEST(Result, Try) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error(), Errno::Inval);
  EXPECT_TRUE(check_quarter(4).ok());
  EXPECT_TRUE(check_quarter(2).failed_with(Errno::Inval));
  EXPECT_EQ(half(3).value_or(9), 9);
  EXPECT_EQ(half(6).value_or(9), 3);
}

Result<Ref<Thing>> make_special(bool fail) {
  if (fail) return Errno::NoMem;
  return TRY(make_ref<Special>(5));  // converts
}

TEST(Ref, Lifetimes) {
  {
    Ref<Thing> first = make_special(false).take();
    Ref<Thing> second = first;
    EXPECT_EQ(first->ref_count(), 2u);
    EXPECT_TRUE(first == second);
    Ref<Thing> moved = std::move(second);
    EXPECT_EQ(moved->ref_count(), 2u);
    Thing* leaked = std::move(moved).leak();
    Ref<Thing> adopted = Ref<Thing>::adopt(*leaked);
    EXPECT_EQ(adopted->value, 5);
    EXPECT_TRUE(leaked->try_ref());
    leaked->unref();
  }
  EXPECT_EQ(Thing::live, 0);
  EXPECT_EQ(make_special(true).error(), Errno::NoMem);
}

TEST(Ref, OptionalIsAPointer) {
  {
    Optional<Ref<Thing>> none;
    EXPECT_FALSE(none.has_value());
    Optional<Ref<Thing>> some = make_ref<Thing>(1).take();
    Optional<Ref<Thing>> copy = some;
    EXPECT_EQ(some->ref_count(), 2u);
    Ref<Thing> taken = copy.take();
    EXPECT_FALSE(copy);
    EXPECT_EQ(some.value()->value, 1);
    some = std::nullopt;
    EXPECT_FALSE(some);
    EXPECT_EQ(taken->ref_count(), 1u);
  }
  EXPECT_EQ(Thing::live, 0);
}

TEST(Owned, MovesAndDeletes) {
  {
    Owned<Special> special = make_owned<Special>(3).take();
    Owned<Thing> thing = std::move(special);
    EXPECT_EQ(thing->value, 3);
    Owned<Thing> other = make_owned<Thing>(4).take();
    std::swap(thing, other);
    EXPECT_EQ(thing->value, 4);
  }
  EXPECT_EQ(Thing::live, 0);
}

TEST(Result, OwnersInside) {
  {
    Result<Owned<Thing>> result = make_owned<Thing>(7);
    Result<Owned<Thing>> moved = std::move(result);
    EXPECT_EQ((*moved)->value, 7);
  }
  EXPECT_EQ(Thing::live, 0);
}

}  // namespace
}  // namespace kernel
