// SPDX-License-Identifier: MIT
//
// Process 1 of the default root: an ordinary, small, static Linux program. Under the `samara`
// command it serves the host channel; booted by hand it gives a shell on the console. It runs
// unchanged on Linux.
#include <stdlib.h>

#include "console.h"
#include "machine.h"
#include "port.h"
#include "service.h"

namespace {

constexpr int kChannelTimeoutMs = 20000;

}  // namespace

int main() {
  const char* root = getenv(protocol::kRootEnvironment);
  machine::load_modules();
  if (root != nullptr && !machine::enter_root(root)) {
    machine::power_off();
  }
  machine::mount_all();
  machine::set_host_name();
  if (getenv(protocol::kEnvironment) == nullptr) {
    console::run_shell();
  } else if (port::open_all(kChannelTimeoutMs)) {
    service::serve();
  } else {
    machine::log("the host channel's ports did not appear");
  }
  machine::power_off();
}
