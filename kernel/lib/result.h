// SPDX-License-Identifier: MIT
// Result<T>: a T or an Errno, the only way by which failure travels. It is trivial when T is, so
// that Result<int64_t> comes back in two registers. TRY(expression) unwraps or returns the error.
#pragma once

#include <new>
#include <type_traits>
#include <utility>

#include "lib/errno.h"

namespace kernel {

template <class T = void>
class [[nodiscard]] Result {
  static_assert(!std::is_reference_v<T>, "return a pointer or a Ref, not a reference");

 public:
  using Value = T;
  constexpr Result(Errno error) : error_(error) {}  // NOLINT: implicit by design
  constexpr Result(const T& value)
    requires std::is_copy_constructible_v<T>
      : value_(value) {}
  constexpr Result(T&& value) : value_(std::move(value)) {}
  template <class U>
    requires(std::is_convertible_v<U &&, T> && !std::is_same_v<std::remove_cvref_t<U>, T> &&
             !std::is_same_v<std::remove_cvref_t<U>, Errno> &&
             !std::is_same_v<std::remove_cvref_t<U>, Result>)
  constexpr Result(U&& value) : value_(std::forward<U>(value)) {}

  constexpr Result(const Result&)
    requires std::is_trivially_copy_constructible_v<T>
  = default;
  constexpr Result(Result&&)
    requires std::is_trivially_move_constructible_v<T>
  = default;
  constexpr Result(Result&& other)
    requires(!std::is_trivially_move_constructible_v<T>)
      : error_(other.error_) {
    if (ok()) new (&value_) T(std::move(other.value_));
  }
  Result& operator=(const Result&) = delete;
  constexpr ~Result()
    requires std::is_trivially_destructible_v<T>
  = default;
  constexpr ~Result()
    requires(!std::is_trivially_destructible_v<T>)
  {
    if (ok()) value_.~T();
  }

  constexpr bool ok() const { return error_ == Errno{}; }
  constexpr explicit operator bool() const { return ok(); }
  constexpr Errno error() const { return error_; }
  constexpr bool failed_with(Errno error) const { return error_ == error; }

  // Only when ok().
  constexpr T& value() & { return value_; }
  constexpr const T& value() const& { return value_; }
  constexpr T take() && { return std::move(value_); }
  constexpr T* operator->() { return &value_; }
  constexpr T& operator*() { return value_; }

  constexpr T value_or(T other) && { return ok() ? std::move(value_) : std::move(other); }

 private:
  union {
    T value_;
  };
  Errno error_{};
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using Value = void;
  constexpr Result() = default;
  constexpr Result(Errno error) : error_(error) {}  // NOLINT: implicit by design
  constexpr bool ok() const { return error_ == Errno{}; }
  constexpr explicit operator bool() const { return ok(); }
  constexpr Errno error() const { return error_; }
  constexpr bool failed_with(Errno error) const { return error_ == error; }
  constexpr void take() const {}

 private:
  Errno error_{};
};

// For a result whose failure is expected and needs no action; say why beside it.
template <class T>
constexpr void ignore(Result<T>&&) {}

}  // namespace kernel

#define SAMARA_CONCAT_INNER(a, b) a##b
#define SAMARA_CONCAT(a, b) SAMARA_CONCAT_INNER(a, b)
#define SAMARA_TRY(expression, name)                        \
  ({                                                        \
    auto name = (expression);                               \
    if (!name.ok()) [[unlikely]]                            \
      return name.error();                                  \
    std::move(name).take();                                 \
  })
#define TRY(expression) SAMARA_TRY(expression, SAMARA_CONCAT(try_result_, __COUNTER__))
