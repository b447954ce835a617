// SPDX-License-Identifier: MIT
// How a buffer goes through transactions:
//
//   clean ──modify──▶ running ──commit──▶ committing ──▶ checkpoint (in the log) ──▶ clean
//                        ▲                    │ modify: next_ = the running one;
//                        └────────────────────┘ frozen_ = a copy, unless it is staged already
//
// A buffer on a checkpoint list may be in a transaction again: then it is written home after that
// one's commit only, for home must never see what is not in the log.
#include "fs/jbd2/transaction.h"
#include "mm/heap.h"

namespace kernel::jbd2 {

// --- Before a change ---

bool Journal::needs_copy_locked(const Buffer& buffer, const Transaction& mine) const {
  const Transaction* owner = buffer.transaction_.load_relaxed();
  return owner != nullptr && owner != &mine && buffer.dirty_.load_relaxed() && !buffer.forgotten_ &&
         !buffer.staged_ && buffer.frozen_ == nullptr;
}

Result<> Journal::claim(Buffer& buffer, Transaction& mine, Claim kind) {
  if (is_aborted()) return Errno::RoFs;
  uint8_t* spare = nullptr;
  for (bool done = false; !done;) {
    {
      Guard guard(lock_);
      bool copy = needs_copy_locked(buffer, mine);
      if (!copy || spare != nullptr) {
        if (copy) {
          __builtin_memcpy(spare, buffer.data_, buffer.size());
          buffer.frozen_ = std::exchange(spare, nullptr);
        }
        claim_locked(buffer, mine);
        if (kind == Claim::Create) {
          (buffer.transaction_.load_relaxed() == &mine ? buffer.forgotten_
                                                       : buffer.next_forgotten_) = false;
        }
        // The block lives again: its copy in this transaction is not to be skipped.
        if (!mine.revokes.empty()) {
          if (Revoke* revoke = mine.revokes.find(buffer.block_)) mine.revokes.remove(*revoke);
        }
        done = true;
      }
    }
    if (!done) {
      uint32_t size = buffer.size();
      spare = static_cast<uint8_t*>(heap::allocate(size, size, AllocationFlags::None));
      if (spare == nullptr) return Errno::NoMem;
    }
  }
  heap::free(spare);
  return {};
}

void Journal::claim_locked(Buffer& buffer, Transaction& mine) {
  Transaction* owner = buffer.transaction_.load_relaxed();
  if (owner == &mine || buffer.next_.load_relaxed() == &mine) return;
  if (owner == nullptr) return file_locked(buffer, mine);
  touch_locked(mine);
  buffer.next_.store_release(&mine);
  ++mine.incoming;
}

void Journal::file_locked(Buffer& buffer, Transaction& transaction) {
  touch_locked(transaction);
  if (buffer.checkpoint_ == nullptr) buffer.ref();  // the journal's own
  buffer.transaction_.store_release(&transaction);
  transaction.buffers.push_back(buffer);
}

// --- After it ---

// True when it is the transaction's first change of this buffer.
bool Journal::set_dirty(Buffer& buffer, Transaction& mine) {
  if (buffer.transaction_.load_acquire() == &mine) return !buffer.dirty_.exchange_relaxed(true);
  Guard guard(lock_);
  if (buffer.transaction_.load_relaxed() == &mine) return !buffer.dirty_.exchange_relaxed(true);
  if (buffer.next_.load_relaxed() == &mine) return !std::exchange(buffer.next_dirty_, true);
  DCHECK(is_aborted());  // modify() was not called
  return false;
}

// --- Freed blocks ---

Result<> Journal::revoke(uint64_t block, Handle& handle) {
  if (is_aborted()) return Errno::RoFs;
  Transaction& mine = *handle.transaction_;
  Optional<Owned<Revoke>> record;
  if (log_) record = TRY(make_owned<Revoke>(block, static_cast<uint32_t>(mine.id)));
  Optional<Ref<Buffer>> buffer = cache_.find(block);
  bool involved = false;
  bool reserved = false;
  for (;;) {
    {
      Guard guard(lock_);
      bool known = !record || mine.revokes.find(block) != nullptr;
      bool needs_block = !known && mine.revokes.count() == mine.revoke_room;
      if (!needs_block || reserved) {
        if (needs_block) {
          mine.revoke_room += revokes_per_block_;
          reserved = false;
        }
        if (!known) {
          touch_locked(mine);
          mine.revokes.insert(record.take());
        }
        if (buffer) involved = forget_locked(*buffer, mine);
        break;
      }
    }
    // A block of the log for the next records, from the handle's credits.
    if (handle.root_->credits_ != 0) {
      --handle.root_->credits_;
    } else if (!reserve_more(1)) {
      return Errno::NoSpc;
    }
    reserved = true;
  }
  if (reserved) ++handle.root_->credits_;  // another thread was quicker
  if (buffer) {
    buffer.reset();
    if (!involved) cache_.forget(block);
  }
  return {};
}

// What becomes of the buffer of a block that `mine` freed. False: the journal knows nothing of it.
bool Journal::forget_locked(Buffer& buffer, Transaction& mine) {
  Transaction* owner = buffer.transaction_.load_relaxed();
  if (owner == nullptr && buffer.checkpoint_ == nullptr) return false;
  claim_locked(buffer, mine);
  if (buffer.transaction_.load_relaxed() == &mine) {
    buffer.forgotten_ = true;
    buffer.dirty_.store_relaxed(false);
  } else {
    buffer.next_forgotten_ = true;
    buffer.next_dirty_ = false;
  }
  return true;
}

// --- In a commit ---

// Copies what the committing transaction made of the buffer. From here on others may change it.
void Journal::stage(Buffer& buffer, uint8_t* to) {
  uint8_t* frozen = nullptr;
  {
    Guard guard(lock_);
    frozen = std::exchange(buffer.frozen_, nullptr);
    __builtin_memcpy(to, frozen != nullptr ? frozen : buffer.data_, buffer.size());
    buffer.staged_ = true;
  }
  heap::free(frozen);
}

// The transaction is over. Its buffers go to its checkpoint list or on to the next transaction.
void Journal::release_buffers(Transaction& transaction, bool lost) {
  constexpr size_t kAtOnce = 32;
  for (;;) {
    uint64_t freed[kAtOnce];
    size_t freed_count = 0;
    Buffer* waiting = nullptr;
    bool more = false;
    {
      Guard guard(lock_);
      for (size_t i = 0; i < kAtOnce; ++i) {
        Buffer* buffer = transaction.buffers.front();
        more = buffer != nullptr;
        if (!more) break;
        // Old contents on their way home must not arrive after the block was given to somebody.
        if (buffer->forgotten_ && buffer->writing_home_) {
          waiting = buffer;
          break;
        }
        uint64_t block = buffer->block_;  // the buffer may be gone after this
        if (release_locked(*buffer, transaction, lost)) freed[freed_count++] = block;
      }
    }
    for (size_t i = 0; i < freed_count; ++i) cache_.forget(freed[i]);
    if (!more) return;
    if (waiting == nullptr) continue;
    auto arrived = [this, waiting] {
      Guard guard(lock_);
      return !waiting->writing_home_;
    };
    ignore(commit_waiters_.wait(arrived, WaitMode::Uninterruptible));
  }
}

// True when the buffer's block was freed and nobody has made anything new of it.
bool Journal::release_locked(Buffer& buffer, Transaction& transaction, bool lost) {
  transaction.buffers.remove(buffer);
  heap::free(std::exchange(buffer.frozen_, nullptr));
  buffer.staged_ = false;
  bool freed = buffer.forgotten_ && !lost;
  bool logged = !buffer.forgotten_ && buffer.dirty_.load_relaxed() && !lost && log_;
  if (buffer.checkpoint_ != nullptr && (freed || logged)) leave_checkpoint_locked(buffer);
  if (logged) {
    buffer.checkpoint_ = &transaction;
    transaction.checkpoint.push_back(buffer);
    ++transaction.checkpoint_count;
  }
  Transaction* next = buffer.next_.load_relaxed();
  buffer.dirty_.store_relaxed(std::exchange(buffer.next_dirty_, false));
  buffer.forgotten_ = std::exchange(buffer.next_forgotten_, false);
  // In this order: a handle of `next` that looks without the lock finds it in one or the other.
  buffer.transaction_.store_release(next);
  buffer.next_.store_release(nullptr);
  if (next != nullptr) {
    --next->incoming;
    next->buffers.push_back(buffer);
  } else if (buffer.checkpoint_ == nullptr) {
    buffer.unref();  // never the last: the cache has one
  }
  return freed && next == nullptr;
}

void Journal::leave_checkpoint_locked(Buffer& buffer) {
  buffer.checkpoint_->checkpoint.remove(buffer);
  --buffer.checkpoint_->checkpoint_count;
  buffer.checkpoint_ = nullptr;
}

}  // namespace kernel::jbd2
