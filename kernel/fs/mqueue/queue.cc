// SPDX-License-Identifier: MIT
// See queue.h.

#include "fs/mqueue/queue.h"

#include "fs/mqueue/mqueue.h"
#include "task/signal_post.h"

namespace kernel::mqueue {
namespace {

constexpr int32_t kSiMessageQueue = -3;  // SI_MESGQ
constexpr char kFileKind = 0;

// What Linux counts for a message and for a priority beside the text.
constexpr uint64_t kMessageOverhead = 48, kPriorityOverhead = 48;

Result<uint64_t> bytes_of(const QueueSize& size) {
  auto messages = static_cast<uint64_t>(size.messages);
  auto message_size = static_cast<uint64_t>(size.message_size);
  uint64_t text, all;
  uint64_t priorities = messages < kPriorities ? messages : kPriorities;
  uint64_t overhead = messages * kMessageOverhead + priorities * kPriorityOverhead;
  if (__builtin_mul_overflow(messages, message_size, &text) ||
      __builtin_add_overflow(text, overhead, &all))
    return Errno::Overflow;
  return all;
}

Result<> check_size(const QueueSize& size, const Credentials& credentials) {
  bool privileged = credentials.has(Capability::SysResource);
  uint64_t messages = privileged ? kMostMessages : limits.messages.load_relaxed();
  uint64_t message_size = privileged ? kMostMessageSize : limits.message_size.load_relaxed();
  bool fits = size.messages > 0 && size.message_size > 0 &&
              static_cast<uint64_t>(size.messages) <= messages &&
              static_cast<uint64_t>(size.message_size) <= message_size;
  return fits ? Result<>() : Result<>(Errno::Inval);
}

class QueueFile final : public File {
 public:
  QueueFile(const Path& path, uint32_t flags) : File(path, flags) {}
  const void* kind() const override { return &kFileKind; }
  Result<size_t> read(IoBuffer& buffer, uint64_t offset) override;
  Result<uint64_t> seek(int64_t offset, Whence whence) override;
  bool is_seekable() const override { return true; }
  bool splices() const override { return false; }
  uint32_t poll(PollRegistration* registration) override;
  Result<> flush() override {
    queue().forget_process();
    return {};
  }

