// SPDX-License-Identifier: MIT
//
// What init does for the `samara` command once the host channel is open.
#pragma once

namespace service {

// Serves the host until it says Finish or goes away.
void serve();

}  // namespace service
