// SPDX-License-Identifier: MIT
// ppoll(2) and pselect6(2).

#include "fs/vfs/poll_set.h"
#include "syscall/declarations.h"
#include "syscall/file_arguments.h"
#include "syscall/temporary_mask.h"

namespace kernel::syscall {
namespace {

// The time limit of a call, and what is left of it afterwards.
class Timeout {
 public:
  static Result<Timeout> load(UserInOut<abi::TimeSpec> address) {
    Timeout timeout(address);
    if (address.is_null()) return timeout;
    abi::TimeSpec time = TRY(address.read());
    if (!time.is_valid()) return Errno::Inval;
    timeout.immediate_ = time.to_ns() == 0;
    timeout.deadline_ = Deadline::after(time.to_ns());
    return timeout;
  }
  Deadline deadline() const { return deadline_; }
  bool is_immediate() const { return immediate_; }
  // Linux changes the caller's structure; a restarted call goes on with the rest.
  Result<> store_rest() const {
    if (address_.is_null() || deadline_.at == kForever) return {};
    Nanoseconds present = clock::monotonic();
    return address_.write(
        abi::TimeSpec::from_ns(deadline_.at > present ? deadline_.at - present : 0));
  }

 private:
  explicit Timeout(UserInOut<abi::TimeSpec> address) : address_(address) {}
  UserInOut<abi::TimeSpec> address_;
  Deadline deadline_;
  bool immediate_ = false;
};

// Looks at all files with `scan(registration)`, which counts the ready ones, until there is one.
template <class Scan>
Result<int64_t> poll_until(const Timeout& timeout, Scan scan) {
  PollSet set;
  PollSet* registration = timeout.is_immediate() ? nullptr : &set;
  for (;;) {
    set.reset();
    int64_t ready = TRY(scan(registration));
    if (ready != 0 || timeout.is_immediate()) return ready;
    registration = nullptr;
    Result<> waited = set.wait(timeout.deadline());
    if (waited.failed_with(Errno::TimedOut)) return scan(nullptr);
    if (!waited.ok()) return waited.error();
  }
}

// The common end: mask, remaining time, and how an interrupted call goes on.
Value finish(Result<int64_t> result, const Timeout& timeout, TemporaryMask& mask) {
  bool interrupted = result.failed_with(Errno::RestartSys);
  mask.finish(interrupted);
  bool stored = timeout.store_rest().ok();
  if (!interrupted) return result;
  // Without the rest of the time it cannot be restarted.
  return stored ? Errno::RestartNoHand : Errno::Intr;
}

// Where another thread could close the file, or it must stay open for a wait. Not inline in the
// loops, which need no frame of this size.
[[gnu::noinline]] uint32_t poll_held(Context& context, Fd fd, PollSet* registration) {
  Result<FileUse> file = use_file(context, fd);
  if (!file.ok()) return kPollNval;
  if (registration != nullptr) registration->keep(**file);
  return (*file)->poll(registration);
}

// How the files of one scan are looked at: held, or, by a thread that has its table for itself and
// does not wait, as they lie there. O_PATH files are no different: they say kPollNval.
class Scan {
 public:
  Scan(Context& context, PollSet* registration)
      : context_(context),
        registration_(registration),
        table_(registration == nullptr && files_of(context).is_unshared() ? &files_of(context)
                                                                          : nullptr) {}
  uint32_t poll(Fd fd) {
    if (table_ == nullptr) return poll_held(context_, fd, registration_);
    File* file = table_->borrow(fd, /*allow_path=*/true);
    return file == nullptr ? kPollNval : file->poll(nullptr);
  }
  // Something is ready: nobody will sleep.
  void found_one() { registration_ = nullptr; }

 private:
  Context& context_;
  PollSet* registration_;
  FdTable* const table_;
};

// --- poll --------------------------------------------------------------------------

int64_t scan_list(Context& context, std::span<abi::PollFd> list, PollSet* registration) {
  Scan scan(context, registration);
  int64_t ready = 0;
  for (abi::PollFd& entry : list) {
    uint32_t events = 0;
    if (entry.fd >= 0) {
      uint32_t wanted = static_cast<uint16_t>(entry.events) | kPollErr | kPollHup | kPollNval;
      events = scan.poll(entry.fd) & wanted;
    }
    entry.returned = static_cast<int16_t>(events);
    if (events == 0) continue;
    ++ready;
    scan.found_one();
  }
  return ready;
}

// --- select ------------------------------------------------------------------------

constexpr uint32_t kReadEvents = kPollRdNorm | kPollRdBand | kPollIn | kPollHup | kPollErr;
constexpr uint32_t kWriteEvents = kPollWrBand | kPollWrNorm | kPollOut | kPollErr;
constexpr uint32_t kExceptEvents = kPollPri;

// The three sets of select(2), as asked and as found.
struct SelectSets {
  static constexpr uint32_t kEvents[3] = {kReadEvents, kWriteEvents, kExceptEvents};
  UserAddr addresses[3];
  size_t words = 0;
  Vector<uint64_t> asked, found;  // three times `words`

