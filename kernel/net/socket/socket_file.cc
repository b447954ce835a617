// SPDX-License-Identifier: MIT
// See socket_file.h.

#include "net/socket/socket_file.h"

#include "fs/vfs/anonymous.h"

namespace kernel {
namespace {

constexpr uint32_t kSetOwner = 0x8901, kSetGroup = 0x8902, kGetOwner = 0x8903, kGetGroup = 0x8904;

// FIOSETOWN and SIOCSPGRP: a process, or a group as a negative number.
Result<int64_t> set_owner(File& file, UserAddr argument) {
  int32_t owner = TRY(UserIn<int32_t>(argument).read());
  if (owner == INT32_MIN) return Errno::Inval;
  int32_t number = owner < 0 ? -owner : owner;
  Optional<Ref<Pid>> pid;
  if (number != 0 && !(pid = Pid::find(number))) return Errno::Srch;
  file.owner.set(std::move(pid), owner < 0 ? FileOwner::Kind::Group : FileOwner::Kind::Process);
  return int64_t{0};
}

Result<int64_t> get_owner(const File& file, UserAddr argument) {
  FileOwner::Shown shown = file.owner.get();
  bool group = shown.kind == FileOwner::Kind::Group;
  TRY(UserOut<int32_t>(argument).write(group ? -shown.number : shown.number));
  return int64_t{0};
}

}  // namespace

const char SocketFile::kKind = 0;

SocketFile::SocketFile(Path path, uint32_t flags, Ref<Socket> socket)
    : File(std::move(path), flags), socket_(std::move(socket)) {
  socket_->inode_number_.store_relaxed(inode().number());
  socket_->file_.store_release(this);
}

// A socket that gets no file is released here: whoever made it has nothing to undo.
Result<Ref<SocketFile>> SocketFile::create(Ref<Socket> socket, uint32_t flags) {
  Result<Path> path = anonymous::make_place(anonymous::Kind::Socket, "socket", true);
  if (!path.ok()) {
    socket->release();
    return path.error();
  }
  uint32_t status = (flags & kOpenNonBlock) | kOpenReadWrite;
  Result<Ref<SocketFile>> file = make_ref<SocketFile>(std::move(path).take(), status, socket);
  if (!file.ok()) socket->release();
  return file;
}

// read(2) of nothing does not even wait, where recv(2) would.
Result<size_t> SocketFile::read(IoBuffer& buffer, uint64_t) {
  if (buffer.remaining() == 0) return size_t{0};
  bool now = nonblocking() || buffer.manner().no_wait;
  IncomingMessage message{.data = buffer, .flags = now ? kMessageDontWait : 0};
  return socket_->receive(message);
}

Result<size_t> SocketFile::write(IoBuffer& buffer, uint64_t) {
  OutgoingMessage message{.data = buffer};
  if (nonblocking()) message.flags = kMessageDontWait;
  if (socket_->type() == SocketType::SequencedPacket) message.flags |= kMessageEndOfRecord;
  return socket_->send(message);
}

Result<int64_t> SocketFile::ioctl(uint32_t request, uint64_t argument) {
  UserAddr address{argument};
  switch (request) {
    case kSetOwner:
    case kSetGroup: return set_owner(*this, address);
    case kGetOwner:
    case kGetGroup: return get_owner(*this, address);
    default: return socket_->ioctl(request, argument);
  }
}

void SocketFile::on_close() {
  socket_->file_.store_release(nullptr);
  socket_->release();
  socket_.reset();
}

}  // namespace kernel
