// SPDX-License-Identifier: MIT
// AF_UNIX sockets (unix(7)): names, connections, queues. What all three types share; how data moves
// is stream.cc and datagram.cc.
//
//   SocketFile ──> UnixSocket ──peer──> UnixSocket          each end holds the other
//                     │ queue: messages that wait here, each holds its sender
//                     └ backlog: connections not accepted yet (of a listening socket)
//
// A socket's lock guards its state, its queue and its backlog. A sender fills a message, then takes
// the receiver's lock only. Two locks at once go by address (Guard2); one more, below them, is that
// of a connection which nobody else knows yet. The peer of a connection stays until release(), so
// that the calls of its own file read it without the lock.
#pragma once

#include "net/socket/socket.h"
#include "net/unix/message.h"

namespace kernel {

inline constexpr uint16_t kFamilyUnix = 1;

// An address that a socket has, shared with the connections it accepts. The bytes behind the family
// are a path with its NUL, or a NUL and an abstract name.
struct UnixName final : RefCounted<UnixName> {
  explicit UnixName(const SocketAddress& from) : address(from) {}
  const SocketAddress address;
  bool is_path() const { return address.bytes[SocketAddress::kFamilySize] != '\0'; }
};

struct AllUnixTag {};
struct UnixNameTag {};
struct BacklogTag {};
struct FollowerTag {};
struct InFlightTag {};
struct ReachedTag {};

class UnixSocket : public Socket,
                   public ListNode<UnixSocket, AllUnixTag>,
                   public ListNode<UnixSocket, UnixNameTag>,
                   public ListNode<UnixSocket, BacklogTag>,
                   public ListNode<UnixSocket, FollowerTag>,
                   public ListNode<UnixSocket, InFlightTag>,
                   public ListNode<UnixSocket, ReachedTag> {
 public:
  static constexpr uint32_t kDefaultQueueLimit = 10;  // net.unix.max_dgram_qlen

  static Result<Ref<Socket>> create(SocketType type, uint32_t protocol);
  ~UnixSocket() override;
  // Null when the file is no AF_UNIX socket.
  static UnixSocket* of(File& file);

  Result<> bind(const SocketAddress& address) override;
  Result<> listen(uint32_t backlog) override;
  Result<> connect(const SocketAddress& address, bool nonblocking) override;
  Result<Ref<Socket>> accept(bool nonblocking) override;
  Result<> pair_with(Socket& other) override;
  Result<> local_address(SocketAddress& address) override;
  Result<> peer_address(SocketAddress& address) override;
  uint32_t poll(PollRegistration* registration) override;
  Result<> shutdown(uint32_t how) override;
  Result<int64_t> ioctl(uint32_t request, uint64_t argument) override;
  bool is_listening() override { return listens(); }
  Peer peer() override;
  void show_info(FormatSink& sink) override;
  void descriptor_closed() override;
  void release() override { close(Unaccepted::No); }
  void wake_senders() override { writable_.wake_all(kWritableEvents); }

  void copy_name(SocketAddress& address) const;  // size 0 when it has none
  // A message of this sender has been consumed.
  void uncharge(uint32_t amount);

  // /proc/net/unix.
  static Result<> list_all(FormatSink& sink);

  // --- For the collector; its lock.
  Atomic<uint32_t> in_flight;  // references in queues: a hint without the lock
  uint32_t unexplained = 0;    // of these, not in queues of candidates; during a run
  bool is_candidate = false;
  bool is_closing = false;  // one reference more is that of a descriptor on its way out
  // Each message that lies in this socket's queue, and in those of its connections not accepted
  // yet, with the queue's lock held; true from `visit` takes it out, onto `taken`.
  template <class Visit>
  void for_each_message(List<UnixMessage>& taken, Visit visit) EXCLUDES(lock_);

 protected:
  enum class State : uint8_t { Closed, Connected, Listening };
  enum class Unaccepted : uint8_t { No, Yes };
  static constexpr uint32_t kReadableEvents = kPollIn | kPollRdNorm | kPollRdBand;
  static constexpr uint32_t kWritableEvents = kPollOut | kPollWrNorm | kPollWrBand;

  explicit UnixSocket(SocketType type);

  State state() const { return state_.load_acquire(); }
  bool listens() const { return state() == State::Listening; }
  uint32_t shut() const { return shutdown_.load_acquire(); }
  // Of a connection, for the calls of its own file.
  UnixSocket* connection() const { return peer_.load_acquire(); }
  // Of any socket.
  Optional<Ref<UnixSocket>> peer_socket();

  // --- names.cc
  Result<> autobind();
  static Result<> validate(const SocketAddress& address);
  static Result<Ref<UnixSocket>> find(const SocketAddress& address, SocketType type);
  const UnixName* bound_name() const { return name_.load_acquire(); }

  // --- connection.cc
  static Result<Ref<UnixSocket>> make(SocketType type);
  Result<> connect_stream(const SocketAddress& address, bool nonblocking);
  void wake_everybody();
  bool is_backlog_full_locked() const REQUIRES(lock_) { return backlog_length_ > queue_limit_; }

  // --- queue.cc
  // A message of `size` bytes with the next bytes of `data`, charged to this socket when the send
  // buffer has room. `paged`: as for charge_for(). Errors: that of SO_ERROR, Pipe, Again, a
  // signal's, NoMem, Fault.
  Result<Ref<UnixMessage>> make_message(IoBuffer& data, size_t size, size_t paged,
                                        const SocketWait& limit);
  // Puts it at the end of the receiver's queue. The running task is the sender.
  void queue_locked(UnixSocket& receiver, Ref<UnixMessage> message) REQUIRES(receiver.lock_);
  // Any message leaves the queue.
  Ref<UnixMessage> unlink_locked(UnixMessage& message) REQUIRES(lock_);
  bool is_queue_full_locked() const REQUIRES(lock_) { return queue_length_ > queue_limit_; }
  bool is_writable(uint32_t charged) const {
    return (uint64_t{charged} + 1) * 4 <= options.send_buffer.load_relaxed();
  }
  bool is_writable() const { return !listens() && is_writable(charged_.load_acquire()); }
  // Of what came with a message, what the receiver has asked for and has room for.
  void tell(IncomingMessage& message, const SenderCredentials& sender, Vector<Ref<File>> files);
  void move_peek_offset(int64_t by);

  void close(Unaccepted unaccepted);
  void unbind();
  void unfollow(UnixSocket& other);
  void wake_followers_locked() REQUIRES(lock_);

  static SenderCredentials own_credentials();

  mutable SpinLock<LockRank::Socket> lock_;
  Atomic<State> state_{};                // written under lock_
  Atomic<uint32_t> shutdown_;            // kShut*; bits are only added
  Atomic<UnixSocket*> peer_;             // owned reference; written under lock_
  Atomic<const UnixName*> name_;         // owned reference; set once, under the names' lock
  bool dead_ GUARDED_BY(lock_) = false;  // released
  bool unaccepted_ GUARDED_BY(lock_) = false;
  std::optional<Path> place_ GUARDED_BY(lock_);  // of a name that is a path
  SenderCredentials peer_sender_ GUARDED_BY(lock_);
  Optional<Ref<Credentials>> peer_credentials_ GUARDED_BY(lock_);

  List<UnixMessage> queue_ GUARDED_BY(lock_);
  uint32_t queue_length_ GUARDED_BY(lock_) = 0;
  uint32_t queue_limit_ GUARDED_BY(lock_) = kDefaultQueueLimit;  // of the backlog when it listens
  uint32_t files_queued_ GUARDED_BY(lock_) = 0;
  uint64_t arrivals_ GUARDED_BY(lock_) = 0;          // messages that were ever queued
  UnixMessage* urgent_ GUARDED_BY(lock_) = nullptr;  // in the queue, sent as MSG_OOB, not read yet
  List<UnixSocket, BacklogTag> backlog_ GUARDED_BY(lock_);  // each an owned reference
  uint32_t backlog_length_ GUARDED_BY(lock_) = 0;
  // Datagram sockets connected to this one that wait for room in its queue by poll(2).
  List<UnixSocket, FollowerTag> followers_ GUARDED_BY(lock_);

  Atomic<uint32_t> charged_;  // of the send buffer: messages of this socket anywhere
  WaitQueue readable_;        // messages, connections, the end
  WaitQueue writable_;        // room in the send buffer
  WaitQueue room_;            // senders and connecting sockets: room in the queue

 private:
  friend class UnixNames;
  Result<> bind_path(const SocketAddress& address);
  Result<> bind_abstract(const SocketAddress& address);
  template <class Visit>
  void visit_messages_locked(List<UnixMessage>& taken, Visit visit) REQUIRES(lock_);
  void list(FormatSink& sink);
  uint64_t readable_bytes();
  bool is_at_mark();
  Result<int64_t> open_name();
  void join_locked(UnixSocket& listener, UnixSocket& made, Ref<Credentials> credentials)
      REQUIRES(lock_, listener.lock_);
};

// Boot.
void init_unix_sockets();

}  // namespace kernel
