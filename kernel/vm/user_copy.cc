// SPDX-License-Identifier: MIT
// User copies: the range check, then arch's copy, which faults pages in by itself where it may
// sleep (handle_user_memory_fault) and stops where it may not. See user_copy.h.

#include "vm/user_copy.h"

#include "vm/address_space.h"

namespace kernel {
namespace {

// A tag in the top byte is looked away from only for threads that have asked for it
// (PR_SET_TAGGED_ADDR_CTRL); for others such an address lies beyond the limit.
UserAddr accepted(UserAddr address) {
  return (current().memory_flags & kMemoryTaggedAddresses) != 0 ? untagged(address) : address;
}

void assert_may_fault() {
  lockdep::assert_no_locks_held();
  lockdep::assert_may_sleep();
}

bool is_range(UserAddr start, size_t size) {
  return start <= arch::kUserLimit && size <= arch::kUserLimit - start;
}

// Bytes moved by `copy`, which returns how many it left: none where the range is not the user's.
template <class Copy>
size_t move(UserAddr start, size_t size, Copy copy) {
  start = accepted(start);
  return is_range(start, size) ? size - copy(start) : 0;
}

template <class Word>
Result<> load(Word& to, UserAddr from, bool (*load_word)(UserAddr, Word&)) {
  assert_may_fault();
  from = accepted(from);
  return is_range(from, sizeof to) && load_word(from, to) ? Result<>() : Result<>(Errno::Fault);
}

template <class Word>
Result<> store(UserAddr to, Word value, bool (*store_word)(UserAddr, Word)) {
  assert_may_fault();
  to = accepted(to);
  return is_range(to, sizeof value) && store_word(to, value) ? Result<>() : Result<>(Errno::Fault);
}

}  // namespace

bool is_user_range(UserAddr start, size_t size) {
  return is_range(accepted(start), size);
}

size_t copy_in_some(void* to, UserAddr from, size_t size) {
  assert_may_fault();
  return move(from, size, [&](UserAddr start) { return arch::copy_from_user(to, start, size); });
}

size_t copy_out_some(UserAddr to, const void* from, size_t size) {
  assert_may_fault();
  return move(to, size, [&](UserAddr start) { return arch::copy_to_user(start, from, size); });
}

size_t zero_out_some(UserAddr to, size_t size) {
  assert_may_fault();
  return move(to, size, [&](UserAddr start) { return arch::zero_user(start, size); });
}

// Nothing can be copied wherever it is, as on Linux.
Result<> copy_in(void* to, UserAddr from, size_t size) {
  return copy_in_some(to, from, size) == size ? Result<>() : Errno::Fault;
}

Result<> copy_out(UserAddr to, const void* from, size_t size) {
  return copy_out_some(to, from, size) == size ? Result<>() : Errno::Fault;
}

Result<> zero_out(UserAddr to, size_t size) {
  return zero_out_some(to, size) == size ? Result<>() : Errno::Fault;
}

Result<> load_in(uint32_t& to, UserAddr from) { return load(to, from, arch::load_user_u32); }
Result<> load_in(uint64_t& to, UserAddr from) { return load(to, from, arch::load_user_u64); }
Result<> store_out(UserAddr to, uint32_t value) { return store(to, value, arch::store_user_u32); }
Result<> store_out(UserAddr to, uint64_t value) { return store(to, value, arch::store_user_u64); }

Result<> store_out_fields(UserAddr to, const void* from, size_t stride, size_t count) {
  assert_may_fault();
  if (count == 0) return {};
  if (!is_user_range(to, (count - 1) * stride + sizeof(uint16_t))) return Errno::Fault;
  return arch::store_user_u16s(accepted(to), from, stride, count) ? Result<>() : Errno::Fault;
}

// Preemption off tells the fault entry to take the fixup.
size_t copy_in_nofault(void* to, UserAddr from, size_t size) {
  return move(from, size, [&](UserAddr start) {
    PreemptGuard guard;
    return arch::copy_from_user(to, start, size);
  });
}

size_t copy_out_nofault(UserAddr to, const void* from, size_t size) {
  return move(to, size, [&](UserAddr start) {
    PreemptGuard guard;
    return arch::copy_to_user(start, from, size);
  });
}

Result<> fault_in(UserAddr start, size_t size, bool for_write) {
  lockdep::assert_may_sleep();
  start = accepted(start);
  AddressSpace* space = current().address_space;
  if (size == 0) return {};
  if (space == nullptr || start >= arch::kUserLimit) return Errno::Fault;
  // A few pages at once: the caller comes back for more.
  constexpr size_t kAhead = 16;
  arch::Access access = for_write ? arch::Access::Write : arch::Access::Read;
  UserAddr end = is_user_range(start, size) ? start + size : arch::kUserLimit;
  size_t done = 0;
  for (UserAddr at = page_of(start); at < end && done < kAhead; at += kPageSize, ++done) {
    Result<> present = space->fault(at, access);
    if (present.ok()) continue;
    if (done != 0) break;
    return present.failed_with(Errno::NoMem) ? Errno::NoMem : Errno::Fault;
  }
  return {};
}

Result<size_t> copy_in_text(std::span<char> to, UserAddr from) {
  assert_may_fault();
  from = accepted(from);
  if (from >= arch::kUserLimit) return Errno::Fault;
  size_t reachable = arch::kUserLimit - from;
  size_t part = to.size() < reachable ? to.size() : reachable;
  ptrdiff_t length = arch::copy_string_from_user(to.data(), from, part);
  if (length < 0) return Errno::Fault;
  auto copied = static_cast<size_t>(length);
  return copied < part || part == to.size() ? Result<size_t>(copied) : Errno::Fault;
}

Result<String> copy_in_string(UserAddr from, size_t limit) {
  char chunk[256];
  String string;
  for (size_t done = 0; done < limit;) {
    size_t part = limit - done < sizeof chunk ? limit - done : sizeof chunk;
    size_t length = TRY(copy_in_text({chunk, part}, from + done));
    TRY(string.append(StringView(chunk, length)));
    if (length < part) return string;
    done += part;
  }
  return Errno::NameTooLong;
}

}  // namespace kernel
