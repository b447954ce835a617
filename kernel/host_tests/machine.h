// SPDX-License-Identifier: MIT
// A machine for tests that need memory: RAM in three regions, one of them above 4 GiB, some of it
// reserved, with frames, heap and kernel mappings initialised. One per process, made at first use.
#pragma once

#include "lib/types.h"

namespace kernel::host_tests {

inline constexpr PhysRange kRam[] = {
    {PhysAddr{0x4000'0000}, PhysAddr{0x4000'0000 + 192 * MiB}},
    {PhysAddr{0x5000'0000}, PhysAddr{0x5000'0000 + 33 * MiB + 0x3000}},
    {PhysAddr{5 * GiB + 0x7000}, PhysAddr{5 * GiB + 300 * MiB}},
};
inline constexpr PhysRange kReserved[] = {
    {PhysAddr{0x4020'0000}, PhysAddr{0x4030'1800}},  // an image that ends inside a page
    {PhysAddr{0x4030'1800}, PhysAddr{0x4030'2000}},  // and a device tree in the rest of it
    {PhysAddr{0x4400'0000}, PhysAddr{0x4480'0000}},  // an initrd
    {PhysAddr{0x9000'0000}, PhysAddr{0x9000'1000}},  // not RAM
};

void boot_machine();

}  // namespace kernel::host_tests
