// SPDX-License-Identifier: MIT
// The C++ allocation operators over the heap. Plain operator new stays undefined, so that an
// allocation that cannot fail properly does not link. Not part of the host build, which has a C++
// library.

#include <new>

#include "mm/heap.h"

namespace std {
const nothrow_t nothrow{};
}

namespace {
using kernel::AllocationFlags;
void* allocate(size_t size, size_t alignment) {
  return kernel::heap::allocate(size, alignment, AllocationFlags::None);
}
}  // namespace

void* operator new(size_t size, const std::nothrow_t&) noexcept { return allocate(size, 16); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return allocate(size, 16); }
void* operator new(size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(size, static_cast<size_t>(alignment));
}
void* operator new[](size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(size, static_cast<size_t>(alignment));
}

void operator delete(void* memory) noexcept { kernel::heap::free(memory); }
void operator delete[](void* memory) noexcept { kernel::heap::free(memory); }
void operator delete(void* memory, size_t) noexcept { kernel::heap::free(memory); }
void operator delete[](void* memory, size_t) noexcept { kernel::heap::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { kernel::heap::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { kernel::heap::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  kernel::heap::free(memory);
}
void operator delete[](void* memory, size_t, std::align_val_t) noexcept {
  kernel::heap::free(memory);
}
// What new(nothrow) calls should a constructor fail; ours cannot, the symbol is wanted all the
// same.
void operator delete(void* memory, const std::nothrow_t&) noexcept { kernel::heap::free(memory); }
