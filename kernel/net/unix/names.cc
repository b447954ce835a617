// SPDX-License-Identifier: MIT
// Names of AF_UNIX sockets. A path is found through the inode it leads to, which points to the
// socket that is bound there; an abstract name, by type as well, in a table. Both pointers own
// nothing: release() takes them away. A name, once given, stays.

#include "fs/vfs/permission.h"
#include "fs/vfs/vfs.h"
#include "net/socket/socket_file.h"
#include "net/unix/unix_socket.h"

namespace kernel {
namespace {

constexpr uint32_t kNameStart = SocketAddress::kFamilySize;
constexpr uint32_t kMostSize = 110;  // sizeof(struct sockaddr_un)
constexpr size_t kBuckets = 64;

// Guards the table, the list of all, and the setting of names.
constinit SpinLock<LockRank::SocketNames> names_lock;
constinit List<UnixSocket, UnixNameTag> abstract_names[kBuckets] GUARDED_BY(names_lock);
constinit List<UnixSocket, AllUnixTag> all_sockets GUARDED_BY(names_lock);
constinit size_t socket_count GUARDED_BY(names_lock) = 0;
constinit Atomic<uint32_t> last_automatic;

StringView text_of(const SocketAddress& address) {
  return {address.bytes + kNameStart, address.size - kNameStart};
}

// The path, which ends at its NUL or where the address does.
StringView path_of(const SocketAddress& address) {
  StringView text = text_of(address);
  return text.take_until('\0');
}

size_t bucket_of(StringView name, SocketType type) {
  uint32_t hash = 2166136261u ^ static_cast<uint32_t>(type);
  for (char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619u;
  return hash % kBuckets;
}

Result<Ref<UnixName>> make_name(StringView text, bool with_nul) {
  SocketAddress address;
  __builtin_memcpy(address.bytes, &kFamilyUnix, sizeof kFamilyUnix);
  __builtin_memcpy(address.bytes + kNameStart, text.data(), text.size());
  address.size = static_cast<uint32_t>(kNameStart + text.size());
  if (with_nul) address.bytes[address.size++] = '\0';
  return make_ref<UnixName>(address);
}

}  // namespace

// What needs the table's lock and a socket's parts.
class UnixNames {
 public:
  static UnixSocket* find_locked(StringView text, SocketType type) REQUIRES(names_lock) {
    for (UnixSocket& socket : abstract_names[bucket_of(text, type)]) {
      if (socket.type() == type && text_of(socket.bound_name()->address) == text) return &socket;
    }
    return nullptr;
  }
  // Errors: Inval, it has a name; AddrInUse.
  static Result<> give_abstract(UnixSocket& socket, Ref<UnixName> name) {
    StringView text = text_of(name->address);
    Guard guard(names_lock);
    if (socket.bound_name() != nullptr) return Errno::Inval;
    if (find_locked(text, socket.type()) != nullptr) return Errno::AddrInUse;
    abstract_names[bucket_of(text, socket.type())].push_back(socket);
    socket.name_.store_release(std::move(name).leak());
    return {};
  }
  static Result<> give_path(UnixSocket& socket, Ref<UnixName> name, const Path& place) {
    Guard guard(names_lock);
    if (socket.bound_name() != nullptr) return Errno::Inval;
    Guard inner(socket.lock_);
    socket.place_ = place;
    Guard innermost(place.inode().attribute_lock);
    place.inode().bound = &socket;
    socket.name_.store_release(std::move(name).leak());
    return {};
  }
  static void take_away(UnixSocket& socket) {
    Guard guard(names_lock);
    if (socket.ListNode<UnixSocket, UnixNameTag>::is_linked())
      abstract_names[bucket_of(text_of(socket.bound_name()->address), socket.type())].remove(
          socket);
    remove_locked(socket);
  }
  static void add(UnixSocket& socket) {
    Guard guard(names_lock);
    all_sockets.push_back(socket);
    ++socket_count;
  }
  static void remove(UnixSocket& socket) {
    Guard guard(names_lock);
    remove_locked(socket);
  }

