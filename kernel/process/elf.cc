// SPDX-License-Identifier: MIT
// See elf.h. Little-endian fields are read by memcpy: the bytes have no alignment.

#include "process/elf.h"

#include <bit>

namespace kernel::elf {
namespace {

constexpr uint16_t kTypeExecutable = 2, kTypeShared = 3, kMachineAArch64 = 183;
constexpr uint32_t kLoad = 1, kInterpreter = 3, kGnuStack = 0x6474e551;
constexpr uint8_t kMagic[] = {0x7f, 'E', 'L', 'F'};

template <class T>
T field(std::span<const uint8_t> bytes, size_t offset) {
  T value;
  __builtin_memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

Segment segment_at(std::span<const uint8_t> entry) {
  return Segment{.offset = field<uint64_t>(entry, 8),
                 .address = field<uint64_t>(entry, 16),
                 .file_size = field<uint64_t>(entry, 32),
                 .memory_size = field<uint64_t>(entry, 40),
                 .alignment = field<uint64_t>(entry, 48),
                 .flags = field<uint32_t>(entry, 4)};
}

bool holds_table(const Segment& load, uint64_t table_offset) {
  return load.offset <= table_offset && table_offset - load.offset < load.file_size;
}

}  // namespace

Result<Header> parse_header(std::span<const uint8_t> bytes) {
  if (bytes.size() < kHeaderSize || __builtin_memcmp(bytes.data(), kMagic, sizeof kMagic) != 0)
    return Errno::NoExec;
  uint16_t type = field<uint16_t>(bytes, 16);
  if (type != kTypeExecutable && type != kTypeShared) return Errno::NoExec;
  if (field<uint16_t>(bytes, 18) != kMachineAArch64) return Errno::NoExec;
  // Like Linux, no look at EI_CLASS and EI_DATA: the machine and the entry size below decide.
  if (field<uint16_t>(bytes, 54) != kProgramHeaderSize) return Errno::NoExec;
  size_t table_size = size_t{field<uint16_t>(bytes, 56)} * kProgramHeaderSize;
  if (table_size == 0 || table_size > kPageSize) return Errno::NoExec;
  return Header{.position_independent = type == kTypeShared,
                .entry = field<uint64_t>(bytes, 24),
                .table_offset = field<uint64_t>(bytes, 32),
                .table_size = table_size};
}

Result<Image> parse_segments(const Header& header, std::span<const uint8_t> table) {
  if (table.size() < header.table_size) return Errno::NoExec;
  Image image;
  image.header = header;
  for (size_t at = 0; at + kProgramHeaderSize <= header.table_size; at += kProgramHeaderSize) {
    std::span<const uint8_t> entry = table.subspan(at, kProgramHeaderSize);
    Segment segment = segment_at(entry);
    switch (field<uint32_t>(entry, 0)) {
      case kLoad:
        if (holds_table(segment, header.table_offset))
          image.headers_address = header.table_offset - segment.offset + segment.address;
        // p_align that is no power of two is not looked at.
        if (std::has_single_bit(segment.alignment) && segment.alignment > image.greatest_alignment)
          image.greatest_alignment = segment.alignment;
        TRY(image.loads.append(segment));
        break;
      case kInterpreter:
        if (!image.interpreter) image.interpreter = segment;
        break;
      case kGnuStack:
        image.executable_stack = (segment.flags & kExecute) != 0;
        break;
      default: break;
    }
  }
  return image;
}

uint64_t Image::lowest_page() const {
  uint64_t lowest = ~uint64_t{0};
  for (const Segment& load : loads) {
    uint64_t page = align_down(load.address, kPageSize);
    if (page < lowest) lowest = page;
  }
  return lowest;
}

uint64_t Image::span() const {
  if (loads.empty()) return 0;
  uint64_t highest = 0;
  for (const Segment& load : loads) {
    uint64_t end = load.address + load.memory_size;
    if (end > highest) highest = end;
  }
  return highest - lowest_page();
}

}  // namespace kernel::elf
