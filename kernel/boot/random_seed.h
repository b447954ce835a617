// SPDX-License-Identifier: MIT
// The seed that the loader leaves for the random numbers.
#pragma once

namespace kernel {

// Feeds /chosen/rng-seed to the generator and wipes it, so that nobody reads it later. Boot CPU,
// once.
void take_random_seed();

}  // namespace kernel
