// SPDX-License-Identifier: MIT
// See pidfd.h.

#include "process/pidfd.h"

#include "fs/vfs/anonymous.h"
#include "vm/user_copy.h"

namespace kernel {
namespace {

class PidFile final : public File {
 public:
  PidFile(Path path, uint32_t flags, Ref<Pid> pid)
      : File(std::move(path), flags), pid_(std::move(pid)) {}
  const void* kind() const override { return &kKind; }
  uint32_t poll(PollRegistration* registration) override;
  void show_info(FormatSink& sink) override;
  Ref<Pid> pid() const { return pid_; }

  static constexpr char kKind = 0;  // its address says what a File is, without RTTI

 private:
  Ref<Pid> pid_;
};

uint32_t PidFile::poll(PollRegistration* registration) {
  if (registration != nullptr) registration->wait_on(pid_->ended);
  Guard guard(task::tree_lock);
  ThreadGroup* group = pid_->thread_group();
  bool ended = group == nullptr || group->state != ThreadGroup::State::Live;
  return ended ? kPollIn | kPollRdNorm : 0;
}

void PidFile::show_info(FormatSink& sink) {
  PidNumber number = pid_->task() == nullptr ? -1 : pid_->number();
  format(sink, "Pid:\t{}\nNSpid:\t{}\n", number, number);
}

}  // namespace

Result<Ref<File>> make_pidfd(Ref<Pid> pid, uint32_t flags) {
  Path place = TRY(anonymous::make_place(anonymous::Kind::Event, "[pidfd]", false));
  return Ref<File>(
      TRY(make_ref<PidFile>(std::move(place), kOpenReadWrite | flags, std::move(pid))));
}

Result<Ref<Pid>> pid_of_pidfd(const File& file) {
  if (file.kind() != &PidFile::kKind) return Errno::BadF;
  return static_cast<const PidFile&>(file).pid();
}

Result<Ref<Pid>> pid_of_signal_target(const File& file) {
  bool place_only = (file.flags() & kOpenPath) != 0;
  Optional<Ref<Pid>> pid = place_only ? Optional<Ref<Pid>>() : file.inode().process();
  return pid ? pid.take() : pid_of_pidfd(file);
}

Result<Ref<Task>> task_of_pidfd(const File& file) {
  Ref<Pid> pid = TRY(pid_of_pidfd(file));
  RcuReadGuard reading;
  Task* found = pid->task();
  if (found == nullptr || !found->try_ref()) return Errno::Srch;
  return Ref<Task>::adopt(*found);
}

Result<ReservedPidFd> ReservedPidFd::reserve(Task& task, Ref<Pid> pid, UserAddr number_address) {
  Ref<File> file = TRY(make_pidfd(std::move(pid), 0));
  uint64_t limit = task::limit(task.group(), Resource::OpenFiles).soft;
  Fd fd = TRY(task.files->reserve(limit));
  ReservedPidFd reserved(*task.files, fd, std::move(file));
  TRY(copy_out(number_address, &fd, sizeof fd));
  return reserved;
}

ReservedPidFd::~ReservedPidFd() {
  if (table_ != nullptr) table_->release(fd_);
}

void ReservedPidFd::commit() {
  table_->fill(fd_, file_.take(), true);
  table_ = nullptr;
}

}  // namespace kernel
