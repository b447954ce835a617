// SPDX-License-Identifier: MIT
// See contents.h.

#include "fs/9p/contents.h"

namespace kernel::p9 {
namespace {

constexpr uint64_t kEndOfFile = ~uint64_t{0} >> 1;

// The bytes from `from` to `to` of consecutive pages as segments; at most `limit` of them.
size_t cut(std::span<const PhysAddr> pages, uint64_t from, uint64_t to, uint32_t limit,
           std::span<P9Segment> segments) {
  size_t count = 0;
  while (from < to && limit != 0 && count < segments.size()) {
    uint64_t in_page = from & (kPageSize - 1);
    uint64_t part = kPageSize - in_page;
    if (part > to - from) part = to - from;
    if (part > limit) part = limit;
    segments[count++] = {pages[from >> kPageShift] + in_page, static_cast<uint32_t>(part)};
    from += part;
    limit -= static_cast<uint32_t>(part);
  }
  return count;
}

}  // namespace

P9Contents::~P9Contents() { DCHECK(reader_ == nullptr && writer_ == nullptr); }

Optional<Ref<Fid>> P9Contents::get(Fid* const& place) const {
  Guard guard(fid_lock_);
  if (place == nullptr) return {};
  return Ref<Fid>(*place);
}

void P9Contents::exchange(Fid*& place, Optional<Ref<Fid>> fid) {
  Optional<Ref<Fid>> old;  // ends behind the lock
  Guard guard(fid_lock_);
  if (place != nullptr) old = Ref<Fid>::adopt(*place);
  place = fid ? fid.take().leak() : nullptr;
}

void P9Contents::close() {
  if (is_dirty()) ignore(write_back(0, kEndOfFile));  // nobody is left to tell
  resize(0);
  detach();
  exchange(reader_, {});
  exchange(writer_, {});
}

void P9Contents::resize(uint64_t size) {
  if (size == this->size()) return;
  BlockChange change(*this);
  bool shorter = size < this->size();
  if (!shorter) ignore(drop_tail());  // write-back's errors are told to who has it open
  set_size(size);
  if (shorter) truncate(size);
}

void P9Contents::set_version(uint32_t version) {
  if (version_.exchange_relaxed(version) == version || resident_pages() == 0) return;
  BlockChange change(*this);
  ignore(drop(0, align_up(size(), kPageSize)));  // write-back's errors are told to who has it open
}

// Whole pages; with the fill lock held, so that no page comes back or is stored to meanwhile.
Result<> P9Contents::drop(uint64_t start, uint64_t end) {
  if (resident_pages() == 0 || start >= end) return {};
  start = align_down(start, kPageSize);
  end = align_up(end, kPageSize);
  if (is_dirty()) TRY(write_back(start, end));
  punch(start, end);
  return {};
}

Result<> P9Contents::read_pages(uint64_t first, std::span<const PhysAddr> pages) {
  Optional<Ref<Fid>> from = get(reader_);
  if (!from) return Errno::Io;
  uint64_t end = pages.size() << kPageShift, done = 0;
  while (done < end) {
    P9Segment segments[kRunPages];
    size_t count = cut(pages, done, end, from->session().max_data(), segments);
    uint32_t moved = TRY(from->read((first << kPageShift) + done, {segments, count}));
    if (moved == 0) break;
    done += moved;
  }
  for (; done < end; done = align_down(done, kPageSize) + kPageSize) {
    uint64_t in_page = done & (kPageSize - 1);
    __builtin_memset(frames::frame_data(pages[done >> kPageShift]) + in_page, 0,
                     kPageSize - in_page);
  }
  return {};
}

Result<> P9Contents::write_pages(uint64_t first, std::span<const PhysAddr> pages) {
  Optional<Ref<Fid>> to = get(writer_);
  if (!to) return Errno::Io;
  uint64_t start = first << kPageShift, end = pages.size() << kPageShift;
  if (size() < start + end) end = size() > start ? size() - start : 0;
  for (uint64_t done = 0; done < end;) {
    P9Segment segments[kRunPages];
    size_t count = cut(pages, done, end, to->session().max_data(), segments);
    uint32_t moved = TRY(to->write(start + done, {segments, count}));
    if (moved == 0) return Errno::Io;
    done += moved;
  }
  return {};
}

}  // namespace kernel::p9
