// SPDX-License-Identifier: MIT
// The address types and page geometry that every layer shares. Physical, kernel-virtual and user
// addresses are distinct types, so that one can never be used where another is meant (KB45).
#pragma once

#include <bit>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace kernel {

enum class PhysAddr : uint64_t {};
enum class VirtAddr : uint64_t {};
enum class UserAddr : uint64_t {};

template <class T>
concept Address =
    std::same_as<T, PhysAddr> || std::same_as<T, VirtAddr> || std::same_as<T, UserAddr>;

template <Address A>
constexpr uint64_t raw(A address) {
  return static_cast<uint64_t>(address);
}

template <Address A>
constexpr A operator+(A address, uint64_t bytes) {
  return A{raw(address) + bytes};
}
template <Address A>
constexpr A operator-(A address, uint64_t bytes) {
  return A{raw(address) - bytes};
}
template <Address A>
constexpr uint64_t operator-(A high, A low) {
  return raw(high) - raw(low);
}
template <Address A>
constexpr A& operator+=(A& address, uint64_t bytes) {
  return address = address + bytes;
}

inline constexpr unsigned kPageShift = 12;
inline constexpr size_t kPageSize = size_t{1} << kPageShift;
inline constexpr size_t kMaxCpus = 64;

inline constexpr uint64_t KiB = 1024;
inline constexpr uint64_t MiB = 1024 * KiB;
inline constexpr uint64_t GiB = 1024 * MiB;

inline constexpr uint64_t kNanosPerSecond = 1'000'000'000;

template <std::unsigned_integral T>
constexpr T align_down(T value, std::type_identity_t<T> alignment) {
  return value & ~(alignment - 1);
}
template <std::unsigned_integral T>
constexpr T align_up(T value, std::type_identity_t<T> alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}
template <std::unsigned_integral T>
constexpr bool is_aligned(T value, std::type_identity_t<T> alignment) {
  return (value & (alignment - 1)) == 0;
}
template <Address A>
constexpr A align_down(A address, uint64_t alignment) {
  return A{align_down(raw(address), alignment)};
}
template <Address A>
constexpr A align_up(A address, uint64_t alignment) {
  return A{align_up(raw(address), alignment)};
}
template <Address A>
constexpr bool is_aligned(A address, uint64_t alignment) {
  return is_aligned(raw(address), alignment);
}

constexpr uint64_t pages_for(uint64_t bytes) { return (bytes + kPageSize - 1) >> kPageShift; }

template <Address A>
constexpr A page_of(A address) {
  return align_down(address, kPageSize);
}
template <Address A>
constexpr size_t page_offset(A address) {
  return raw(address) & (kPageSize - 1);
}

// A half-open range [start, end) of one kind of address.
template <Address A>
struct Range {
  A start{};
  A end{};

  constexpr uint64_t size() const { return end - start; }
  constexpr bool empty() const { return start >= end; }
  constexpr bool contains(A address) const { return address >= start && address < end; }
  constexpr bool overlaps(Range other) const { return start < other.end && other.start < end; }
  friend constexpr bool operator==(Range, Range) = default;
};
using PhysRange = Range<PhysAddr>;
using VirtRange = Range<VirtAddr>;
using UserRange = Range<UserAddr>;

// Base of objects that must keep their address (locks, queues, list heads).
class Pinned {
 public:
  Pinned() = default;
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
};

}  // namespace kernel
