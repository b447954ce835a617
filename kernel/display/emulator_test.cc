// SPDX-License-Identifier: MIT
// The terminal: what is on the screen after what was written, by the names of console_codes(4).

#include "display/emulator.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "host_tests/machine.h"
#include "host_tests/mutate.h"

namespace kernel::display {
namespace {

using namespace std::literals;

class Screen {
 public:
  Screen(unsigned columns, unsigned rows)
      : emulator_((host_tests::boot_machine(), Emulator::create(columns, rows).take())) {}

  Screen& write(std::string_view text) {
    emulator_.write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
    return *this;
  }
  Screen& log(std::string_view text) {
    emulator_.write_plain({text.data(), text.size()});
    return *this;
  }
  // The row's characters, without blanks at the end; what is not ASCII as '?'.
  std::string row(unsigned row) {
    std::string text;
    for (const Cell& cell : emulator_.grid().row(row))
      text += cell.code < 0x7f ? static_cast<char>(cell.code) : '?';
    return text.substr(0, text.find_last_not_of(' ') + 1);
  }
  std::string all() {
    std::string text;
    for (unsigned at = 0; at < emulator_.grid().rows(); ++at) text += row(at) + "|";
    return text;
  }
  const Cell& cell(unsigned row, unsigned column) { return emulator_.grid().row(row)[column]; }
  std::pair<unsigned, unsigned> cursor() const {
    return {emulator_.cursor().row, emulator_.cursor().column};
  }
  std::string reply() {
    uint8_t bytes[64];
    return {reinterpret_cast<char*>(bytes), emulator_.take_reply(bytes)};
  }
  std::vector<unsigned> changed() {
    std::vector<unsigned> rows;
    for (unsigned at = 0; at < emulator_.grid().rows(); ++at) {
      if (emulator_.grid().take_changed(at)) rows.push_back(at);
    }
    return rows;
  }
  Emulator& emulator() { return emulator_; }

