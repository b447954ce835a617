// SPDX-License-Identifier: MIT
// See random_seed.h.

#include "boot/random_seed.h"

#include <libfdt.h>

#include "dev/device_tree.h"
#include "lib/log.h"
#include "sync/random.h"

namespace kernel {

void take_random_seed() {
  const void* blob = device_tree::blob();
  int size = 0;
  std::optional<DeviceNode> chosen = device_tree::find("/chosen");
  const void* seed = chosen ? fdt_getprop(blob, chosen->offset(), "rng-seed", &size) : nullptr;
  if (seed == nullptr || size < 0) size = 0;
  random::init({static_cast<const uint8_t*>(seed), static_cast<size_t>(size)});
  if (!random::is_seeded()) log_warning("random: no seed yet");
  // The blob is in RAM that is ours; libfdt hands out read-only views.
  if (size > 0) __builtin_memset(const_cast<void*>(seed), 0, static_cast<size_t>(size));
}

}  // namespace kernel
