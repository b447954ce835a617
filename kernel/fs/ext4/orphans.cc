// SPDX-License-Identifier: MIT
// See orphans.h.

#include "fs/ext4/orphans.h"

#include "fs/ext4/node.h"
#include "fs/ext4/volume.h"
#include "lib/crc32c.h"

namespace kernel::ext4 {
namespace {

uint32_t* slots_of(Buffer& buffer) { return reinterpret_cast<uint32_t*>(buffer.data()); }
DiskOrphanTail& tail_of(Buffer& buffer) {
  return *reinterpret_cast<DiskOrphanTail*>(buffer.data() + buffer.size() - sizeof(DiskOrphanTail));
}

}  // namespace

// --- The orphan file ---------------------------------------------------------------------

size_t Orphans::slots() const {
  return (volume_.geometry().block_size - sizeof(DiskOrphanTail)) / sizeof(uint32_t);
}

uint32_t Orphans::checksum(const Buffer& buffer) const {
  uint64_t block = buffer.block();
  uint32_t crc = crc32c(file_seed_, {reinterpret_cast<const uint8_t*>(&block), sizeof block});
  return crc32c(crc, {buffer.data(), slots() * sizeof(uint32_t)});
}

Result<> Orphans::load() {
  if (!volume_.geometry().has_compatible(kCompatOrphanFile)) return {};
  Ref<Buffer> super = TRY(volume_.super_buffer());
  uint32_t number = volume_.super_in(*super).orphan_file_inode;
  Ref<Node> file = TRY(volume_.node(number));
  if (file->type() != FileType::Regular) return Errno::Uclean;
  file_seed_ = file->checksum_seed();
  constexpr uint64_t kLimit = 512;
  uint64_t count = file->disk_size() >> volume_.geometry().block_shift;
  if (count == 0 || count > kLimit) return Errno::Uclean;
  Vector<uint64_t> blocks;
  for (uint32_t logical = 0; logical < count; ++logical) {
    BlockRun run = TRY(block_map::find(*file, logical, logical + 1));
    if (run.state != RunState::Written) return Errno::Uclean;
    TRY(blocks.append(run.physical));
  }
  file_blocks_ = std::move(blocks);
  return {};
}

Result<Ref<Buffer>> Orphans::file_block(size_t index) {
  Ref<Buffer> buffer = TRY(volume_.buffers().read(file_blocks_[index]));
  if (buffer->verified() == kVerifiedOrphans) return buffer;
  if (tail_of(*buffer).magic != kOrphanMagic) return volume_.corrupted(0, "bad orphan file block");
  if (volume_.geometry().has_metadata_checksums() && tail_of(*buffer).checksum != checksum(*buffer))
    return volume_.corrupted(0, "bad checksum of orphan file block");
  buffer->set_verified(kVerifiedOrphans);
  return buffer;
}

Result<bool> Orphans::add_to_file(Handle& handle, Node& node) {
  for (size_t index = 0; index < file_blocks_.size(); ++index) {
    Ref<Buffer> buffer = TRY(file_block(index));
    for (size_t slot = 0; slot < slots(); ++slot) {
      if (slots_of(*buffer)[slot] != 0) continue;
      TRY(handle.modify(*buffer));
      slots_of(*buffer)[slot] = node.disk_number();
      tail_of(*buffer).checksum = checksum(*buffer);
      handle.dirty(*buffer);
      node.orphan_slot = static_cast<uint32_t>(index * slots() + slot);
      return true;
    }
  }
  return false;
}

Result<> Orphans::remove_from_file(Handle& handle, Node& node) {
  Ref<Buffer> buffer = TRY(file_block(*node.orphan_slot / slots()));
  TRY(handle.modify(*buffer));
  slots_of(*buffer)[*node.orphan_slot % slots()] = 0;
  tail_of(*buffer).checksum = checksum(*buffer);
  handle.dirty(*buffer);
  node.orphan_slot.reset();
  return {};
}

bool Orphans::is_file_empty() {
  Guard guard(lock_);
  for (size_t index = 0; index < file_blocks_.size(); ++index) {
    Result<Ref<Buffer>> buffer = file_block(index);
    if (!buffer.ok()) return false;
    for (size_t slot = 0; slot < slots(); ++slot) {
      if (slots_of(**buffer)[slot] != 0) return false;
    }
  }
  return true;
}

// --- Adding and removing --------------------------------------------------------------------

Result<> Orphans::add(Handle& handle, Node& node) {
  Guard guard(lock_);
  if (node.is_orphan) return {};
  if (has_file() && TRY(add_to_file(handle, node))) {
    node.is_orphan = true;
    return {};
  }
  TRY(volume_.edit_super(handle, [&](DiskSuper& super) {
    node.next_orphan = std::exchange(super.last_orphan, node.disk_number());
  }));
  node.is_orphan = true;
  chain_.push_front(node);
  return node.store(handle);
}

Result<> Orphans::remove(Handle& handle, Node& node) {
  Guard guard(lock_);
  if (!node.is_orphan) return {};
  node.is_orphan = false;
  if (node.orphan_slot) return remove_from_file(handle, node);
  Node* before = chain_.previous(node);
  chain_.remove(node);
  uint32_t next = std::exchange(node.next_orphan, 0);
  if (before != nullptr) {
    before->next_orphan = next;
    return before->store(handle);
  }
  return volume_.edit_super(handle, [&](DiskSuper& super) { super.last_orphan = next; });
}

void Orphans::forget(Node& node) {
  Guard guard(lock_);
  if (!node.is_orphan) return;
  node.is_orphan = false;
  if (static_cast<ListNode<Node, OrphanTag>&>(node).is_linked()) chain_.remove(node);
}

// --- After a crash --------------------------------------------------------------------------

// The node's end deletes it, if it has no links; else what lies behind its size goes. False when
// the number leads nowhere.
bool Orphans::process_one(uint32_t number) {
  if (!volume_.geometry().is_named_inode(number)) return false;
  {
    Result<Handle> handle = volume_.start(4);
    if (!handle.ok()) return false;
    Result<bool> in_use = volume_.inodes().is_in_use(*handle, number);
    if (!in_use.ok() || !*in_use) return false;
  }
  Result<Ref<Node>> found = volume_.node(number);
  if (!found.ok()) return false;
  Ref<Node> node = std::move(found).take();
  if (node->links() == 0) return true;
  if (node->type() != FileType::Regular) return false;
  if (!node->free_blocks_behind().ok()) return false;
  Result<Handle> handle = volume_.start(5);
  if (!handle.ok() || !remove(*handle, *node).ok()) return false;
  return node->store(*handle).ok();
}

void Orphans::process_chain() {
  // One that is still the first after it was done could not be.
  for (uint32_t previous = 0;;) {
    uint32_t number = 0;
    {
      Result<Ref<Buffer>> super = volume_.super_buffer();
      if (!super.ok()) return;
      number = volume_.super_in(**super).last_orphan;
    }
    if (number == 0) return;
    Result<Ref<Node>> node = volume_.node(number);
    bool good = node.ok() && number != previous;
    previous = number;
    if (good) {
      {
        Guard guard(lock_);
        (*node)->is_orphan = true;
        (*node)->next_orphan = (*node)->recorded_next_orphan();
        chain_.push_front(**node);
      }
      Ref<Node> held = std::move(node).take();
      good = process_one(number);
      if (!good) {
        forget(*held);
        held->discard();
      }
    }
    if (!good) {
      // As Linux: the rest of the chain is fsck's.
      log_error("EXT4-fs ({}): bad orphan inode {}", volume_.name(), number);
      Result<Handle> handle = volume_.start(2);
      if (handle.ok())
        ignore(volume_.edit_super(*handle, [](DiskSuper& super) { super.last_orphan = 0; }));
      return;
    }
  }
}

void Orphans::process_file() {
  for (size_t index = 0; index < file_blocks_.size(); ++index) {
    for (size_t slot = 0; slot < slots(); ++slot) {
      uint32_t number = 0;
      {
        Guard guard(lock_);
        Result<Ref<Buffer>> buffer = file_block(index);
        if (!buffer.ok()) break;
        number = slots_of(**buffer)[slot];
      }
      if (number == 0) continue;
      Result<Ref<Node>> node = volume_.node(number);
      if (!node.ok()) continue;
      {
        Guard guard(lock_);
        (*node)->is_orphan = true;
        (*node)->orphan_slot = static_cast<uint32_t>(index * slots() + slot);
      }
      Ref<Node> held = std::move(node).take();
      if (!process_one(number)) {
        log_error("EXT4-fs ({}): bad orphan inode {}", volume_.name(), number);
        forget(*held);
        held->discard();
      }
    }
  }
}

void Orphans::process() {
  process_chain();
  process_file();
}

}  // namespace kernel::ext4
