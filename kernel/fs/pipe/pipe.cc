// SPDX-License-Identifier: MIT
// See pipe.h. No user copy may fault under the lock: a reader copies what it can and makes the rest
// accessible outside; so does a writer while there is an emptied page to fill; else it fills a page
// of its own first and only hangs it in under the lock.

#include "fs/pipe/pipe.h"

#include "fs/vfs/identity.h"
#include "task/signal_post.h"

namespace kernel {
namespace {

constexpr size_t kMaxUnprivileged = 1 * MiB;  // /proc/sys/fs/pipe-max-size
constexpr size_t kMaxCapacity = size_t{1} << 31;
constexpr uint32_t kMostSlots = 65536;  // one allocation of Linux's for the ring

}  // namespace

Pipe::Slot& Pipe::Slot::operator=(Slot&& other) noexcept {
  if (this == &other) return *this;
  reset();
  page_ = other.page_;
  offset_ = other.offset_;
  size_ = other.size_;
  packet_ = other.packet_;
  mergeable_ = other.mergeable_;
  held_ = std::exchange(other.held_, false);
  return *this;
}

void Pipe::Slot::reset() {
  if (held_) frames::put(page_);
  held_ = false;
}

Result<Pipe::Slot> Pipe::Slot::create() { return Slot(TRY(frames::allocate()), 0, 0); }

bool Pipe::Slot::is_reusable() const {
  if (!held_) return false;
  const Frame& frame = frames::frame_of(page_);
  return frame.use == FrameUse::Kernel && frame.references.load_acquire() == 1;
}

Pipe::Slot Pipe::Slot::share(uint32_t size) {
  frames::get(page_);
  mergeable_ = false;
  Slot other(page_, offset_, size);
  other.mergeable_ = false;
  other.packet_ = packet_;
  return other;
}

Result<Ref<Pipe>> Pipe::create() {
  auto* made = new (std::nothrow) Pipe;
  if (made == nullptr) return Errno::NoMem;
  Ref<Pipe> pipe = Ref<Pipe>::adopt(*made);
  Guard guard(pipe->lock_);
  TRY(pipe->slots_.resize(2 * kDefaultSlots));
  return pipe;
}

void Pipe::publish_counts_locked() {
  has_data_.store_release(used_ != 0);
  has_room_.store_release(used_ < limit_);
  used_pages_.store_relaxed(used_);
}

// One sleeper is enough: it wakes the next one when it leaves something. Who did not sleep wakes
// nobody for that: epoll's edges are those of data and room that came, as on Linux.
void Pipe::wake_readers() { read_queue_.wake(1, kPollIn | kPollRdNorm); }
void Pipe::wake_writers() { write_queue_.wake(1, kPollOut | kPollWrNorm); }

void Pipe::drop_first_locked() {
  Slot& first = slot_locked(0);
  if (!spare_.is_held() && first.is_reusable()) {
    spare_ = std::move(first);
    spare_.rewind();
  } else {
    first = Slot();
  }
  ++first_;
  --used_;
}

// Copies out as far as the buffer is accessible; `fault_at` tells how far behind the cursor it is
// not. A packet ends a read and loses its rest.
size_t Pipe::drain_locked(IoBuffer& buffer, std::optional<size_t>& fault_at) {
  size_t total = 0;
  while (used_ != 0 && buffer.remaining() != 0) {
    Slot& slot = slot_locked(0);
    size_t wanted = slot.size() < buffer.remaining() ? slot.size() : buffer.remaining();
    size_t moved = buffer.put_nofault(slot.data(), wanted);
    if (moved < wanted) {
      // All of it or nothing: what the user cannot have stays in the pipe.
      buffer.rewind(moved);
      fault_at = moved;
      break;
    }
    slot.consume(static_cast<uint32_t>(wanted));
    total += wanted;
    bool packet = slot.is_packet();
    if (slot.size() == 0 || packet) drop_first_locked();
    if (packet) break;
  }
  publish_counts_locked();
  return total;
}

Result<size_t> Pipe::read(IoBuffer& buffer, bool nonblocking) {
  if (buffer.remaining() == 0) return size_t{0};
  size_t total = 0;
  bool slept = false;
  for (;;) {
    std::optional<size_t> fault_at;
    bool was_full = false;
    bool more = false;
    {
      Guard guard(lock_);
      was_full = is_full_locked();
      total += drain_locked(buffer, fault_at);
      more = used_ != 0;
      was_full = was_full && !is_full_locked();
    }
    if (was_full) wake_writers();
    if (fault_at) {
      buffer.skip(*fault_at);
      Result<> accessible = buffer.fault_in(true);
      buffer.rewind(*fault_at);
      if (accessible.ok()) continue;
      if (total == 0) return accessible.error();
    }
    if (total != 0) {
      if (more && slept) wake_readers();
      return total;
    }
    if (writers() == 0 && !has_data_.load_acquire()) return size_t{0};
    if (nonblocking) return Errno::Again;
    TRY(read_queue_.wait([this] { return has_data_.load_acquire() || writers() == 0; },
                         WaitMode::Interruptible, {}, true));
    slept = true;
  }
}

Result<> Pipe::check_reader() {
  if (readers() != 0) return {};
  signal_self(Signal::Pipe);
  return Errno::Pipe;
}

// True: it slept for the room, and has taken the wake-up of whoever waits behind it.
Result<bool> Pipe::wait_writable(bool nonblocking) {
  for (bool slept = false;; slept = true) {
    TRY(check_reader());
    if (has_room_.load_acquire()) return slept;
    if (nonblocking) return Errno::Again;
    async_readers.notify(FileEvent::In);
    TRY(write_queue_.wait([this] { return has_room_.load_acquire() || readers() == 0; },
                          WaitMode::Interruptible, {}, true));
  }
}

// A short tail goes behind the last slot's bytes when it fits there as a whole.
bool Pipe::merge_locked(IoBuffer& buffer) {
  size_t tail = buffer.remaining() % kPageSize;
  if (used_ == 0 || tail == 0) return false;
  Slot& last = slot_locked(used_ - 1);
  if (last.room() < tail) return false;
  size_t moved = buffer.take_nofault(last.data() + last.size(), tail);
  if (moved < tail) {
    buffer.rewind(moved);  // the page that write() fills takes it
    return false;
  }
  last.append(static_cast<uint32_t>(tail));
  return true;
}

// The next page's worth, into the page that was emptied last. False: there is no such page, no
// room, or not all of it is accessible.
bool Pipe::append_locked(IoBuffer& buffer, bool packet) {
  if (!spare_.is_held() || is_full_locked() || readers() == 0) return false;
  size_t wanted = buffer.remaining() < kPageSize ? buffer.remaining() : kPageSize;
  size_t moved = buffer.take_nofault(spare_.data(), wanted);
  if (moved < wanted) {
    buffer.rewind(moved);
    return false;
  }
  spare_.append(static_cast<uint32_t>(wanted));
  if (packet) spare_.make_packet();
  ++used_;
  slot_locked(used_ - 1) = std::move(spare_);
  publish_counts_locked();
  return true;
}

// A page's worth of the buffer, or what is left of it. No lock is held.
Result<> Pipe::fill(Slot& slot, IoBuffer& buffer) {
  size_t wanted = buffer.remaining() < kPageSize ? buffer.remaining() : kPageSize;
  while (slot.size() < wanted) {
    size_t moved = TRY(buffer.take(slot.data() + slot.size(), wanted - slot.size()));
    slot.append(static_cast<uint32_t>(moved));
  }
  return {};
}

Result<size_t> Pipe::write(IoBuffer& buffer, bool nonblocking, bool packets) {
  if (buffer.remaining() == 0) return size_t{0};
  size_t before = buffer.moved();
  Result<> result = check_reader();
  Slot spare;
  if (result.ok()) {
    Guard guard(lock_);
    if (!packets) merge_locked(buffer);
    if (buffer.remaining() != 0 && !append_locked(buffer, packets)) spare = std::move(spare_);
  }
  // Readers are told once, at the end and before each sleep.
  size_t told = before;
  auto tell_readers = [&] {
    if (std::exchange(told, buffer.moved()) != buffer.moved()) wake_readers();
  };
  bool slept = false;
  while (result.ok() && buffer.remaining() != 0) {
    if (!has_room_.load_acquire()) tell_readers();
    Result<bool> waited = wait_writable(nonblocking);
    if (!waited.ok()) {
      result = waited.error();
      break;
    }
    slept |= *waited;
    Result<Slot> slot = spare.is_held() ? Result<Slot>(std::move(spare)) : Slot::create();
    if (!slot.ok()) {
      result = slot.error();
      break;
    }
    size_t start = buffer.moved();
    result = fill(*slot, buffer);
    size_t filled = buffer.moved() - start;
    // A write of at most PIPE_BUF bytes happens whole or not at all.
    if (!result.ok()) {
      buffer.rewind(filled);
      break;
    }
    if (packets) slot->make_packet();
    Result<bool> hung_in = insert(*slot, nonblocking);
    if (hung_in.ok()) {
      slept |= *hung_in;
    } else {
      result = hung_in.error();
      buffer.rewind(filled);
    }
  }
  tell_readers();
  if (slept && has_room_.load_acquire()) wake_writers();
  size_t moved = buffer.moved() - before;
  if (moved != 0) return moved;
  return result.ok() ? Result<size_t>(size_t{0}) : Result<size_t>(result.error());
}

// Takes the slot when there is room, and sleeps until then. True: it slept.
Result<bool> Pipe::insert(Slot& slot, bool nonblocking) {
  for (bool slept = false;; slept |= TRY(wait_writable(nonblocking))) {
    Guard guard(lock_);
    if (readers() == 0 || is_full_locked()) continue;
    ++used_;
    slot_locked(used_ - 1) = std::move(slot);
    publish_counts_locked();
    return slept;
  }
}

Result<> Pipe::push(Slot slot, bool nonblocking) {
  bool slept = TRY(insert(slot, nonblocking));
  wake_readers();
  if (slept && has_room_.load_acquire()) wake_writers();
  return {};
}

Result<bool> Pipe::wait_readable(bool nonblocking) {
  for (;;) {
    if (has_data_.load_acquire()) return true;
    if (writers() == 0) return has_data_.load_acquire();
    if (nonblocking) return Errno::Again;
    TRY(read_queue_.wait([this] { return has_data_.load_acquire() || writers() == 0; },
                         WaitMode::Interruptible, {}, true));
  }
}

Result<std::optional<Pipe::Slot>> Pipe::pop(size_t most, bool nonblocking) {
  for (;;) {
    if (!TRY(wait_readable(nonblocking))) return std::optional<Slot>();
    std::optional<Slot> taken;
    bool more = false;
    {
      Guard guard(lock_);
      if (used_ == 0) continue;
      Slot& first = slot_locked(0);
      if (first.size() <= most) {
        taken = std::move(first);
        drop_first_locked();
      } else {
        auto count = static_cast<uint32_t>(most);
        taken = first.share(count);
        first.consume(count);
      }
      more = used_ != 0;
      publish_counts_locked();
    }
    wake_writers();
    if (more) wake_readers();
    return taken;
  }
}

void Pipe::push_front(Slot slot) {
  {
    Guard guard(lock_);
    --first_;
    ++used_;
    slot_locked(0) = std::move(slot);
    publish_counts_locked();
  }
  wake_readers();
}

std::optional<Pipe::Slot> Pipe::peek(size_t index, size_t most) {
  Guard guard(lock_);
  if (index >= used_) return {};
  Slot& slot = slot_locked(static_cast<uint32_t>(index));
  return slot.share(slot.size() < most ? slot.size() : static_cast<uint32_t>(most));
}

size_t Pipe::readable_bytes() {
  Guard guard(lock_);
  size_t total = 0;
  for (uint32_t i = 0; i < used_; ++i) total += slot_locked(i).size();
  return total;
}

size_t Pipe::capacity() {
  Guard guard(lock_);
  return limit_ * kPageSize;
}

Result<size_t> Pipe::set_capacity(size_t bytes) {
  if (bytes > kMaxCapacity) return Errno::Inval;
  size_t wanted = bytes < kPageSize ? kPageSize : std::bit_ceil(bytes);
  auto limit = static_cast<uint32_t>(wanted / kPageSize);
  Vector<Slot> slots;
  {
    Guard guard(lock_);
    if (limit > limit_ && wanted > kMaxUnprivileged && !vfs::acting_has(Capability::SysResource)) {
      return Errno::Perm;
    }
    if (limit > kMostSlots) return Errno::NoMem;
    if (used_ > limit) return Errno::Busy;
    TRY(slots.resize(size_t{2} * limit));
    for (uint32_t i = 0; i < used_; ++i) slots[i] = std::move(slot_locked(i));
    std::swap(slots_, slots);
    first_ = 0;
    limit_ = limit;
    publish_counts_locked();
  }
  wake_writers();
  return wanted;
}

void Pipe::remove_reader() {
  readers_.fetch_sub_acq_rel(1);
  end_closed();
}

void Pipe::remove_writer() {
  writers_.fetch_sub_acq_rel(1);
  end_closed();
}

void Pipe::end_closed() {
  if ((readers() == 0) != (writers() == 0)) {
    read_queue_.wake_all();
    write_queue_.wake_all();
  }
  changed();
}

}  // namespace kernel
