// SPDX-License-Identifier: MIT
// The framebuffers that drivers found; see framebuffer.h.

#include "dev/framebuffer.h"

#include "dev/registry.h"

namespace kernel {
namespace {

constinit Registry<Framebuffer> registry;

}  // namespace

Result<> register_framebuffer(Framebuffer& framebuffer) { return registry.add(framebuffer); }

Result<> set_framebuffer_sink(Result<> (*sink)(Framebuffer& framebuffer)) {
  return registry.set_sink(sink);
}

}  // namespace kernel
