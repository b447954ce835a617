// SPDX-License-Identifier: MIT
// /proc/sysvipc: every object of System V IPC, one line each, whoever may use it (proc(5)).

#include "ipc/message_queue.h"
#include "ipc/semaphore_set.h"
#include "ipc/shared_memory.h"
#include "procfs/procfs.h"

namespace kernel::procfs {
namespace {

template <class T>
void put_identity_locked(FormatSink& sink, const T& object) REQUIRES(object.lock) {
  format(sink, "{:10} {:10}  {:4o} ", object.permission.key, object.id(),
         object.permission.mode);
}

template <class T>
void put_owners_locked(FormatSink& sink, const T& object) REQUIRES(object.lock) {
  const ipc::Permission& of = object.permission;
  format(sink, "{:5} {:5} {:5} {:5} ", of.uid, of.gid, of.creator_uid, of.creator_gid);
}

Result<> put_queues(FormatSink& sink) {
  sink.write(
      "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid"
      "      stime      rtime      ctime\n");
  size_t slot = 0;
  while (Optional<Ref<ipc::MessageQueue>> queue = ipc::message_queues::table().next(slot)) {
    Guard guard(queue->lock);
    put_identity_locked(sink, *queue);
    format(sink, " {:10} {:10} {:5} {:5} ", queue->bytes, queue->count, queue->last_sender,
           queue->last_receiver);
    put_owners_locked(sink, *queue);
    format(sink, "{:10} {:10} {:10}\n", queue->send_time, queue->receive_time,
           queue->change_time);
  }
  return {};
}

Result<> put_semaphores(FormatSink& sink) {
  sink.write(
      "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
  size_t slot = 0;
  while (Optional<Ref<ipc::SemaphoreSet>> set = ipc::semaphore_sets::table().next(slot)) {
    Guard guard(set->lock);
    put_identity_locked(sink, *set);
    format(sink, "{:10} ", set->size());
    put_owners_locked(sink, *set);
    format(sink, "{:10} {:10}\n", set->operation_time, set->change_time);
  }
  return {};
}

Result<> put_segments(FormatSink& sink) {
  sink.write(
      "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  "
      "cgid      atime      dtime      ctime                   rss                  swap\n");
  size_t slot = 0;
  while (Optional<Ref<ipc::Segment>> segment = ipc::segments::table().next(slot)) {
    Guard guard(segment->lock);
    ipc::Segment::Attachments attachments = segment->attachments();
    put_identity_locked(sink, *segment);
    format(sink, "{:21} {:5} {:5}  {:5} ", segment->size(), segment->creator_pid(),
           attachments.last_pid, attachments.count);
    put_owners_locked(sink, *segment);
    format(sink, "{:10} {:10} {:10} {:21} {:21}\n", attachments.attach_time,
           attachments.detach_time, segment->change_time,
           segment->resident_pages() * kPageSize, 0);
  }
  return {};
}

class SysvipcDirectory final : public StaticDirectory {
 public:
  using StaticDirectory::StaticDirectory;
  Result<Ref<Inode>> create(StringView, const CreateParameters&) override { return Errno::NoEnt; }
};

}  // namespace

Result<Ref<Inode>> make_sysvipc_directory(SuperBlock& super_block) {
  Ref<StaticDirectory> directory = TRY(make_ref<SysvipcDirectory>(super_block));
  auto add = [&](StringView name, GeneratedText::Generate generate) {
    auto file = make_ref<GeneratedText>(super_block, uint16_t{0444}, generate);
    return file.ok() ? directory->add(name, std::move(file).take()) : Result<>(file.error());
  };
  TRY(add("msg", put_queues));
  TRY(add("sem", put_semaphores));
  TRY(add("shm", put_segments));
  return Ref<Inode>(std::move(directory));
}

}  // namespace kernel::procfs
