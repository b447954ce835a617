// SPDX-License-Identifier: MIT
// Vector<T>: a growable array whose growth can fail and says so. reserve() first, then take locks,
// then append_reserved(), where an operation must fail whole or not at all.
#pragma once

#include <new>
#include <span>

#include "lib/check.h"
#include "lib/result.h"
#include "lib/types.h"

namespace kernel {

template <class T>
class Vector {
 public:
  Vector() = default;
  Vector(Vector&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Vector& operator=(Vector&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  Vector(const Vector&) = delete;
  ~Vector() {
    clear();
    release(data_);
  }

  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t index) {
    DCHECK(index < size_);
    return data_[index];
  }
  const T& operator[](size_t index) const {
    DCHECK(index < size_);
    return data_[index];
  }
  T& back() { return (*this)[size_ - 1]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  std::span<T> span() { return {data_, size_}; }
  std::span<const T> span() const { return {data_, size_}; }

  Result<> reserve(size_t wanted) {
    if (wanted <= capacity_) return {};
    size_t capacity = capacity_ * 2 > wanted ? capacity_ * 2 : wanted;
    if (capacity < 4) capacity = 4;
    size_t bytes = 0;
    if (__builtin_mul_overflow(capacity, sizeof(T), &bytes)) return Errno::NoMem;
    static_assert(alignof(T) <= 16);
    T* grown = static_cast<T*>(operator new(bytes, std::nothrow));
    if (grown == nullptr) return Errno::NoMem;
    for (size_t i = 0; i < size_; ++i) {
      new (&grown[i]) T(std::move(data_[i]));
      data_[i].~T();
    }
    release(std::exchange(data_, grown));
    capacity_ = capacity;
    return {};
  }
  Result<> append(T value) {
    TRY(reserve(size_ + 1));
    append_reserved(std::move(value));
    return {};
  }
  void append_reserved(T value) {
    DCHECK(size_ < capacity_);
    new (&data_[size_++]) T(std::move(value));
  }
  void append_reserved(std::span<const T> values)
    requires std::is_trivially_copyable_v<T>
  {
    DCHECK(capacity_ - size_ >= values.size());
    if (!values.empty()) __builtin_memcpy(data_ + size_, values.data(), values.size_bytes());
    size_ += values.size();
  }
  // New elements are value-initialised.
  Result<> resize(size_t wanted) {
    TRY(reserve(wanted));
    while (size_ > wanted) pop_back();
    while (size_ < wanted) new (&data_[size_++]) T();
    return {};
  }
  Result<> insert(size_t index, T value) {
    TRY(reserve(size_ + 1));
    if (index == size_) {
      append_reserved(std::move(value));
      return {};
    }
    new (&data_[size_]) T(std::move(data_[size_ - 1]));
    for (size_t i = size_ - 1; i > index; --i) data_[i] = std::move(data_[i - 1]);
    data_[index] = std::move(value);
    ++size_;
    return {};
  }
  void remove(size_t index) {
    for (size_t i = index; i + 1 < size_; ++i) data_[i] = std::move(data_[i + 1]);
    pop_back();
  }
  void pop_back() {
    DCHECK(size_ > 0);
    data_[--size_].~T();
  }
  void clear() {
    while (size_ > 0) pop_back();
  }

 private:
  static void release(T* data) {
    if (data != nullptr) operator delete(static_cast<void*>(data));
  }

  T* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace kernel
