// SPDX-License-Identifier: MIT
// Ownership. Owned<T>: one owner. Ref<T>: shared, the count inside the object, never null.
// Optional<Ref<T>>: absence is real; as small as a pointer. Raw pointers and references borrow.
// make_owned/make_ref are the only way to allocate an object, and return Result.
#pragma once

#include <new>
#include <optional>

#include "lib/atomic.h"
#include "lib/check.h"
#include "lib/result.h"
#include "lib/types.h"

namespace kernel {

// Base of shared objects. When the last reference goes, `Derived::last_unref(Derived*)` runs; the
// default deletes at once. A type that lock-free readers see hides it by one that calls retire().
template <class Derived>
class RefCounted : public Pinned {
 public:
  void ref() const {
    [[maybe_unused]] uint32_t old = count_.fetch_add_relaxed(1);
    DCHECK(old != 0);
  }
  // False when the object is already dying: a lock-free reader came too late.
  bool try_ref() const {
    uint32_t count = count_.load_relaxed();
    while (count != 0) {
      if (count_.compare_exchange_relaxed(count, count + 1)) return true;
    }
    return false;
  }
  void unref() const {
    if (count_.fetch_sub_acq_rel(1) == 1) {
      Derived::last_unref(const_cast<Derived*>(static_cast<const Derived*>(this)));
    }
  }
  // The two halves of unref() for those who must not recurse or may not let go early: true when the
  // caller has dropped the last reference, and now owns the object's end.
  bool drop() const { return count_.fetch_sub_acq_rel(1) == 1; }
  // Only when it is the last one; else nothing happens.
  bool drop_if_last() const {
    uint32_t one = 1;
    return count_.compare_exchange_acq_rel(one, 0);
  }
  // A hint, for statistics and for "am I the only one" tests under the lock that hands references
  // out.
  uint32_t ref_count() const { return count_.load_relaxed(); }

  static void last_unref(Derived* object) { delete object; }

 private:
  mutable Atomic<uint32_t> count_{1};
};

template <class T>
class Ref {
 public:
  // Takes a new reference on an object that somebody keeps alive.
  explicit Ref(T& object) : object_(&object) { object_->ref(); }
  // Takes over a reference that exists already.
  static Ref adopt(T& object) { return Ref(&object); }

  Ref(const Ref& other) : object_(other.object_) { object_->ref(); }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <class U>
    requires std::is_convertible_v<U*, T*>
  Ref(const Ref<U>& other) : object_(other.get()) { object_->ref(); }
  template <class U>
    requires std::is_convertible_v<U*, T*>
  Ref(Ref<U>&& other) : object_(std::move(other).leak()) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr) object_->unref();
  }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  // Gives the reference up without dropping it; pairs with adopt().
  T* leak() && { return std::exchange(object_, nullptr); }

  friend bool operator==(const Ref& a, const Ref& b) { return a.object_ == b.object_; }

 private:
  explicit Ref(T* object) : object_(object) {}
  T* object_;  // null only after a move
};

template <class T>
class Owned {
 public:
  static Owned adopt(T* object) { return Owned(object); }
  Owned(Owned&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <class U>
    requires std::is_convertible_v<U*, T*>
  Owned(Owned<U>&& other) : object_(std::move(other).leak()) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Owned() { delete object_; }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  T* leak() && { return std::exchange(object_, nullptr); }

 private:
  explicit Owned(T* object) : object_(object) {}
  T* object_;  // null only after a move
};

// Optional of a pointer-like owner: null is the empty state, so it costs nothing.
template <class Pointer, class T>
class OptionalPointer {
 public:
  OptionalPointer() = default;
  OptionalPointer(std::nullopt_t) {}  // NOLINT: implicit by design
  template <class U>
    requires std::is_convertible_v<U, Pointer>
  OptionalPointer(U&& pointer) : object_(Pointer(std::forward<U>(pointer)).leak()) {}  // NOLINT
  OptionalPointer(const OptionalPointer& other)
    requires std::is_copy_constructible_v<Pointer>
      : object_(other.object_) {
    if (object_ != nullptr) object_->ref();
  }
  OptionalPointer(OptionalPointer&& other) noexcept
      : object_(std::exchange(other.object_, nullptr)) {}
  OptionalPointer& operator=(OptionalPointer other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~OptionalPointer() { reset(); }

  explicit operator bool() const { return object_ != nullptr; }
  bool has_value() const { return object_ != nullptr; }
  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  Pointer value() const
    requires std::is_copy_constructible_v<Pointer>
  {
    return Pointer(*object_);
  }
  // Moves the owner out, leaving this empty. Only when it has a value.
  Pointer take() {
    DCHECK(object_ != nullptr);
    T* object = std::exchange(object_, nullptr);
    if constexpr (std::is_same_v<Pointer, Ref<T>>) {
      return Pointer::adopt(*object);
    } else {
      return Pointer::adopt(object);
    }
  }
  void reset() {
    if (object_ != nullptr) Pointer dropped = take();
  }

 private:
  T* object_ = nullptr;
};

template <class T>
struct OptionalOf {
  using Type = std::optional<T>;
};
template <class T>
struct OptionalOf<Ref<T>> {
  using Type = OptionalPointer<Ref<T>, T>;
};
template <class T>
struct OptionalOf<Owned<T>> {
  using Type = OptionalPointer<Owned<T>, T>;
};
template <class T>
using Optional = typename OptionalOf<T>::Type;

template <class T, class... Arguments>
Result<Ref<T>> make_ref(Arguments&&... arguments) {
  T* object = new (std::nothrow) T(std::forward<Arguments>(arguments)...);
  if (object == nullptr) return Errno::NoMem;
  return Ref<T>::adopt(*object);
}

template <class T, class... Arguments>
Result<Owned<T>> make_owned(Arguments&&... arguments) {
  T* object = new (std::nothrow) T(std::forward<Arguments>(arguments)...);
  if (object == nullptr) return Errno::NoMem;
  return Owned<T>::adopt(object);
}

}  // namespace kernel
