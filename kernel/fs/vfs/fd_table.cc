// SPDX-License-Identifier: MIT
// See fd_table.h. One allocation holds the pointers and the two bitmaps; it is replaced when the
// table grows, and the old one waits for its readers. A reserved number has its bit set and no file
// yet.

#include "fs/vfs/fd_table.h"

#include "fs/vfs/file_locks.h"
#include "fs/vfs/notify.h"

namespace kernel {

namespace {

constexpr uint32_t kFirstCapacity = 64;
constexpr uint32_t kMaxCapacity = 1u << 20;  // fs.nr_open

}  // namespace

Result<FdTable::Slots*> FdTable::make_slots(uint32_t capacity) {
  size_t words = capacity / 64;
  size_t bytes =
      sizeof(Slots) + capacity * sizeof(Atomic<File*>) + 2 * words * sizeof(Atomic<uint64_t>);
  void* memory = operator new(bytes, std::nothrow);
  if (memory == nullptr) return Errno::NoMem;
  __builtin_memset(memory, 0, bytes);
  auto* slots = new (memory) Slots;
  slots->capacity = capacity;
  slots->files = reinterpret_cast<Atomic<File*>*>(slots + 1);
  slots->open = reinterpret_cast<Atomic<uint64_t>*>(slots->files + capacity);
  slots->cloexec = slots->open + words;
  return slots;
}

Result<Ref<FdTable>> FdTable::create() {
  auto* made = new (std::nothrow) FdTable;
  if (made == nullptr) return Errno::NoMem;
  Ref<FdTable> table = Ref<FdTable>::adopt(*made);
  table->slots_.publish(TRY(make_slots(kFirstCapacity)));
  return table;
}

// The copy is as large as what is in use asks for. Files that are installed while it is made may or
// may not be in it, as with Linux's fork.
Result<Ref<FdTable>> FdTable::clone() const {
  Ref<FdTable> copy = TRY(create());
  for (;;) {
    Slots* target = copy->slots_.read();
    uint32_t wanted = 0;
    {
      Guard guard(lock_);
      Slots& source = *slots_locked();
      uint32_t used = source.capacity;
      while (used > 64 && source.open[used / 64 - 1].load_relaxed() == 0) used -= 64;
      if (used <= target->capacity) {
        for (uint32_t word = 0; word < used / 64; ++word) {
          uint64_t open = source.open[word].load_relaxed();
          target->cloexec[word].store_relaxed(source.cloexec[word].load_relaxed() & open);
          for (uint64_t left = open; left != 0; left &= left - 1) {
            uint32_t fd = word * 64 + static_cast<uint32_t>(std::countr_zero(left));
            File* file = source.files[fd].load_relaxed();
            if (file == nullptr) {
              open &= ~(uint64_t{1} << (fd % 64));  // only reserved
              continue;
            }
            file->ref();
            target->files[fd].store_relaxed(file);
          }
          target->open[word].store_relaxed(open);
        }
        return copy;
      }
      wanted = used;
    }
    TRY(copy->grow(wanted));
  }
}

FdTable::~FdTable() {
  Slots* slots = slots_.read();
  if (slots == nullptr) return;
  for (Fd fd = next_open(0); fd >= 0; fd = next_open(fd + 1)) {
    File* file = slots->files[fd].load_relaxed();
    ignore(let_go(*file));  // nobody is left to tell
    file->unref();
  }
  operator delete(static_cast<void*>(slots));
}

// Not inline in use(), whose common way needs no frame of this size.
[[gnu::noinline]] Result<Ref<File>> FdTable::get(Fd fd, bool allow_path) const {
  RcuReadGuard guard;
  Slots* slots = slots_.read();
  if (!slots->covers(fd)) return Errno::BadF;
  for (;;) {
    File* file = slots->files[fd].load_acquire();
    if (file == nullptr) return Errno::BadF;
    if (!file->try_ref()) continue;  // closed just now: look again
    Ref<File> held = Ref<File>::adopt(*file);
    if ((file->flags() & kOpenPath) != 0 && !allow_path) return Errno::BadF;
    return held;
  }
}

Result<> FdTable::grow(uint32_t wanted) {
  uint32_t capacity = kFirstCapacity;
  while (capacity < wanted) capacity *= 2;
  if (capacity > kMaxCapacity) return Errno::MFile;
  Slots* larger = TRY(make_slots(capacity));
  Slots* old;
  {
    Guard guard(lock_);
    old = slots_locked();
    if (old->capacity >= capacity) {
      old = larger;  // somebody else was faster
    } else {
      for (uint32_t fd = 0; fd < old->capacity; ++fd) {
        larger->files[fd].store_relaxed(old->files[fd].load_relaxed());
      }
      for (uint32_t word = 0; word < old->capacity / 64; ++word) {
        larger->open[word].store_relaxed(old->open[word].load_relaxed());
        larger->cloexec[word].store_relaxed(old->cloexec[word].load_relaxed());
      }
      slots_.publish(larger);
    }
  }
  retire(*old,
         [](RcuHead* head) { operator delete(static_cast<void*>(static_cast<Slots*>(head))); });
  return {};
}

// Errors: MFile beyond the limit; NoMem stands for "the table is too small".
Result<Fd> FdTable::take_lowest_locked(Fd from, uint64_t limit) {
  Slots& slots = *slots_locked();
  auto start = static_cast<uint32_t>(from > next_free_ ? from : next_free_);
  uint32_t fd = start;
  uint64_t mask = ~uint64_t{0} << (start % 64);
  for (uint32_t word = start / 64; word < slots.capacity / 64; ++word, mask = ~uint64_t{0}) {
    uint64_t free = ~slots.open[word].load_relaxed() & mask;
    fd = (word + 1) * 64;
    if (free == 0) continue;
    fd = word * 64 + static_cast<uint32_t>(std::countr_zero(free));
    break;
  }
  if (fd >= limit) return Errno::MFile;
  auto found = static_cast<Fd>(fd);
  if (!slots.covers(found)) return Errno::NoMem;
  Slots::set(slots.open, found, true);
  if (from <= next_free_) next_free_ = found + 1;
  return found;
}

Result<Fd> FdTable::reserve(uint64_t limit, Fd from) {
  for (;;) {
    uint32_t capacity;
    {
      Guard guard(lock_);
      Result<Fd> taken = take_lowest_locked(from, limit);
      if (!taken.failed_with(Errno::NoMem)) return taken;
      capacity = slots_locked()->capacity;
    }
    auto wanted = static_cast<uint32_t>(from) + 1;
    TRY(grow(wanted > capacity ? wanted : capacity + 1));
  }
}

void FdTable::fill(Fd fd, Ref<File> file, bool close_on_exec) {
  Guard guard(lock_);
  Slots& slots = *slots_locked();
  Slots::set(slots.cloexec, fd, close_on_exec);
  slots.files[fd].store_release(std::move(file).leak());
}

void FdTable::release(Fd fd) {
  Guard guard(lock_);
  Slots::set(slots_locked()->open, fd, false);
  if (fd < next_free_) next_free_ = fd;
}

Result<Fd> FdTable::install(Ref<File> file, bool close_on_exec, uint64_t limit, Fd from) {
  Fd fd = TRY(reserve(limit, from));
  fill(fd, std::move(file), close_on_exec);
  return fd;
}

Result<> FdTable::replace(Fd fd, Ref<File> file, bool close_on_exec, uint64_t limit) {
  if (fd < 0 || static_cast<uint64_t>(fd) >= limit) return Errno::BadF;
  if (!slots_.read()->covers(fd)) TRY(grow(static_cast<uint32_t>(fd) + 1));
  Optional<Ref<File>> old;
  {
    Guard guard(lock_);
    Slots& slots = *slots_locked();
    File* present = slots.files[fd].load_relaxed();
    if (present == nullptr && Slots::test(slots.open, fd)) return Errno::Busy;
    if (present != nullptr) old = Ref<File>::adopt(*present);
    Slots::set(slots.open, fd, true);
    Slots::set(slots.cloexec, fd, close_on_exec);
    slots.files[fd].store_release(std::move(file).leak());
  }
  if (old) ignore(let_go(*old));  // dup2(2): errors of the implicit close are lost
  return {};
}

Optional<Ref<File>> FdTable::take_out_locked(Fd fd) {
  Slots& slots = *slots_locked();
  if (!slots.covers(fd)) return {};
  File* file = slots.files[fd].load_relaxed();
  if (file == nullptr) return {};
  slots.files[fd].store_release(nullptr);
  Slots::set(slots.open, fd, false);
  Slots::set(slots.cloexec, fd, false);
  if (fd < next_free_) next_free_ = fd;
  return Ref<File>::adopt(*file);
}

Result<> FdTable::close(Fd fd) {
  Optional<Ref<File>> file;
  {
    Guard guard(lock_);
    file = take_out_locked(fd);
  }
  if (!file) return Errno::BadF;
  return let_go(*file);
}

// A descriptor of the file has gone from this table; what the table has in it goes as well.
Result<> FdTable::let_go(File& file) {
  release_posix_locks(file.inode(), this);
  notify::descriptor_closed(*this, file);
  return file.flush();
}

void FdTable::close_range(uint32_t first, uint32_t last, bool only_mark_close_on_exec) {
  for (Fd fd = next_open(static_cast<Fd>(first > kMaxCapacity ? kMaxCapacity : first));
       fd >= 0 && static_cast<uint32_t>(fd) <= last; fd = next_open(fd + 1)) {
    if (only_mark_close_on_exec) {
      ignore(set_close_on_exec(fd, true));  // closed by another thread meanwhile: as good
    } else {
      ignore(close(fd));  // close_range(2): errors of single files are not told
    }
  }
}

void FdTable::close_on_exec() {
  for (Fd fd = next_open(0); fd >= 0; fd = next_open(fd + 1)) {
    if (Slots::test(slots_.read()->cloexec, fd)) ignore(close(fd));
  }
}

Result<bool> FdTable::close_on_exec_flag(Fd fd) const {
  RcuReadGuard guard;
  Slots* slots = slots_.read();
  if (!slots->covers(fd) || slots->files[fd].load_acquire() == nullptr) return Errno::BadF;
  return Slots::test(slots->cloexec, fd);
}

Result<> FdTable::set_close_on_exec(Fd fd, bool value) {
  Guard guard(lock_);
  Slots& slots = *slots_locked();
  if (!slots.covers(fd) || slots.files[fd].load_relaxed() == nullptr) return Errno::BadF;
  Slots::set(slots.cloexec, fd, value);
  return {};
}

size_t FdTable::capacity() const {
  RcuReadGuard rcu;
  return slots_.read()->capacity;
}

uint64_t FdTable::held_pages() const {
  constexpr uint64_t kMostLookedAt = 4096;  // the caller may hold a spin lock; the rest as these
  constexpr uint64_t kBytesEach = 512;      // the open file itself and its entry
  uint64_t open = 0, looked_at = 0, pages = 0;
  RcuReadGuard guard;
  const Slots& slots = *slots_.read();
  for (uint32_t word = 0; word < slots.capacity / 64; ++word) {
    uint64_t bits = slots.open[word].load_relaxed();
    open += static_cast<uint64_t>(std::popcount(bits));
    for (; bits != 0 && looked_at < kMostLookedAt; bits &= bits - 1, ++looked_at) {
      unsigned fd = word * 64 + static_cast<unsigned>(std::countr_zero(bits));
      const File* file = slots.files[fd].load_acquire();
      if (file != nullptr) pages += file->held_pages();
    }
  }
  if (looked_at != 0) pages = pages * open / looked_at;
  return pages + open * kBytesEach / kPageSize;
}

Fd FdTable::next_open(Fd from) const {
  RcuReadGuard guard;
  Slots* slots = slots_.read();
  for (auto fd = static_cast<uint32_t>(from); fd < slots->capacity;) {
    uint64_t word = slots->open[fd / 64].load_relaxed() >> (fd % 64);
    if (word == 0) {
      fd = (fd / 64 + 1) * 64;
      continue;
    }
    fd += static_cast<uint32_t>(std::countr_zero(word));
    if (slots->files[fd].load_acquire() != nullptr) return static_cast<Fd>(fd);
    ++fd;
  }
  return -1;
}

}  // namespace kernel
