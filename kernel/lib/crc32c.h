// SPDX-License-Identifier: MIT
// CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum of ext4 and its journal. Raw: neither
// the seed nor the result is inverted, so that pieces can be chained.
#pragma once

#include <span>

#include "lib/types.h"

namespace kernel {

uint32_t crc32c(uint32_t seed, std::span<const uint8_t> bytes);

// CRC-16 (polynomial 0x8005, reflected), of ext4's older group checksums. As raw.
uint16_t crc16(uint16_t seed, std::span<const uint8_t> bytes);

}  // namespace kernel
