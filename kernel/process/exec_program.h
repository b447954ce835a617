// SPDX-License-Identifier: MIT
// What execve will run, found out without touching the caller: scripts followed to their
// interpreters, ELF headers checked, the ELF interpreter opened (execve(2)).
#pragma once

#include "process/elf.h"
#include "process/exec.h"

namespace kernel {

struct ElfInterpreter {
  Ref<File> file;
  elf::Image image;
};

struct ExecProgram {
  Ref<File> file;      // the ELF file
  elf::Image image;
  std::optional<ElfInterpreter> interpreter;
};

// May change `strings`: a script puts its interpreter in front. Errors: those of opening; NoExec,
// Loop, LibBad.
Result<ExecProgram> find_program(const ExecFile& file, ExecStrings& strings);

}  // namespace kernel
