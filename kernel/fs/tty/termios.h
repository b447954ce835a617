// SPDX-License-Identifier: MIT
// Terminal settings as termios(3) has them on arm64 (asm-generic/termbits.h values).
#pragma once

#include <array>

#include "lib/types.h"

namespace kernel::tty {

inline constexpr size_t kControlCharacters = 19;

enum ControlCharacter : uint8_t {
  kVintr, kVquit, kVerase, kVkill, kVeof, kVtime, kVmin, kVswtc, kVstart, kVstop, kVsusp, kVeol,
  kVreprint, kVdiscard, kVwerase, kVlnext, kVeol2,
};

enum InputFlags : uint32_t {
  kIgnbrk = 01,
  kBrkint = 02,
  kIgnpar = 04,
  kParmrk = 010,
  kInpck = 020,
  kIstrip = 040,
  kInlcr = 0100,
  kIgncr = 0200,
  kIcrnl = 0400,
  kIuclc = 01000,
  kIxon = 02000,
  kIxany = 04000,
  kIxoff = 010000,
  kImaxbel = 020000,
  kIutf8 = 040000,
};
enum OutputFlags : uint32_t {
  kOpost = 01, kOlcuc = 02, kOnlcr = 04, kOcrnl = 010, kOnocr = 020, kOnlret = 040, kXtabs = 014000,
};
enum ControlFlags : uint32_t {
  kBaudMask = 0010017,
  kB38400 = 0000017,
  kBother = 0010000,
  kCs8 = 0000060,
  kCread = 0000200,
  kHupcl = 0002000,
  kClocal = 0004000,
};
enum LocalFlags : uint32_t {
  kIsig = 01,
  kIcanon = 02,
  kEcho = 010,
  kEchoe = 020,
  kEchok = 040,
  kEchonl = 0100,
  kNoflsh = 0200,
  kTostop = 0400,
  kEchoctl = 01000,
  kEchoprt = 02000,
  kEchoke = 04000,
  kIexten = 0100000,
  kExtproc = 0200000,
};

struct Termios {
  uint32_t input = kIcrnl | kIxon;
  uint32_t output = kOpost | kOnlcr;
  uint32_t control = kB38400 | kCs8 | kCread | kHupcl;
  uint32_t local = kIsig | kIcanon | kEcho | kEchoe | kEchok | kEchoctl | kEchoke | kIexten;
  uint8_t line = 0;
  std::array<uint8_t, kControlCharacters> characters = {3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0,
                                                        18, 15, 23, 22, 0, 0, 0};
  uint32_t input_speed = 38400;
  uint32_t output_speed = 38400;

  bool has_input(uint32_t flag) const { return (input & flag) != 0; }
  bool has_output(uint32_t flag) const { return (output & flag) != 0; }
  bool has_control(uint32_t flag) const { return (control & flag) != 0; }
  bool has_local(uint32_t flag) const { return (local & flag) != 0; }
  // Lines are edited here; with EXTPROC the other end does it.
  bool edits_lines() const { return has_local(kIcanon) && !has_local(kExtproc); }
  // True when `c` is that control character and the character is not disabled (0).
  bool is(uint8_t c, ControlCharacter which) const {
    return characters[which] != 0 && c == characters[which];
  }
};

}  // namespace kernel::tty
