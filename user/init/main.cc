// SPDX-License-Identifier: MIT
//
// Process 1 of the default root: an ordinary, small, static Linux program. Under the `samara`
// command it serves the host channel, or makes way for another init when that needed its modules
// and its root; booted by hand it gives a shell on the console. It runs unchanged on Linux.
#include <stdlib.h>

#include "console.h"
#include "machine.h"
#include "port.h"
#include "service.h"

namespace {

constexpr int kChannelTimeoutMs = 20000;

}  // namespace

int main(int, char** argv) {
  const char* root = getenv(protocol::kRootEnvironment);
  const char* next = getenv(protocol::kInitEnvironment);
  port::open_job();
  machine::load_modules();
  if (root != nullptr && !machine::enter_root(root, next != nullptr)) {
    machine::power_off();
  }
  if (next != nullptr) {
    machine::become(next, argv);
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
