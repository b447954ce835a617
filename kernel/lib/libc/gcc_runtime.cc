// SPDX-License-Identifier: MIT
// What compiled code calls. gcc's: a population count without vector registers, and the
// registration of destructors of static objects, which live as long as the kernel. clang's, when it
// optimises for size: the shift of a number of two words.

#include <cstdint>

extern "C" {

int __popcountdi2(int64_t value) {
  auto bits = static_cast<uint64_t>(value);
  bits -= bits >> 1 & 0x5555'5555'5555'5555;
  bits = (bits & 0x3333'3333'3333'3333) + (bits >> 2 & 0x3333'3333'3333'3333);
  bits = (bits + (bits >> 4)) & 0x0f0f'0f0f'0f0f'0f0f;
  return static_cast<int>(bits * 0x0101'0101'0101'0101 >> 56);
}

unsigned __int128 __lshrti3(unsigned __int128 value, int count) {
  auto low = static_cast<uint64_t>(value), high = static_cast<uint64_t>(value >> 64);
  if (count >= 64) return high >> (count - 64);
  if (count > 0) low = low >> count | high << (64 - count);
  return static_cast<unsigned __int128>(high >> count) << 64 | low;
}

int atexit(void (*)()) { return 0; }

}
