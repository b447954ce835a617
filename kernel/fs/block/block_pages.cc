// SPDX-License-Identifier: MIT
// See block_pages.h.

#include "fs/block/block_pages.h"

#include "lib/log.h"
#include "vm/write_back.h"

namespace kernel {
namespace {

constexpr unsigned kDirectOrder = 4;  // of the buffer between a user's memory and the device

// First opens and last closes, one after the other: BlockDevice::pages changes under it.
constinit Mutex<LockRank::BlockOpen> open_lock;

// The dirty pages of all devices, for good.
WriteBackGroup& all_devices() {
  static WriteBackGroup group;
  return group;
}

// As Linux has it: as large as the device's size is a multiple of, up to a page.
uint32_t first_unit(const BlockDevice& device) {
  uint32_t size = device.logical_block_size();
  while (size < kPageSize && (device.size() & size) == 0) size *= 2;
  return size;
}

// A transfer of whole blocks is all or nothing.
Result<> all_of(Result<size_t> moved, size_t wanted) {
  if (!moved.ok()) return moved.error();
  return *moved == wanted ? Result<>() : Errno::Fault;
}

BlockPages* pages_of(BlockDevice& device) {
  return static_cast<BlockPages*>(device.pages.load_relaxed());
}

}  // namespace

BlockPages::BlockPages(BlockDevice& device)
    : DiskObject(all_devices()), device_(device), unit_(first_unit(device)) {
  set_size(device.size());
}

Result<Ref<BlockPages>> BlockPages::open(BlockDevice& device) {
  Guard guard(open_lock);
  Ref<BlockPages> pages = pages_of(device) != nullptr ? Ref<BlockPages>(*pages_of(device))
                                                      : TRY(make_ref<BlockPages>(device));
  TRY(BlockRegistry::open(device));
  if (pages_of(device) == nullptr) {
    pages->ref();  // the device's
    device.pages.store_relaxed(pages.get());
  }
  return pages;
}

void BlockPages::close(BlockDevice& device) {
  Guard guard(open_lock);
  if (!BlockRegistry::close(device)) return;
  Ref<BlockPages> last = Ref<BlockPages>::adopt(*pages_of(device));
  device.pages.store_relaxed(nullptr);
  if (Result<> written = last->write_back(0, last->size()); !written.ok())
    log_error("{}: error {} writing at the last close", device.name(), written.error());
  last->truncate(0);
  last->leave_group();
}

Result<> BlockPages::write_back_all(BlockDevice& device) {
  Guard guard(open_lock);
  BlockPages* pages = pages_of(device);
  return pages != nullptr ? pages->write_back(0, pages->size()) : Result<>();
}

// The device's bytes of these pages; what lies behind its end is zero in memory.
Result<> BlockPages::transfer(BlockOperation operation, uint64_t first,
                              std::span<const PhysAddr> pages) {
  BlockSegment segments[kRunPages];
  uint64_t left = device_->size() - (first << kPageShift);
  size_t count = 0;
  for (PhysAddr page : pages) {
    auto part = static_cast<uint32_t>(left < kPageSize ? left : kPageSize);
    if (part == 0) break;
    segments[count++] = {page, part};
    left -= part;
  }
  BlockRequest request;
  request.operation = operation;
  request.sector = first << (kPageShift - kSectorShift);
  request.segments = std::span(segments).first(count);
  return device_->execute(request);
}

Result<> BlockPages::read_pages(uint64_t first, std::span<const PhysAddr> pages) {
  uint64_t end = (first + pages.size()) << kPageShift;
  if (end > size()) {
    size_t tail = end - size();
    __builtin_memset(frames::frame_data(pages.back()) + kPageSize - tail, 0, tail);
  }
  return transfer(BlockOperation::Read, first, pages);
}

Result<> BlockPages::write_pages(uint64_t first, std::span<const PhysAddr> pages) {
  return transfer(BlockOperation::Write, first, pages);
}

Result<> BlockPages::forget(uint64_t start, uint64_t end) {
  TRY(write_back(start, end));
  invalidate(align_down(start, kPageSize), align_up(end, kPageSize), /*even_mapped=*/true);
  return {};
}

Result<size_t> BlockPages::write_some(IoBuffer& buffer, uint64_t offset) {
  Guard guard(lock_writes_);
  return write(buffer, offset);
}

// --- O_DIRECT ------------------------------------------------------------------------

Result<size_t> BlockPages::direct(BlockOperation operation, IoBuffer& buffer, uint64_t offset) {
  PhysAddr room = TRY(frames::allocate(kDirectOrder));
  uint8_t* data = frames::frame_data(room);
  size_t total = 0;
  Result<> result;
  while (buffer.remaining() != 0 && offset < size()) {
    size_t part = kPageSize << kDirectOrder;
    if (part > buffer.remaining()) part = buffer.remaining();
    if (part > size() - offset) part = size() - offset;
    if (operation == BlockOperation::Write) {
      result = all_of(buffer.take(data, part), part);
      if (result.ok()) result = device_->write(offset, {data, part});
    } else {
      result = device_->read(offset, {data, part});
      if (result.ok()) result = all_of(buffer.put(data, part), part);
    }
    if (!result.ok()) break;
    total += part;
    offset += part;
  }
  frames::free(room);
  if (total == 0 && !result.ok()) return result.error();
  return total;
}

Result<> BlockPages::write_zeroes(uint64_t start, uint64_t length) {
  constexpr size_t kRoom = kPageSize << kDirectOrder;
  PhysAddr room = TRY(frames::allocate(kDirectOrder, FrameUse::Kernel, AllocationFlags::Zero));
  Result<> result;
  while (length != 0 && result.ok()) {
    size_t part = length < kRoom ? length : kRoom;
    result = device_->write(start, {frames::frame_data(room), part});
    start += part;
    length -= part;
  }
  frames::free(room);
  return result;
}

Result<size_t> BlockPages::read_direct(IoBuffer& buffer, uint64_t offset) {
  TRY(write_back(offset, offset + buffer.remaining()));
  return direct(BlockOperation::Read, buffer, offset);
}

Result<size_t> BlockPages::write_direct(IoBuffer& buffer, uint64_t offset) {
  uint64_t end = offset + buffer.remaining();
  TRY(write_back(offset, end));
  Result<size_t> moved = direct(BlockOperation::Write, buffer, offset);
  // What was in the cache, or came there meanwhile, is old now.
  invalidate(align_down(offset, kPageSize), align_up(end, kPageSize), /*even_mapped=*/true);
  return moved;
}

}  // namespace kernel
