// SPDX-License-Identifier: MIT
// Memory that a display shows: what a display driver registers. Whoever draws (display/) takes it.
#pragma once

#include "lib/list.h"
#include "lib/result.h"

namespace kernel {

// 32 bits a pixel, 0x00RRGGBB, rows from the top. Zeroed, and stays for good.
struct Framebuffer : public ListNode<Framebuffer> {
  uint32_t* pixels = nullptr;
  uint32_t width = 0;
  uint32_t height = 0;
  uint32_t stride = 0;  // pixels from one row to the next
};

// For good. Thread context.
Result<> register_framebuffer(Framebuffer& framebuffer);
// The display layer: called for every framebuffer, those registered so far first. Once.
Result<> set_framebuffer_sink(Result<> (*sink)(Framebuffer& framebuffer));

}  // namespace kernel
