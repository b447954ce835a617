// SPDX-License-Identifier: MIT
// See elf_loader.h. A segment is file pages, then the rest of the last one cleared, then anonymous
// pages:
//
//   address            + file_size         + memory_size
//      |---- file ---------|- zeros -|--- anonymous ---|
//   page boundary                page boundary

#include "process/elf_loader.h"

#include "vm/user_copy.h"

namespace kernel {
namespace {

uint32_t protection_of(const elf::Segment& segment) {
  uint32_t protection = 0;
  if ((segment.flags & elf::kRead) != 0) protection |= kProtRead;
  if ((segment.flags & elf::kWrite) != 0) protection |= kProtWrite;
  if ((segment.flags & elf::kExecute) != 0) protection |= kProtExec;
  return protection;
}

Result<> check_segment(const elf::Segment& segment, uint64_t bias) {
  uint64_t limit = raw(arch::kUserLimit);
  uint64_t start = segment.address + bias;
  if (start >= limit || segment.file_size > segment.memory_size ||
      segment.memory_size > limit - start)
    return Errno::Inval;
  return {};
}

// The file part at `address` (page-aligned). `span`: bytes to claim there, for the segments to
// come.
Result<UserAddr> map_file_part(AddressSpace& space, File& file, const elf::Segment& segment,
                               uint64_t address, MapRequest::Placement placement, uint64_t span) {
  uint64_t into_page = segment.address % kPageSize;
  uint64_t size = align_up(segment.file_size + into_page, kPageSize);
  if (segment.file_size + into_page < segment.file_size || size == 0) return UserAddr{address};
  if (segment.offset % kPageSize != into_page) return Errno::Inval;
  if (segment.offset > kMaxFileSize || size > kMaxFileSize - segment.offset) return Errno::Overflow;
  uint32_t protection = protection_of(segment);
  MapRequest request;
  request.address = UserAddr{address};
  request.size = span > size ? align_up(span, kPageSize) : size;
  request.protection = protection;
  request.placement = placement;
  request.object = TRY(file.memory_object(protection, false));
  request.object_offset = segment.offset - into_page;
  request.file = &file;
  UserAddr at = TRY(space.map(request));
  if (request.size > size) TRY(space.unmap(at + size, request.size - size));
  return at;
}

Result<> map_zero_part(AddressSpace& space, const elf::Segment& segment, uint64_t bias,
                       bool is_last) {
  if (segment.memory_size <= segment.file_size) return {};
  uint64_t file_end = segment.address + bias + segment.file_size;
  uint64_t pages_start = align_up(file_end, kPageSize);
  uint64_t end = align_up(segment.address + bias + segment.memory_size, kPageSize);
  if (segment.file_size == 0) pages_start = align_down(file_end, kPageSize);
  if (file_end % kPageSize != 0 && segment.file_size != 0) {
    // A read-only page keeps the file's bytes behind the segment; Linux minds only for the last
    // one.
    Result<> cleared = zero_out(UserAddr{file_end}, pages_start - file_end);
    if (!cleared.ok() && is_last) return cleared;
  }
  if (end <= pages_start) return {};
  MapRequest request;
  request.address = UserAddr{pages_start};
  request.size = end - pages_start;
  request.protection = kProtRead | kProtWrite | (protection_of(segment) & kProtExec);
  request.placement = MapRequest::Placement::Fixed;
  TRY(space.map(request));
  return {};
}

void note_extent(LoadedImage& loaded, const elf::Segment& segment) {
  UserAddr start = loaded.at(segment.address);
  UserAddr file_end = start + segment.file_size;
  UserAddr end = start + segment.memory_size;
  if ((segment.flags & elf::kExecute) != 0) {
    if (loaded.code.empty() || start < loaded.code.start) loaded.code.start = start;
    if (file_end > loaded.code.end) loaded.code.end = file_end;
  }
  if (start > loaded.data.start) loaded.data.start = start;
  if (file_end > loaded.data.end) loaded.data.end = file_end;
  if (end > loaded.end) loaded.end = end;
}

}  // namespace

Result<LoadedImage> load_image(AddressSpace& space, File& file, const elf::Image& image,
                               const LoadPlace& place) {
  uint64_t span = image.span();
  LoadedImage loaded;
  bool relocatable = place.kind != LoadPlace::Kind::AsLinked;
  if (relocatable && span == 0) return Errno::Inval;
  bool first = true;
  for (const elf::Segment& segment : image.loads) {
    uint64_t page = align_down(segment.address, kPageSize);
    MapRequest::Placement placement = MapRequest::Placement::Fixed;
    uint64_t wanted = page + loaded.bias;
    if (first) {
      placement =
          place.kind == LoadPlace::Kind::Anywhere ? MapRequest::Placement::Hint : place.fixed;
      if (relocatable) wanted = place.base;
    }
    UserAddr at = TRY(
        map_file_part(space, file, segment, wanted, placement, first && relocatable ? span : 0));
    if (first && relocatable) loaded.bias = raw(at) - page;
    first = false;
    TRY(check_segment(segment, loaded.bias));
    TRY(map_zero_part(space, segment, loaded.bias,
                      &segment == &image.loads[image.loads.size() - 1]));
    note_extent(loaded, segment);
  }
  return loaded;
}

}  // namespace kernel
