// SPDX-License-Identifier: MIT
// The line discipline alone: editing, echo, end of file, signals, output processing (termios(3)).
// The same behaviour through a real pty is compared with Linux by tests/abi/pty.c.

#include "fs/tty/line_discipline.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace kernel::tty {
namespace {

class LineDisciplineTest : public ::testing::Test {
 protected:
  LineDiscipline::Effects type(std::string_view text) {
    LineDiscipline::Effects effects;
    std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
    EXPECT_EQ(line_.receive(bytes, effects), text.size());
    return effects;
  }
  std::string read(size_t size = 4096) {
    std::string text(size, '\0');
    text.resize(line_.read({reinterpret_cast<uint8_t*>(text.data()), size}));
    return text;
  }
  std::string shown() {
    std::string text(LineDiscipline::kOutputSize, '\0');
    text.resize(line_.take_output({reinterpret_cast<uint8_t*>(text.data()), text.size()}));
    return text;
  }
  void write(std::string_view text) {
    line_.write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }
  LineDiscipline line_;
};

TEST_F(LineDisciplineTest, ALineBecomesReadableAtItsEnd) {
  EXPECT_FALSE(type("hel").readable);
  EXPECT_FALSE(line_.has_input(1));
  EXPECT_TRUE(type("lo\r").readable);  // ICRNL
  EXPECT_EQ(shown(), "hello\r\n");     // ONLCR
  EXPECT_EQ(line_.input_count(), 6u);
  EXPECT_EQ(read(), "hello\n");
  EXPECT_EQ(read(), "");
}

TEST_F(LineDisciplineTest, OneReadGivesOneLine) {
  type("one\ntwo\n");
  EXPECT_EQ(read(2), "on");
  EXPECT_EQ(read(), "e\n");
  EXPECT_EQ(read(), "two\n");
}

TEST_F(LineDisciplineTest, EraseTakesTheCharacterBack) {
  type("ab\x7f");
  EXPECT_EQ(shown(), "ab\b \b");
  type("c\n");
  EXPECT_EQ(read(), "ac\n");
}

TEST_F(LineDisciplineTest, EraseStopsAtTheStartOfTheLine) {
  type("x\n\x7f\x7fy\n");
  EXPECT_EQ(read(), "x\n");
  EXPECT_EQ(read(), "y\n");
}

TEST_F(LineDisciplineTest, EraseTakesAWholeCharacterOfUtf8) {
  line_.termios.input |= kIutf8;
  type("a\xc3\xa4\x7f\n");
  EXPECT_EQ(read(), "a\n");
}

TEST_F(LineDisciplineTest, WordEraseAndKill) {
  type("foo bar\x17" "baz\n");
  EXPECT_EQ(read(), "foo baz\n");
  type("gone\x15" "kept\n");
  EXPECT_EQ(read(), "kept\n");
}

TEST_F(LineDisciplineTest, ErasingATabGoesBackToItsColumn) {
  type("ab\t");
  shown();
  type("\x7f");
  EXPECT_EQ(shown(), "\b\b\b\b\b\b");
}

TEST_F(LineDisciplineTest, LiteralNextPassesASpecialCharacter) {
  EXPECT_TRUE(type("\x16\x03").signals.empty());
  type("\n");
  EXPECT_EQ(read(), "\x03\n");
}

TEST_F(LineDisciplineTest, EndOfFileEndsAReadAndIsNotSeen) {
  type("ab\x04");
  EXPECT_TRUE(line_.has_input(1));
  EXPECT_EQ(read(), "ab");
  EXPECT_FALSE(line_.has_input(1));
  type("\x04");
  EXPECT_TRUE(line_.has_input(1));  // a read of nothing
  EXPECT_EQ(line_.input_count(), 0u);
  EXPECT_EQ(read(), "");
  EXPECT_FALSE(line_.has_input(1));
}

TEST_F(LineDisciplineTest, EndOfFileBehindAFullBufferDoesNotEndTheNextRead) {
  type("ab\x04");
  EXPECT_EQ(read(2), "ab");
  EXPECT_FALSE(line_.has_input(1));
}

TEST_F(LineDisciplineTest, InterruptFlushesAndSignals) {
  type("half");
  shown();
  LineDiscipline::Effects effects = type("\x03");
  EXPECT_TRUE(effects.signals.has(Signal::Int));
  EXPECT_TRUE(effects.flushed);
  EXPECT_EQ(shown(), "^C");
  type("\n");
  EXPECT_EQ(read(), "\n");
}

TEST_F(LineDisciplineTest, FlowControlHoldsTheOutput) {
  EXPECT_TRUE(type("\x13").stopped);
  write("held");
  EXPECT_EQ(line_.output_count(), 0u);
  EXPECT_EQ(shown(), "");
  EXPECT_TRUE(type("\x11").started);
  EXPECT_EQ(shown(), "held");
}

TEST_F(LineDisciplineTest, RawInputComesAsItIs) {
  Termios before = line_.termios;
  line_.termios.local &= ~uint32_t{kIcanon | kEcho | kIsig};
  line_.termios.input = 0;
  line_.mode_changed(before);
  EXPECT_TRUE(type("\r\x03\x7f").readable);
  EXPECT_TRUE(line_.has_input(3));
  EXPECT_FALSE(line_.has_input(4));
  EXPECT_EQ(read(), "\r\x03\x7f");
  EXPECT_EQ(shown(), "");
}

TEST_F(LineDisciplineTest, AFullInputHoldsTheSenderBackOnlyWhenSomebodyCanRead) {
  std::string many(LineDiscipline::kInputSize, 'x');
  type(many);  // an endless line: the excess is dropped, the sender is not stuck
  type("\n");
  EXPECT_EQ(read(8192).size(), LineDiscipline::kInputSize);
  type(std::string(LineDiscipline::kInputSize - 2, 'y') + "\n");
  LineDiscipline::Effects effects;
  uint8_t more[2] = {'z', 'z'};
  EXPECT_EQ(line_.receive(more, effects), 0u);
  EXPECT_FALSE(line_.has_receive_room());
}

TEST_F(LineDisciplineTest, OutputProcessingExpandsTabsAndNewlines) {
  line_.termios.output |= kXtabs;
  write("a\tb\n");
  EXPECT_EQ(shown(), "a       b\r\n");
  line_.termios.output &= ~uint32_t{kOpost};
  write("a\tb\n");
  EXPECT_EQ(shown(), "a\tb\n");
}

}  // namespace
}  // namespace kernel::tty
