// SPDX-License-Identifier: MIT
// video= as Linux spells it.

#include "dev/video_mode.h"

#include <gtest/gtest.h>

namespace kernel {
namespace {

TEST(VideoMode, Spellings) {
  EXPECT_EQ(parse_video_mode("1024x768"), (VideoMode{1024, 768}));
  EXPECT_EQ(parse_video_mode("3840x2160@60"), (VideoMode{3840, 2160}));
  EXPECT_EQ(parse_video_mode("1280x800-32"), (VideoMode{1280, 800}));
  EXPECT_EQ(parse_video_mode("1280x800M-24@75"), (VideoMode{1280, 800}));
  EXPECT_EQ(parse_video_mode("Virtual-1:1280x800MR"), (VideoMode{1280, 800}));
  EXPECT_EQ(parse_video_mode("16x16"), (VideoMode{16, 16}));
}

TEST(VideoMode, RefusesWhatCannotBe) {
  for (StringView text : {"", "x", "0x0", "1x1", "15x16", "1024", "1024x", "x768", "-1x5",
                          "99999x16", "16001x100", "18446744073709551617x800", "1024x768-16",
                          "1024x768z", "1024 x768", "efifb:off", "1024x768-"})
    EXPECT_EQ(parse_video_mode(text), std::nullopt) << std::string(text.data(), text.size());
}

}  // namespace
}  // namespace kernel
