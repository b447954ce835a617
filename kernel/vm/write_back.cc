// SPDX-License-Identifier: MIT
// See write_back.h. An object is on its group's list from its first dirty page on. Whoever writes
// it takes it off first and, should some of it be dirty afterwards, puts it back: so it is either
// listed or in somebody's hands.

#include "vm/write_back.h"

#include "vm/page_wait.h"

namespace kernel {
namespace {

constinit VisitedList<WriteBackGroup> groups;

}  // namespace

WriteBackGroup::WriteBackGroup() { groups.add(*this); }

WriteBackGroup::~WriteBackGroup() {
  groups.remove(*this);
  DCHECK(dirty_.empty());
}

WriteBackGroup* WriteBackGroup::next_visited(WriteBackGroup* before) { return groups.next(before); }

void WriteBackGroup::add(DiskObject& object) {
  {
    Guard guard(lock_);
    object.dirty_since_ = clock::monotonic();
    if (object.listed_) dirty_.remove(object);
    dirty_.push_back(object);
    object.listed_ = true;
  }
  page_cache::note_dirty();
}

void WriteBackGroup::remove(DiskObject& object) {
  Guard guard(lock_);
  if (object.listed_) dirty_.remove(object);
  object.listed_ = false;
}

// The one that has been dirty longest, if that is since before `since`; its owner is held.
Optional<Ref<DiskObject>> WriteBackGroup::take_oldest(Nanoseconds since) {
  for (;;) {
    DiskObject* oldest;
    {
      Guard guard(lock_);
      oldest = dirty_.front();
      if (oldest == nullptr || oldest->dirty_since_ > since) return {};
      dirty_.remove(*oldest);
      oldest->listed_ = false;
      // One that ends now is written, or dropped, by its inode's end.
      if (!oldest->try_ref()) continue;
    }
    Ref<DiskObject> object = Ref<DiskObject>::adopt(*oldest);
    if (object->hold_owner()) return object;
  }
}

// What is dirty now was not, or was again, when the writing began.
void WriteBackGroup::give_back(DiskObject& object, Nanoseconds began) {
  if (!object.is_dirty()) return;
  Guard guard(lock_);
  if (object.listed_) return;
  object.dirty_since_ = began;
  DiskObject* after = dirty_.back();
  while (after != nullptr && after->dirty_since_ > began) after = dirty_.previous(*after);
  if (after != nullptr) {
    dirty_.insert_after(*after, object);
  } else {
    dirty_.push_front(object);
  }
  object.listed_ = true;
}

Result<bool> WriteBackGroup::write_oldest(Nanoseconds since) {
  Optional<Ref<DiskObject>> held;
  Result<> written;
  {
    Guard turn(turn_);
    held = take_oldest(since);
    if (!held) return false;
    Nanoseconds began = clock::monotonic();
    written = held->write_back(0, kEndOfFile);
    give_back(*held, began);
  }
  held->release_owner();
  if (!written.ok()) return written.error();
  return true;
}

Result<> WriteBackGroup::synchronise() {
  Nanoseconds now = clock::monotonic();
  Result<> result;
  for (;;) {
    Result<bool> more = write_oldest(now);
    if (!more.ok() && result.ok()) result = more.error();
    if (more.failed_with(Errno::NoMem)) break;  // is still dirty
    if (more.ok() && !*more) break;
  }
  return result;
}

}  // namespace kernel
