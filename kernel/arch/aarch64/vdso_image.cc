// SPDX-License-Identifier: MIT
// See arch/vdso.h.
#include "arch/vdso.h"

#include "vdso_offsets.h"  // made by the build from the linked vDSO's symbols

extern "C" {
extern const uint8_t vdso_image_start[];
extern const uint8_t vdso_image_end[];
}

namespace kernel::arch {

std::span<const uint8_t> vdso_image() {
  auto size =
      reinterpret_cast<uint64_t>(vdso_image_end) - reinterpret_cast<uint64_t>(vdso_image_start);
  return {vdso_image_start, size};
}

uint64_t vdso_sigreturn_offset() { return kVdsoSigreturnOffset; }

}  // namespace kernel::arch
