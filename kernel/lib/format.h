// SPDX-License-Identifier: MIT
// Typed text formatting: format(sink, "pid {} at {:x}", pid, address). A replacement is {} with an
// optional [0][width][type]: x = hexadecimal, c = character; a minus before the width aligns left.
// Never allocates by itself; the sink decides. Any context.
#pragma once

#include <array>
#include <span>

#include "lib/string.h"

namespace kernel {

class FormatSink {
 public:
  virtual void write(StringView text) = 0;

 protected:
  ~FormatSink() = default;
};

// Writes into a caller's buffer and drops what does not fit.
class BufferSink final : public FormatSink {
 public:
  explicit BufferSink(std::span<char> buffer) : buffer_(buffer) {}
  void write(StringView text) override {
    for (char c : text) {
      if (used_ < buffer_.size()) buffer_[used_++] = c;
    }
  }
  StringView view() const { return {buffer_.data(), used_}; }

 private:
  std::span<char> buffer_;
  size_t used_ = 0;
};

// Appends to a String; remembers that memory ran out, so that one check at the end is enough.
class StringSink final : public FormatSink {
 public:
  void write(StringView text) override {
    if (result_.ok()) result_ = append(text);
  }
  Result<String> take() {
    if (!result_.ok()) return result_.error();
    return std::move(string_);
  }
  size_t size() const { return string_.size(); }

 private:
  Result<> append(StringView text) { return string_.append(text); }
  String string_;
  Result<> result_;
};

struct FormatArgument {
  enum class Kind : uint8_t { Unsigned, Signed, Text, Character };
  Kind kind;
  uint64_t number = 0;
  StringView text;
};

template <class T>
constexpr FormatArgument format_argument(const T& value) {
  using Kind = FormatArgument::Kind;
  if constexpr (std::is_same_v<T, char>) {
    return {Kind::Character, static_cast<unsigned char>(value), {}};
  } else if constexpr (std::is_same_v<T, bool>) {
    return {Kind::Text, 0, value ? "true" : "false"};
  } else if constexpr (std::is_enum_v<T>) {
    return format_argument(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
    return {Kind::Signed, static_cast<uint64_t>(static_cast<int64_t>(value)), {}};
  } else if constexpr (std::is_integral_v<T>) {
    return {Kind::Unsigned, static_cast<uint64_t>(value), {}};
  } else if constexpr (std::is_convertible_v<const T&, StringView>) {
    return {Kind::Text, 0, StringView(value)};
  } else {
    static_assert(std::is_pointer_v<T>, "no format for this type");
    return {Kind::Unsigned, reinterpret_cast<uint64_t>(value), {}};
  }
}

void format_arguments(FormatSink& sink, StringView pattern,
                      std::span<const FormatArgument> arguments);

template <class... Arguments>
void format(FormatSink& sink, StringView pattern, const Arguments&... arguments) {
  const std::array<FormatArgument, sizeof...(Arguments)> list{format_argument(arguments)...};
  format_arguments(sink, pattern, list);
}

template <class... Arguments>
Result<String> format_string(StringView pattern, const Arguments&... arguments) {
  StringSink sink;
  format(sink, pattern, arguments...);
  return sink.take();
}

}  // namespace kernel
