// SPDX-License-Identifier: MIT
// The initial stack of a program: strings, auxiliary vector, environment and argument pointers,
// count (System V ABI for AArch64; getauxval(3)). Behind execve's point of no return.
#pragma once

#include "process/argument_block.h"
#include "process/elf.h"
#include "process/elf_loader.h"
#include "task/credentials.h"

namespace kernel {

inline constexpr uint64_t kRandomStackPages = uint64_t{1} << 18;  // STACK_RND_MASK

struct StackRequest {
  const ArgumentBlock& block;
  size_t argument_count;
  size_t environment_count;
  const elf::Image& image;
  const LoadedImage& program;
  UserAddr interpreter_base{};   // AT_BASE
  const Credentials& credentials;
  bool secure = false;
  bool randomise = true;
  bool executable = false;
};

// Maps and fills the stack of the running task's new address space; returns the stack pointer, and
// sets the layout's stack, argument, environment and auxv fields.
Result<UserAddr> build_stack(AddressSpace& space, const StackRequest& request);

}  // namespace kernel
