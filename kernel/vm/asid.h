// SPDX-License-Identifier: MIT
// Address space identifiers (Arm ARM D8.14) with generations: each space keeps its ASID for as long
// as the generation lasts, so that a switch flushes nothing. When the numbers run out a new
// generation starts: every CPU flushes its TLB before it next runs a space. ASID 0 is never given
// out.
//
//   context:  | generation ............. | ASID (8 or 16 bits) |     0: none yet
#pragma once

#include "arch/mmu.h"
#include "lib/atomic.h"

namespace kernel {

struct AsidContext {
  Atomic<uint64_t> value;
  // The CPUs that ever ran the space, one bit each; others' TLBs know nothing of it. A CPU sets its
  // bit before its first walk, with a full fence between: who changed an entry and does not find
  // the bit, with page_table_fence() between, knows that the CPU will see the change.
  Atomic<uint64_t> cpus;

  // The ASID whose TLB entries a change of the space's table must flush. An entry made under a
  // later one was made after the new generation began, thus after the CPUs' flush; but the caller's
  // store must be visible before this load: page_table_fence() stands between.
  arch::Asid asid() const { return static_cast<arch::Asid>(value.load_relaxed()); }
};

namespace asid {

// Makes the context current on this CPU: returns its ASID, a new one when its generation has
// passed. Interrupts masked.
arch::Asid activate(AsidContext& context);
// The space has gone: its number may be reused after the next roll-over.
uint64_t current_generation();
// Tests pretend a smaller ASID space; 0 restores the CPU's.
void limit_bits_for_test(unsigned bits);

}  // namespace asid
}  // namespace kernel
