// SPDX-License-Identifier: MIT
// A socket (socket(7)): what every family has, its options and its operations, which a family
// implements (unix/). Open files on sockets are socket_file.h; families register themselves in
// family.h. Calls come without locks held and may sleep.
#pragma once

#include "net/socket/message.h"
#include "sched/poll.h"

namespace kernel {

enum class SocketType : uint8_t {
  Stream = 1,
  Datagram = 2,
  Raw = 3,
  ReliableDatagram = 4,
  SequencedPacket = 5
};

// SHUT_RD, SHUT_WR and both, as a set.
inline constexpr uint32_t kShutReceive = 1, kShutSend = 2, kShutBoth = 3;

// How long a call waits: not at all, until a time limit of the socket, or for ever.
class SocketWait {
 public:
  // `timeout`: of SO_RCVTIMEO or SO_SNDTIMEO; 0 is "not at all", kForever the default.
  SocketWait(Nanoseconds timeout, bool nonblocking)
      : immediate_(nonblocking || timeout == 0),
        limited_(timeout != kForever),
        deadline_(limited_ && !immediate_ ? Deadline::after(timeout) : Deadline{}) {}

  bool is_immediate() const { return immediate_; }
  // Until ready(). Errors: Again: the time is over; Intr or RestartSys: a signal. A call with a
  // time limit is not restarted, as the limit would begin again (signal(7)).
  template <class Ready>
  Result<> until(WaitQueue& queue, Ready ready, bool exclusive = false) const {
    Result<> waited = queue.wait(ready, WaitMode::Interruptible, deadline_, exclusive);
    if (waited.failed_with(Errno::TimedOut)) return Errno::Again;
    if (waited.failed_with(Errno::RestartSys) && limited_) return Errno::Intr;
    return waited;
  }

 private:
  bool immediate_;
  bool limited_;
  Deadline deadline_;
};

// What setsockopt(2) and getsockopt(2) of level SOL_SOCKET keep; each is independent of the others.
struct SocketOptions {
  // net.core: rmem_ and wmem_default and _max, somaxconn, optmem_max
  static constexpr uint32_t kDefaultBuffer = 212'992, kMostBuffer = 212'992, kMostBacklog = 4096,
                            kMostControl = 20'480;
  Atomic<uint64_t> flags;  // bit: an option that is on or off, by its number
  Atomic<uint32_t> send_buffer{kDefaultBuffer};
  Atomic<uint32_t> receive_buffer{kDefaultBuffer};
  Atomic<int32_t> low_water{1};  // SO_RCVLOWAT
  Atomic<Nanoseconds> send_timeout{kForever};
  Atomic<Nanoseconds> receive_timeout{kForever};
  Atomic<int32_t> peek_offset{-1};
  Atomic<int32_t> priority;
  Atomic<uint32_t> mark;
  Atomic<uint64_t> linger;          // seconds | on << 32
  Atomic<uint32_t> locked_buffers;  // SO_BUF_LOCK

  bool has(unsigned option) const { return (flags.load_relaxed() >> option & 1) != 0; }
  void set(unsigned option, bool on) {
    uint64_t bit = uint64_t{1} << option;
    if (on) {
      flags.fetch_or_relaxed(bit);
    } else {
      flags.fetch_and_relaxed(~bit);
    }
  }
};

class Socket : public RefCounted<Socket> {
 public:
  virtual ~Socket();
  uint16_t family() const { return family_; }
  SocketType type() const { return type_; }
  uint16_t protocol() const { return protocol_; }

  virtual Result<> bind(const SocketAddress& address) = 0;
  virtual Result<> listen(uint32_t backlog) = 0;
  virtual Result<> connect(const SocketAddress& address, bool nonblocking) = 0;
  virtual Result<Ref<Socket>> accept(bool nonblocking) = 0;
  // socketpair(2): the other is new and of the same kind.
  virtual Result<> pair_with(Socket& other);
  virtual Result<> local_address(SocketAddress& address) = 0;
  virtual Result<> peer_address(SocketAddress& address) = 0;
  virtual Result<size_t> send(OutgoingMessage& message) = 0;
  virtual Result<size_t> receive(IncomingMessage& message) = 0;
  virtual uint32_t poll(PollRegistration* registration) = 0;
  virtual Result<> shutdown(uint32_t how) = 0;                         // kShut*
  virtual Result<int64_t> ioctl(uint32_t request, uint64_t argument);  // NoIoctlCmd
  virtual bool is_listening() = 0;
  // Who is at the other end, or made this listen.
  struct Peer {
    SenderCredentials sender;
    Optional<Ref<Credentials>> credentials;
  };
  virtual Peer peer() { return {}; }
  // Options of the family's own levels.
  virtual Result<> set_option(int32_t level, int32_t name, UserAddr value, uint32_t size);
  virtual Result<> get_option(int32_t level, int32_t name, UserAddr value,
                              UserInOut<int32_t> length);
  virtual void show_info(FormatSink& sink) { (void)sink; }  // fdinfo
  // A descriptor was closed; the reference on the file that it was goes next.
  virtual void descriptor_closed() {}
  // The last open file has gone.
  virtual void release() = 0;
  // There is room in the send buffer, or a limit has changed: writers look again.
  virtual void wake_senders() = 0;

  // SO_ERROR: what went wrong since somebody asked; taken once. Errno{}: nothing.
  Errno take_error() {
    if (error_.load_relaxed() == 0) return Errno{};
    return static_cast<Errno>(error_.exchange_acq_rel(0));
  }
  void set_error(Errno error) { error_.store_release(static_cast<int32_t>(error)); }
  bool has_error() const { return error_.load_acquire() != 0; }

  // The open file; null before there is one and behind its end. Stays as long as the caller knows
  // of a reference on it.
  File* file() const { return file_.load_acquire(); }
  uint64_t inode_number() const { return inode_number_.load_relaxed(); }  // 0 before there is one

  SocketOptions options;

 protected:
  Socket(uint16_t family, SocketType type, uint16_t protocol)
      : family_(family), type_(type), protocol_(protocol) {}
  SocketWait send_wait(bool nonblocking) const {
    return SocketWait(options.send_timeout.load_relaxed(), nonblocking);
  }
  SocketWait receive_wait(bool nonblocking) const {
    return SocketWait(options.receive_timeout.load_relaxed(), nonblocking);
  }

 private:
  friend class SocketFile;
  const uint16_t family_;
  const SocketType type_;
  const uint16_t protocol_;
  Atomic<int32_t> error_;
  Atomic<File*> file_;
  Atomic<uint64_t> inode_number_;
};

// setsockopt(2) and getsockopt(2) of level SOL_SOCKET. `length`: the room for the value, then its
// size.
namespace socket_options {
Result<> set(Socket& socket, int32_t name, UserAddr value, uint32_t size);
Result<> get(Socket& socket, int32_t name, UserAddr value, UserInOut<int32_t> length);

// Numbers that families look at.
inline constexpr unsigned kPassCredentials = 16, kTimestamp = 29, kTimestampNs = 35,
                          kOutOfBandInline = 10,
                          kTimestampIsNew = 63;  // asked for as SO_TIMESTAMP…_NEW
}  // namespace socket_options

}  // namespace kernel
