// SPDX-License-Identifier: MIT
// mq_open(2), mq_unlink(2), mq_timedsend(2), mq_timedreceive(2), mq_notify(2), mq_getsetattr(2).

#include "fs/mqueue/mqueue.h"
#include "fs/vfs/fd_table.h"
#include "syscall/declarations.h"
#include "syscall/file_arguments.h"

namespace kernel::syscall {
namespace {

using mqueue::Queue;

// The timeout is a time of the wall clock.
Result<Queue::Wait> parse_wait(UserIn<abi::TimeSpec> timeout) {
  Queue::Wait wait{.allowed = true, .until = {}};
  if (timeout.is_null()) return wait;
  abi::TimeSpec end = TRY(timeout.read());
  if (!end.is_valid()) return Errno::Inval;
  wait.until = {{end.to_ns()}, true};
  return wait;
}

}  // namespace

Value sys_mq_open(Context& context, UserString name, int32_t flags, uint32_t mode,
                  UserIn<abi::QueueAttributes> attributes) {
  mqueue::OpenRequest request{.flags = static_cast<uint32_t>(flags),
                              .mode = static_cast<uint16_t>(mode & kModeMask),
                              .size = {}};
  if (!attributes.is_null()) {
    auto given = TRY(attributes.read());
    request.size = mqueue::QueueSize{given.most_messages, given.message_size};
  }
  String text = TRY(name.copy(kPathMax));
  Ref<File> file = TRY(mqueue::open(text, request));
  return install_file(context, std::move(file), /*close_on_exec=*/true);
}

Value sys_mq_unlink(Context&, UserString name) {
  TRY(mqueue::unlink(TRY(name.copy(kPathMax))));
  return 0;
}

Value sys_mq_timedsend(Context& context, Fd fd, UserAddr text, size_t size, uint32_t priority,
                       UserIn<abi::TimeSpec> timeout) {
  Queue::Wait wait = TRY(parse_wait(timeout));
  if (priority >= mqueue::kPriorities) return Errno::Inval;
  FileUse file = TRY(context.task.files->use(fd));
  Queue& queue = *TRY(mqueue::queue_of(*file.get()));
  if (!file->writable()) return Errno::BadF;
  if (size > static_cast<uint64_t>(queue.limits().message_size)) return Errno::MsgSize;
  Owned<mqueue::Message> message = TRY(make_owned<mqueue::Message>());
  TRY(message->text.resize(size));
  TRY(copy_in(message->text.data(), text, size));
  message->priority = priority;
  wait.allowed = !file->nonblocking();
  TRY(queue.send(std::move(message), wait));
  return 0;
}

Value sys_mq_timedreceive(Context& context, Fd fd, UserAddr text, size_t size,
                          UserOut<uint32_t> priority, UserIn<abi::TimeSpec> timeout) {
  Queue::Wait wait = TRY(parse_wait(timeout));
  FileUse file = TRY(context.task.files->use(fd));
  Queue& queue = *TRY(mqueue::queue_of(*file.get()));
  if (!file->readable()) return Errno::BadF;
  if (size < static_cast<uint64_t>(queue.limits().message_size)) return Errno::MsgSize;
  wait.allowed = !file->nonblocking();
  Owned<mqueue::Message> message = TRY(queue.receive(wait));
  if (!priority.is_null()) TRY(priority.write(message->priority));
  TRY(copy_out(text, message->text.data(), message->text.size()));
  return static_cast<int64_t>(message->text.size());
}

Value sys_mq_notify(Context& context, Fd fd, UserIn<abi::SignalEvent> event) {
  std::optional<mqueue::Notification> wanted;
  if (!event.is_null()) {
    auto given = TRY(event.read());
    wanted.emplace();
    if (given.notify == abi::kSigevSignal) {
      if (given.signal < 0 || given.signal > static_cast<int32_t>(kSignalCount))
        return Errno::Inval;
      wanted->kind = mqueue::Notification::Kind::Signal;
      wanted->signal = static_cast<uint32_t>(given.signal);
      wanted->value = given.value;
    } else if (given.notify != abi::kSigevNone) {
      return Errno::Inval;
    }
  }
  FileUse file = TRY(context.task.files->use(fd));
  Queue& queue = *TRY(mqueue::queue_of(*file.get()));
  if (wanted) {
    TRY(queue.notify_process(*wanted));
  } else {
    queue.forget_process();
  }
  return 0;
}

Value sys_mq_getsetattr(Context& context, Fd fd, UserIn<abi::QueueAttributes> wanted,
                        UserOut<abi::QueueAttributes> old) {
  std::optional<abi::QueueAttributes> given;
  if (!wanted.is_null()) {
    given = TRY(wanted.read());
    if ((given->flags & ~int64_t{kOpenNonBlock}) != 0) return Errno::Inval;
  }
  FileUse file = TRY(context.task.files->use(fd));
  Queue& queue = *TRY(mqueue::queue_of(*file.get()));
  abi::QueueAttributes present{};
  present.flags = file->flags() & kOpenNonBlock;
  present.most_messages = queue.limits().messages;
  present.message_size = queue.limits().message_size;
  present.messages = queue.count();
  if (given) {
    file->change_flags(kOpenNonBlock, static_cast<uint32_t>(given->flags));
    queue.touch(true, false, true);
  }
  if (!old.is_null()) TRY(old.write(present));
  return 0;
}

}  // namespace kernel::syscall
