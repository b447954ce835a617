// SPDX-License-Identifier: MIT
// Memory of the device tree (Devicetree Specification 0.4, 3.4, 3.5, 5.3); see memory_scan.h.

#include "boot/memory_scan.h"

#include <libfdt.h>

#include "arch/early.h"
#include "arch/mmu.h"
#include "dev/device_tree.h"
#include "lib/log.h"

namespace kernel::memory_scan {
namespace {

void add_banks(Memory& memory) {
  for (std::optional<DeviceNode> node = device_tree::root().first_child(); node;
       node = node->next_sibling()) {
    if (node->string("device_type") != "memory"_sv || !node->is_enabled()) continue;
    for (size_t i = 0; i < node->reg_count(); ++i) {
      std::optional<PhysRange> bank = node->reg(i);
      if (!bank || bank->empty()) continue;
      // Whole pages only.
      memory.ram.add({align_up(bank->start, kPageSize), align_down(bank->end, kPageSize)});
    }
  }
  memory.ram.clip(arch::kLinearMapLimit);
}

// /memreserve/ entries of the blob, and /reserved-memory.
void add_reservations(Memory& memory) {
  const void* blob = device_tree::blob();
  for (int i = 0; i < fdt_num_mem_rsv(blob); ++i) {
    uint64_t start = 0, size = 0;
    if (fdt_get_mem_rsv(blob, i, &start, &size) == 0 && start + size > start)
      memory.reserved.add({PhysAddr{start}, PhysAddr{start + size}});
  }
  std::optional<DeviceNode> parent = device_tree::find("/reserved-memory");
  if (!parent) return;
  for (std::optional<DeviceNode> node = parent->first_child(); node; node = node->next_sibling()) {
    for (size_t i = 0; node->is_enabled() && i < node->reg_count(); ++i) {
      std::optional<PhysRange> range = node->reg(i);
      if (!range) continue;
      if (node->has("no-map")) {
        memory.ram.subtract(*range);
      } else {
        memory.reserved.add(*range);
      }
    }
  }
}

PhysRange find_initrd() {
  std::optional<DeviceNode> chosen = device_tree::find("/chosen");
  if (!chosen) return {};
  std::optional<uint64_t> start = chosen->number("linux,initrd-start");
  std::optional<uint64_t> end = chosen->number("linux,initrd-end");
  if (!start || !end || *start >= *end) return {};
  return {PhysAddr{*start}, PhysAddr{*end}};
}

// `mem=`: the first bytes of RAM, but always what the loader has put the kernel's things in.
void limit_ram(Memory& memory, uint64_t limit) {
  uint64_t left = limit;
  for (PhysRange range : memory.ram.ranges()) {
    if (range.size() >= left) return memory.ram.clip(align_down(range.start + left, kPageSize));
    left -= range.size();
  }
}

}  // namespace

void RangeList::add(PhysRange range) {
  range = {align_down(range.start, kPageSize), align_up(range.end, kPageSize)};
  if (range.empty()) return;
  size_t at = 0;
  while (at < count_ && ranges_[at].end < range.start) ++at;
  while (at < count_ && ranges_[at].start <= range.end) {
    if (ranges_[at].start < range.start) range.start = ranges_[at].start;
    if (ranges_[at].end > range.end) range.end = ranges_[at].end;
    remove(at);
  }
  insert(at, range);
}

void RangeList::subtract(PhysRange range) {
  range = {align_down(range.start, kPageSize), align_up(range.end, kPageSize)};
  for (size_t at = 0; at < count_;) {
    PhysRange old = ranges_[at];
    if (!old.overlaps(range)) {
      ++at;
      continue;
    }
    remove(at);
    if (range.end < old.end) insert(at, {range.end, old.end});
    if (old.start < range.start) insert(at, {old.start, range.start});
    at += (range.end < old.end ? 1u : 0u) + (old.start < range.start ? 1u : 0u);
  }
}

void RangeList::clip(PhysAddr end) { subtract({end, PhysAddr{~uint64_t{0} << kPageShift}}); }

uint64_t RangeList::total() const {
  uint64_t sum = 0;
  for (PhysRange range : ranges()) sum += range.size();
  return sum;
}

void RangeList::insert(size_t index, PhysRange range) {
  if (count_ == kCapacity) {
    log_warning("memory: more than {} ranges, dropping {:x}..{:x}", kCapacity, range.start,
                range.end);
    return;
  }
  for (size_t i = count_; i > index; --i) ranges_[i] = ranges_[i - 1];
  ranges_[index] = range;
  ++count_;
}

void RangeList::remove(size_t index) {
  --count_;
  for (size_t i = index; i < count_; ++i) ranges_[i] = ranges_[i + 1];
}

void scan(Memory& memory, PhysRange device_tree, uint64_t limit) {
  memory.initrd = find_initrd();
  add_banks(memory);
  if (limit != 0) limit_ram(memory, limit);
  // The kernel stands on this memory, whatever /memory and mem= say.
  memory.ram.add(arch::image_range());
  memory.ram.add(device_tree);
  if (!memory.initrd.empty()) memory.ram.add(memory.initrd);
  memory.reserved.add(arch::image_range());
  memory.reserved.add(device_tree);
  if (!memory.initrd.empty()) memory.reserved.add(memory.initrd);
  add_reservations(memory);
}

}  // namespace kernel::memory_scan
