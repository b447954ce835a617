// SPDX-License-Identifier: MIT
// Streams of compressed data, as pieces of plain data. The work is zlib's and zstd's.
#pragma once

#include <span>

#include "lib/result.h"

namespace kernel::initramfs {

class PieceSink {
 public:
  // All of the piece is taken, or an error ends the stream.
  virtual Result<> take(std::span<const uint8_t> piece) = 0;

 protected:
  ~PieceSink() = default;
};

bool is_gzip(std::span<const uint8_t> data);
bool is_zstd(std::span<const uint8_t> data);
// One stream at the start of `data`; returns how long it was. Errors: Inval (damaged), NoMem, the
// sink's.
Result<size_t> inflate_gzip(std::span<const uint8_t> data, PieceSink& sink);
Result<size_t> decompress_zstd(std::span<const uint8_t> data, PieceSink& sink);

}  // namespace kernel::initramfs
