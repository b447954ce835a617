// SPDX-License-Identifier: MIT
// A fid: a file as client and server name it to each other, and what can be asked of it
// (9P2000.L). The last reference lets the server forget it.
#pragma once

#include "fs/9p/session.h"

namespace kernel::p9 {

struct OwnerAndMode {
  uint32_t mode;
  Gid gid;
};

class Fid : public RefCounted<Fid> {
 public:
  // The root of what the server exports under `name`.
  static Result<Ref<Fid>> attach(Ref<Session> session, StringView user, Uid uid, StringView name);
  static void last_unref(Fid* fid);

  Session& session() const { return *session_; }

  // Another fid: of what stands at `name` here; of the same file.
  struct Walked;
  Result<Walked> walk(StringView name);
  Result<Ref<Fid>> clone();

  Result<Attributes> attributes();
  Result<> set_attributes(const AttributeChange& change);
  Result<FileSystemStatistics> statistics();
  Result<String> read_link();

  // This fid becomes an open file: of itself, or of a new one in the directory that it was.
  Result<Qid> open(uint32_t flags);
  Result<> create(StringView name, uint32_t flags, OwnerAndMode owner);
  // Return bytes moved; 0 at the end.
  Result<uint32_t> read(uint64_t offset, std::span<const P9Segment> to);
  Result<uint32_t> write(uint64_t offset, std::span<const P9Segment> from);
  Result<uint32_t> read_directory(uint64_t offset, std::span<const P9Segment> to);
  Result<> synchronise(bool data_only);

  Result<> make_directory(StringView name, OwnerAndMode owner);
  Result<> make_node(StringView name, OwnerAndMode owner, DeviceNumber device);
  Result<> make_symlink(StringView name, StringView target, Gid gid);
  Result<> link(StringView name, Fid& target);
  Result<> unlink(StringView name, uint32_t flags);
  Result<> rename(StringView name, Fid& new_directory, StringView new_name);

  // Of an attribute (an empty name: of their list): its bytes. Errors: Range when it is beyond
  // `limit`.
  Result<String> read_xattr(StringView name, uint64_t limit);
  Result<> write_xattr(StringView name, StringView value, uint32_t flags);

 private:
  template <class T, class... Arguments>
  friend Result<Ref<T>> kernel::make_ref(Arguments&&... arguments);
  Fid(Ref<Session> session, FidNumber& number) : session_(std::move(session)), number_(&number) {}
  static Result<Ref<Fid>> create(Ref<Session> session);
  uint32_t number() const { return number_->value; }
  Result<uint32_t> transfer(Type type, uint64_t offset, std::span<const P9Segment> data);

  Ref<Session> session_;
  FidNumber* number_;
  bool is_known_ = false;  // to the server: else nothing is to be clunked
};

struct Fid::Walked {
  Ref<Fid> fid;
  Qid qid;
};

}  // namespace kernel::p9
