// SPDX-License-Identifier: MIT
// See font.h.

#include "display/font.h"

#include <optional>

#include "lib/utf8.h"

namespace kernel::display {
namespace {

std::optional<uint16_t> find(std::span<const Font::Mapping> mappings, char32_t code) {
  while (!mappings.empty()) {
    size_t middle = mappings.size() / 2;
    if (mappings[middle].code == code) return mappings[middle].glyph;
    mappings = mappings[middle].code < code ? mappings.subspan(middle + 1) : mappings.first(middle);
  }
  return std::nullopt;
}

}  // namespace

std::span<const uint8_t> Font::glyph(char32_t code) const {
  std::optional<uint16_t> index = find(mappings, code);
  if (!index) index = find(mappings, Utf8Decoder::kReplacement);
  if (!index) index = find(mappings, '?');
  size_t size = size_t{height} * row_size();
  return bits.subspan(index.value_or(0) * size, size);
}

}  // namespace kernel::display
