// SPDX-License-Identifier: MIT
// Access to the memory of another process, page by page through the linear map:
// process_vm_readv(2), /proc/PID/mem, ptrace(2). The page is held by a reference while bytes move,
// without a lock, because the other end is user memory too.

#include "vm/fault.h"

namespace kernel {

// The frame behind an address, with a reference, brought in when need be.
Result<PhysAddr> AddressSpace::hold_page(UserAddr address, MemoryAccess access) {
  bool write = access == MemoryAccess::Write || access == MemoryAccess::ForceWrite;
  Fault fault;
  fault.page = page_of(address);
  fault.access = write ? arch::Access::Write : arch::Access::Read;
  fault.force = access == MemoryAccess::ForceRead || access == MemoryAccess::ForceWrite;
  for (;;) {
    {
      ReadGuard guard(lock_);
      if (std::optional<PhysAddr> held = hold_present_locked(fault)) return *held;
    }
    TRY(resolve(fault));
  }
}

std::optional<PhysAddr> AddressSpace::hold_present_locked(const Fault& fault) {
  const Mapping* mapping = mappings_.containing(fault.page);
  if (mapping == nullptr) return {};
  uint32_t protection = fault.force ? uint32_t{kProtAll} : mapping->protection;
  bool write = fault.access == arch::Access::Write;
  if (protection == kProtNone || (write && (protection & kProtWrite) == 0)) return {};
  LeafTable leaf;
  if (!tables_.lock_leaf(fault.page, leaf)) return {};
  PageEntry entry = leaf.get(fault.page);
  if (entry == 0) return {};
  PhysAddr frame = Format::address(entry);
  if (write) {
    // Writable by the program, or at least its own: the bytes change for nobody else.
    bool own = is_owned(entry) && frames::frame_of(frame).references.load_acquire() == 1;
    bool shared = mapping->flags.shared && Format::attributes(entry).writable;
    if ((!own && !shared) || tables_.is_leaf_shared(fault.page)) return {};
  }
  frames::get(frame);
  return frame;
}

// The page may have been written back while the bytes moved: it has to be dirty after them.
Result<> AddressSpace::note_written(UserAddr address, MemoryAccess access) {
  frames::put(TRY(hold_page(address, access)));
  return {};
}

Result<size_t> AddressSpace::access_memory(UserAddr start, IoBuffer& buffer, MemoryAccess access) {
  bool write = access == MemoryAccess::Write || access == MemoryAccess::ForceWrite;
  size_t total = 0;
  while (buffer.remaining() != 0) {
    UserAddr at = start + total;
    Result<PhysAddr> frame = at < arch::kUserLimit ? hold_page(at, access) : Errno::Fault;
    if (!frame.ok()) {
      if (total != 0) return total;
      return frame.failed_with(Errno::NoMem) ? Errno::NoMem : Errno::Fault;
    }
    size_t offset = page_offset(at);
    size_t part = kPageSize - offset;
    if (part > buffer.remaining()) part = buffer.remaining();
    uint8_t* data = frames::frame_data(*frame);
    const Frame& record = frames::frame_of(*frame);
    bool has_disk = record.use == FrameUse::Object && record.owner != nullptr;
    Result<size_t> moved =
        write ? buffer.take(data + offset, part) : buffer.put(data + offset, part);
    if (write) arch::sync_instruction_cache(arch::linear_address(*frame), kPageSize);
    frames::put(*frame);
    if (write && has_disk) TRY(note_written(at, access));
    if (!moved.ok()) return total != 0 ? Result<size_t>(total) : moved.error();
    total += *moved;
    if (*moved < part) break;
  }
  return total;
}

}  // namespace kernel
