// SPDX-License-Identifier: MIT
// The memory functions that compilers call, which each architecture writes for itself.

#include "lib/ktest.h"

namespace kernel {
namespace {

int sign(int value) { return (value > 0) - (value < 0); }

KTEST(memcmp_orders_at_any_alignment_and_size) {
  alignas(8) uint8_t a[32];
  alignas(8) uint8_t b[32];
  for (size_t offset = 0; offset < 8; ++offset) {
    for (size_t size = 0; size < 24; ++size) {
      for (size_t i = 0; i < size; ++i) a[i] = b[i + offset] = static_cast<uint8_t>(i * 37);
      EXPECT(__builtin_memcmp(a, b + offset, size) == 0);
      for (size_t at = 0; at < size; ++at) {
        uint8_t kept = a[at];
        for (int other : {0, 1, 127, 128, 255}) {
          a[at] = static_cast<uint8_t>(other);
          // What follows the first difference does not count.
          a[size - 1] = at + 1 < size ? static_cast<uint8_t>(~a[size - 1]) : a[size - 1];
          if (other == kept) continue;
          EXPECT(sign(__builtin_memcmp(a, b + offset, size)) == sign(other - kept));
          EXPECT(sign(__builtin_memcmp(b + offset, a, size)) == sign(kept - other));
        }
        for (size_t i = 0; i < size; ++i) a[i] = b[i + offset];
      }
    }
  }
}

}  // namespace
}  // namespace kernel
