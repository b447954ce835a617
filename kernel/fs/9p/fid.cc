// SPDX-License-Identifier: MIT
// See fid.h: one function for each message of 9P2000.L.

#include "fs/9p/fid.h"

#include "fs/9p/payload.h"

namespace kernel::p9 {

Result<Ref<Fid>> Fid::create(Ref<Session> session) {
  FidNumber* number = TRY(session->take_fid());
  Session& owner = *session;
  Result<Ref<Fid>> made = make_ref<Fid>(std::move(session), *number);
  if (!made.ok()) owner.give_back_fid(*number);
  return made;
}

void Fid::last_unref(Fid* fid) {
  if (fid->is_known_) {
    fid->session_->clunk(*fid->number_);
  } else {
    fid->session_->give_back_fid(*fid->number_);
  }
  delete fid;
}

Result<Ref<Fid>> Fid::attach(Ref<Session> session, StringView user, Uid uid, StringView name) {
  Ref<Fid> fid = TRY(create(session));
  Call call(*session, Type::Attach);
  MessageWriter& arguments = call.arguments();
  arguments.u32(fid->number());
  arguments.u32(kNoFid);  // no authentication
  arguments.string(user);
  arguments.string(name);
  arguments.u32(uid);
  MessageReader answer = TRY(call.run());
  fid->is_known_ = true;
  if (!TRY(parse_qid(answer)).is_directory()) return Errno::Io;
  return fid;
}

Result<Fid::Walked> Fid::walk(StringView name) {
  Ref<Fid> fid = TRY(create(session_));
  Call call(*session_, Type::Walk);
  MessageWriter& arguments = call.arguments();
  arguments.u32(number());
  arguments.u32(fid->number());
  arguments.u16(1);
  arguments.string(name);
  MessageReader answer = TRY(call.run());
  if (TRY(answer.u16()) != 1) return Errno::NoEnt;
  fid->is_known_ = true;
  Qid qid = TRY(parse_qid(answer));
  return Walked{std::move(fid), qid};
}

Result<Ref<Fid>> Fid::clone() {
  Ref<Fid> fid = TRY(create(session_));
  Call call(*session_, Type::Walk);
  MessageWriter& arguments = call.arguments();
  arguments.u32(number());
  arguments.u32(fid->number());
  arguments.u16(0);
  TRY(call.run());
  fid->is_known_ = true;
  return fid;
}

// --- Attributes --------------------------------------------------------------------------

Result<Attributes> Fid::attributes() {
  constexpr uint64_t kEverything = 0x3fff;
  uint64_t asked_at = session_->next_time();
  Call call(*session_, Type::GetAttr);
  call.arguments().u32(number());
  call.arguments().u64(kEverything);
  MessageReader answer = TRY(call.run());
  Attributes attributes = TRY(parse_attributes(answer));
  attributes.asked_at = asked_at;
  return attributes;
}

Result<> Fid::set_attributes(const AttributeChange& change) {
  uint32_t valid = 0;
  if (change.mode) valid |= kSetMode;
  if (change.uid) valid |= kSetUid;
  if (change.gid) valid |= kSetGid;
  if (change.size) valid |= kSetSize;
  if (change.access) valid |= kSetAccess | kSetAccessTo;
  if (change.modify) valid |= kSetModify | kSetModifyTo;
  if (valid == 0) return {};
  Timestamp access = change.access.value_or(Timestamp{});
  Timestamp modify = change.modify.value_or(Timestamp{});
  Call call(*session_, Type::SetAttr);
  MessageWriter& arguments = call.arguments();
  arguments.u32(number());
  arguments.u32(valid);
  arguments.u32(change.mode.value_or(0));
  arguments.u32(change.uid.value_or(kNoId));
  arguments.u32(change.gid.value_or(kNoId));
  arguments.u64(change.size.value_or(0));
  arguments.u64(static_cast<uint64_t>(access.seconds));
  arguments.u64(access.nanoseconds);
  arguments.u64(static_cast<uint64_t>(modify.seconds));
  arguments.u64(modify.nanoseconds);
  TRY(call.run());
  return {};
}

Result<FileSystemStatistics> Fid::statistics() {
  Call call(*session_, Type::StatFs);
  call.arguments().u32(number());
  MessageReader answer = TRY(call.run());
  return parse_statistics(answer);
}

Result<String> Fid::read_link() {
  Call call(*session_, Type::ReadLink);
  call.arguments().u32(number());
  MessageReader answer = TRY(call.run());
  return String::create(TRY(parse_link(answer)));
}

// --- Open files --------------------------------------------------------------------------

Result<Qid> Fid::open(uint32_t flags) {
  Call call(*session_, Type::Lopen);
  call.arguments().u32(number());
  call.arguments().u32(flags);
  MessageReader answer = TRY(call.run());
  return parse_qid(answer);
}

Result<> Fid::create(StringView name, uint32_t flags, OwnerAndMode owner) {
  Call call(*session_, Type::Lcreate);
  MessageWriter& arguments = call.arguments();
  arguments.u32(number());
  arguments.string(name);
  arguments.u32(flags);
  arguments.u32(owner.mode);
  arguments.u32(owner.gid);
  TRY(call.run());
  return {};
}

// Tread, Twrite and Treaddir: an offset, a count, and data on one side.
Result<uint32_t> Fid::transfer(Type type, uint64_t offset, std::span<const P9Segment> data) {
  uint32_t count = 0;
  for (const P9Segment& segment : data) count += segment.size;
  if (count > session_->max_data()) return Errno::Inval;
  Call call(*session_, type);
  MessageWriter& arguments = call.arguments();
  arguments.u32(number());
  arguments.u64(offset);
  arguments.u32(count);
  if (type == Type::Write) {
    call.send(data);
  } else {
    call.receive(data);
  }
  MessageReader answer = TRY(call.run());
  uint32_t moved = TRY(answer.u32());
  return moved > count ? Errno::Io : Result<uint32_t>(moved);
}

Result<uint32_t> Fid::read(uint64_t offset, std::span<const P9Segment> to) {
  return transfer(Type::Read, offset, to);
}
Result<uint32_t> Fid::write(uint64_t offset, std::span<const P9Segment> from) {
  return transfer(Type::Write, offset, from);
}
Result<uint32_t> Fid::read_directory(uint64_t offset, std::span<const P9Segment> to) {
  return transfer(Type::ReadDir, offset, to);
}

Result<> Fid::synchronise(bool data_only) {
  Call call(*session_, Type::Fsync);
  call.arguments().u32(number());
  call.arguments().u32(data_only ? 1 : 0);
  TRY(call.run());
  return {};
}

// --- Names -------------------------------------------------------------------------------

Result<> Fid::make_directory(StringView name, OwnerAndMode owner) {
  Call call(*session_, Type::Mkdir);
  MessageWriter& arguments = call.arguments();
  arguments.u32(number());
  arguments.string(name);
  arguments.u32(owner.mode);
  arguments.u32(owner.gid);
  TRY(call.run());
  return {};
}

Result<> Fid::make_node(StringView name, OwnerAndMode owner, DeviceNumber device) {
  Call call(*session_, Type::Mknod);
  MessageWriter& arguments = call.arguments();
  arguments.u32(number());
  arguments.string(name);
  arguments.u32(owner.mode);
  arguments.u32(device.major);
  arguments.u32(device.minor);
  arguments.u32(owner.gid);
  TRY(call.run());
  return {};
}

Result<> Fid::make_symlink(StringView name, StringView target, Gid gid) {
  Call call(*session_, Type::Symlink);
  MessageWriter& arguments = call.arguments();
  arguments.u32(number());
  arguments.string(name);
  arguments.string(target);
  arguments.u32(gid);
  TRY(call.run());
  return {};
}

Result<> Fid::link(StringView name, Fid& target) {
  Call call(*session_, Type::Link);
  MessageWriter& arguments = call.arguments();
  arguments.u32(number());
  arguments.u32(target.number());
  arguments.string(name);
  TRY(call.run());
  return {};
}

Result<> Fid::unlink(StringView name, uint32_t flags) {
  Call call(*session_, Type::UnlinkAt);
  MessageWriter& arguments = call.arguments();
  arguments.u32(number());
  arguments.string(name);
  arguments.u32(flags);
  TRY(call.run());
  return {};
}

Result<> Fid::rename(StringView name, Fid& new_directory, StringView new_name) {
  Call call(*session_, Type::RenameAt);
  MessageWriter& arguments = call.arguments();
  arguments.u32(number());
  arguments.string(name);
  arguments.u32(new_directory.number());
  arguments.string(new_name);
  TRY(call.run());
  return {};
}

// --- Extended attributes -----------------------------------------------------------------

Result<String> Fid::read_xattr(StringView name, uint64_t limit) {
  Ref<Fid> fid = TRY(create(session_));
  uint64_t size;
  {
    Call call(*session_, Type::XattrWalk);
    MessageWriter& arguments = call.arguments();
    arguments.u32(number());
    arguments.u32(fid->number());
    arguments.string(name);
    MessageReader answer = TRY(call.run());
    fid->is_known_ = true;
    size = TRY(answer.u64());
  }
  if (size > limit) return Errno::Range;
  String value;
  if (size == 0) return value;
  Payload payload = TRY(Payload::allocate(size, session_->max_data()));
  while (value.size() < size) {
    uint64_t left = size - value.size();
    uint32_t moved = TRY(fid->read(value.size(), payload.first(left)));
    if (moved == 0) return Errno::Io;
    TRY(value.append({reinterpret_cast<const char*>(payload.data()), moved}));
  }
  return value;
}

// A clone becomes the attribute; the clunk makes the server set it, and says whether it could.
Result<> Fid::write_xattr(StringView name, StringView value, uint32_t flags) {
  Ref<Fid> fid = TRY(clone());
  {
    Call call(*session_, Type::XattrCreate);
    MessageWriter& arguments = call.arguments();
    arguments.u32(fid->number());
    arguments.string(name);
    arguments.u64(value.size());
    arguments.u32(flags);
    TRY(call.run());
  }
  if (!value.empty()) {
    Payload payload = TRY(Payload::allocate(value.size(), session_->max_data()));
    for (size_t done = 0; done < value.size();) {
      std::span<const P9Segment> part = payload.first(value.size() - done);
      __builtin_memcpy(payload.data(), value.data() + done, part[0].size);
      uint32_t moved = TRY(fid->write(done, part));
      if (moved == 0) return Errno::Io;
      done += moved;
    }
  }
  fid->is_known_ = false;  // clunked here, to hear the answer
  Call call(*session_, Type::Clunk);
  call.arguments().u32(fid->number());
  TRY(call.run(WaitMode::Uninterruptible));
  return {};
}

}  // namespace kernel::p9
