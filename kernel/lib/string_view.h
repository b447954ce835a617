// SPDX-License-Identifier: MIT
// StringView: borrowed characters, not NUL-terminated. The few algorithms that the kernel needs.
#pragma once

#include <optional>

#include "lib/types.h"

namespace kernel {

class StringView {
 public:
  static constexpr size_t npos = ~size_t{0};

  constexpr StringView() = default;
  constexpr StringView(const char* data, size_t size) : data_(data), size_(size) {}
  // NUL-terminated text; literals mostly.
  constexpr StringView(const char* text) : data_(text), size_(length(text)) {}  // NOLINT: implicit

  constexpr const char* data() const { return data_; }
  constexpr size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr char operator[](size_t index) const { return data_[index]; }
  constexpr char front() const { return data_[0]; }
  constexpr char back() const { return data_[size_ - 1]; }
  constexpr const char* begin() const { return data_; }
  constexpr const char* end() const { return data_ + size_; }

  constexpr StringView substr(size_t start, size_t count = npos) const {
    if (start > size_) start = size_;
    return {data_ + start, count < size_ - start ? count : size_ - start};
  }
  constexpr bool starts_with(StringView prefix) const {
    return size_ >= prefix.size_ && substr(0, prefix.size_) == prefix;
  }
  constexpr bool ends_with(StringView suffix) const {
    return size_ >= suffix.size_ && substr(size_ - suffix.size_) == suffix;
  }
  constexpr size_t find(char wanted, size_t from = 0) const {
    for (size_t i = from; i < size_; ++i) {
      if (data_[i] == wanted) return i;
    }
    return npos;
  }
  constexpr size_t find(StringView wanted, size_t from = 0) const {
    for (size_t i = from; i + wanted.size_ <= size_; ++i) {
      if (substr(i, wanted.size_) == wanted) return i;
    }
    return npos;
  }
  constexpr size_t rfind(char wanted) const {
    for (size_t i = size_; i > 0; --i) {
      if (data_[i - 1] == wanted) return i - 1;
    }
    return npos;
  }
  constexpr StringView trimmed() const {
    StringView view = *this;
    while (!view.empty() && is_space(view.front())) view = view.substr(1);
    while (!view.empty() && is_space(view.back())) view = view.substr(0, view.size_ - 1);
    return view;
  }
  // Cuts off and returns what stands before the first `separator` (all of it when there is none).
  constexpr StringView take_until(char separator) {
    size_t at = find(separator);
    StringView head = substr(0, at);
    *this = at == npos ? StringView() : substr(at + 1);
    return head;
  }
  // Unsigned number in the base (0: 0x, 0 and decimal prefixes as in C). The whole view must be it.
  constexpr std::optional<uint64_t> to_number(unsigned base = 10) const {
    StringView digits = *this;
    if (base == 0) {
      base = 10;
      if (digits.starts_with("0x") || digits.starts_with("0X")) {
        base = 16;
        digits = digits.substr(2);
      } else if (digits.size_ > 1 && digits.front() == '0') {
        base = 8;
        digits = digits.substr(1);
      }
    }
    if (digits.empty()) return std::nullopt;
    uint64_t value = 0;
    for (char c : digits) {
      unsigned digit = digit_value(c);
      if (digit >= base) return std::nullopt;
      if (__builtin_mul_overflow(value, uint64_t{base}, &value)) return std::nullopt;
      if (__builtin_add_overflow(value, uint64_t{digit}, &value)) return std::nullopt;
    }
    return value;
  }

  friend constexpr bool operator==(StringView a, StringView b) {
    if (a.size_ != b.size_) return false;
    return a.size_ == 0 || __builtin_memcmp(a.data_, b.data_, a.size_) == 0;
  }
  friend constexpr std::strong_ordering operator<=>(StringView a, StringView b) {
    size_t common = a.size_ < b.size_ ? a.size_ : b.size_;
    int order = common == 0 ? 0 : __builtin_memcmp(a.data_, b.data_, common);
    return order != 0 ? order <=> 0 : a.size_ <=> b.size_;
  }

  static constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
  static constexpr unsigned digit_value(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'z') return static_cast<unsigned>(c - 'a') + 10;
    if (c >= 'A' && c <= 'Z') return static_cast<unsigned>(c - 'A') + 10;
    return 99;
  }

 private:
  static constexpr size_t length(const char* text) {
    size_t count = 0;
    while (text[count] != '\0') ++count;
    return count;
  }
  const char* data_ = nullptr;
  size_t size_ = 0;
};

constexpr StringView operator""_sv(const char* text, size_t size) { return {text, size}; }

}  // namespace kernel
