// SPDX-License-Identifier: MIT
// Values of the memory calls (asm-generic/mman.h, linux/mman.h, linux/uio.h, linux/membarrier.h).
#pragma once

#include "lib/types.h"

namespace kernel::abi {

inline constexpr uint32_t kMapShared = 0x01, kMapPrivate = 0x02, kMapSharedValidate = 0x03,
                          kMapType = 0x0f, kMapFixed = 0x10, kMapAnonymous = 0x20,
                          kMapGrowsDown = 0x100, kMapDenyWrite = 0x800, kMapExecutable = 0x1000,
                          kMapLocked = 0x2000, kMapNoReserve = 0x4000, kMapPopulate = 0x8000,
                          kMapNonBlock = 0x10000, kMapStack = 0x20000, kMapHugeTlb = 0x40000,
                          kMapSync = 0x80000, kMapFixedNoReplace = 0x100000,
                          kMapUninitialized = 0x4000000, kMapHuge2M = 21u << 26,
                          kMapHuge1G = 30u << 26;
// What MAP_SHARED_VALIDATE takes; MAP_SHARED and MAP_PRIVATE ignore what they do not know.
inline constexpr uint32_t kMapValidated = kMapType | kMapFixed | kMapAnonymous | kMapGrowsDown |
                                          kMapDenyWrite | kMapExecutable | kMapLocked |
                                          kMapNoReserve | kMapPopulate | kMapNonBlock | kMapStack |
                                          kMapHugeTlb | kMapUninitialized | kMapHuge2M | kMapHuge1G;

inline constexpr uint64_t kProtSem = 0x8, kProtGrowsDown = 0x0100'0000, kProtGrowsUp = 0x0200'0000;
inline constexpr uint32_t kMlockOnFault = 1;

struct IoVector {  // struct iovec
  uint64_t base;
  uint64_t size;
};
static_assert(sizeof(IoVector) == 16);
inline constexpr uint64_t kMaxIoVectors = 1024;
inline constexpr uint64_t kMaxTransfer = 0x7fff'f000;  // MAX_RW_COUNT

}  // namespace kernel::abi
