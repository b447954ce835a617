// SPDX-License-Identifier: MIT
// How the machine is switched off.
#pragma once

namespace kernel {

// Reads /psci, so that power calls work from here on.
void find_power_interface();

}  // namespace kernel
