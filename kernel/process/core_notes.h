// SPDX-License-Identifier: MIT
// The notes of a core file: what the process and each of its threads was doing (elf(5), "Notes";
// linux/elfcore.h).
#pragma once

#include "process/core_dump.h"
#include "vm/address_space.h"

namespace kernel {

// One mapping as the core file has it.
struct CoreSegment {
  UserRange range;
  uint64_t saved;         // bytes of it in the file
  uint32_t protection;
  uint64_t file_offset;   // in the mapped file
  String path;            // of it; empty: none
  bool header_only = false;  // saved for its ELF header, if it has one
};

// The first thread is the one that the signal came to. `info` is what it got. Errors: NoMem.
Result<Vector<uint8_t>> core_notes(std::span<Task* const> threads, const SignalInfo& info,
                                   std::span<const CoreSegment> segments);

}  // namespace kernel
