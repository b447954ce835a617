// SPDX-License-Identifier: MIT
// See read_ahead.h.

#include "vm/read_ahead.h"

#include <bit>

namespace kernel {
namespace {

uint32_t first_window(uint64_t wanted, uint32_t most) {
  uint64_t window = std::bit_ceil(wanted);
  if (window <= most / 32) return static_cast<uint32_t>(window * 4);
  if (window <= most / 4) return static_cast<uint32_t>(window * 2);
  return most;
}

}  // namespace

size_t ReadAhead::on_miss(uint64_t index, uint64_t wanted) {
  Pattern pattern = pattern_.load_relaxed();
  uint32_t most = pattern == Pattern::Sequential ? 2 * kMaxPages : kMaxPages;
  uint64_t count = wanted < most ? wanted : most;
  uint64_t last = last_.load_relaxed();
  bool goes_on = index == 0 || index == window_end_.load_relaxed() || index == last ||
                 index == last + 1;
  if (pattern == Pattern::Random || (!goes_on && pattern != Pattern::Sequential)) {
    window_.store_relaxed(0);
    window_end_.store_relaxed(~uint64_t{0});
    return count;
  }
  uint32_t before = window_.load_relaxed();
  uint32_t window = before == 0 ? first_window(count, most) : before * 2;
  if (window > most) window = most;
  if (count < window) count = window;
  window_.store_relaxed(window);
  window_end_.store_relaxed(index + count);
  return count;
}

}  // namespace kernel
