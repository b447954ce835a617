// SPDX-License-Identifier: MIT
// See shared_memory.h. Attachments are counted by the mappings themselves (MappingFlags::counted):
// each piece of a split mapping and each copy of a fork is one.

#include "ipc/shared_memory.h"

#include "fs/event/memfd.h"
#include "fs/tmpfs/tmpfs_inode.h"
#include "vm/address_space.h"
#include "vm/overcommit.h"

namespace kernel::ipc {
namespace {

constinit Atomic<uint64_t> total;  // pages


// What one shmat(2) mapped: shmdt(2) tells attachments apart by it.
class SegmentFile final : public File {
 public:
  SegmentFile(Ref<Segment> segment, uint32_t flags)
      : File(segment->place(), flags), segment_(std::move(segment)) {}
  void mapped() override { segment_->attached(); }
  void unmapped() override { segment_->detached(); }

 private:
  void on_close() override { segment_.reset(); }  // its memory does not wait for RCU readers
  Optional<Ref<Segment>> segment_;
};

}  // namespace

Result<Ref<Segment>> Segment::create(const Permission& permission, uint64_t size,
                                     Reserve reserve) {
  Path place = TRY(memfd::make_place(TRY(format_string("SYSV{:08x}", permission.key))));
  uint64_t pages = align_up(size, kPageSize) >> kPageShift;
  bool promise = reserve == Reserve::Yes || overcommit::mode() == overcommit::Mode::Never;
  uint64_t promised = promise ? pages : 0;
  TRY(overcommit::commit(promised));
  auto* made = new (std::nothrow) Segment(permission, size, std::move(place), promised);
  if (made == nullptr) {
    overcommit::uncommit(promised);
    return Errno::NoMem;
  }
  Ref<Segment> segment = Ref<Segment>::adopt(*made);
  Inode& inode = segment->place_.inode();
  inode.set_mode(static_cast<uint16_t>(permission.mode));
  inode.contents()->set_size(pages << kPageShift);
  return segment;
}

Segment::~Segment() { overcommit::uncommit(promised_pages_); }

void Segment::named() {
  place_.inode().set_number(static_cast<uint64_t>(id()));
  total.fetch_add_relaxed(pages());
}

void Segment::hold() {
  Guard guard(attachments_lock_);
  ++attachments_.count;
}

void Segment::release() {
  {
    Guard guard(attachments_lock_);
    if (--attachments_.count != 0) return;
  }
  segments::table().remove(*this);
}

void Segment::attached() {
  Guard guard(attachments_lock_);
  ++attachments_.count;
  attachments_.attach_time = now_seconds();
  attachments_.last_pid = current_pid();
}

void Segment::detached() {
  {
    Guard guard(attachments_lock_);
    attachments_.detach_time = now_seconds();
    attachments_.last_pid = current_pid();
  }
  release();
}

bool Segment::end_locked() {
  if ((permission.mode & kDestroyed) == 0 || attachments().count != 0) return false;
  total.fetch_sub_relaxed(pages());
  if (locked_for_) locked_for_->locked_shared_pages.fetch_sub_relaxed(pages());
  locked_for_.reset();
  return true;
}

void Segment::destroyed_locked() {
  permission.mode |= kDestroyed;
  permission.key = kPrivateKey;
}

Result<> Segment::set_locked(bool locked) {
  Guard guard(lock);
  if (removed) return Errno::IdRm;
  uint64_t limit = task::limit(current_task().group(), Resource::MemLock).soft;
  bool may_exceed = caller().has(Capability::IpcLock);
  if (!may_exceed) {
    if (caller().euid != permission.uid && caller().euid != permission.creator_uid)
      return Errno::Perm;
    if (locked && limit == 0) return Errno::Perm;
  }
  bool is_locked = (permission.mode & kLocked) != 0;
  if (locked == is_locked) return {};
  if (!locked) {
    permission.mode &= ~kLocked;
    locked_for_->locked_shared_pages.fetch_sub_relaxed(pages());
    locked_for_.reset();
    return {};
  }
  UserAccount& account = *caller().account;
  uint64_t before = account.locked_shared_pages.fetch_add_relaxed(pages());
  if (!may_exceed && before + pages() > limit >> kPageShift) {
    account.locked_shared_pages.fetch_sub_relaxed(pages());
    return Errno::NoMem;
  }
  permission.mode |= kLocked;
  locked_for_ = Ref<UserAccount>(account);
  return {};
}

namespace segments {

namespace {

constexpr uint32_t kHugePages = 04000, kNoReserve = 010000;  // SHM_HUGETLB, SHM_NORESERVE

// There are no huge pages to be had, of whatever size that exists.
Errno refuse_huge_pages(uint32_t flags) {
  constexpr unsigned kSizeShift = 26, kSizes[] = {0, 16, 21, 25, 30};
  unsigned wanted = flags >> kSizeShift & 63;
  for (unsigned size : kSizes) {
    if (size == wanted) return caller().has(Capability::IpcLock) ? Errno::NoMem : Errno::Perm;
  }
  return Errno::Inval;
}

Result<Ref<Segment>> make(int32_t key, uint64_t size, uint32_t flags) {
  if (size == 0 || size > limits.segment_size.load_relaxed()) return Errno::Inval;
  if (size > UINT64_MAX - kPageSize) return Errno::NoSpc;
  uint64_t pages = align_up(size, kPageSize) >> kPageShift;
  if (total.load_relaxed() + pages > limits.segment_pages.load_relaxed()) return Errno::NoSpc;
  if (size > INT64_MAX) return Errno::Inval;  // no file can have it
  if ((flags & kHugePages) != 0) return refuse_huge_pages(flags);
  return Segment::create(Permission::of_creator(key, flags, caller()), size,
                         (flags & kNoReserve) != 0 ? Segment::Reserve::No : Segment::Reserve::Yes);
}

// Keeps the segment in the table until the mapping counts.
class TemporaryAttachment : public Pinned {
 public:
  explicit TemporaryAttachment(Segment& segment) : segment_(segment) {}
  ~TemporaryAttachment() { segment_.release(); }

