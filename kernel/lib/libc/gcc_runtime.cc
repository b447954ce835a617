// SPDX-License-Identifier: MIT
// What gcc's code calls where clang's does not: a population count without vector registers, and
// the registration of destructors of static objects, which live as long as the kernel.

#include <cstdint>

extern "C" {

int __popcountdi2(int64_t value) {
  auto bits = static_cast<uint64_t>(value);
  bits -= bits >> 1 & 0x5555'5555'5555'5555;
  bits = (bits & 0x3333'3333'3333'3333) + (bits >> 2 & 0x3333'3333'3333'3333);
  bits = (bits + (bits >> 4)) & 0x0f0f'0f0f'0f0f'0f0f;
  return static_cast<int>(bits * 0x0101'0101'0101'0101 >> 56);
}

int atexit(void (*)()) { return 0; }

}
