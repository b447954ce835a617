// SPDX-License-Identifier: MIT
// A pipe (pipe(7)): a ring of pages between writers and readers. This is the ring, with the rules
// of atomic writes, packets, capacity; the open files on its ends are pipe_file.cc, FIFOs fifo.cc,
// and splice(2) works on the slots.
#pragma once

#include "fs/vfs/async_signals.h"
#include "lib/ref.h"
#include "mm/frames.h"
#include "sched/mutex.h"
#include "sched/poll.h"
#include "vm/io_buffer.h"

namespace kernel {

class Inode;

class Pipe final : public RefCounted<Pipe> {
 public:
  static constexpr uint32_t kDefaultSlots = 16;
  static constexpr size_t kAtomicSize = kPageSize;  // PIPE_BUF

  // Part of a page that is on its way. Owns one reference on the page.
  class Slot {
   public:
    Slot() = default;
    // Takes over the caller's reference.
    Slot(PhysAddr page, uint32_t offset, uint32_t size)
        : page_(page), offset_(offset), size_(size), held_(true) {}
    Slot(Slot&& other) noexcept { *this = std::move(other); }
    Slot& operator=(Slot&& other) noexcept;
    ~Slot() { reset(); }
    static Result<Slot> create();  // an empty page
    // Another slot on the first `size` bytes of the same page; neither is written to any more.
    Slot share(uint32_t size);

    uint8_t* data() const { return frames::frame_data(page_) + offset_; }
    uint32_t size() const { return size_; }
    uint32_t room() const {
      return mergeable_ ? static_cast<uint32_t>(kPageSize) - offset_ - size_ : 0;
    }
    void append(uint32_t count) { size_ += count; }
    void consume(uint32_t count) { offset_ += count, size_ -= count; }
    bool is_held() const { return held_; }
    // A page that create() made and nobody else has: may be filled again from its start.
    bool is_reusable() const;
    void rewind() { offset_ = size_ = 0, packet_ = false, mergeable_ = true; }
    bool is_packet() const { return packet_; }
    void make_packet() { packet_ = true, mergeable_ = false; }

   private:
    void reset();
    PhysAddr page_{};
    uint32_t offset_ = 0;
    uint32_t size_ = 0;
    bool held_ = false;
    bool packet_ = false;
    bool mergeable_ = true;
  };

  static Result<Ref<Pipe>> create();

  // Both move what they can and sleep for the rest as read(2) and write(2) do.
  Result<size_t> read(IoBuffer& buffer, bool nonblocking);
  Result<size_t> write(IoBuffer& buffer, bool nonblocking, bool packets);

  // For splice. pop: up to `most` bytes of the first slot; nothing at the end of all writers. An
  // unused rest goes back with push_front. push: waits for room; Pipe when nobody reads (and
  // SIGPIPE).
  Result<std::optional<Slot>> pop(size_t most, bool nonblocking);
  void push_front(Slot slot);
  Result<> push(Slot slot, bool nonblocking);
  // Slots from `index` on, shared, without taking them out (tee). Nothing behind the last.
  std::optional<Slot> peek(size_t index, size_t most);
  Result<bool> wait_readable(bool nonblocking);  // false: no data and no writers

  uint32_t reader_events() const {
    uint32_t events = has_data_.load_acquire() ? kPollIn | kPollRdNorm : 0;
    if (writers() == 0) events |= kPollHup;
    return events;
  }
  uint32_t writer_events() const {
    uint32_t events = has_room_.load_acquire() ? kPollOut | kPollWrNorm : 0;
    if (readers() == 0) events |= kPollErr;
    return events;
  }
  // Their queues.
  void wait_as_reader(PollRegistration& registration) { registration.wait_on(read_queue_); }
  void wait_as_writer(PollRegistration& registration) { registration.wait_on(write_queue_); }
  size_t readable_bytes();
  size_t capacity();
  uint64_t used_pages() const { return used_pages_.load_relaxed(); }
  // F_SETPIPE_SZ, in bytes; returns what it became. Errors: Busy, Perm, Inval, NoMem.
  Result<size_t> set_capacity(size_t bytes);

  // Ends that are open; the counters only grow and tell a sleeping open that somebody came.
  void add_reader() {
    readers_.fetch_add_acq_rel(1), reader_opens_.fetch_add_acq_rel(1), changed();
  }
  void add_writer() {
    writers_.fetch_add_acq_rel(1), writer_opens_.fetch_add_acq_rel(1), changed();
  }
  void remove_reader();
  void remove_writer();
  uint32_t readers() const { return readers_.load_acquire(); }
  uint32_t writers() const { return writers_.load_acquire(); }
  uint32_t reader_opens() const { return reader_opens_.load_acquire(); }
  uint32_t writer_opens() const { return writer_opens_.load_acquire(); }
  WaitQueue& opens() { return opens_; }
  // SIGIO of the ends that have O_ASYNC.
  AsyncQueue async_readers, async_writers;

 private:
  Pipe() = default;
  void changed() { opens_.wake_all(); }
  bool is_full_locked() const REQUIRES(lock_) { return used_ >= limit_; }
  Slot& slot_locked(uint32_t index) REQUIRES(lock_) {
    return slots_[(first_ + index) & static_cast<uint32_t>(slots_.size() - 1)];
  }
  size_t drain_locked(IoBuffer& buffer, std::optional<size_t>& fault_at) REQUIRES(lock_);
  bool merge_locked(IoBuffer& buffer) REQUIRES(lock_);
  bool append_locked(IoBuffer& buffer, bool packet) REQUIRES(lock_);
  void drop_first_locked() REQUIRES(lock_);
  void publish_counts_locked() REQUIRES(lock_);
  Result<> check_reader();
  Result<bool> wait_writable(bool nonblocking);
  Result<bool> insert(Slot& slot, bool nonblocking);
  void end_closed();
  Result<> fill(Slot& slot, IoBuffer& buffer);
  void wake_readers();
  void wake_writers();

  Mutex<LockRank::Pipe> lock_;
  Vector<Slot> slots_ GUARDED_BY(lock_);   // a power of two, with room for one given back
  uint32_t first_ GUARDED_BY(lock_) = 0;
  uint32_t used_ GUARDED_BY(lock_) = 0;
  uint32_t limit_ GUARDED_BY(lock_) = kDefaultSlots;
  Slot spare_ GUARDED_BY(lock_);           // a page that was emptied, for the next write
  // What sleepers and poll look at without the lock.
  Atomic<bool> has_data_;
  Atomic<bool> has_room_{true};
  Atomic<uint32_t> used_pages_;
  Atomic<uint32_t> readers_, writers_, reader_opens_, writer_opens_;
  WaitQueue read_queue_, write_queue_, opens_;
};

}  // namespace kernel
