// SPDX-License-Identifier: MIT
// Where a core file goes: the pattern of core(5), and what its letters stand for.
#pragma once

#include "lib/string.h"
#include "task/credentials.h"
#include "task/pid.h"

namespace kernel {

struct CoreNameFacts {
  PidNumber pid, tid;
  Uid uid;
  Gid gid;
  int dumpable;
  int signal;
  int64_t time;          // seconds since 1970
  StringView host;
  StringView command;    // of the thread
  StringView path;       // of the program
  uint64_t limit;        // RLIMIT_CORE
};

// `append_pid`: kernel.core_uses_pid, for patterns that do not name the pid. Errors: NoMem.
Result<String> core_name(StringView pattern, bool append_pid, const CoreNameFacts& facts);

}  // namespace kernel
