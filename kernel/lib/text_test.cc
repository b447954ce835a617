// SPDX-License-Identifier: MIT
// StringView, String and format.

#include <gtest/gtest.h>

#include <string>

#include "lib/format.h"

namespace kernel {
namespace {

template <class... Arguments>
std::string formatted(StringView pattern, const Arguments&... arguments) {
  char buffer[256];
  BufferSink sink(buffer);
  format(sink, pattern, arguments...);
  return {sink.view().data(), sink.view().size()};
}

TEST(Format, Numbers) {
  EXPECT_EQ(formatted("{} {} {}", 0, -1, uint64_t{18446744073709551615u}),
            "0 -1 18446744073709551615");
  EXPECT_EQ(formatted("{}", std::numeric_limits<int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(formatted("{:x} {:08x} {:016x} {:o}", 255, 0xabc, 1, 8),
            "ff 00000abc 0000000000000001 10");
  EXPECT_EQ(formatted("[{:5}] [{:-5}] [{:05}] [{:2}]", 42, 42, -42, 12345),
            "[   42] [42   ] [-0042] [12345]");
  EXPECT_EQ(formatted("{:x}", reinterpret_cast<void*>(0x1000)), "1000");
  EXPECT_EQ(formatted("{}", PhysAddr{4096}), "4096");
  EXPECT_EQ(formatted("{} {:c} {:x}", 'a', 98, 'c'), "a b 63");
  EXPECT_EQ(formatted("{}", int8_t{-5}), "-5");
}

TEST(Format, Text) {
  EXPECT_EQ(formatted("{} {}", "abc", StringView("defg", 3)), "abc def");
  EXPECT_EQ(formatted("[{:6}] [{:-6}]", "abc", "abc"), "[   abc] [abc   ]");
  EXPECT_EQ(formatted("{} {}", true, false), "true false");
  EXPECT_EQ(formatted("{{} {}", 1), "{} 1");
  EXPECT_EQ(formatted("no arguments"), "no arguments");
  EXPECT_EQ(formatted("{} {}", 1), "1 ");  // too few: nothing, not a crash
  EXPECT_EQ(formatted("{", 1), "1");
}

TEST(Format, BufferSinkCutsOff) {
  char buffer[4];
  BufferSink sink(buffer);
  format(sink, "{}", 123456);
  EXPECT_EQ(sink.view(), "1234"_sv);
}

TEST(String, AppendTruncateClone) {
  String text = String::create("hello").take();
  EXPECT_TRUE(text.append(" world").ok());
  EXPECT_TRUE(text.append('!').ok());
  EXPECT_STREQ(text.c_str(), "hello world!");
  String copy = text.clone().take();
  text.truncate(5);
  EXPECT_EQ(text.view(), "hello"_sv);
  EXPECT_STREQ(text.c_str(), "hello");
  text.truncate(100);
  EXPECT_EQ(text.size(), 5u);
  EXPECT_EQ(copy.view(), "hello world!"_sv);
  text.clear();
  EXPECT_TRUE(text.empty());
  EXPECT_STREQ(text.c_str(), "");
  EXPECT_TRUE(text.append("x").ok());
  EXPECT_STREQ(text.c_str(), "x");
  EXPECT_EQ(format_string("{}-{}", 1, "two").take().view(), "1-two"_sv);
}

TEST(StringView, Searching) {
  StringView text = "one/two/three";
  EXPECT_EQ(text.find('/'), 3u);
  EXPECT_EQ(text.find('/', 4), 7u);
  EXPECT_EQ(text.rfind('/'), 7u);
  EXPECT_EQ(text.find('x'), StringView::npos);
  EXPECT_EQ(text.find("two"), 4u);
  EXPECT_EQ(text.find("three!"), StringView::npos);
  EXPECT_EQ(text.find(""), 0u);
  EXPECT_TRUE(text.starts_with("one") && text.ends_with("three") && !text.starts_with("two"));
  EXPECT_EQ(text.substr(4, 3), "two"_sv);
  EXPECT_EQ(text.substr(100), ""_sv);
  EXPECT_EQ(text.substr(8, 100), "three"_sv);
  EXPECT_EQ(text.take_until('/'), "one"_sv);
  EXPECT_EQ(text.take_until('/'), "two"_sv);
  EXPECT_EQ(text.take_until('/'), "three"_sv);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(StringView(" \t x y\n").trimmed(), "x y"_sv);
  EXPECT_EQ(StringView("  ").trimmed(), ""_sv);
}

TEST(StringView, Order) {
  EXPECT_LT("abc"_sv, "abd"_sv);
  EXPECT_LT("ab"_sv, "abc"_sv);
  EXPECT_LT(StringView("\x7f", 1), StringView("\x80", 1));  // bytes, not signed characters
  EXPECT_EQ(StringView(), ""_sv);
}

TEST(StringView, Numbers) {
  EXPECT_EQ("0"_sv.to_number(), 0u);
  EXPECT_EQ("18446744073709551615"_sv.to_number(), ~uint64_t{0});
  EXPECT_EQ("18446744073709551616"_sv.to_number(), std::nullopt);
  EXPECT_EQ("0x1F"_sv.to_number(0), 31u);
  EXPECT_EQ("017"_sv.to_number(0), 15u);
  EXPECT_EQ("ff"_sv.to_number(16), 255u);
  EXPECT_EQ(""_sv.to_number(), std::nullopt);
  EXPECT_EQ("0x"_sv.to_number(0), std::nullopt);
  EXPECT_EQ("12a"_sv.to_number(), std::nullopt);
  EXPECT_EQ("-1"_sv.to_number(), std::nullopt);
}

}  // namespace
}  // namespace kernel
