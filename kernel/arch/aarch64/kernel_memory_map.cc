// SPDX-License-Identifier: MIT
// The final kernel map (design.md §4, Address space), built while the boot tables are live and put
// in their place in one step. Blocks are never split afterwards, and no page is writable and
// executable:
//
//   linear map   RAM, RW, never executable; the alias of text and rodata read-only, in 4 KiB pages
//   image        text RX, rodata R, data and .bss RW
//   early slots  the first console

#include "arch/early.h"
#include "arch/mmu.h"
#include "arch/paging.h"
#include "arch_impl/early_map.h"
#include "lib/check.h"

namespace kernel::arch {
namespace {

extern "C" const char replace_kernel_table_identity[];  // head.S

using Format = PagingFormat;
using Table = uint64_t[Format::kEntries];

// A machine with RAM in one piece takes about ten; each ragged edge of a region adds two.
constexpr size_t kPoolPages = 64;
alignas(kPageSize) constinit Table pool[kPoolPages] __attribute__((section(".bss.aligned")));
constinit size_t pool_used = 0;

PhysAddr physical(const void* image_object) {
  return physical_address(VirtAddr{reinterpret_cast<uint64_t>(image_object)});
}
// Tables of this file are in the image.
uint64_t* entries(PhysAddr table) { return reinterpret_cast<uint64_t*>(raw(table) + image_offset); }

PhysAddr allocate_table() {
  CHECK(pool_used < kPoolPages);
  return physical(pool[pool_used++]);
}

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

// With the largest blocks that alignment allows.
void map_range(PhysAddr root, uint64_t address, PhysRange target, PageAttributes attributes) {
  PhysAddr at = target.start;
  while (at < target.end) {
    unsigned level = 2;
    while (level > 0 && (!is_aligned(raw(at) | address, Format::span(level)) ||
                         target.end - at < Format::span(level)))
      --level;
    map_one(root, address, at, attributes, level);
    at += Format::span(level);
    address += Format::span(level);
  }
}

// RAM but for [text, rodata], whose alias is read-only.
void map_linear(PhysAddr root, PhysRange ram, PhysRange read_only) {
  auto map = [&](PhysAddr start, PhysAddr end, bool writable) {
    if (start >= end) return;
    map_range(root, raw(linear_address(start)), {start, end}, {.writable = writable});
  };
  if (!ram.overlaps(read_only)) return map(ram.start, ram.end, true);
  map(ram.start, read_only.start, true);
  map(ram.start > read_only.start ? ram.start : read_only.start,
      ram.end < read_only.end ? ram.end : read_only.end, false);
  map(read_only.end, ram.end, true);
}

void map_image(PhysAddr root) {
  auto map = [&](const char* start, const char* end, PageAttributes attributes) {
    map_range(root, reinterpret_cast<uint64_t>(start), {physical(start), physical(end)},
              attributes);
  };
  map(_image_start, _text_end, {.executable = true});
  map(_text_end, _rodata_end, {});
  map(_rodata_end, _image_end, {.writable = true});
}

// Through the identity map: for a moment the kernel's half has no table at all.
void switch_to(PhysAddr root) {
  set_user_table(identity_root, 0);
  asm volatile("tlbi vmalle1\n\tdsb nsh\n\tisb" ::: "memory");
  using Replace = void (*)(uint64_t, uint64_t);
  auto replace = reinterpret_cast<Replace>(raw(physical(replace_kernel_table_identity)));
  replace(raw(root), raw(identity_root));
  clear_user_table();
}

}  // namespace

void build_kernel_map(std::span<const PhysRange> ram) {
  PhysAddr root = allocate_table();
  PhysRange read_only{physical(_image_start), physical(_rodata_end)};
  for (PhysRange range : ram) map_linear(root, range, read_only);
  map_image(root);

  uint64_t* table = entries(root);
  for (unsigned level = Format::kTopLevel; level > 1; --level) {
    uint64_t& entry = table[Format::index(kEarlyDeviceSlots, level)];
    if (!Format::is_present(entry)) entry = Format::table(allocate_table());
    table = entries(Format::address(entry));
  }
  table[Format::index(kEarlyDeviceSlots, 1)] = Format::table(physical(early_device_table));

  page_table_fence();
  switch_to(root);
  kernel_root = root;
}

VirtAddr map_early_device(unsigned slot, PhysAddr registers) {
  CHECK(slot < 16);
  early_device_table[slot] =
      Format::leaf(page_of(registers), {.writable = true, .type = MemoryType::Device}, 0);
  page_table_fence();
  return VirtAddr{kEarlyDeviceSlots + slot * kPageSize + page_offset(registers)};
}

PhysRange image_range() { return {physical(_image_start), physical(_image_end)}; }
uint64_t image_slide() { return reinterpret_cast<uint64_t>(_image_start) - kImageBase; }
unsigned boot_exception_level() { return static_cast<unsigned>(loader_exception_level); }

}  // namespace kernel::arch
