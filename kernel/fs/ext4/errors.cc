// SPDX-License-Identifier: MIT
// What is done about damage: a line in the log, a mark in the superblock, and what errors= says.
// The kernel goes on.

#include "fs/ext4/volume.h"

namespace kernel::ext4 {
namespace {

// A damaged volume is met at every step: so many lines and no more.
constexpr uint32_t kMaxLines = 10;

}  // namespace

// The work holds the volume until it has run.
void Volume::schedule_recording() {
  ref();
  if (!record_errors_.schedule()) unref();
}

void Volume::note_error(uint32_t inode, StringView text) {
  if (logged_errors_.fetch_add_relaxed(1) < kMaxLines)
    log_error("EXT4-fs error (device {}): {}", name(), text);
  {
    Guard guard(error_lock_);
    last_error_.inode = inode;
    last_error_.time = now().seconds;
    size_t size =
        text.size() < sizeof last_error_.text - 1 ? text.size() : sizeof last_error_.text - 1;
    __builtin_memset(last_error_.text, 0, sizeof last_error_.text);
    __builtin_memcpy(last_error_.text, text.data(), size);
    if (error_count_.load_relaxed() == 0) first_error_ = last_error_;
  }
  error_count_.fetch_add_relaxed(1);
  if (read_only()) return;
  if (options_.on_error == OnError::Panic)
    panic("EXT4-fs (device %.*s): panic forced after error", static_cast<int>(name().size()),
          name().data());
  if (options_.on_error == OnError::RemountReadOnly) {
    log_error("EXT4-fs ({}): Remounting filesystem read-only", name());
    read_only_.store_relaxed(true);
    if (journal_) journal_->abort(Errno::Io);
  }
  schedule_recording();
}

void Volume::fill_error_fields(DiskSuper& super) {
  uint32_t count = error_count_.load_relaxed();
  Guard guard(error_lock_);
  uint32_t fresh = count - recorded_errors_.load_relaxed();
  super.state |= kStateErrors;
  if (super.error_count == 0) {
    super.first_error_time = static_cast<uint32_t>(first_error_.time);
    super.first_error_inode = first_error_.inode;
    __builtin_memcpy(super.first_error_function, first_error_.text,
                     sizeof super.first_error_function);
  }
  super.last_error_time = static_cast<uint32_t>(last_error_.time);
  super.last_error_inode = last_error_.inode;
  __builtin_memcpy(super.last_error_function, last_error_.text, sizeof super.last_error_function);
  super.error_count += fresh;
  recorded_errors_.store_relaxed(count);
}

// Through the journal while there is one; else straight to the disk, of which the superblock's copy
// in memory is no part then.
void Volume::record_errors() {
  if (!has_unrecorded_errors()) return;
  if (!in_use_) return;  // a volume that is only read stays as it is
  Guard guard(super_lock_);
  auto change = [](DiskSuper& super, Volume& volume) { volume.fill_error_fields(super); };
  Result<> result =
      read_only() || journal_->is_aborted() ? write_super_directly(change) : change_super(change);
  if (!result.ok()) log_error("EXT4-fs ({}): the error could not be recorded", name());
}

void Volume::journal_aborted(Errno) {
  if (read_only()) return;
  log_error("EXT4-fs ({}): the journal has aborted: Remounting filesystem read-only", name());
  {
    Guard guard(error_lock_);
    last_error_ = {0, "journal aborted", now().seconds};
    if (error_count_.load_relaxed() == 0) first_error_ = last_error_;
  }
  error_count_.fetch_add_relaxed(1);
  read_only_.store_relaxed(true);
  schedule_recording();
}

}  // namespace kernel::ext4
