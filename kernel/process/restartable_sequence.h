// SPDX-License-Identifier: MIT
// rseq(2): a short piece of user code that starts over when the thread was preempted, moved or
// signalled in its middle, so that it may work on data of one CPU without atomics. The thread's
// area tells it the CPU that it runs on; the code announces itself there before it begins.
#pragma once

#include "arch/trap_frame.h"
#include "task/task.h"
#include "vm/user_copy.h"

namespace kernel {

// The area as programs see it (struct rseq of linux/rseq.h, of Linux 6.1).
struct RestartableArea {
  static constexpr uint32_t kUnregistered = UINT32_MAX;  // in cpu_id
  static constexpr uint64_t kAlignment = 32, kSize = 32;

  // cpu_id_start and cpu_id, which are told apart only while nothing is registered.
  static Result<> write_cpu(UserAddr area, uint32_t start, uint32_t now) {
    const uint32_t ids[] = {start, now};
    return UserOut<uint32_t>(area).write_array(ids, 2);
  }
  // rseq_cs: what runs, or 0.
  static UserInOut<uint64_t> sequence_of(UserAddr area) { return UserInOut<uint64_t>(area + 8); }
  static UserIn<uint32_t> flags_of(UserAddr area) { return UserIn<uint32_t>(area + 16); }
};

// Brings the area up to date; inside a sequence the program goes on at its abort handler. Fault or
// Inval: area or sequence are broken, which is SIGSEGV to the caller. Own thread, no locks.
Result<> update_restartable_sequence(Task& task, arch::TrapFrame& frame);

// The running task's area from now on; null: none.
void set_restartable_area(Task& task, UserAddr area, uint32_t signature);

}  // namespace kernel
