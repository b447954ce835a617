// SPDX-License-Identifier: MIT
// An address space's beginning and end, and how a CPU loads it. The calls on its mappings are in
// map.cc, unmap.cc, protect.cc, remap.cc, break.cc, advise.cc, lock_memory.cc; page faults in
// fault.cc; fork in fork.cc.

#include "vm/address_space.h"

#include "sync/per_cpu.h"
#include "vm/overcommit.h"

namespace kernel {

void AddressSpace::init() {
  init_zero_frame();
  sched::set_address_space_loader(load_on_this_cpu);
}

Result<Ref<AddressSpace>> AddressSpace::create() {
  AddressSpace* space = new (std::nothrow) AddressSpace;
  if (space == nullptr) return Errno::NoMem;
  Owned<AddressSpace> owned = Owned<AddressSpace>::adopt(space);
  TRY(owned->tables_.init());
  owned->mmap_base = arch::kUserLimit - kLeastStackRoom;
  return Ref<AddressSpace>::adopt(*std::move(owned).leak());
}

AddressSpace::~AddressSpace() { DCHECK(mappings_.empty()); }

void AddressSpace::last_unref(AddressSpace* space) {
  lockdep::assert_may_sleep();
  {
    DoomedMappings doomed;
    Guard guard(space->lock_);
    while (Mapping* mapping = space->mappings_.take_any()) space->forget_locked(*mapping, doomed);
    space->tables_.destroy();
  }
  if (space->executable != nullptr) unref_mapped_file(*space->executable);
  delete space;
}

// --- Loading -----------------------------------------------------------------------

namespace {

// The root in this CPU's TTBR0. A kernel thread keeps its predecessor's (it borrows), so the frame
// is held by a reference of its own: the space may end meanwhile, and leaves an empty table behind.
PER_CPU(PhysAddr, loaded_root);

}  // namespace

void AddressSpace::load_on_this_cpu(AddressSpace* space) {
  if (space == nullptr) return;
  PhysAddr root = space->root();
  arch::Asid asid = asid::activate(space->tables_.asid());
  PhysAddr& loaded = loaded_root.mine();
  if (loaded == root) return arch::set_user_table(root, asid);
  frames::get(root);
  arch::set_user_table(root, asid);
  PhysAddr before = std::exchange(loaded, root);
  if (before != PhysAddr{}) frames::put(before);
}

namespace {

// Interrupts masked. The zero page is an empty table; ASID 0 belongs to nobody.
void drop_borrowed_table(void*) {
  if (current().address_space != nullptr) return;
  PhysAddr& loaded = loaded_root.mine();
  if (loaded == PhysAddr{}) return;
  arch::set_user_table(zero_frame(), 0);
  frames::put(std::exchange(loaded, PhysAddr{}));
}

}  // namespace

void AddressSpace::drop_borrowed_tables() { sched::call_on_others(drop_borrowed_table, nullptr); }

}  // namespace kernel
