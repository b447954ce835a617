// SPDX-License-Identifier: MIT
// One client of one 9P server: requests with their tags, answers, cancelled requests, and the
// numbers of fids. Several threads call at once; each waits for its own answer. A call ends early
// for a fatal signal only, and then the server has let go of it (Tflush), so that no memory is in
// its hands that somebody else might get.
#pragma once

#include "dev/p9_channel.h"
#include "fs/9p/protocol.h"
#include "sched/wait_queue.h"

namespace kernel::p9 {

class Session;

// A number by which the server knows a file of ours; back on the free list when the server has
// forgotten it.
struct FidNumber : ListNode<FidNumber> {
  explicit FidNumber(uint32_t number) : value(number) {}
  const uint32_t value;
};

// The memory of one exchange, and of the flush that may have to follow it. 16 KiB:
//   message … | flush, its answer | answer … | segments
class Request final : public P9Exchange, public ListNode<Request> {
 public:
  static Result<Owned<Request>> create(uint16_t tag);
  ~Request();

 private:
  friend class Session;
  friend class Call;
  static constexpr size_t kBlockOrder = 2, kBlock = 16 * KiB;
  static constexpr size_t kFlushAt = 8 * KiB - 64, kFlushAnswerAt = 8 * KiB - 32, kFlushSize = 32;
  static constexpr size_t kAnswerAt = 8 * KiB, kSegmentsAt = 14 * KiB;
  static constexpr size_t kMaxSegments = (kBlock - kSegmentsAt) / sizeof(P9Segment);

  struct Flush final : P9Exchange {
    Atomic<bool> is_answered;
    WaitQueue done;
  };

  Request(uint16_t tag, PhysAddr block) : tag_(tag), block_(block) {}
  uint8_t* data(size_t at) const;
  P9Segment* segments() const { return reinterpret_cast<P9Segment*>(data(kSegmentsAt)); }
  P9Segment part(size_t at, size_t size) const {
    return {block_ + at, static_cast<uint32_t>(size)};
  }

  const uint16_t tag_;
  const PhysAddr block_;
  Atomic<bool> is_answered_;
  WaitQueue done_;
  Flush flush_;
  // Of a clunk that nobody waits for.
  Session* session_ = nullptr;
  FidNumber* clunked_ = nullptr;
};

class Session : public RefCounted<Session> {
 public:
  // Claims the channel and agrees on version and message size. Errors: NoEnt, Busy; ProtoNoSupport:
  // the server does not speak 9P2000.L.
  static Result<Ref<Session>> connect(StringView tag, uint32_t message_size);
  ~Session();

  uint32_t message_size() const { return message_size_; }
  // Of one read or write.
  uint32_t max_data() const { return message_size_ - kIoOverhead; }
  size_t max_data_segments() const;

  // Rises with each call: orders what is asked and what is changed.
  uint64_t next_time() { return time_.fetch_add_relaxed(1) + 1; }

  Result<FidNumber*> take_fid();
  void give_back_fid(FidNumber& number);
  // Tells the server to forget a fid, without waiting; its number comes back when it has.
  void clunk(FidNumber& number);

 private:
  friend class Call;
  template <class T, class... Arguments>
  friend Result<Ref<T>> kernel::make_ref(Arguments&&... arguments);
  static constexpr uint16_t kMaxRequests = 64;
  static constexpr uint16_t kKeptRequests = 8;  // while nobody calls
  static constexpr uint32_t kMinMessageSize = 4096, kMaxMessageSize = 1 * MiB;

  explicit Session(P9Channel& channel) : channel_(channel) {}
  Result<> agree(uint32_t message_size);
  Request& take_request();
  Request* try_take_request();
  Result<> add_request();
  void give_back(Request& request);
  static void clunked(P9Exchange& exchange);

  P9Channel& channel_;
  Atomic<uint64_t> time_;
  uint32_t message_size_ = 8 * KiB;
  WaitQueue idle_changed_;
  SpinLock<LockRank::FileServer> lock_;
  List<Request> idle_ GUARDED_BY(lock_);
  uint16_t idle_count_ GUARDED_BY(lock_) = 0;
  uint64_t tags_ GUARDED_BY(lock_) = 0;  // a bit for each that a request has
  static_assert(kMaxRequests <= 64);
  List<FidNumber> free_fids_ GUARDED_BY(lock_);
  uint32_t fid_count_ GUARDED_BY(lock_) = 0;
};

// One call: arguments in, run(), results out of the reader, which is good while this lives.
class Call : public Pinned {
 public:
  Call(Session& session, Type type);
  ~Call() { session_.give_back(request_); }
  MessageWriter& arguments() { return arguments_; }
  // Data that goes behind the arguments, or is to come behind the first eleven bytes of the answer.
  void send(std::span<const P9Segment> data) { sent_ = data; }
  void receive(std::span<const P9Segment> data) { received_ = data; }
  // Errors: the server's; Io for an answer that is none; RestartSys: a fatal signal.
  Result<MessageReader> run(WaitMode mode = WaitMode::Killable);

 private:
  friend class Session;
  void prepare();
  void flush();

  Session& session_;
  Request& request_;
  const Type type_;
  MessageWriter arguments_;
  std::span<const P9Segment> sent_, received_;
};

}  // namespace kernel::p9
