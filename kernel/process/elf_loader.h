// SPDX-License-Identifier: MIT
// Maps the segments of an ELF image into the running task's address space. Failures here come
// behind the point of no return of execve: the program dies of them.
#pragma once

#include "fs/vfs/file.h"
#include "process/elf.h"
#include "vm/address_space.h"

namespace kernel {

struct LoadedImage {
  uint64_t bias = 0;      // added to every address in the file
  UserRange code, data;   // for /proc/PID/stat and the like
  UserAddr end{};         // behind the last byte of memory: where the heap may start

  UserAddr at(uint64_t file_address) const { return UserAddr{file_address + bias}; }
};

struct LoadPlace {
  // Programs: their own address; for position-independent ones with an interpreter, a random base;
  // without one, where mmap puts them. Interpreters: where mmap puts them.
  enum class Kind : uint8_t { AsLinked, At, Anywhere } kind = Kind::AsLinked;
  uint64_t base = 0;
  // Fixed addresses refuse to replace what is mapped already.
  MapRequest::Placement fixed = MapRequest::Placement::FixedNoReplace;
};

// Errors: Inval for impossible segments, what mmap says, Fault when the bss cannot be cleared.
Result<LoadedImage> load_image(AddressSpace& space, File& file, const elf::Image& image,
                               const LoadPlace& place);

}  // namespace kernel
