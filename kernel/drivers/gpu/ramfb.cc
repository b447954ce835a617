// SPDX-License-Identifier: MIT
// See ramfb.h.

#include "drivers/gpu/ramfb.h"

#include "dev/framebuffer.h"
#include "dev/video_mode.h"
#include "lib/big_endian.h"
#include "lib/command_line.h"
#include "lib/log.h"
#include "mm/frames.h"

namespace kernel::ramfb {
namespace {

constexpr VideoMode kDefaultMode{1280, 800};
constexpr VideoMode kSmallMode{640, 480};
constexpr uint32_t kBytesPerPixel = 4;

// RAMFBCfg: address, format, flags, width, height, stride; packed, big-endian.
constexpr size_t kConfigSize = 28;
constexpr uint32_t kFormatXrgb8888 = 'X' | 'R' << 8 | '2' << 16 | '4' << 24;  // DRM's name of it

struct Display {
  explicit Display(DmaBuffer pixels) : memory(std::move(pixels)) {}
  DmaBuffer memory;
  Framebuffer screen;
};

VideoMode wanted_mode() {
  std::optional<StringView> text = command_line::value("video");
  if (!text) return kDefaultMode;
  std::optional<VideoMode> mode = parse_video_mode(*text);
  if (!mode) log_warning("ramfb: video={} is not a mode this display can have", *text);
  return mode.value_or(kDefaultMode);
}

uint64_t size_of(VideoMode mode) { return uint64_t{mode.width} * mode.height * kBytesPerPixel; }

// A display may take half of the memory, not more: programs shall run, too.
Result<Owned<Display>> allocate(VideoMode mode, bool coherent) {
  if (pages_for(size_of(mode)) > frames::statistics().total_pages / 2) return Errno::NoMem;
  DmaBuffer memory = TRY(DmaBuffer::allocate(size_of(mode), coherent));
  Owned<Display> display = TRY(make_owned<Display>(std::move(memory)));
  display->screen.pixels = reinterpret_cast<uint32_t*>(display->memory.data());
  display->screen.width = display->screen.stride = mode.width;
  display->screen.height = mode.height;
  return display;
}

Result<Owned<Display>> allocate_best(bool coherent) {
  VideoMode wanted = wanted_mode();
  for (VideoMode mode : {wanted, kDefaultMode, kSmallMode}) {
    if (size_of(mode) > size_of(wanted)) continue;
    Result<Owned<Display>> display = allocate(mode, coherent);
    if (display.ok()) return display;
    log_warning("ramfb: no memory for {}x{}", mode.width, mode.height);
  }
  return Errno::NoMem;
}

}  // namespace

Result<> start(FwCfg& device, FwCfg::File file) {
  Owned<Display> display = TRY(allocate_best(device.dma_coherent()));
  const Framebuffer& screen = display->screen;
  std::array<uint8_t, kConfigSize> config;
  put_big_endian(&config[0], raw(display->memory.physical()));
  put_big_endian(&config[8], kFormatXrgb8888);
  put_big_endian(&config[12], uint32_t{0});
  put_big_endian(&config[16], screen.width);
  put_big_endian(&config[20], screen.height);
  put_big_endian(&config[24], screen.stride * kBytesPerPixel);
  TRY(device.write(file, config));
  log_info("ramfb: {}x{} at 0x{:x}", screen.width, screen.height, display->memory.physical());
  return register_framebuffer(std::move(display).leak()->screen);
}

}  // namespace kernel::ramfb
