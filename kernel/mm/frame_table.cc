// SPDX-License-Identifier: MIT
// See frame_table.h. Runs once at boot on one CPU, without locks.

#include "mm/frame_table.h"

#include <array>

namespace kernel::frames {

namespace detail {
constinit uint64_t* section_bases = nullptr;
constinit uint64_t section_count = 0;
}  // namespace detail

namespace table {
namespace {

constexpr size_t kMaxRanges = 192;
constexpr FrameNumber kSectionFrames = FrameNumber{1} << (detail::kSectionShift - kPageShift);
constexpr FrameNumber kMaxBlock = FrameNumber{1} << kMaxOrder;

// A small sorted list of disjoint ranges; a machine that needs more loses memory, not its life.
struct RangeList {
  std::array<FrameRange, kMaxRanges> items{};
  size_t count = 0;

  void add(FrameRange range) {
    if (range.start < range.end && count < kMaxRanges) items[count++] = range;
  }
  // Cuts `hole` out of every range.
  void subtract(FrameRange hole) {
    for (size_t i = 0; i < count; ++i) {
      FrameRange& range = items[i];
      if (hole.end <= range.start || hole.start >= range.end) continue;
      FrameRange above{hole.end, range.end};
      range.end = hole.start > range.start ? hole.start : range.start;
      if (above.start < above.end) insert(i + 1, above);
    }
    drop_empty();
  }
  std::span<const FrameRange> span() const { return {items.data(), count}; }

 private:
  void insert(size_t at, FrameRange range) {
    if (count == kMaxRanges) return;
    for (size_t i = count; i > at; --i) items[i] = items[i - 1];
    items[at] = range;
    ++count;
  }
  void drop_empty() {
    size_t kept = 0;
    for (size_t i = 0; i < count; ++i) {
      if (items[i].start < items[i].end) items[kept++] = items[i];
    }
    count = kept;
  }
};

constinit RangeList ram_list;
constinit RangeList free_list;
constinit Totals boot_totals{};

constexpr uint64_t kNumberLimit = uint64_t{1} << 32;
FrameNumber clamp_number(uint64_t number) {
  return static_cast<FrameNumber>(number < kNumberLimit ? number : kNumberLimit - 1);
}
// RAM counts where the whole page is RAM; a reservation keeps every page that it touches.
FrameRange inner_pages(PhysRange range) {
  return {clamp_number(pages_for(raw(range.start))), clamp_number(raw(range.end) >> kPageShift)};
}
FrameRange outer_pages(PhysRange range) {
  return {clamp_number(raw(range.start) >> kPageShift), clamp_number(pages_for(raw(range.end)))};
}

// Takes pages for metadata from the top of the largest free range.
uint64_t* carve(uint64_t bytes) {
  auto pages = static_cast<FrameNumber>(pages_for(bytes));
  FrameRange* best = nullptr;
  for (size_t i = 0; i < free_list.count; ++i) {
    FrameRange& range = free_list.items[i];
    if (best == nullptr || range.end - range.start > best->end - best->start) best = &range;
  }
  CHECK(best != nullptr && best->end - best->start > pages);
  best->end -= pages;
  boot_totals.metadata_pages += pages;
  return reinterpret_cast<uint64_t*>(frame_data(address_of(best->end)));
}

void lay_out_sections() {
  FrameNumber highest = 0;
  for (FrameRange range : ram_list.span()) highest = range.end > highest ? range.end : highest;
  detail::section_count = (uint64_t{highest} + kSectionFrames - 1) / kSectionFrames;
  detail::section_bases = carve(detail::section_count * sizeof(uint64_t));
  for (uint64_t section = 0; section < detail::section_count; ++section) {
    uint64_t low = section * kSectionFrames, high = low + kSectionFrames;
    uint64_t first = high, last = low;
    for (FrameRange range : ram_list.span()) {
      if (range.start >= high || range.end <= low) continue;
      uint64_t start = range.start > low ? range.start : low;
      uint64_t end = range.end < high ? range.end : high;
      first = start < first ? start : first;
      last = end > last ? end : last;
    }
    detail::section_bases[section] = 0;
    if (first >= last) continue;
    // Merging may look at the head of any block that shares a largest block with RAM: down to the
    // block's start, and at the frame just past the end.
    first = align_down(first, uint64_t{kMaxBlock});
    if (last < high) ++last;
    uint64_t* array = carve((last - first) * sizeof(Frame));
    detail::section_bases[section] = reinterpret_cast<uint64_t>(array) - first * sizeof(Frame);
  }
}

void mark_unavailable(FrameNumber number, uint16_t flags) {
  Frame& frame = frame_at(number);
  frame.references.store_relaxed(1);
  frame.use = FrameUse::Kernel;
  frame.order = 0;
  frame.flags.store_relaxed(flags);
  frame.data = 0;
}

void mark_reserved(std::span<const PhysRange> reserved) {
  for (PhysRange physical : reserved) {
    FrameRange hole = outer_pages(physical);
    for (FrameRange ram : ram_list.span()) {
      FrameNumber start = hole.start > ram.start ? hole.start : ram.start;
      FrameNumber end = hole.end < ram.end ? hole.end : ram.end;
      for (FrameNumber number = start; number < end; ++number)
        mark_unavailable(number, kFrameReserved);
    }
  }
}

// A block that is freed looks at the head of its buddy. Inside free memory that is always the head
// of a block; beyond the edges of a free range nothing was ever written, so the possible heads are
// marked. (Marks inside a neighbouring free range are harmless: its blocks' heads are written
// afterwards.)
void mark_edges(FrameRange range) {
  if (!is_aligned(range.start, kMaxBlock)) {
    for (unsigned order = 0; order < kMaxOrder; ++order)
      mark_unavailable(align_down(range.start - 1, FrameNumber{1} << order), 0);
  }
  if (!is_aligned(range.end, kMaxBlock)) mark_unavailable(range.end, 0);
}

}  // namespace

std::span<const FrameRange> init(std::span<const PhysRange> ram,
                                 std::span<const PhysRange> reserved) {
  for (PhysRange range : ram) ram_list.add(inner_pages(range));
  for (FrameRange range : ram_list.span()) {
    boot_totals.ram_pages += range.end - range.start;
    free_list.add(range);
  }
  free_list.subtract({0, 1});
  for (PhysRange range : reserved) free_list.subtract(outer_pages(range));
  lay_out_sections();
  for (FrameRange range : free_list.span()) mark_edges(range);
  mark_reserved(reserved);  // after the edges, which it overwrites where both apply
  return free_list.span();
}

Totals totals() { return boot_totals; }

bool contains(FrameNumber number) {
  for (FrameRange range : ram_list.span()) {
    if (number >= range.start && number < range.end) return true;
  }
  return false;
}

}  // namespace table
}  // namespace kernel::frames
