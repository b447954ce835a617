// SPDX-License-Identifier: MIT
// What an ELF64 file for this machine says about itself (elf(5)), checked: bytes in, facts or
// NoExec out. No file, no memory map: the host tests feed it mutations. Segments that a header
// allows but that cannot be mapped are found by the loader (elf_loader.h), behind the point of no
// return, as on Linux.
#pragma once

#include <optional>
#include <span>

#include "lib/result.h"
#include "lib/types.h"
#include "lib/vector.h"

namespace kernel::elf {

inline constexpr size_t kHeaderSize = 64;
inline constexpr size_t kProgramHeaderSize = 56;

struct Header {
  bool position_independent = false;  // ET_DYN
  uint64_t entry = 0;
  uint64_t table_offset = 0;
  size_t table_size = 0;  // bytes, at most a page
};
// Error: NoExec.
Result<Header> parse_header(std::span<const uint8_t> bytes);

enum SegmentFlags : uint32_t { kExecute = 1, kWrite = 2, kRead = 4 };

struct Segment {
  uint64_t offset = 0;
  uint64_t address = 0;
  uint64_t file_size = 0;
  uint64_t memory_size = 0;
  uint64_t alignment = 0;
  uint32_t flags = 0;
};

struct Image {
  Header header;
  Vector<Segment> loads;              // PT_LOAD, in file order
  std::optional<Segment> interpreter; // PT_INTERP: offset and file_size
  bool executable_stack = false;      // PT_GNU_STACK
  // Where the program headers will lie, before relocation; 0: in no segment.
  uint64_t headers_address = 0;
  uint64_t greatest_alignment = 0;    // power of two, of the loads; 0: none

  // Page-aligned span of all loads; 0 when there are none.
  uint64_t lowest_page() const;
  uint64_t span() const;
};
// `table` is the file's program header table. Errors: NoExec, NoMem.
Result<Image> parse_segments(const Header& header, std::span<const uint8_t> table);

}  // namespace kernel::elf
