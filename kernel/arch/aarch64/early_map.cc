// SPDX-License-Identifier: MIT
// The tables that the boot CPU enables the MMU with, and the slide of the image. Runs at physical
// addresses with the MMU off: no access to relocated pointers, no memcpy. What it maps is W^X from
// the start; kernel_memory_map.cc replaces it by the final map.
//
//   TTBR0: the one page of identity-mapped code.      TTBR1: the image (text RX, the rest RW),
//   the device tree in the linear map, a fixed slot for the first console.

#include <libfdt.h>

#include "arch/mmu.h"
#include "arch/paging.h"
#include "arch_impl/early_map.h"

namespace kernel::arch {
namespace {

using Format = PagingFormat;

constexpr size_t kPoolPages = 24;
alignas(kPageSize) constinit uint64_t pool[kPoolPages][Format::kEntries]
    __attribute__((section(".bss.aligned")));
constinit size_t pool_used = 0;

PhysAddr allocate_table() {
  if (pool_used == kPoolPages) __builtin_trap();  // no console yet: a debugger sees it
  return PhysAddr{reinterpret_cast<uint64_t>(pool[pool_used++])};
}

uint64_t* entries(PhysAddr table) { return reinterpret_cast<uint64_t*>(raw(table)); }

void map_one(PhysAddr root, uint64_t address, PhysAddr target, PageAttributes attributes,
             unsigned level) {
  uint64_t* table = entries(root);
  for (unsigned at = Format::kTopLevel; at > level; --at) {
    uint64_t& entry = table[Format::index(address, at)];
    if (!Format::is_present(entry)) entry = Format::table(allocate_table());
    table = entries(Format::address(entry));
  }
  table[Format::index(address, level)] = Format::leaf(target, attributes, level);
}

void map_pages(PhysAddr root, uint64_t address, PhysRange target, PageAttributes attributes) {
  for (PhysAddr at = target.start; at < target.end; at += kPageSize, address += kPageSize)
    map_one(root, address, at, attributes, 0);
}

PhysAddr here(const char* symbol) { return PhysAddr{reinterpret_cast<uint64_t>(symbol)}; }

// Whether the words of the kernel's command line, which "--" ends, include this one.
bool has_word(const char* at, const char* end, const char* word) {
  while (at < end && *at != '\0') {
    const char* start = at;
    const char* wanted = word;
    for (; at < end && *at != '\0' && *at != ' '; ++at) {
      if (wanted != nullptr && *wanted == *at) {
        ++wanted;
      } else {
        wanted = nullptr;
      }
    }
    if (wanted != nullptr && at != start && *wanted == '\0') return true;
    if (at - start == 2 && start[0] == '-' && start[1] == '-') return false;
    while (at < end && *at == ' ') ++at;
  }
  return false;
}

// A multiple of 2 MiB below 1 GiB from the loader's seed; the seed is wiped, so that nobody
// computes the slide from the device tree again. None with `nokaslr`.
uint64_t choose_slide(const void* device_tree) {
  int chosen = fdt_path_offset(device_tree, "/chosen");
  if (chosen < 0) return 0;
  int size = 0;
  const void* property = fdt_getprop(device_tree, chosen, "kaslr-seed", &size);
  if (property == nullptr || size != 8) return 0;
  auto* bytes = static_cast<volatile uint8_t*>(const_cast<void*>(property));
  uint64_t seed = 0;
  for (int i = 0; i < 8; ++i) {
    seed = seed << 8 | bytes[i];
    bytes[i] = 0;
  }
  const void* words = fdt_getprop(device_tree, chosen, "bootargs", &size);
  auto* text = static_cast<const char*>(words);
  if (text != nullptr && has_word(text, text + size, "nokaslr")) return 0;
  constexpr uint64_t kSlots = 512;
  return (seed ^ seed >> 32) % kSlots * (2 * MiB);
}

}  // namespace

constinit PhysAddr identity_root;
constinit PhysAddr kernel_root;
constinit uint64_t image_offset;
constinit uint64_t loader_exception_level;
alignas(kPageSize) constinit uint64_t early_device_table[Format::kEntries]
    __attribute__((section(".bss.aligned")));

extern "C" uint64_t build_boot_map(const void* device_tree) {
  uint64_t slide = choose_slide(device_tree);
  PhysAddr image = here(_image_start);
  uint64_t offset = kImageBase + slide - raw(image);

  identity_root = allocate_table();
  map_pages(identity_root, raw(here(_idmap_start)),
            {here(_idmap_start), here(_idmap_start) + kPageSize}, {.executable = true});

  kernel_root = allocate_table();
  map_pages(kernel_root, raw(image) + offset, {image, here(_text_end)}, {.executable = true});
  map_pages(kernel_root, raw(here(_text_end)) + offset, {here(_text_end), here(_image_end)},
            {.writable = true});

  // The tree is at most 2 MiB, and may cross a 2 MiB boundary.
  PhysAddr tree{reinterpret_cast<uint64_t>(device_tree)};
  for (PhysAddr at = align_down(tree, 2 * MiB); at < tree + fdt_totalsize(device_tree);
       at += 2 * MiB)
    map_one(kernel_root, raw(at) + kLinearMapBase, at, {}, 1);

  // The first console's slots share one leaf table, which map_early_device() fills in.
  uint64_t* table = entries(kernel_root);
  for (unsigned level = Format::kTopLevel; level > 1; --level) {
    uint64_t& entry = table[Format::index(kEarlyDeviceSlots, level)];
    if (!Format::is_present(entry)) entry = Format::table(allocate_table());
    table = entries(Format::address(entry));
  }
  table[Format::index(kEarlyDeviceSlots, 1)] =
      Format::table(PhysAddr{reinterpret_cast<uint64_t>(early_device_table)});
  return offset;
}

}  // namespace kernel::arch
