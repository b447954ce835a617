// SPDX-License-Identifier: MIT
// See rights.h. One mutex orders the landing of files and the collector: what it counts does not
// change under it. Counts that change without it do no harm: a reference that somebody takes by a
// descriptor makes the total larger than what is in flight, so that the socket is no candidate; and
// who takes a message out of a queue has that queue's socket open, and lands the files behind this
// mutex.

#include "fs/vfs/identity.h"
#include "net/unix/unix_socket.h"
#include "sched/work_queue.h"

namespace kernel {
namespace {

constinit Mutex<LockRank::FilesInFlight> flight_lock;
constinit List<UnixSocket, InFlightTag> sockets_in_flight GUARDED_BY(flight_lock);
constinit Atomic<uint32_t> socket_count;  // of that list: a hint without the lock

void take_off_locked(File& file) REQUIRES(flight_lock) {
  UnixSocket* socket = UnixSocket::of(file);
  if (socket == nullptr || socket->in_flight.fetch_add_relaxed(1) != 0) return;
  sockets_in_flight.push_back(*socket);
  socket_count.fetch_add_relaxed(1);
}

void land_locked(File& file) REQUIRES(flight_lock) {
  UnixSocket* socket = UnixSocket::of(file);
  if (socket == nullptr) return;
  socket->is_closing = false;
  if (socket->in_flight.fetch_sub_relaxed(1) != 1) return;
  sockets_in_flight.remove(*socket);
  socket_count.fetch_sub_relaxed(1);
}

}  // namespace

Result<Owned<FilesInFlight>> FilesInFlight::create(Vector<Ref<File>> files) {
  const Credentials& own = vfs::acting_credentials();
  uint64_t limit = vfs::acting_limit(Resource::OpenFiles);
  if (own.account->files_in_flight.load_relaxed() > limit && !own.has(Capability::SysResource) &&
      !own.has(Capability::SysAdmin)) {
    return Errno::TooManyRefs;
  }
  return make_owned<FilesInFlight>(std::move(files), own.account);
}

FilesInFlight::FilesInFlight(Vector<Ref<File>> files, Ref<UserAccount> account)
    : files_(std::move(files)), account_(std::move(account)) {
  account_->files_in_flight.fetch_add_relaxed(files_.size());
  Guard guard(flight_lock);
  for (Ref<File>& file : files_) take_off_locked(*file);
}

FilesInFlight::~FilesInFlight() { take(); }

Vector<Ref<File>> FilesInFlight::take() {
  Guard guard(flight_lock);
  for (Ref<File>& file : files_) land_locked(*file);
  account_->files_in_flight.fetch_sub_relaxed(files_.size());
  return std::move(files_);
}

// Under the lock, as a new reference on a socket that only lies in queues makes it reachable.
Result<Vector<Ref<File>>> FilesInFlight::copy() const {
  Vector<Ref<File>> files;
  TRY(files.reserve(files_.size()));
  Guard guard(flight_lock);
  for (const Ref<File>& file : files_) {
    files.append_reserved(file);
    if (UnixSocket* socket = UnixSocket::of(*file)) socket->is_closing = false;
  }
  return files;
}

template <class Visit>
void FilesInFlight::for_each_socket(Visit visit) const {
  for (const Ref<File>& file : files_) {
    if (UnixSocket* socket = UnixSocket::of(*file)) visit(*socket);
  }
}

template <class Visit>
void UnixSocket::visit_messages_locked(List<UnixMessage>& taken, Visit visit) {
  for (UnixMessage* message = queue_.front(); message != nullptr;) {
    UnixMessage* next = queue_.next(*message);
    if (message->files && visit(*message->files))
      taken.push_back(*std::move(unlink_locked(*message)).leak());
    message = next;
  }
}

template <class Visit>
void UnixSocket::for_each_message(List<UnixMessage>& taken, Visit visit) {
  Guard guard(lock_);
  visit_messages_locked(taken, visit);
  for (UnixSocket& connection : backlog_) {
    Guard inner(connection.lock_, 1);
    connection.visit_messages_locked(taken, visit);
  }
}

namespace unix_collector {
namespace {

// One look at all sockets in flight.
class Run {
 public:
  void find_candidates() REQUIRES(flight_lock) {
    for (UnixSocket& socket : sockets_in_flight) {
      uint32_t flying = socket.in_flight.load_relaxed();
      uint32_t references = socket.file()->ref_count();
      socket.is_candidate = references == flying || (socket.is_closing && references == flying + 1);
      socket.unexplained = flying;
    }
  }
  // References from the queues of candidates are explained; what has others is reachable.
  void explain() REQUIRES(flight_lock) {
    for (UnixSocket& socket : sockets_in_flight) {
      if (!socket.is_candidate) continue;
      visit_children(socket, [](UnixSocket& child) { --child.unexplained; });
    }
    for (UnixSocket& socket : sockets_in_flight) {
      if (socket.is_candidate && socket.unexplained != 0) mark_reachable(socket);
    }
    while (UnixSocket* socket = reached_.pop_front()) {
      visit_children(*socket, [this](UnixSocket& child) { mark_reachable(child); });
    }
  }
  // What holds the rest: any message with one of them in it.
  void take_garbage() REQUIRES(flight_lock) {
    for (UnixSocket& socket : sockets_in_flight) {
      if (!socket.is_candidate) continue;
      socket.for_each_message(garbage_, [](const FilesInFlight& files) {
        bool found = false;
        files.for_each_socket([&found](UnixSocket& child) { found |= child.is_candidate; });
        return found;
      });
    }
  }
  void drop_garbage() {
    while (UnixMessage* message = garbage_.pop_front()) message->unref();
  }

 private:
  template <class Visit>
  void visit_children(UnixSocket& socket, Visit visit) {
    socket.for_each_message(garbage_, [&visit](const FilesInFlight& files) {
      files.for_each_socket([&visit](UnixSocket& child) {
        if (child.is_candidate) visit(child);
      });
      return false;
    });
  }
  void mark_reachable(UnixSocket& socket) {
    socket.is_candidate = false;
    reached_.push_back(socket);
  }

  List<UnixSocket, ReachedTag> reached_;
  List<UnixMessage> garbage_;
};

void run(Work&) {
  Run run;
  {
    Guard guard(flight_lock);
    run.find_candidates();
    run.explain();
    run.take_garbage();
  }
  run.drop_garbage();
}

constinit Work background{run};

}  // namespace

// A run looks at all of them: with many it is not done for each close.
void look() {
  constexpr uint32_t kFew = 64;
  uint32_t count = socket_count.load_relaxed();
  if (count == 0) return;
  if (count > kFew) {
    background.schedule();
  } else {
    run(background);
  }
}

}  // namespace unix_collector

void UnixSocket::descriptor_closed() {
  if (in_flight.load_relaxed() == 0) return;
  {
    Guard guard(flight_lock);
    if (file()->ref_count() != in_flight.load_relaxed() + 1) return;
    is_closing = true;
  }
  unix_collector::look();
}

}  // namespace kernel
