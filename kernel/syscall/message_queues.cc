// SPDX-License-Identifier: MIT
// msgget(2), msgsnd(2), msgrcv(2), msgctl(2).

#include "ipc/message_queue.h"
#include "syscall/declarations.h"
#include "syscall/ipc_permission.h"

namespace kernel::syscall {
namespace {

using ipc::Message;
using ipc::MessageQueue;
using Mode = ipc::MessageChoice::Mode;

constexpr uint32_t kCut = 010000, kExcept = 020000, kCopy = 040000;  // MSG_NOERROR, …
constexpr size_t kTypeSize = sizeof(int64_t);

ipc::MessageChoice choice_of(int64_t type, Flags32 flags) {
  if (flags.has(kCopy)) return {Mode::Position, type};
  if (type == 0) return {Mode::First, 0};
  if (type < 0) return {Mode::LeastUpTo, type == INT64_MIN ? INT64_MAX : -type};
  return {flags.has(kExcept) ? Mode::NotEqual : Mode::Equal, type};
}

Result<Owned<Message>> read_message(UserAddr text, size_t size) {
  Owned<Message> message = TRY(make_owned<Message>());
  TRY(message->text.resize(size));
  TRY(copy_in(message->text.data(), text, size));
  return message;
}

Result<int64_t> deliver(const Message& message, UserAddr buffer, size_t size) {
  if (size > message.text.size()) size = message.text.size();
  TRY(UserOut<int64_t>(buffer).write(message.type));
  TRY(copy_out(buffer + kTypeSize, message.text.data(), size));
  return static_cast<int64_t>(size);
}

Result<int64_t> stat(Context& context, int32_t id, Stat kind, UserAddr buffer) {
  Ref<MessageQueue> queue = TRY(find_for_stat(ipc::message_queues::table(), id, kind));
  abi::QueueState state{};
  {
    Guard guard(queue->lock);
    TRY(check_stat_locked(context, *queue, kind));
    state.permission = encode_permission_locked(*queue);
    state.send_time = queue->send_time;
    state.receive_time = queue->receive_time;
    state.change_time = queue->change_time;
    state.bytes = queue->bytes;
    state.count = queue->count;
    state.capacity = queue->capacity;
    state.last_sender = queue->last_sender;
    state.last_receiver = queue->last_receiver;
  }
  TRY(UserOut<abi::QueueState>(buffer).write(state));
  return kind == Stat::ById ? 0 : queue->id();
}

Result<int64_t> info(int32_t command, UserAddr buffer) {
  constexpr int32_t kSegmentSize = 16, kPool = 512'000, kQueueBytes = 16384;  // linux/msg.h
  auto limit = [](const Atomic<uint64_t>& from) {
    return static_cast<int32_t>(from.load_relaxed());
  };
  auto present = ipc::message_queues::table().usage();
  abi::QueueInfo info{.pool = kPool,
                      .map = kQueueBytes,
                      .most_size = limit(ipc::limits.message_size),
                      .most_bytes = limit(ipc::limits.queue_bytes),
                      .most_queues = limit(ipc::limits.message_queues),
                      .segment_size = kSegmentSize,
                      .most_messages = kQueueBytes,
                      .segments = UINT16_MAX,
                      .hole = 0};
  if (command == abi::kMessageInfo) {
    info.pool = static_cast<int32_t>(present.count);
    info.map = static_cast<int32_t>(ipc::message_queues::message_count());
    info.most_messages = static_cast<int32_t>(ipc::message_queues::message_bytes());
  }
  TRY(UserOut<abi::QueueInfo>(buffer).write(info));
  return present.highest_slot;
}

}  // namespace

Value sys_msgget(Context&, int32_t key, uint32_t flags) {
  return TRY(ipc::message_queues::get(key, flags));
}

Value sys_msgsnd(Context&, int32_t id, UserAddr buffer, size_t size, Flags32 flags) {
  int64_t type = TRY(UserIn<int64_t>(buffer).read());
  if (size > ipc::limits.message_size.load_relaxed() || id < 0 || type < 1) return Errno::Inval;
  Owned<Message> message = TRY(read_message(buffer + kTypeSize, size));
  message->type = type;
  Ref<MessageQueue> queue = TRY(ipc::message_queues::table().find(id));
  TRY(queue->send(std::move(message), !flags.has(ipc::kNoWait)));
  return 0;
}

Value sys_msgrcv(Context&, int32_t id, UserAddr buffer, size_t size, int64_t type,
                 Flags32 flags) {
  if (id < 0 || static_cast<int64_t>(size) < 0) return Errno::Inval;
  MessageQueue::Reception wanted{.choice = choice_of(type, flags),
                                 .size = size,
                                 .cut = flags.has(kCut),
                                 .wait = !flags.has(ipc::kNoWait)};
  if (!flags.has(kCopy)) {
    Ref<MessageQueue> queue = TRY(ipc::message_queues::table().find(id));
    Owned<Message> message = TRY(queue->receive(wanted));
    return deliver(*message, buffer, size);
  }
  if (flags.has(kExcept) || wanted.wait) return Errno::Inval;
  // Linux makes room for the copy by reading the buffer as if it were a message to send.
  uint64_t most = ipc::limits.message_size.load_relaxed();
  Owned<Message> copy = TRY(read_message(buffer, size < most ? size : most));
  Ref<MessageQueue> queue = TRY(ipc::message_queues::table().find(id));
  TRY(queue->peek(wanted, *copy));
  return deliver(*copy, buffer, size);
}

Value sys_msgctl(Context& context, int32_t id, int32_t command, UserAddr buffer) {
  if (id < 0 || command < 0) return Errno::Inval;
  auto& table = ipc::message_queues::table();
  switch (command) {
    case abi::kIpcInfo:
    case abi::kMessageInfo: return info(command, buffer);
    case abi::kIpcStat: return stat(context, id, Stat::ById, buffer);
    case abi::kMessageStat: return stat(context, id, Stat::BySlot, buffer);
    case abi::kMessageStatAny: return stat(context, id, Stat::BySlotUnchecked, buffer);
    case abi::kIpcSet: {
      auto wanted = TRY(UserIn<abi::QueueState>(buffer).read());
      TRY(TRY(table.find(id))->change(change_of(wanted.permission), wanted.capacity));
      return 0;
    }
    case abi::kIpcRemove: TRY(table.destroy(*TRY(table.find(id)))); return 0;
    default: return Errno::Inval;
  }
}

}  // namespace kernel::syscall