  Result<> load(size_t count) {
    words = (count + 63) / 64;
    TRY(asked.resize(3 * words));
    TRY(found.resize(3 * words));
    for (size_t i = 0; i < 3; ++i) {
      if (raw(addresses[i]) != 0) TRY(copy_in(asked.data() + i * words, addresses[i], words * 8));
    }
    // Bits beyond the count are not looked at.
    if (count % 64 == 0) return {};
    uint64_t mask = (uint64_t{1} << (count % 64)) - 1;
    for (size_t i = 0; i < 3; ++i) asked[i * words + words - 1] &= mask;
    return {};
  }
  Result<> store() {
    for (size_t i = 0; i < 3; ++i) {
      if (raw(addresses[i]) != 0) TRY(copy_out(addresses[i], found.data() + i * words, words * 8));
    }
    return {};
  }
  bool has(size_t set, size_t word, uint64_t bit) const {
    return (asked[set * words + word] & bit) != 0;
  }
};

Result<int64_t> scan_sets(Context& context, SelectSets& sets, PollSet* registration) {
  Scan scan(context, registration);
  int64_t ready = 0;
  __builtin_memset(sets.found.data(), 0, sets.found.size() * sizeof(uint64_t));
  for (size_t word = 0; word < sets.words; ++word) {
    uint64_t any =
        sets.asked[word] | sets.asked[sets.words + word] | sets.asked[2 * sets.words + word];
    for (; any != 0; any &= any - 1) {
      auto number = static_cast<unsigned>(std::countr_zero(any));
      uint64_t bit = uint64_t{1} << number;
      uint32_t events = scan.poll(static_cast<Fd>(word * 64 + number));
      if ((events & kPollNval) != 0) return Errno::BadF;
      for (size_t set = 0; set < 3; ++set) {
        if (!sets.has(set, word, bit) || (events & SelectSets::kEvents[set]) == 0) continue;
        sets.found[set * sets.words + word] |= bit;
        ++ready;
        scan.found_one();
      }
    }
  }
  return ready;
}

}  // namespace

Value sys_ppoll(Context& context, UserAddr address, uint32_t count, UserInOut<abi::TimeSpec> time,
                UserIn<uint64_t> signals, size_t mask_size) {
  Timeout timeout = TRY(Timeout::load(time));
  TemporaryMask mask(context.task);
  TRY(mask.load(signals, mask_size));
  if (count > open_files_limit(context)) return Errno::Inval;
  // Even of no entries the place must be the user's.
  if (!is_user_range(address, count * sizeof(abi::PollFd))) return Errno::Fault;
  Vector<abi::PollFd> list;
  TRY(list.resize(count));
  TRY(copy_in(list.data(), address, count * sizeof(abi::PollFd)));
  Result<int64_t> result =
      poll_until(timeout, [&](PollSet* registration) -> Result<int64_t> {
        return scan_list(context, list.span(), registration);
      });
  if (result.ok()) {
    // Only what is returned: the rest is the caller's.
    constexpr size_t kReturned = offsetof(abi::PollFd, returned);
    const auto* first = reinterpret_cast<const char*>(list.data()) + kReturned;
    TRY(store_out_fields(address + kReturned, first, sizeof(abi::PollFd), count));
  }
  return finish(result, timeout, mask);
}

Value sys_pselect6(Context& context, int32_t count, UserAddr in, UserAddr out, UserAddr except,
                   UserInOut<abi::TimeSpec> time, UserIn<abi::SelectMask> signals) {
  abi::SelectMask wanted = {};
  if (!signals.is_null()) wanted = TRY(signals.read());
  Timeout timeout = TRY(Timeout::load(time));
  TemporaryMask mask(context.task);
  TRY(mask.load(UserIn<uint64_t>(UserAddr{wanted.mask}), wanted.size));
  if (count < 0) return Errno::Inval;
  size_t limit = files_of(context).capacity();
  SelectSets sets;
  sets.addresses[0] = in;
  sets.addresses[1] = out;
  sets.addresses[2] = except;
  TRY(sets.load(static_cast<size_t>(count) < limit ? static_cast<size_t>(count) : limit));
  Result<int64_t> result = poll_until(
      timeout, [&](PollSet* registration) { return scan_sets(context, sets, registration); });
  if (result.ok()) TRY(sets.store());
  return finish(result, timeout, mask);
}

}  // namespace kernel::syscall
