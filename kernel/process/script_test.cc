// SPDX-License-Identifier: MIT
// Host tests of the `#!` line, with what Linux 6.1 makes of each.

#include "process/script.h"

#include <gtest/gtest.h>

#include <string>

namespace kernel {
namespace {

std::string head_of(std::string text) {
  text.resize(kExecHeadSize, '\0');
  return text;
}

struct Parsed {
  bool ok;
  std::string interpreter;
  std::string argument;  // "-" when there is none
};

Parsed parse(const std::string& text) {
  std::string head = head_of(text);
  Result<ScriptLine> line = parse_script({head.data(), head.size()});
  if (!line.ok()) return {false, "", ""};
  auto copy = [](StringView view) { return std::string(view.data(), view.size()); };
  return {true, copy(line->interpreter), line->argument ? copy(*line->argument) : "-"};
}

void expect(const std::string& text, const std::string& interpreter, const std::string& argument) {
  Parsed parsed = parse(text);
  EXPECT_TRUE(parsed.ok) << text;
  EXPECT_EQ(parsed.interpreter, interpreter) << text;
  EXPECT_EQ(parsed.argument, argument) << text;
}

TEST(Script, Lines) {
  expect("#!/bin/sh\necho", "/bin/sh", "-");
  expect("#!  /bin/sh  \n", "/bin/sh", "-");
  expect("#!/bin/sh -e -x\n", "/bin/sh", "-e -x");
  expect("#!/bin/sh\t -e  \t\n", "/bin/sh", "-e");
  expect("#!/bin/sh", "/bin/sh", "-");
  expect("#!/bin/sh -e", "/bin/sh", "-e");
}

TEST(Script, Refused) {
  EXPECT_FALSE(parse("").ok);
  EXPECT_FALSE(parse("#").ok);
  EXPECT_FALSE(parse("# !/bin/sh\n").ok);
  EXPECT_FALSE(parse("#!\n").ok);
  EXPECT_FALSE(parse("#!   \n/bin/sh\n").ok);
  EXPECT_FALSE(parse("#!" + std::string(300, ' ')).ok);
  EXPECT_FALSE(parse("#!/" + std::string(300, 'x')).ok);
}

TEST(Script, LongLines) {
  std::string name = "/" + std::string(200, 'x');
  expect("#!" + name + " argument\n", name, "argument");
  // The name ends within the head; the argument is cut off at its end.
  Parsed cut = parse("#!" + name + " " + std::string(100, 'a') + "\n");
  EXPECT_TRUE(cut.ok);
  EXPECT_EQ(cut.interpreter, name);
  EXPECT_EQ(cut.argument, std::string(255 - 2 - name.size() - 1, 'a'));
}

}  // namespace
}  // namespace kernel