 private:
  Emulator emulator_;
};

using Place = std::pair<unsigned, unsigned>;

TEST(Emulator, TextWrapsAndScrolls) {
  Screen screen(5, 3);
  EXPECT_EQ(screen.write("abcdefg\r\nh").all(), "abcde|fg|h|");
  EXPECT_EQ(screen.write("\r\ni").all(), "fg|h|i|");
  // The last column is written before the line is left.
  screen.write("\033[2J\033[Habcde");
  EXPECT_EQ(screen.cursor(), Place(0, 4));
  EXPECT_EQ(screen.write("\r\nx").all(), "abcde|x||");
  EXPECT_EQ(screen.write("\033[?7l\033[H123456789").row(0), "12349");
}

TEST(Emulator, Controls) {
  Screen screen(20, 3);
  EXPECT_EQ(screen.write("a\tb\b\bc\rd").row(0), "d      cb");
  EXPECT_EQ(screen.cursor(), Place(0, 1));
  EXPECT_EQ(screen.write("\x7f\x07\x01").cursor(), Place(0, 1));
  screen.write("\033[3g\033[1;4H\033H\r\t");
  EXPECT_EQ(screen.cursor(), Place(0, 3));
  EXPECT_EQ(screen.write("\t").cursor(), Place(0, 19));
  EXPECT_EQ(screen.write("\033[20h\n").cursor(), Place(1, 0));
}

TEST(Emulator, CursorMoves) {
  Screen screen(10, 5);
  EXPECT_EQ(screen.write("\033[3;4H").cursor(), Place(2, 3));
  EXPECT_EQ(screen.write("\033[A\033[2C").cursor(), Place(1, 5));
  EXPECT_EQ(screen.write("\033[9999B\033[9999D").cursor(), Place(4, 0));
  EXPECT_EQ(screen.write("\033[99;99H").cursor(), Place(4, 9));
  EXPECT_EQ(screen.write("\033[0;0f").cursor(), Place(0, 0));
  EXPECT_EQ(screen.write("\033[4d\033[7G").cursor(), Place(3, 6));
  EXPECT_EQ(screen.write("\033[2F").cursor(), Place(1, 0));
  EXPECT_EQ(screen.write("\033[E").cursor(), Place(2, 0));
  EXPECT_EQ(screen.write("\0337\033[H\0338").cursor(), Place(2, 0));
  EXPECT_EQ(screen.write("\033[s\033[H\033[u").cursor(), Place(2, 0));
}

TEST(Emulator, Erasing) {
  Screen screen(4, 3);
  auto fill = [&] { screen.write("\033[HaaaabbbbccccX\033[H"sv.substr(0, 15)); };
  fill();
  EXPECT_EQ(screen.write("\033[2;3H\033[J").all(), "aaaa|bb||");
  fill();
  EXPECT_EQ(screen.write("\033[2;3H\033[1J").all(), "|   b|cccc|");
  fill();
  EXPECT_EQ(screen.write("\033[2;2H\033[K").all(), "aaaa|b|cccc|");
  fill();
  EXPECT_EQ(screen.write("\033[2;2H\033[1K").all(), "aaaa|  bb|cccc|");
  fill();
  EXPECT_EQ(screen.write("\033[2;2H\033[2K\033[9K\033[9J").all(), "aaaa||cccc|");
  fill();
  EXPECT_EQ(screen.write("\033[2;2H\033[2X").all(), "aaaa|b  b|cccc|");
  // What is erased has the background's colour.
  EXPECT_EQ(screen.write("\033[44m\033[2J").cell(1, 1).background, 4);
}

TEST(Emulator, InsertingAndDeleting) {
  Screen screen(5, 4);
  screen.write("abcde\r\nfghij\r\nklmno\r\npqrst");
  EXPECT_EQ(screen.write("\033[1;2H\033[2@").row(0), "a  bc");
  EXPECT_EQ(screen.write("\033[1;2H\033[P").row(0), "a bc");
  EXPECT_EQ(screen.write("\033[1;2H\033[999P").row(0), "a");
  EXPECT_EQ(screen.write("\033[2;1H\033[L").all(), "a||fghij|klmno|");
  EXPECT_EQ(screen.write("\033[2M").all(), "a|klmno|||");
  EXPECT_EQ(screen.write("\033[2;1H\033[4hxy\033[4lz").row(1), "xyzlm");
}

TEST(Emulator, ScrollingRegion) {
  Screen screen(3, 5);
  screen.write("1\r\n2\r\n3\r\n4\r\n5");
  screen.write("\033[2;4r");
  EXPECT_EQ(screen.cursor(), Place(0, 0));
  EXPECT_EQ(screen.write("\033[4;1H\nx").all(), "1|3|4|x|5|");
  EXPECT_EQ(screen.write("\033[2;1H\033My").all(), "1|y|3|4|5|");
  // Below the region nothing scrolls.
  EXPECT_EQ(screen.write("\033[5;1H\n\n").all(), "1|y|3|4|5|");
  // Origin mode counts from the region and stays in it.
  EXPECT_EQ(screen.write("\033[?6h").cursor(), Place(1, 0));
  EXPECT_EQ(screen.write("\033[99;1H").cursor(), Place(3, 0));
  EXPECT_EQ(screen.write("\033[6n").reply(), "\033[3;1R");
  screen.write("\033[?6l\033[3;3r\033[5;2r\033[9;12r");  // no regions
  EXPECT_EQ(screen.write("\033[4;1H\nz").all(), "1|3|4|z|5|");
  EXPECT_EQ(screen.write("\033[r\033[5;1H\n").all(), "3|4|z|5||");
}

TEST(Emulator, Colours) {
  Screen screen(40, 1);
  auto last = [&](std::string_view sequence) {
    screen.write("\r\033[0m").write(sequence).write("x");
    Cell cell = screen.cell(0, 0);
    return std::pair(cell.foreground, cell.background);
  };
  using Pair = std::pair<uint8_t, uint8_t>;
  EXPECT_EQ(last(""), Pair(7, 0));
  EXPECT_EQ(last("\033[31;42m"), Pair(1, 2));
  EXPECT_EQ(last("\033[1;31m"), Pair(9, 0));
  EXPECT_EQ(last("\033[2m"), Pair(8, 0));
  EXPECT_EQ(last("\033[91;104m"), Pair(9, 4));
  EXPECT_EQ(last("\033[7m"), Pair(0, 7));
  EXPECT_EQ(last("\033[1;7m"), Pair(8, 7));
  EXPECT_EQ(last("\033[5;44m"), Pair(7, 12));
  EXPECT_EQ(last("\033[31m\033[39m"), Pair(7, 0));
  EXPECT_EQ(last("\033[91;34m"), Pair(12, 0));
  EXPECT_EQ(last("\033[38;5;196m"), Pair(9, 0));
  EXPECT_EQ(last("\033[38;5;4;48;5;2m"), Pair(4, 2));
  EXPECT_EQ(last("\033[38;2;0;255;0;1m"), Pair(10, 0));
  EXPECT_EQ(last("\033[38;2;40;40;40m"), Pair(8, 0));
  EXPECT_EQ(last("\033[38;5m"), Pair(7, 0));
  EXPECT_EQ(last("\033[38;9;1;31m"), Pair(7, 0));
  EXPECT_EQ(last("\033[31m\033[m"), Pair(7, 0));
  EXPECT_EQ(last("\033[;31m"), Pair(1, 0));
  screen.write("\r\033[4mu\033[24mv");
  EXPECT_TRUE(screen.cell(0, 0).underline);
  EXPECT_FALSE(screen.cell(0, 1).underline);
}

TEST(Emulator, CharacterSets) {
  Screen screen(10, 1);
  screen.write("\xe2\x94\x80\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(screen.cell(0, 0).code, 0x2500u);
  EXPECT_EQ(screen.cell(0, 1).code, 0xe9u);
  EXPECT_EQ(screen.cell(0, 2).code, 0x1f600u);
  EXPECT_EQ(screen.cursor(), Place(0, 4));  // a wide one
  screen.write("\r\033(0qx\033(Bq");
  EXPECT_EQ(screen.cell(0, 0).code, 0x2500u);
  EXPECT_EQ(screen.cell(0, 1).code, 0x2502u);
  EXPECT_EQ(screen.cell(0, 2).code, U'q');
  screen.write("\r\033)0\x0eq\x0fq");
  EXPECT_EQ(screen.cell(0, 0).code, 0x2500u);
  EXPECT_EQ(screen.cell(0, 1).code, U'q');
}

TEST(Emulator, BrokenUtf8) {
  Screen screen(20, 1);
  // Cut off, overlong, a surrogate, too large, a lone continuation; none swallows what follows.
  for (std::string_view text : {"\xe2\x94"sv, "\xc0"sv, "\xed\xa0\x80"sv, "\xf4\x90\x80\x80"sv,
                                "\x80"sv, "\xe0\x80\x80"sv}) {
    screen.write("\033c").write(text).write("ok");
    EXPECT_EQ(screen.cell(0, 0).code, 0xfffdu);
    std::string row = screen.row(0);
    EXPECT_EQ(row.substr(row.size() - 2), "ok");
  }
  EXPECT_EQ(screen.write("\033c\xe2\033[5Gx").row(0), "?   x");
}

TEST(Emulator, SequencesThatMeanNothing) {
  Screen screen(20, 1);
  EXPECT_EQ(screen.write("\033]0;title\007a\033]2;t\033\\b").row(0), "ab");
  EXPECT_EQ(screen.write("\033]P1ff00aac\033]Rd").row(0), "abcd");
  EXPECT_EQ(screen.write("\033P1$q\033\\e\033[[Af\033[>1cg\033[1 qh").row(0), "abcdefgh");
  EXPECT_EQ(screen.write("\033[?1049hi\033[12\030j\033%Gk\033=l").row(0), "abcdefghijkl");
  EXPECT_EQ(screen.write("\033[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18mm").row(0),
            "abcdefghijklm");
  // A control within a sequence acts at once.
  EXPECT_EQ(screen.write("\033[3\rGx").row(0), "abxdefghijklm");
}

TEST(Emulator, Reports) {
  Screen screen(20, 5);
  EXPECT_EQ(screen.write("\033[5n").reply(), "\033[0n");
  EXPECT_EQ(screen.write("\033[3;4H\033[6n").reply(), "\033[3;4R");
  EXPECT_EQ(screen.write("\033[c").reply(), "\033[?6c");
  EXPECT_EQ(screen.reply(), "");
  for (int i = 0; i < 100; ++i) screen.write("\033[6n");
  EXPECT_LE(screen.reply().size(), 64u);
}

TEST(Emulator, LogDisturbsNoProgram) {
  Screen screen(20, 4);
  screen.write("\033[31;4h\033[1;3").log("one\033[2J\ntwo\tx\n").write("4mred");
  EXPECT_EQ(screen.all(), "one?[2J|two     x|red||");
  EXPECT_EQ(screen.cell(0, 0).foreground, 7);
  EXPECT_EQ(screen.cell(2, 0).foreground, 12);
}

TEST(Emulator, OnlyWhatChangedIsMarked) {
  Screen screen(10, 4);
  screen.changed();
  screen.write("a");
  EXPECT_EQ(screen.changed(), (std::vector<unsigned>{0}));
  screen.write("\033[3;1H");
  EXPECT_EQ(screen.changed(), (std::vector<unsigned>{0, 2}));  // the cursor
  screen.write("\033[2;3r");
  screen.changed();
  screen.write("\033[3;1H\n");
  EXPECT_EQ(screen.changed(), (std::vector<unsigned>{0, 1, 2}));
  screen.write("\033[?25l");
  EXPECT_EQ(screen.changed(), (std::vector<unsigned>{2}));
}

TEST(Emulator, ResetAndRecover) {
  Screen screen(10, 3);
  screen.write("abc\033[31m\033[2;3r\033[?6h\033[?7l\033[?25l\033(0\033[4h");
  screen.emulator().recover();
  EXPECT_EQ(screen.row(0), "abc");
  screen.write("\033[Hq");
  EXPECT_EQ(screen.cell(0, 0).code, U'q');
  EXPECT_EQ(screen.cell(0, 0).foreground, 7);
  screen.write("\033c");
  EXPECT_EQ(screen.all(), "|||");
  EXPECT_TRUE(screen.emulator().cursor().visible);
}

// Every size and anything at all: the sanitizers watch, and the cursor stays on the screen.
constexpr std::string_view kSample =
    "\033[2J\033[H\033[1;31mred\033[0m \xe2\x94\x80\xc3\xa9\xf0\x9f\x98\x80\t"
    "\033[5;10r\033[?6h\033[3;4H\033[2L\033[3M\033[4@\033[5P\033[6X\033[J\033[1J\033[K\033[1K"
    "\0337\033[10A\033[20C\0338\n\n\033M\033D\033E\033H\033[3g\033(0lqk\033(B\033]0;title\007"
    "\033]P1ff00aa\033P1q\033\\\033[38;5;200;48;2;1;2;3m\033[4hinsert\033[4l"
    "\033[?7lno wrap, a line that is longer than the screen is wide\033[?7h\033[6n\033c";

TEST(Emulator, SurvivesMutations) {
  for (Place size : {Place(0, 0), Place(0, 5), Place(5, 0), Place(1, 1), Place(1, 2), Place(2, 1),
                     Place(3, 2), Place(80, 25)}) {
    Screen screen(size.first, size.second);
    std::span sample(reinterpret_cast<const uint8_t*>(kSample.data()), kSample.size());
    host_tests::mutate(sample, 10'000, [&](std::span<const uint8_t> input) {
      screen.emulator().write(input);
      screen.log("log\n");
      auto [row, column] = screen.cursor();
      ASSERT_TRUE(row < std::max(1u, size.second) && column < std::max(1u, size.first));
    });
    screen.reply();
  }
}

}  // namespace
}  // namespace kernel::display