 private:
  Queue& queue() const { return static_cast<Queue&>(inode()); }
};

Result<size_t> QueueFile::read(IoBuffer& buffer, uint64_t offset) {
  char text[80];
  BufferSink sink(text);
  queue().describe(sink);
  if (offset >= sink.view().size()) return size_t{0};
  size_t moved = TRY(buffer.put(text + offset, sink.view().size() - offset));
  inode().touch(true, false, true);
  return moved;
}

Result<uint64_t> QueueFile::seek(int64_t offset, Whence whence) {
  if (whence > Whence::End) return Errno::Inval;
  uint64_t base = whence == Whence::Current ? position_hint()
                  : whence == Whence::End   ? queue().size()
                                            : 0;
  return move_position(base, offset);
}

uint32_t QueueFile::poll(PollRegistration* registration) {
  if (registration != nullptr) registration->wait_on(queue().poll_queue());
  int64_t count = queue().count();
  return (count > 0 ? kPollIn | kPollRdNorm : 0) |
         (count < queue().limits().messages ? kPollOut | kPollWrNorm : 0);
}

// The greater the sooner, as Linux orders tasks.
int32_t urgency_of(const Thread& thread) {
  SchedParameters parameters = thread.parameters();
  return parameters.is_realtime() ? 100 + parameters.rt_priority : -parameters.nice;
}

}  // namespace

// A sender's message, or the place for what a receiver gets.
struct Queue::Waiter : ListNode<Waiter>, Sleeper {
  Optional<Owned<Message>> message;
  const int32_t urgency = urgency_of(current());
};

Result<Queue*> queue_of(File& file) {
  if (file.kind() != &kFileKind) return Errno::BadF;
  return static_cast<Queue*>(&file.inode());
}

Result<Ref<Queue>> Queue::create(SuperBlock& super_block, const CreateParameters& parameters,
                                 const QueueSize& size) {
  const Task& task = current_task();
  TRY(check_size(size, task.credentials()));
  uint64_t bytes = TRY(bytes_of(size));
  UserAccount& account = *task.credentials().account;
  uint64_t before = account.message_queue_bytes.fetch_add_relaxed(bytes);
  if (before + bytes > task::limit(task.group(), Resource::MsgQueue).soft) {
    account.message_queue_bytes.fetch_sub_relaxed(bytes);
    return Errno::MFile;
  }
  auto* queue = new (std::nothrow)
      Queue(super_block, parameters, size, Ref<UserAccount>(account), bytes);
  if (queue == nullptr) {
    account.message_queue_bytes.fetch_sub_relaxed(bytes);
    return Errno::NoMem;
  }
  return Ref<Queue>::adopt(*queue);
}

Queue::Queue(SuperBlock& super_block, const CreateParameters& parameters, const QueueSize& size,
             Ref<UserAccount> account, uint64_t charged)
    : Inode(super_block, FileType::Regular, super_block.next_inode_number(), parameters.mode),
      limits_(size), account_(std::move(account)), charged_(charged) {
  set_owner(parameters.uid, parameters.gid);
  caches_absent_names_ = true;
}

Queue::~Queue() = default;

void Queue::evict() {
  {
    Guard guard(queue_lock_);
    while (Message* message = messages_.pop_front()) delete message;
    notified_.reset();
  }
  account_->message_queue_bytes.fetch_sub_relaxed(charged_);
  queue_has_gone();
}

Result<Ref<File>> Queue::open(const Path& path, uint32_t flags) {
  return Ref<File>(TRY(make_ref<QueueFile>(path, flags)));
}

// The size means nothing.
Result<> Queue::set_attributes(const AttributeChange& change) {
  AttributeChange rest = change;
  rest.size.reset();
  return Inode::set_attributes(rest);
}

void Queue::insert_locked(Owned<Message> message) {
  Message* behind = messages_.back();
  while (behind != nullptr && behind->priority < message->priority)
    behind = messages_.previous(*behind);
  Message& added = *std::move(message).leak();
  if (behind != nullptr) {
    messages_.insert_after(*behind, added);
  } else {
    messages_.push_front(added);
  }
  count_.store_release(count_.load_relaxed() + 1);
}

// The most urgent thread first, of equals the one that came first.
void Queue::join(List<Waiter>& waiters, Waiter& waiter) {
  Waiter* behind = waiters.back();
  while (behind != nullptr && behind->urgency < waiter.urgency) behind = waiters.previous(*behind);
  if (behind != nullptr) {
    waiters.insert_after(*behind, waiter);
  } else {
    waiters.push_front(waiter);
  }
}

Result<> Queue::send(Owned<Message> message, const Wait& wait) {
  Waiter waiter;
  {
    Guard guard(queue_lock_);
    if (count() < limits_.messages) {
      touch(true, true, true);
      if (Waiter* receiver = receivers_.pop_front()) {
        receiver->message = std::move(message);
        receiver->wake();
        return {};
      }
      insert_locked(std::move(message));
      tell_process_locked();
      poll_queue_.wake_all(kPollIn | kPollRdNorm);
      return {};
    }
    if (!wait.allowed) return Errno::Again;
    waiter.message = std::move(message);
    join(senders_, waiter);
  }
  Result<> slept = waiter.sleep(wait.until);
  Guard guard(queue_lock_);
  if (!waiter.is_linked()) return {};  // taken, whatever else happened
  senders_.remove(waiter);
  return slept;
}

Result<Owned<Message>> Queue::receive(const Wait& wait) {
  Waiter waiter;
  {
    Guard guard(queue_lock_);
    if (Message* first = messages_.pop_front()) {
      count_.store_release(count_.load_relaxed() - 1);
      touch(true, true, true);
      if (Waiter* sender = senders_.pop_front()) {
        insert_locked(sender->message.take());
        sender->wake();
      } else {
        poll_queue_.wake_all(kPollOut | kPollWrNorm);
      }
      return Owned<Message>::adopt(first);
    }
    if (!wait.allowed) return Errno::Again;
    join(receivers_, waiter);
  }
  Result<> slept = waiter.sleep(wait.until);
  Guard guard(queue_lock_);
  if (waiter.message) return waiter.message.take();
  receivers_.remove(waiter);
  return slept.error();
}

bool Queue::is_own_notification_locked() const {
  return notified_ && notified_.get() == &current_task().group().leader_pid();
}

Result<> Queue::notify_process(const Notification& wanted) {
  ThreadGroup& group = current_task().group();
  Guard guard(queue_lock_);
  if (notified_) return Errno::Busy;
  notified_ = Ref<Pid>(group.leader_pid());
  notified_exec_ = group.exec_count;
  notification_ = wanted;
  touch(true, false, true);
  return {};
}

void Queue::forget_process() {
  Guard guard(queue_lock_);
  if (!is_own_notification_locked()) return;
  notified_.reset();
  touch(true, false, true);
}

// Once: who wants to be told again says so again. A program that was executed since did not ask.
void Queue::tell_process_locked() {
  if (!notified_ || count() != 1) return;
  Optional<Ref<ThreadGroup>> group = task::find_group(notified_->number());
  if (notification_.kind == Notification::Kind::Signal && notification_.signal != 0 && group &&
      group->exec_count == notified_exec_) {
    SignalInfo info = user_signal(current_task(), static_cast<Signal>(notification_.signal));
    info.code = kSiMessageQueue;
    info.value = notification_.value;
    ignore(post_signal(*group, info));
  }
  notified_.reset();
}

void Queue::describe(FormatSink& sink) {
  uint64_t bytes = 0;
  uint64_t pid = 0;
  uint32_t kind = 0, signal = 0;
  {
    constexpr uint32_t kSigevNone = 1;
    Guard guard(queue_lock_);
    for (const Message& message : messages_) bytes += message.text.size();
    if (notified_) {
      pid = static_cast<uint64_t>(notified_->number());
      bool signals = notification_.kind == Notification::Kind::Signal;
      kind = signals ? 0 : kSigevNone;
      signal = signals ? notification_.signal : 0;
    }
  }
  format(sink, "QSIZE:{:-10} NOTIFY:{:-5} SIGNO:{:-5} NOTIFY_PID:{:-6}\n", bytes, kind, signal,
         pid);
}

}  // namespace kernel::mqueue
