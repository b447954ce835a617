// SPDX-License-Identifier: MIT
// Pixels of cells, with a font of two characters.

#include "display/painter.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "host_tests/machine.h"

namespace kernel::display {
namespace {

// Ten pixels wide: rows take two bytes. A corner, and a bar for what is unknown.
constexpr uint8_t kBits[] = {
    0xff, 0xc0, 0x80, 0x00, 0x80, 0x00, 0x00, 0x00,  //
    0x00, 0x40, 0x00, 0x40, 0x00, 0x40, 0x00, 0x40,  //
};
constexpr Font::Mapping kMappings[] = {{'c', 0}, {0xfffd, 1}};
constexpr Font kFont{10, 4, kBits, kMappings};

class Picture {
 public:
  Picture(uint32_t width, uint32_t height, uint32_t stride)
      : pixels_(size_t{stride} * height, kUntouched) {
    host_tests::boot_machine();
    screen.pixels = pixels_.data();
    screen.width = width;
    screen.height = height;
    screen.stride = stride;
  }
  // The rows of a cell: '#' in the first colour, '.' in the second.
  std::vector<std::string> cell(unsigned row, unsigned column, uint32_t front, uint32_t back) {
    std::vector<std::string> text;
    for (unsigned y = 0; y < 4; ++y) {
      text.emplace_back();
      for (unsigned x = 0; x < 10; ++x) {
        uint32_t pixel = pixels_[(row * 4 + y) * screen.stride + column * 10 + x];
        text.back() += pixel == front ? '#' : pixel == back ? '.' : '!';
      }
    }
    return text;
  }
  size_t touched() const {
    return pixels_.size() -
           static_cast<size_t>(std::count(pixels_.begin(), pixels_.end(), kUntouched));
  }
  static constexpr uint32_t kUntouched = 0x12345678;
  Framebuffer screen;

 private:
  std::vector<uint32_t> pixels_;
};

using Rows = std::vector<std::string>;

TEST(Painter, DrawsCharacters) {
  Picture picture(35, 13, 40);
  Painter painter = Painter::create(picture.screen, kFont).take();
  EXPECT_EQ(painter.columns(), 3u);
  EXPECT_EQ(painter.rows(), 3u);
  painter.paint(1, 2, {U'c', 1, 4, false, false});
  EXPECT_EQ(picture.cell(1, 2, 0xaa0000, 0x0000aa),
            (Rows{"##########", "#.........", "#.........", ".........."}));
  painter.paint(0, 0, {U'c', 15, 0, true, false});
  EXPECT_EQ(picture.cell(0, 0, 0xffffff, 0)[3], "##########");
  painter.paint(0, 1, {U'c', 7, 0, false, true});
  EXPECT_EQ(picture.cell(0, 1, 0xaaaaaa, 0),
            (Rows{"##########", "#.........", "##########", "##########"}));
  painter.paint(2, 0, {U'?', 7, 0, false, false});
  EXPECT_EQ(picture.cell(2, 0, 0xaaaaaa, 0),
            (Rows{".........#", ".........#", ".........#", ".........#"}));
}

TEST(Painter, DrawsOnlyWhatDiffersAndFits) {
  Picture picture(35, 13, 40);
  Painter painter = Painter::create(picture.screen, kFont).take();
  painter.paint(0, 0, Cell());
  painter.paint(3, 0, {U'c'});
  painter.paint(0, 3, {U'c'});
  EXPECT_EQ(picture.touched(), 0u);
  painter.paint(0, 0, {U'c'});
  painter.paint(0, 0, {U'c'});
  EXPECT_EQ(picture.touched(), 40u);
}

TEST(Painter, TallScreensHaveLargerPixels) {
  Picture picture(40, 2160, 40);
  Painter painter = Painter::create(picture.screen, kFont).take();
  EXPECT_EQ(painter.columns(), 2u);
  EXPECT_EQ(painter.rows(), 270u);
  painter.paint(0, 0, {U'c', 7, 0, false, false});
  EXPECT_EQ(picture.touched(), 160u);
  EXPECT_EQ(picture.cell(0, 0, 0xaaaaaa, 0),
            (Rows{"##########", "##########", "##........", "##........"}));
}

TEST(Painter, NoRoomForACharacter) {
  for (auto [width, height] : {std::pair(0u, 0u), std::pair(9u, 100u), std::pair(100u, 3u)}) {
    Picture picture(width, height, 100);
    Painter painter = Painter::create(picture.screen, kFont).take();
    EXPECT_EQ(painter.columns() * painter.rows(), 0u);
    painter.paint(0, 0, {U'c'});
    EXPECT_EQ(picture.touched(), 0u);
  }
}

}  // namespace
}  // namespace kernel::display
