// SPDX-License-Identifier: MIT
// See argument_block.h. A byte's place is its distance from the end: the block grows downwards.

#include "process/argument_block.h"

#include "mm/heap.h"

namespace kernel {
namespace {

constexpr uint64_t kGreatestLimit = 6 * MiB;   // three quarters of _STK_LIM
constexpr uint64_t kLeastLimit = 128 * KiB;    // ARG_MAX

}  // namespace

ArgumentBlock::ArgumentBlock(uint64_t stack_limit) {
  limit_ = stack_limit / 4 < kGreatestLimit ? stack_limit / 4 : kGreatestLimit;
  if (limit_ < kLeastLimit) limit_ = kLeastLimit;
}

ArgumentBlock::~ArgumentBlock() {
  for (char* page : pages_) heap::free(page);
}

Result<> ArgumentBlock::reserve_pointers(size_t count) {
  if (count >= limit_ / sizeof(uint64_t)) return Errno::TooBig;
  limit_ -= count * sizeof(uint64_t);
  return {};
}

Result<> ArgumentBlock::prepend(StringView text) {
  if (text.size() >= kMaxArgumentString) return Errno::TooBig;
  TRY(sizes_.reserve(sizes_.size() + 1));
  TRY(add_bytes("", 1));
  TRY(add_bytes(text.data(), text.size()));
  sizes_.append_reserved(static_cast<uint32_t>(text.size() + 1));
  return {};
}

Result<> ArgumentBlock::prepend_user(UserAddr string) {
  Result<String> text = copy_in_string(string, kMaxArgumentString);
  if (text.failed_with(Errno::NameTooLong)) return Errno::TooBig;
  if (!text.ok()) return text.error();
  return prepend(text->view());
}

// In front of what is there, the last byte of `bytes` first.
Result<> ArgumentBlock::add_bytes(const char* bytes, size_t count) {
  if (size_ + count > limit_) return Errno::TooBig;
  while (count > 0) {
    size_t used_of_page = size_ % kPageSize;
    if (used_of_page == 0 && size_ / kPageSize == pages_.size()) {
      TRY(pages_.reserve(pages_.size() + 1));
      void* page = heap::allocate(kPageSize, kPageSize, AllocationFlags::None);
      if (page == nullptr) return Errno::NoMem;
      pages_.append_reserved(static_cast<char*>(page));
    }
    size_t room = kPageSize - used_of_page;
    size_t part = count < room ? count : room;
    char* page = pages_[size_ / kPageSize];
    count -= part;
    __builtin_memcpy(page + room - part, bytes + count, part);
    size_ += part;
  }
  return {};
}

void ArgumentBlock::drop_first() {
  size_ -= sizes_.back();
  sizes_.pop_back();
}

Result<> ArgumentBlock::copy_to(UserAddr end) const {
  for (uint64_t done = 0; done < size_;) {
    uint64_t part = size_ - done < kPageSize ? size_ - done : kPageSize;
    TRY(copy_out(end - done - part, pages_[done / kPageSize] + kPageSize - part, part));
    done += part;
  }
  return {};
}

}  // namespace kernel
