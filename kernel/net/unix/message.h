// SPDX-License-Identifier: MIT
// One message in the queue of an AF_UNIX socket: a datagram, or a part of a stream. Small ones are
// one object of the heap, data behind the header; the bulk of larger ones lies in blocks of frames:
//
//   UnixMessage [inline bytes]  ->  block of 1 to 8 pages  ->  block …     (linked by Frame::data)
//
// A message is filled before it is queued and not changed behind that, but for what its readers
// have consumed. It counts against the send buffer of its sender, with what it would count on
// Linux, so that as much fits into a buffer as programs are used to.
#pragma once

#include "lib/list.h"
#include "net/socket/message.h"
#include "net/unix/rights.h"

namespace kernel {

class UnixSocket;

class UnixMessage final : public RefCounted<UnixMessage>, public ListNode<UnixMessage> {
 public:
  // Error: NoMem, under which a stream may try again with less.
  static Result<Ref<UnixMessage>> create(size_t size);

  // What Linux charges for a message, `paged` bytes of which it would put into pages.
  static uint32_t charge_for(size_t size, size_t paged);

  // All of its bytes from the buffer. May fault. Error: Fault.
  Result<> fill(IoBuffer& data);
  // From byte `start` on. Returns how many bytes could be moved without a fault.
  size_t put_nofault(IoBuffer& data, size_t start, size_t count);
  Result<> put(IoBuffer& data, size_t start, size_t count);

  size_t size() const { return size_; }
  // Counted against the sender, whom the message keeps from here on.
  void charge_to(UnixSocket& sender, uint32_t charge);
  UnixSocket& sender() const { return *sender_; }

  // --- Set before it is queued.
  SenderCredentials credentials;
  Nanoseconds time = 0;                  // when the receiver wants to know
  Optional<Owned<FilesInFlight>> files;  // taken out under the receiver's lock

  // --- The receiver's lock.
  uint32_t consumed = 0;  // by readers of a stream
  bool peeked = false;    // an empty datagram that MSG_PEEK has seen
  size_t remaining() const { return size_ - consumed; }

  static void last_unref(UnixMessage* message);

 private:
  static constexpr size_t kObject = 2048;  // largest that the heap cuts from slabs

  UnixMessage(size_t size, size_t inline_size)
      : size_(static_cast<uint32_t>(size)), inline_size_(static_cast<uint32_t>(inline_size)) {}
  ~UnixMessage();
  Result<> add_blocks();
  // Calls move(memory, offset, count) for each contiguous part of the bytes [start, start + count),
  // until it moves less than it was asked to.
  template <class Move>
  size_t for_parts(size_t start, size_t count, Move move);
  uint8_t* inline_data() { return reinterpret_cast<uint8_t*>(this + 1); }

  const uint32_t size_;
  const uint32_t inline_size_;
  uint32_t charge_ = 0;
  UnixSocket* sender_ = nullptr;  // owned reference
  uint64_t first_block_ = 0;      // physical address; only when size_ > inline_size_
};

}  // namespace kernel
