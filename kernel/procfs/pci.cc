// SPDX-License-Identifier: MIT
// See pci.h.

#include "procfs/pci.h"

#include "dev/pci.h"

namespace kernel::procfs {
namespace {

// One line a function: place, identity, interrupt, then the registers and the ROM, then their
// sizes.
Result<> devices_text(FormatSink& sink) {
  for (PciFunction* function = pci::next(nullptr); function != nullptr;
       function = pci::next(function)) {
    const PciAddress& at = function->address();
    format(sink, "{:02x}{:02x}\t{:04x}{:04x}\t{:x}", at.bus, at.device << 3 | at.function,
           function->vendor(), function->device(), function->line ? function->line->irq : 0);
    for (const PciFunction::Resource& bar : function->bars)
      format(sink, "\t{:16x}", bar.size != 0 ? bar.shown() | bar.flags : 0);
    format(sink, "\t{:16x}", 0);
    for (const PciFunction::Resource& bar : function->bars) format(sink, "\t{:16x}", bar.size);
    format(sink, "\t{:16x}\t{}\n", 0, function->driver != nullptr ? function->driver : "");
  }
  return {};
}

}  // namespace

Result<> add_pci(StaticDirectory& root) {
  SuperBlock& super_block = root.super_block();
  Ref<StaticDirectory> bus = TRY(make_ref<StaticDirectory>(super_block));
  Ref<StaticDirectory> own = TRY(make_ref<StaticDirectory>(super_block));
  TRY(own->add("devices", TRY(make_ref<GeneratedText>(super_block, uint16_t{0444}, devices_text))));
  TRY(bus->add("pci", std::move(own)));
  return root.add("bus", std::move(bus));
}

}  // namespace kernel::procfs
