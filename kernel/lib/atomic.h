// SPDX-License-Identifier: MIT
// Atomic<T>: one independent value whose every access names its ordering. Fields that must agree
// with each other take a lock instead. The names follow what each access is for, not the C++
// enumerators.
#pragma once

#include <type_traits>

namespace kernel {

template <class T>
class Atomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);

 public:
  constexpr Atomic() = default;
  constexpr explicit Atomic(T value) : value_(value) {}
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load_relaxed() const { return load<__ATOMIC_RELAXED>(); }
  T load_acquire() const { return load<__ATOMIC_ACQUIRE>(); }
  T load_seq_cst() const { return load<__ATOMIC_SEQ_CST>(); }
  void store_relaxed(T value) { __atomic_store(&value_, &value, __ATOMIC_RELAXED); }
  void store_release(T value) { __atomic_store(&value_, &value, __ATOMIC_RELEASE); }
  void store_seq_cst(T value) { __atomic_store(&value_, &value, __ATOMIC_SEQ_CST); }

  T exchange_acq_rel(T value) { return exchange<__ATOMIC_ACQ_REL>(value); }
  T exchange_relaxed(T value) { return exchange<__ATOMIC_RELAXED>(value); }

  // On failure `expected` receives the present value.
  bool compare_exchange_acq_rel(T& expected, T desired) {
    return __atomic_compare_exchange(&value_, &expected, &desired, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE);
  }
  bool compare_exchange_relaxed(T& expected, T desired) {
    return __atomic_compare_exchange(&value_, &expected, &desired, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED);
  }

  // Each returns the value before the operation.
  T fetch_add_relaxed(T amount) requires std::is_integral_v<T> {
    return __atomic_fetch_add(&value_, amount, __ATOMIC_RELAXED);
  }
  T fetch_add_acq_rel(T amount) requires std::is_integral_v<T> {
    return __atomic_fetch_add(&value_, amount, __ATOMIC_ACQ_REL);
  }
  T fetch_sub_relaxed(T amount) requires std::is_integral_v<T> {
    return __atomic_fetch_sub(&value_, amount, __ATOMIC_RELAXED);
  }
  T fetch_sub_acq_rel(T amount) requires std::is_integral_v<T> {
    return __atomic_fetch_sub(&value_, amount, __ATOMIC_ACQ_REL);
  }
  T fetch_or_relaxed(T bits) requires std::is_integral_v<T> {
    return __atomic_fetch_or(&value_, bits, __ATOMIC_RELAXED);
  }
  T fetch_or_acq_rel(T bits) requires std::is_integral_v<T> {
    return __atomic_fetch_or(&value_, bits, __ATOMIC_ACQ_REL);
  }
  T fetch_and_relaxed(T bits) requires std::is_integral_v<T> {
    return __atomic_fetch_and(&value_, bits, __ATOMIC_RELAXED);
  }
  T fetch_and_acq_rel(T bits) requires std::is_integral_v<T> {
    return __atomic_fetch_and(&value_, bits, __ATOMIC_ACQ_REL);
  }

 private:
  template <int order>
  T load() const {
    T value;
    __atomic_load(&value_, &value, order);
    return value;
  }
  template <int order>
  T exchange(T value) {
    T old;
    __atomic_exchange(&value_, &value, &old, order);
    return old;
  }

  T value_{};
};

// Full barrier, for the few places that order a store before a later load (Dekker patterns). Each
// use says which access on the other side it pairs with.
inline void full_fence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

}  // namespace kernel
