// SPDX-License-Identifier: MIT
// See message_queue.h.

#include "ipc/message_queue.h"

namespace kernel::ipc {
namespace {

constinit Atomic<uint64_t> total_messages, total_bytes;

}  // namespace

struct MessageQueue::Receiver : ListNode<Receiver>, Sleeper {
  explicit Receiver(const Reception& asked) : wanted(asked) {}
  const Reception& wanted;
  Optional<Owned<Message>> message;
  bool too_big = false;
};

struct MessageQueue::Sender : ListNode<Sender>, Sleeper {
  explicit Sender(size_t message_size) : size(message_size) {}
  const size_t size;
};

bool MessageChoice::accepts(int64_t message_type) const {
  switch (mode) {
    case Mode::Equal: return message_type == type;
    case Mode::NotEqual: return message_type != type;
    case Mode::LeastUpTo: return message_type <= type;
    default: return true;
  }
}

MessageQueue::MessageQueue(const Permission& given)
    : Object(given), capacity(limits.queue_bytes.load_relaxed()) {}

Result<> MessageQueue::check_locked(uint32_t wanted) const {
  TRY(permission.check(wanted, caller()));
  return removed ? Result<>(Errno::IdRm) : Result<>();
}

bool MessageQueue::fits_locked(size_t size) const {
  return bytes + size <= capacity && count + 1 <= capacity;
}

// The first receiver that wants it. One whose buffer is too small is turned away.
bool MessageQueue::hand_over_locked(Owned<Message>& message) {
  for (Receiver* at = receivers_.front(); at != nullptr;) {
    Receiver& receiver = *at;
    at = receivers_.next(receiver);
    if (!receiver.wanted.choice.accepts(message->type)) continue;
    receivers_.remove(receiver);
    bool fits = receiver.wanted.cut || message->text.size() <= receiver.wanted.size;
    receiver.too_big = !fits;
    if (fits) receiver.message = std::move(message);
    receiver.wake();
    if (fits) return true;
  }
  return false;
}

Result<> MessageQueue::send(Owned<Message> message, bool wait) {
  size_t size = message->text.size();
  Sender sender(size);
  for (;;) {
    {
      Guard guard(lock);
      if (sender.is_linked()) senders_.remove(sender);
      TRY(check_locked(kMayWrite));
      if (fits_locked(size)) {
        last_sender = current_pid();
        send_time = now_seconds();
        if (hand_over_locked(message)) return {};
        bytes += size;
        ++count;
        total_messages.fetch_add_relaxed(1);
        total_bytes.fetch_add_relaxed(size);
        messages_.push_back(*std::move(message).leak());
        return {};
      }
      if (!wait) return Errno::Again;
      sender.sleep_again();
      senders_.push_back(sender);
    }
    if (sender.sleep().ok()) continue;
    Guard guard(lock);
    if (sender.is_linked()) senders_.remove(sender);
    return removed ? Errno::IdRm : Errno::RestartNoHand;
  }
}

Message* MessageQueue::choose_locked(const MessageChoice& choice) {
  Message* found = nullptr;
  int64_t position = 0;
  for (Message& message : messages_) {
    if (choice.mode == MessageChoice::Mode::Position) {
      if (position++ == choice.type) return &message;
    } else if (choice.mode == MessageChoice::Mode::LeastUpTo) {
      bool less = found == nullptr ? message.type <= choice.type : message.type < found->type;
      if (less) found = &message;
    } else if (choice.accepts(message.type)) {
      return &message;
    }
  }
  return found;
}

Owned<Message> MessageQueue::take_locked(Message& message) {
  messages_.remove(message);
  bytes -= message.text.size();
  --count;
  total_messages.fetch_sub_relaxed(1);
  total_bytes.fetch_sub_relaxed(message.text.size());
  return Owned<Message>::adopt(&message);
}

// Each tries again, in the order in which they came; one whose message does not fit waits on.
void MessageQueue::wake_senders_locked() {
  for (Sender* at = senders_.front(); at != nullptr;) {
    Sender& sender = *at;
    at = senders_.next(sender);
    if (!fits_locked(sender.size)) continue;
    senders_.remove(sender);
    sender.wake();
  }
}

Result<Owned<Message>> MessageQueue::receive(const Reception& wanted) {
  Receiver receiver(wanted);
  for (;;) {
    {
      Guard guard(lock);
      TRY(check_locked(kMayRead));
      if (Message* found = choose_locked(wanted.choice)) {
        if (found->text.size() > wanted.size && !wanted.cut) return Errno::TooBig;
        receive_time = now_seconds();
        last_receiver = current_pid();
        Owned<Message> taken = take_locked(*found);
        wake_senders_locked();
        return taken;
      }
      if (!wanted.wait) return Errno::NoMsg;
      receiver.sleep_again();
      receivers_.push_back(receiver);
    }
    Result<> slept = receiver.sleep();
    Guard guard(lock);
    if (receiver.is_linked()) receivers_.remove(receiver);
    if (receiver.message) {
      receive_time = now_seconds();
      last_receiver = current_pid();
      return receiver.message.take();
    }
    if (receiver.too_big) return Errno::TooBig;
    if (removed) return Errno::IdRm;
    if (!slept.ok()) return Errno::RestartNoHand;
  }
}

Result<> MessageQueue::peek(const Reception& wanted, Message& copy) {
  Guard guard(lock);
  TRY(check_locked(kMayRead));
  Message* found = choose_locked(wanted.choice);
  if (found == nullptr) return Errno::NoMsg;
  size_t size = found->text.size();
  if (size > wanted.size && !wanted.cut) return Errno::TooBig;
  if (size > copy.text.size()) return Errno::Inval;
  copy.type = found->type;
  __builtin_memcpy(copy.text.data(), found->text.data(), size);
  return copy.text.resize(size);
}

Result<> MessageQueue::change(const PermissionChange& change, uint64_t wanted_capacity) {
  Guard guard(lock);
  if (removed) return Errno::IdRm;
  TRY(permission.check_owner(caller()));
  if (wanted_capacity > limits.queue_bytes.load_relaxed() &&
      !caller().has(Capability::SysResource))
    return Errno::Perm;
  TRY(change.apply_to(permission));
  capacity = wanted_capacity;
  change_time = now_seconds();
  // Who waits may not be allowed to any more.
  while (Receiver* receiver = receivers_.pop_front()) receiver->wake();
  wake_senders_locked();
  return {};
}

bool MessageQueue::end_locked() {
  while (Message* message = messages_.front()) take_locked(*message);
  while (Receiver* receiver = receivers_.pop_front()) receiver->wake();
  while (Sender* sender = senders_.pop_front()) sender->wake();
  return true;
}

namespace message_queues {

Table<MessageQueue>& table() {
  static constinit Table<MessageQueue> queues;
  return queues;
}

Result<int32_t> get(int32_t key, uint32_t flags) {
  return table().get(
      key, flags, limits.message_queues.load_relaxed(), [](MessageQueue&) { return Result<>(); },
      [key, flags] {
        return make_ref<MessageQueue>(Permission::of_creator(key, flags, caller()));
      });
}

uint64_t message_count() { return total_messages.load_relaxed(); }
uint64_t message_bytes() { return total_bytes.load_relaxed(); }

}  // namespace message_queues
}  // namespace kernel::ipc
