// SPDX-License-Identifier: MIT
// One POSIX message queue (mq_overview(7)): an inode of the file system mqueue. Messages lie in the
// order of their priorities; one that somebody waits for goes to him at once.
#pragma once

#include "fs/vfs/file.h"
#include "lib/format.h"
#include "sched/sleeper.h"
#include "task/task.h"

namespace kernel::mqueue {

inline constexpr uint32_t kPriorities = 32768;  // MQ_PRIO_MAX

struct QueueSize {
  int64_t messages;      // mq_maxmsg
  int64_t message_size;  // mq_msgsize
};

struct Message : ListNode<Message> {
  uint32_t priority = 0;
  Vector<uint8_t> text;
};

// mq_notify(3), without what only the caller knows: who it is.
struct Notification {
  enum class Kind : uint8_t { None, Signal } kind = Kind::None;
  uint32_t signal = 0;  // 0: none, silently
  uint64_t value = 0;
};

class Queue final : public Inode {
 public:
  // With the running task's account charged. Errors: Inval, Overflow, MFile (RLIMIT_MSGQUEUE).
  static Result<Ref<Queue>> create(SuperBlock& super_block, const CreateParameters& parameters,
                                   const QueueSize& size);
  ~Queue() override;

  // Errors: Again (without `wait`), TimedOut, RestartSys.
  struct Wait {
    bool allowed;
    Until until;
  };
  Result<> send(Owned<Message> message, const Wait& wait) EXCLUDES(queue_lock_);
  Result<Owned<Message>> receive(const Wait& wait) EXCLUDES(queue_lock_);

  // The running process is told, once, when a message comes into the empty queue. Error: Busy.
  Result<> notify_process(const Notification& wanted) EXCLUDES(queue_lock_);
  void forget_process() EXCLUDES(queue_lock_);  // if it is the running one

  const QueueSize& limits() const { return limits_; }
  int64_t count() const { return count_.load_acquire(); }
  WaitQueue& poll_queue() { return poll_queue_; }
  void describe(FormatSink& sink) EXCLUDES(queue_lock_);  // what read(2) shows

  uint64_t size() override { return kTextSize; }
  Result<Ref<File>> open(const Path& path, uint32_t flags) override;
  Result<> set_attributes(const AttributeChange& change) override;
  void evict() override;

 private:
  static constexpr uint64_t kTextSize = 80;
  Queue(SuperBlock& super_block, const CreateParameters& parameters, const QueueSize& size,
        Ref<UserAccount> account, uint64_t charged);

  struct Waiter;
  void insert_locked(Owned<Message> message) REQUIRES(queue_lock_);
  static void join(List<Waiter>& waiters, Waiter& waiter);
  void tell_process_locked() REQUIRES(queue_lock_);
  bool is_own_notification_locked() const REQUIRES(queue_lock_);

  const QueueSize limits_;
  const Ref<UserAccount> account_;
  const uint64_t charged_;
  Atomic<int64_t> count_;  // of messages_; changes under the lock
  WaitQueue poll_queue_;
  Mutex<LockRank::PosixQueue> queue_lock_;
  List<Message> messages_ GUARDED_BY(queue_lock_);  // the next one first
  List<Waiter> senders_ GUARDED_BY(queue_lock_), receivers_ GUARDED_BY(queue_lock_);
  Optional<Ref<Pid>> notified_ GUARDED_BY(queue_lock_);  // the process that wants to be told
  uint64_t notified_exec_ GUARDED_BY(queue_lock_) = 0;   // and which of its programs
  Notification notification_ GUARDED_BY(queue_lock_);
};

// The queue of an open file. Error: BadF.
Result<Queue*> queue_of(File& file);

}  // namespace kernel::mqueue
