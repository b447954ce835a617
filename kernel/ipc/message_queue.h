// SPDX-License-Identifier: MIT
// System V message queues (msgop(2), msgctl(2)). A message that somebody waits for goes to him at
// once and never lies in the queue; senders wait for room.
#pragma once

#include "ipc/table.h"
#include "sched/sleeper.h"

namespace kernel::ipc {

struct Message : ListNode<Message> {
  int64_t type = 0;
  Vector<uint8_t> text;
};

// Which message msgrcv(2) asks for.
struct MessageChoice {
  enum class Mode : uint8_t { First, Equal, NotEqual, LeastUpTo, Position };
  Mode mode = Mode::First;
  int64_t type = 0;
  bool accepts(int64_t message_type) const;
};

class MessageQueue final : public Object, public RefCounted<MessageQueue> {
 public:
  explicit MessageQueue(const Permission& given);

  // Errors: Acces, IdRm, Again (kNoWait), RestartNoHand.
  Result<> send(Owned<Message> message, bool wait) EXCLUDES(lock);
  // Errors: Acces, IdRm, NoMsg, TooBig (unless `cut`), RestartNoHand.
  struct Reception {
    MessageChoice choice;
    size_t size;
    bool cut;
    bool wait;
  };
  Result<Owned<Message>> receive(const Reception& wanted) EXCLUDES(lock);
  // MSG_COPY: the message stays. `copy` has room for as much as the caller takes.
  Result<> peek(const Reception& wanted, Message& copy) EXCLUDES(lock);
  // IPC_SET. Errors: Perm, Inval.
  Result<> change(const PermissionChange& change, uint64_t capacity) EXCLUDES(lock);
  // Leaves the table: everybody who waits learns so.
  bool end_locked() REQUIRES(lock);

  uint64_t bytes GUARDED_BY(lock) = 0;
  uint64_t count GUARDED_BY(lock) = 0;
  uint64_t capacity GUARDED_BY(lock);  // in bytes, and in messages
  int64_t send_time GUARDED_BY(lock) = 0, receive_time GUARDED_BY(lock) = 0;
  PidNumber last_sender GUARDED_BY(lock) = 0, last_receiver GUARDED_BY(lock) = 0;

 private:
  struct Receiver;
  struct Sender;
  bool fits_locked(size_t size) const REQUIRES(lock);
  bool hand_over_locked(Owned<Message>& message) REQUIRES(lock);
  Message* choose_locked(const MessageChoice& choice) REQUIRES(lock);
  Owned<Message> take_locked(Message& message) REQUIRES(lock);
  void wake_senders_locked() REQUIRES(lock);
  Result<> check_locked(uint32_t wanted) const REQUIRES(lock);

  List<Message> messages_ GUARDED_BY(lock);
  List<Receiver> receivers_ GUARDED_BY(lock);
  List<Sender> senders_ GUARDED_BY(lock);
};

namespace message_queues {

Table<MessageQueue>& table();
// msgget(2).
Result<int32_t> get(int32_t key, uint32_t flags);
// Of all queues (MSG_INFO).
uint64_t message_count();
uint64_t message_bytes();

}  // namespace message_queues
}  // namespace kernel::ipc