 private:
  Segment& segment_;
};

}  // namespace

Table<Segment>& table() {
  static constinit Table<Segment> segments;
  return segments;
}

Result<int32_t> get(int32_t key, uint64_t size, uint32_t flags) {
  auto check = [size](Segment& present) {
    return size > present.size() ? Result<>(Errno::Inval) : Result<>();
  };
  return table().get(key, flags, limits.segments.load_relaxed(), check,
                     [key, size, flags] { return make(key, size, flags); });
}

Result<UserAddr> attach(Task& task, int32_t id, const AttachRequest& request) {
  Ref<Segment> segment = TRY(table().find(id));
  uint32_t access = kMayRead | (request.read_only ? 0 : kMayWrite) |
                    (request.executable ? kMayExecute : 0);
  {
    Guard guard(segment->lock);
    TRY(segment->permission.check(access, caller()));
    if (segment->removed) return Errno::IdRm;
    segment->hold();
  }
  TemporaryAttachment held(*segment);
  bool wraps = raw(request.address) > UINT64_MAX - segment->size();
  if (wraps && !request.replace) return Errno::Inval;
  Ref<SegmentFile> file = TRY(make_ref<SegmentFile>(
      segment, request.read_only ? kOpenReadOnly : kOpenReadWrite));
  MapRequest map;
  map.address = request.address;
  map.size = segment->size();
  map.protection = kProtRead | (request.read_only ? 0 : uint32_t{kProtWrite}) |
                   (request.executable ? uint32_t{kProtExec} : 0);
  if (request.read_only) map.max_protection &= ~uint32_t{kProtWrite};
  map.flags.shared = true;
  map.flags.counted = true;
  map.object = Ref<MemoryObject>(*segment->place().inode().contents());
  map.file = file.get();
  if (raw(request.address) != 0) {
    map.placement = request.replace ? MapRequest::Placement::Fixed
                                    : MapRequest::Placement::FixedNoReplace;
  }
  Result<UserAddr> at = task.address_space->map(map);
  if (at.failed_with(Errno::Exist)) return Errno::Inval;
  return at;
}

uint64_t total_pages() { return total.load_relaxed(); }

uint64_t resident_pages() {
  uint64_t pages = 0;
  for (size_t slot = 0; Optional<Ref<Segment>> segment = table().next(slot);)
    pages += segment->resident_pages();
  return pages;
}

}  // namespace segments
}  // namespace kernel::ipc
