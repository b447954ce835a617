// SPDX-License-Identifier: MIT
// See power.h.

#include "boot/power.h"

#include "arch/smp.h"
#include "dev/device_tree.h"

namespace kernel {

void find_power_interface() {
  std::optional<DeviceNode> psci = device_tree::find("/psci");
  if (!psci) return;
  std::optional<StringView> method = psci->string("method");
  if (method == "hvc"_sv) arch::set_psci_conduit(arch::PsciConduit::Hvc);
  if (method == "smc"_sv) arch::set_psci_conduit(arch::PsciConduit::Smc);
}

}  // namespace kernel
