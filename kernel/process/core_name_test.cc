// SPDX-License-Identifier: MIT
#include "process/core_name.h"

#include <gtest/gtest.h>

#include <string>

namespace kernel {
namespace {

std::string name(StringView pattern, bool append_pid = false) {
  CoreNameFacts facts{.pid = 12,
                      .tid = 34,
                      .uid = 1000,
                      .gid = 100,
                      .dumpable = 1,
                      .signal = 11,
                      .time = 1700000000,
                      .host = "box",
                      .command = "a/b",
                      .path = "/usr/bin/prog",
                      .limit = 4096};
  Result<String> made = core_name(pattern, append_pid, facts);
  return made.ok() ? std::string(made->c_str()) : "failed";
}

TEST(CoreName, Plain) { EXPECT_EQ(name("core"), "core"); }

TEST(CoreName, EveryLetter) {
  EXPECT_EQ(name("%p %P %i %I %u %g %d %s %t %h %c"),
            "12 12 34 34 1000 100 1 11 1700000000 box 4096");
  EXPECT_EQ(name("/d/%e.%f.%E"), "/d/a!b.prog.!usr!bin!prog");
}

TEST(CoreName, PercentsAndUnknownLetters) {
  EXPECT_EQ(name("%%p"), "%p");
  EXPECT_EQ(name("a%qb"), "ab");
  EXPECT_EQ(name("a%"), "a");
}

TEST(CoreName, AppendsThePidOnce) {
  EXPECT_EQ(name("core", true), "core.12");
  EXPECT_EQ(name("core-%p", true), "core-12");
  EXPECT_EQ(name("core-%P", true), "core-12.12");
}

}  // namespace
}  // namespace kernel
