// SPDX-License-Identifier: MIT
// Random mutation of a valid input, for the parsers of what others made: ELF files, archives,
// device trees. The parser may refuse or accept; it must not touch a byte outside, which ASan
// watches, nor loop. The same seed gives the same inputs, so that a failure comes again.
//
//   mutate(sample, 20'000, [](std::span<const uint8_t> input) { static_cast<void>(parse(input));
//   });
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <vector>

namespace kernel::host_tests {

class Mutator {
 public:
  explicit Mutator(std::span<const uint8_t> sample, uint32_t seed = 1)
      : sample_(sample.begin(), sample.end()), random_(seed) {}

  std::vector<uint8_t> next() {
    std::vector<uint8_t> bytes = sample_;
    for (size_t changes = 1 + below(6); changes > 0; --changes) change(bytes);
    return bytes;
  }

 private:
  size_t below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  void change(std::vector<uint8_t>& bytes) {
    if (bytes.empty()) return bytes.push_back(static_cast<uint8_t>(random_()));
    size_t at = below(bytes.size());
    switch (below(8)) {
      case 0:
        bytes[at] = static_cast<uint8_t>(bytes[at] ^ 1u << below(8));
        break;
      case 1:
        bytes[at] = static_cast<uint8_t>(random_());
        break;
      case 2:
        bytes.resize(at);
        break;
      case 3:  // a piece away
        bytes.erase(bytes.begin() + static_cast<ptrdiff_t>(at),
                    bytes.begin() + static_cast<ptrdiff_t>(at + below(bytes.size() - at)));
        break;
      case 4: {  // a piece twice
        std::vector<uint8_t> piece(
            bytes.begin() + static_cast<ptrdiff_t>(at),
            bytes.begin() + static_cast<ptrdiff_t>(at + below(bytes.size() - at)));
        bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(below(bytes.size())), piece.begin(),
                     piece.end());
        break;
      }
      default:
        number(bytes, at);
    }
  }

  // A number at the edge of its range, of any width and byte order: sizes, offsets and counts.
  void number(std::vector<uint8_t>& bytes, size_t at) {
    static constexpr uint64_t kEdges[] = {0,
                                          1,
                                          0x7f,
                                          0x80,
                                          0xff,
                                          0x7fff,
                                          0xffff,
                                          0x7fff'ffff,
                                          0x8000'0000,
                                          0xffff'ffff,
                                          0xffff'fff0,
                                          ~uint64_t{0},
                                          ~uint64_t{0} - 0xfff,
                                          uint64_t{1} << 63};
    uint64_t value = kEdges[below(std::size(kEdges))] + below(3);
    size_t width = size_t{1} << below(4);
    bool big_endian = below(2) == 0;
    at &= ~(width - 1);
    for (size_t i = 0; i < width && at + i < bytes.size(); ++i) {
      size_t shift = 8 * (big_endian ? width - 1 - i : i);
      bytes[at + i] = static_cast<uint8_t>(value >> shift);
    }
  }

  std::vector<uint8_t> sample_;
  std::mt19937 random_;
};

// Gives each mutated input in an allocation of exactly its size, so that one byte too far is seen.
template <class Parse>
void mutate(std::span<const uint8_t> sample, unsigned rounds, Parse parse, uint32_t seed = 1) {
  Mutator mutator(sample, seed);
  for (unsigned round = 0; round < rounds; ++round) {
    std::vector<uint8_t> bytes = mutator.next();
    std::unique_ptr<uint8_t[]> exact(new uint8_t[bytes.size()]);
    std::copy(bytes.begin(), bytes.end(), exact.get());
    parse(std::span<const uint8_t>(exact.get(), bytes.size()));
  }
}

}  // namespace kernel::host_tests
