// SPDX-License-Identifier: MIT
// Bytes out of a DiskObject's pages, and read-ahead.

#include "vm/disk_object.h"
#include "vm/page_cache.h"

namespace kernel {

Result<size_t> DiskObject::read(IoBuffer& buffer, uint64_t offset, ReadAhead& state) {
  size_t total = 0;
  for (;;) {
    uint64_t end = size();
    if (buffer.remaining() == 0 || offset >= end) break;
    uint64_t index = offset >> kPageShift;
    std::optional<PhysAddr> page = peek_page(index);
    if (!page) {
      uint64_t wanted = pages_for((offset & (kPageSize - 1)) + buffer.remaining());
      Result<> filled = fill_for_read(index, wanted, state);
      if (filled.failed_with(Errno::Fault)) break;  // truncated meanwhile
      if (!filled.ok()) return total != 0 ? Result<size_t>(total) : filled.error();
      page = find_page(index);
      if (!page) continue;
    }
    Frame& frame = frames::frame_of(*page);
    if (state.note_read(index)) page_lru::note_use(frame);
    size_t in_page = offset & (kPageSize - 1);
    size_t part = kPageSize - in_page;
    if (part > end - offset) part = end - offset;
    if (part > buffer.remaining()) part = buffer.remaining();
    size_t moved = buffer.put_nofault(frames::frame_data(*page) + in_page, part);
    frames::put(*page);
    total += moved;
    offset += moved;
    if (moved < part) break;
  }
  return total;
}

// A whole window at once; when that fails, the wanted page alone says why.
Result<> DiskObject::fill_for_read(uint64_t index, uint64_t wanted, ReadAhead& state) {
  size_t count = state.on_miss(index, wanted);
  Result<> filled = fill(index, count);
  if (!filled.ok() && count > 1 && !filled.failed_with(Errno::Fault)) return fill(index, 1);
  if (count > kRunPages && filled.ok()) read_ahead(index + kRunPages, count - kRunPages);
  return filled;
}

void DiskObject::read_ahead(uint64_t first, uint64_t count) {
  uint64_t end = pages_for(size());
  if (first >= end) return;
  if (count > end - first) count = end - first;
  for (uint64_t last = first + count; first < last;) {
    if (is_resident(first)) {
      ++first;
      continue;
    }
    size_t part = last - first < kRunPages ? last - first : kRunPages;
    if (!fill(first, part).ok()) return;
    // Past what is there now, and what another one is filling.
    do ++first;
    while (first < last && is_resident(first));
  }
}

Result<> DiskObject::bring_in(uint64_t index, ReadAhead::Pattern pattern) {
  if (pattern != ReadAhead::Pattern::Random) {
    // Around the page: neighbours that were there before are wanted as often as those behind.
    constexpr uint64_t kBefore = ReadAhead::kMaxPages / 4;
    bool forwards = pattern == ReadAhead::Pattern::Sequential;
    uint64_t first = forwards ? index : align_down(index, kBefore);
    while (first < index && is_resident(first)) ++first;
    ignore(fill(first, ReadAhead::kMaxPages));
  }
  PhysAddr page = TRY(add_page(index));
  page_lru::note_use(frames::frame_of(page));
  frames::put(page);
  return {};
}

}  // namespace kernel