 private:
  // At release, or when it never came to that.
  static void remove_locked(UnixSocket& socket) REQUIRES(names_lock) {
    if (!socket.ListNode<UnixSocket, AllUnixTag>::is_linked()) return;
    all_sockets.remove(socket);
    --socket_count;
  }
};

UnixSocket::UnixSocket(SocketType type) : Socket(kFamilyUnix, type, 0) { UnixNames::add(*this); }

UnixSocket::~UnixSocket() {
  UnixNames::remove(*this);
  if (const UnixName* name = bound_name()) name->unref();
}

Result<> UnixSocket::validate(const SocketAddress& address) {
  if (address.size <= kNameStart || address.size > kMostSize) return Errno::Inval;
  return address.family() == kFamilyUnix ? Result<>() : Result<>(Errno::Inval);
}

Result<> UnixSocket::bind(const SocketAddress& address) {
  if (address.size == kNameStart && address.family() == kFamilyUnix) return autobind();
  TRY(validate(address));
  return address.bytes[kNameStart] != '\0' ? bind_path(address) : bind_abstract(address);
}

Result<> UnixSocket::bind_abstract(const SocketAddress& address) {
  return UnixNames::give_abstract(*this, TRY(make_name(text_of(address), false)));
}

// The node is made first, as on Linux: binding twice to one path is EADDRINUSE, to two is EINVAL.
Result<> UnixSocket::bind_path(const SocketAddress& address) {
  StringView path = path_of(address);
  Ref<UnixName> name = TRY(make_name(path, true));
  uint16_t mode = file()->inode().mode();
  Result<Path> made = vfs::make_node({}, path, FileType::Socket, mode, {});
  if (made.failed_with(Errno::Exist)) return Errno::AddrInUse;
  if (!made.ok()) return made.error();
  Result<> given = UnixNames::give_path(*this, std::move(name), *made);
  if (!given.ok()) ignore(vfs::unlink({}, path));  // the first error is the one to tell
  return given;
}

// unix(7): five hexadecimal digits. A socket that has a name keeps it.
Result<> UnixSocket::autobind() {
  constexpr uint32_t kNumbers = 1 << 20;
  for (uint32_t tries = 0; tries < kNumbers; ++tries) {
    if (bound_name() != nullptr) return {};
    char text[6];
    BufferSink sink({text, sizeof text});
    sink.write(StringView("\0", 1));
    format(sink, "{:05x}", last_automatic.fetch_add_relaxed(1) % kNumbers);
    Result<> given = UnixNames::give_abstract(*this, TRY(make_name(sink.view(), false)));
    if (given.ok()) return given;
  }
  return Errno::NoSpc;
}

Result<Ref<UnixSocket>> UnixSocket::find(const SocketAddress& address, SocketType type) {
  if (address.bytes[kNameStart] == '\0') {
    Guard guard(names_lock);
    UnixSocket* found = UnixNames::find_locked(text_of(address), type);
    if (found == nullptr) return Errno::ConnRefused;
    return Ref<UnixSocket>(*found);
  }
  Path place = TRY(vfs::lookup({}, path_of(address)));
  TRY(vfs::check_access(place, vfs::kMayWrite));
  Inode& inode = place.inode();
  Optional<Ref<UnixSocket>> bound;
  {
    Guard guard(inode.attribute_lock);
    if (inode.bound != nullptr) bound = Ref<UnixSocket>(static_cast<UnixSocket&>(*inode.bound));
  }
  if (!bound) return Errno::ConnRefused;
  if (bound->type() != type) return Errno::Prototype;
  inode.note_access(place.mount());
  return bound.take();
}

// Nobody finds it any more. Its name is still told to the other ends of its connections.
void UnixSocket::unbind() {
  UnixNames::take_away(*this);
  std::optional<Path> place;
  {
    Guard guard(lock_);
    place.swap(place_);
  }
  if (!place) return;
  Guard guard(place->inode().attribute_lock);
  if (place->inode().bound == this) place->inode().bound = nullptr;
}

void UnixSocket::copy_name(SocketAddress& address) const {
  const UnixName* name = bound_name();
  address.size = name == nullptr ? 0 : name->address.size;
  if (name != nullptr) __builtin_memcpy(address.bytes, name->address.bytes, address.size);
}

namespace {

void fill_in_family(SocketAddress& address) {
  if (address.size != 0) return;
  __builtin_memcpy(address.bytes, &kFamilyUnix, sizeof kFamilyUnix);
  address.size = kNameStart;
}

}  // namespace

Result<> UnixSocket::local_address(SocketAddress& address) {
  copy_name(address);
  fill_in_family(address);
  return {};
}

Result<> UnixSocket::peer_address(SocketAddress& address) {
  Optional<Ref<UnixSocket>> other = peer_socket();
  if (!other) return Errno::NotConn;
  other->copy_name(address);
  fill_in_family(address);
  return {};
}

Result<> UnixSocket::list_all(FormatSink& sink) {
  Vector<Ref<UnixSocket>> sockets;
  for (bool complete = false; !complete;) {
    TRY(sockets.reserve(sockets.capacity() + 64));
    Guard guard(names_lock);
    complete = socket_count <= sockets.capacity();
    if (!complete) continue;
    for (UnixSocket& socket : all_sockets) {
      if (socket.try_ref()) sockets.append_reserved(Ref<UnixSocket>::adopt(socket));
    }
  }
  sink.write("Num       RefCount Protocol Flags    Type St Inode Path\n");
  for (const Ref<UnixSocket>& socket : sockets) socket->list(sink);
  return {};
}

// One line of /proc/net/unix; the kernel's address is nobody's business.
void UnixSocket::list(FormatSink& sink) {
  constexpr uint32_t kAcceptsConnections = 1 << 16;
  constexpr uint32_t kUnconnected = 1, kConnecting = 2, kConnected = 3, kDisconnecting = 4;
  bool connected = state() == State::Connected;
  uint32_t shown = connected ? kConnected : kUnconnected;
  if (file() == nullptr) shown = connected ? kConnecting : kDisconnecting;
  format(sink, "{:016x}: {:08x} {:08x} {:08x} {:04x} {:02x} {:5}", 0, ref_count() - 1, 0,
         listens() ? kAcceptsConnections : 0, static_cast<uint32_t>(type()), shown, inode_number());
  if (const UnixName* name = bound_name()) {
    sink.write(" ");
    StringView text = name->is_path() ? path_of(name->address) : text_of(name->address);
    for (char c : text) sink.write(c == '\0' ? StringView("@") : StringView(&c, 1));
  }
  sink.write("\n");
}

}  // namespace kernel
